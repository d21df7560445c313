// Texts that people write: a campaign's plan, or a set of categories. One
// option byte says which; the rest is the text.
#include "analyzer/study/categories.h"
#include "tests/fuzz/fuzz_input.h"
#include "tools/campaign/runs.h"

#include <algorithm>
#include <set>

using namespace migscope;
using namespace migscope::fuzz;

namespace {

constexpr size_t kMostRuns = 1000; // more would only take longer

bool is_file_name(const std::string& id) {
  return !id.empty() && id.size() <= 240 && id.find('/') == std::string::npos &&
         id.front() != '.';
}

void check_plan(std::string_view text) {
  auto plan = tools::parse_plan(text, "plan");
  if (!plan)
    return;
  auto again = tools::parse_plan(plan->given.dump(), "plan.json");
  require(again.has_value(), "what is kept of a plan is a plan");
  require(again->given.dump() == plan->given.dump(), "it is the same one");
  auto runs = tools::ordered_runs(*plan);
  require(!runs.empty(), "there is a run");
  runs.resize(std::min(runs.size(), kMostRuns));
  std::set<std::string> ids;
  for (const tools::RunSpec& run : runs) {
    std::string id = tools::run_id(*plan, run);
    require(is_file_name(id), "a run's name is a file's");
    require(ids.insert(std::move(id)).second, "a run's name is its own");
    (void)tools::lab_arguments(*plan, run, "session");
  }
}

void check_categories(std::string_view text) {
  auto set = analyzer::parse_categories(text, "set");
  if (!set)
    return;
  for (const analyzer::MeasureGrades& measure : set->measures)
    for (double value : {-1e300, 0.0, 150.0, 1e300}) {
      auto given = analyzer::grade(measure, value);
      require(given.has_value() == !measure.steps.empty(),
              "where there are grades each value has one");
      if (given)
        (void)analyzer::overall_grade(*set, {*given});
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  bool categories = input.u8() & 1;
  std::string_view text = text_of(input.rest());
  categories ? check_categories(text) : check_plan(text);
  return 0;
}
