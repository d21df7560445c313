#include "tools/verbs/campaign_results.h"

#include "captures/session/file.h"
#include "tools/campaign/against.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>

namespace migscope::tools {
namespace {

constexpr uint64_t kMostBytes = 1 << 20;

// A set that means another unit, or a measure that there is none of, would
// grade wrongly, or nothing.
Status check_measures(const analyzer::CategorySet& set,
                      const std::string& path) {
  for (const analyzer::MeasureGrades& one : set.measures) {
    auto known = std::ranges::find(measures(), one.measure, &MeasureInfo::name);
    if (known == measures().end())
      return fail(
          {ErrorKind::usage,
           fmt::format("measure \"{}\": expected one of docs/campaign.md",
                       one.measure),
           path,
           {}});
    if (known->unit != one.unit)
      return fail({ErrorKind::usage,
                   fmt::format("unit of {}: expected \"{}\", found \"{}\"",
                               one.measure, known->unit, one.unit),
                   path,
                   {}});
  }
  return {};
}

} // namespace

void declare_categories(CLI::App& verb, std::vector<std::string>& files) {
  verb.add_option("--categories", files,
                  "Grade by this set of categories, too (docs/categories.md)")
      ->type_name("FILE")
      ->allow_extra_args(false);
}

Result<std::string> read_small_file(const std::string& path) {
  return captures::read_file(path, kMostBytes);
}

Result<std::vector<analyzer::CategorySet>>
read_categories(const std::vector<std::string>& files) {
  std::vector<analyzer::CategorySet> out;
  for (const std::string& path : files) {
    auto text = read_small_file(path);
    if (!text)
      return fail(text.error());
    auto set = analyzer::parse_categories(*text, path);
    if (!set)
      return fail(set.error());
    if (auto sound = check_measures(*set, path); !sound)
      return fail(sound.error());
    set->name = std::filesystem::path(path).stem().string();
    out.push_back(std::move(*set));
  }
  return out;
}

namespace {

Result<CampaignResults> read_compared(const ResultsSource& source,
                                      const RunSink& sink) {
  auto sets = read_categories(source.categories);
  if (!sets)
    return fail(sets.error());
  auto results = read_results(source.folder, std::move(*sets), sink);
  if (!results || source.against.empty())
    return results;
  auto other = read_results(source.against, {}, {});
  if (!other)
    return other;
  if (auto compared = compare_with(*results, *other); !compared)
    return fail(compared.error());
  return results;
}

} // namespace

Result<CampaignResults> campaign_results(const ResultsSource& source,
                                         const std::filesystem::path& sqlite) {
  if (sqlite.empty())
    return read_compared(source, {});
  auto database = ResultsDatabase::create(sqlite);
  if (!database)
    return fail(database.error());
  auto results = read_compared(
      source, [&](const RunResult& run, const analyzer::Analysis& analysis) {
        return (*database)->add(run, analysis);
      });
  if (!results)
    return results;
  if (auto finished = (*database)->finish(*results); !finished)
    return fail(finished.error());
  return results;
}

} // namespace migscope::tools
