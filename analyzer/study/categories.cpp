#include "analyzer/study/categories.h"

#include "analyzer/study/toml.h"
#include "base/embedded.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace migscope::analyzer {

using qmp::Json;

namespace {

constexpr std::array<std::string_view, 3> kStatuses{"verified", "as used",
                                                    "unverified"};

class SetReader {
public:
  explicit SetReader(std::string name) { set_.name = std::move(name); }

  Result<CategorySet> read(const Json& json) {
    allow(json, "",
          {"title", "source", "status", "url", "note", "measure", "overall"});
    set_.title = text(json, "title", "a title", set_.name);
    set_.source = text(json, "source", "who says so", "");
    set_.status = text(json, "status", "a status", "");
    set_.url = json.get("url").as_string().value_or("");
    set_.note = json.get("note").as_string().value_or("");
    if (std::ranges::find(kStatuses, set_.status) == kStatuses.end())
      refuse("status", "\"verified\", \"as used\" or \"unverified\"");
    for (const Json& measure : json.get("measure").elements())
      set_.measures.push_back(read_measure(measure));
    if (set_.measures.empty())
      refuse("measure", "one [[measure]] at the least");
    set_.overall =
        steps(json.get("overall"), "overall", BoundaryRule::exclusive);
    if (error_)
      return fail(*error_);
    return std::move(set_);
  }

private:
  void refuse(const std::string& key, const std::string& expected) {
    if (!error_)
      error_ = Error{ErrorKind::malformed,
                     fmt::format("{}: expected {}", key, expected),
                     set_.name,
                     {}};
  }

  // What is misspelt would have no effect, and nobody would know.
  void allow(const Json& json, const std::string& place,
             std::initializer_list<std::string_view> keys) {
    for (const std::string& key : json.keys())
      if (std::ranges::find(keys, key) == keys.end())
        refuse(place.empty() ? key : place + "." + key,
               fmt::format("one of {}", fmt::join(keys, ", ")));
  }

  std::optional<double> number(const Json& json, const char* key,
                               const std::string& place) {
    if (json.has(key) && !json.get(key).as_double())
      refuse(place + "." + key, "a number");
    return json.get(key).as_double();
  }

  std::string text(const Json& json, const char* key, const char* expected,
                   const std::string& place) {
    auto value = json.get(key).as_string();
    if (!value || value->empty())
      refuse(place.empty() ? key : place + "." + key, expected);
    return value.value_or("");
  }

  MeasureGrades read_measure(const Json& json) {
    MeasureGrades out;
    allow(json, "measure", {"measure", "unit", "boundary", "grades"});
    out.measure = text(json, "measure", "the name of a measure", "measure");
    out.unit = json.get("unit").as_string().value_or("");
    auto usual = boundary(json, out.measure, BoundaryRule::inclusive);
    out.steps = steps(json.get("grades"), out.measure + ".grades", usual);
    if (out.steps.empty() && set_.status != "unverified")
      refuse(out.measure + ".grades",
             "grades; only a set that is unverified may lack them");
    return out;
  }

  BoundaryRule boundary(const Json& json, const std::string& place,
                        BoundaryRule usual) {
    Json value = json.get("boundary");
    if (value.is_null())
      return usual;
    auto word = value.as_string().value_or("");
    if (word != "inclusive" && word != "exclusive")
      refuse(place + ".boundary", "\"inclusive\" or \"exclusive\"");
    return word == "exclusive" ? BoundaryRule::exclusive
                               : BoundaryRule::inclusive;
  }

  std::vector<GradeStep> steps(const Json& list, const std::string& place,
                               BoundaryRule usual) {
    std::vector<GradeStep> out;
    for (const Json& json : list.elements()) {
      allow(json, place, {"label", "index", "up_to", "boundary"});
      out.push_back({text(json, "label", "a label", place),
                     number(json, "index", place), number(json, "up_to", place),
                     boundary(json, place, usual)});
    }
    for (size_t i = 0; i + 1 < out.size(); ++i)
      if (!out[i].up_to ||
          (out[i + 1].up_to && *out[i + 1].up_to <= *out[i].up_to))
        refuse(place, "up_to of all but the last, each larger than the one "
                      "before");
    return out;
  }

  CategorySet set_;
  std::optional<Error> error_;
};

bool holds(const GradeStep& step, double value) {
  return !step.up_to || value < *step.up_to ||
         (value == *step.up_to && step.boundary == BoundaryRule::inclusive);
}

// The first that holds it; none of a value above all.
const GradeStep* step_of(const std::vector<GradeStep>& steps, double value) {
  auto found = std::ranges::find_if(
      steps, [&](const GradeStep& step) { return holds(step, value); });
  return found == steps.end() ? nullptr : &*found;
}

std::string above(const GradeStep& step, const std::string& unit) {
  bool inclusive = step.boundary == BoundaryRule::inclusive;
  return fmt::format("{} {:g} {}", inclusive ? "above" : "from", *step.up_to,
                     unit);
}

std::string rule_of(const MeasureGrades& grades, const GradeStep& step) {
  bool inclusive = step.boundary == BoundaryRule::inclusive;
  if (step.up_to)
    return fmt::format("{} {:g} {}", inclusive ? "up to and with" : "below",
                       *step.up_to, grades.unit);
  if (&step == &grades.steps.front())
    return "any";
  return above(*(&step - 1), grades.unit);
}

} // namespace

Result<CategorySet> parse_categories(std::string_view text,
                                     const std::string& name) {
  auto json = parse_toml(text, name);
  if (!json)
    return fail(json.error());
  return SetReader(name).read(*json);
}

Result<std::vector<CategorySet>> known_categories() {
  std::vector<CategorySet> out;
  for (const EmbeddedText& file : category_sets()) {
    auto set = parse_categories(file.text, std::string(file.name));
    if (!set)
      return fail(set.error());
    out.push_back(std::move(*set));
  }
  return out;
}

std::optional<Grade> grade(const MeasureGrades& grades, double value) {
  if (grades.steps.empty())
    return std::nullopt;
  if (const GradeStep* step = step_of(grades.steps, value))
    return Grade{step->label, step->index, rule_of(grades, *step)};
  return Grade{"above all grades", {}, above(grades.steps.back(), grades.unit)};
}

std::optional<Grade> overall_grade(const CategorySet& set,
                                   const std::vector<Grade>& grades) {
  double sum = 0;
  size_t count = 0;
  for (const Grade& one : grades)
    if (one.index) {
      sum += *one.index;
      ++count;
    }
  if (count == 0 || set.overall.empty())
    return std::nullopt;
  double mean = sum / static_cast<double>(count);
  const GradeStep* step = step_of(set.overall, mean);
  return Grade{step ? step->label : "above all grades", mean,
               fmt::format("mean of {} indexes: {:.2f}", count, mean)};
}

} // namespace migscope::analyzer
