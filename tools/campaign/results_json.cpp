#include "tools/campaign/render_results.h"

#include "tools/render/json_parts.h"

namespace migscope::tools {

using analyzer::Comparison;
using analyzer::Coordinates;
using analyzer::kFactors;
using qmp::Json;

namespace {

Json with_coordinates(const Coordinates& at) {
  Json out = Json::object();
  for (size_t i = 0; i < at.size(); ++i)
    out.set(kFactors[i], at[i]);
  return out;
}

Json interval(const std::optional<analyzer::Interval>& value) {
  if (!value)
    return {};
  return Json::array().add(value->low).add(value->high);
}

Json graded(const MeasuredGrade& value) {
  return Json::object()
      .set("set", value.set)
      .set("label", value.grade.label)
      .set("index", value.grade.index)
      .set("rule", value.grade.rule);
}

Json values_of(const RunResult& run) {
  Json out = Json::object();
  for (const MeasureInfo& measure : measures()) {
    auto found = run.measures.find(measure.name);
    out.set(measure.name.c_str(),
            found == run.measures.end() ? Json() : Json::of(found->second));
  }
  return out;
}

Json run(const RunResult& value) {
  return with_coordinates(value.at)
      .set("repetition", value.repetition)
      .set("order", value.order)
      .set("id", value.id)
      .set("session", Json::text(value.session))
      .set("outcome", Json::text(value.outcome))
      .set("detail", Json::text(value.detail))
      .set("actual_mode", Json::text(value.mode_of_outcome))
      .set("qemu", value.qemu ? Json::text(*value.qemu) : Json())
      .set("complete", value.complete)
      .set("measures", values_of(value));
}

Json summary(const std::string& name, const CellMeasure& value) {
  const analyzer::Summary& s = value.summary;
  return Json::object()
      .set("measure", name)
      .set("n", uint64_t{s.n})
      .set("mean", s.mean)
      .set("deviation", s.deviation)
      .set("median", s.median)
      .set("minimum", s.minimum)
      .set("maximum", s.maximum)
      .set("mean_interval", interval(s.mean_interval))
      .set("median_interval", interval(s.median_interval))
      .set("grades", list(value.grades, graded));
}

Json counts(const std::map<std::string, uint64_t>& values) {
  Json out = Json::object();
  for (const auto& [name, count] : values)
    out.set(name.c_str(), count);
  return out;
}

Json cell(const CellResult& value) {
  Json summaries = Json::array();
  for (const MeasureInfo& measure : measures())
    if (auto found = value.measures.find(measure.name);
        found != value.measures.end())
      summaries.add(summary(measure.name, found->second));
  return with_coordinates(value.at)
      .set("planned", value.planned)
      .set("made", value.made)
      .set("completed", value.completed)
      .set("other_outcomes", counts(value.other_outcomes))
      .set("actual_modes", counts(value.actual_modes))
      .set("measures", summaries)
      .set("overall", list(value.overall, graded));
}

Json comparison(const Comparison& value) {
  return Json::object()
      .set("measure", value.measure)
      .set("factor", value.factor)
      .set("at", with_coordinates(value.at))
      .set("a", value.a)
      .set("b", value.b)
      .set("n_a", uint64_t{value.n_a})
      .set("n_b", uint64_t{value.n_b})
      .set("median_a", value.median_a)
      .set("median_b", value.median_b)
      .set("test", "Mann-Whitney U, two-sided")
      .set("exact", value.test.exact)
      .set("u", value.test.u)
      .set("p", value.test.p)
      .set("adjusted_p", value.adjusted_p)
      .set("shift", value.test.shift)
      .set("cliffs_delta", value.test.delta)
      .set("larger_than_noise", value.larger_than_noise)
      .set("too_few_runs", value.hopeless);
}

Json against(const std::optional<OtherCampaign>& value) {
  if (!value)
    return {};
  return Json::object()
      .set("name", value->name)
      .set("folder", Json::text(value->folder))
      .set("cells", uint64_t{value->cells})
      .set("differences", list(value->differences, Json::text));
}

Json category_set(const analyzer::CategorySet& value) {
  return Json::object()
      .set("name", value.name)
      .set("title", value.title)
      .set("source", value.source)
      .set("url", value.url)
      .set("status", value.status)
      .set("note", value.note);
}

Json measure_info(const MeasureInfo& value) {
  return Json::object()
      .set("name", value.name)
      .set("title", value.title)
      .set("unit", value.unit);
}

// One level, as tables want it.
Json flat(const RunResult& value, const std::string& campaign) {
  Json out = Json::object().set("campaign", campaign);
  Json nested = run(value);
  for (const std::string& key : nested.keys())
    if (key != "measures")
      out.set(key.c_str(), nested.get(key.c_str()));
  out.set("memory_bytes", parse_size(value.at[1]));
  Json measured = nested.get("measures");
  for (const std::string& key : measured.keys())
    out.set(key.c_str(), measured.get(key.c_str()));
  return out;
}

} // namespace

Json results_json(const CampaignResults& results) {
  return Json::object()
      .set("schema", "migscope/campaign-1")
      .set("name", results.plan.name)
      .set("folder", Json::text(results.folder))
      .set("seed", results.plan.seed)
      .set("plan", results.plan.given)
      .set("measures",
           list(std::vector<MeasureInfo>(measures().begin(), measures().end()),
                measure_info))
      .set("runs", list(results.runs, run))
      .set("cells", list(results.cells, cell))
      .set("comparisons", list(results.comparisons, comparison))
      .set("against", against(results.against))
      .set("categories", list(results.sets, category_set));
}

std::string results_ndjson(const CampaignResults& results) {
  std::string out;
  for (const RunResult& run : results.runs)
    out += flat(run, results.plan.name).dump() + "\n";
  return out;
}

} // namespace migscope::tools
