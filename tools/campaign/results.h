// What a campaign has measured so far.
#pragma once

#include "analyzer/study/categories.h"
#include "analyzer/study/comparison.h"
#include "analyzer/study/statistics.h"
#include "tools/campaign/measures.h"
#include "tools/campaign/runs.h"

#include <filesystem>
#include <functional>

namespace migscope::tools {

struct RunResult {
  std::string id, session; // the session's path
  analyzer::Coordinates at;
  uint64_t repetition = 0;
  uint64_t order = 0;          // of the plan, from 1
  std::string outcome, detail; // as an analysis has it
  std::string mode_of_outcome; // "precopy" of a postcopy that never switched
  std::optional<std::string> qemu; // the source's version
  bool complete = true;            // the recording
  std::map<std::string, double> measures;
};

// A value's grade by one set.
struct MeasuredGrade {
  std::string set;
  analyzer::Grade grade;
};

struct CellMeasure {
  analyzer::Summary summary;         // of the completed migrations
  std::vector<MeasuredGrade> grades; // of the mean
};

struct CellResult {
  analyzer::Coordinates at;
  uint64_t planned = 0, made = 0, completed = 0;
  std::map<std::string, uint64_t> other_outcomes; // how many ended otherwise
  std::map<std::string, uint64_t> actual_modes;   // as what the completed ended
  std::map<std::string, CellMeasure> measures;    // by name
  std::vector<MeasuredGrade> overall;             // of sets that have it
};

// What these results are held against.
struct OtherCampaign {
  std::string folder, name;
  size_t cells = 0; // compared
  // What else is not the same in both: settings, versions, definitions.
  std::vector<std::string> differences;
};

struct CampaignResults {
  std::string folder;
  Plan plan;
  std::vector<RunResult> runs; // in the order of the plan; those that are made
  std::vector<CellResult> cells;
  std::vector<analyzer::Comparison> comparisons;
  std::optional<OtherCampaign> against;
  std::vector<analyzer::CategorySet> sets;
};

// Called with each run's analysis, for who keeps more than the measures.
using RunSink =
    std::function<Status(const RunResult&, const analyzer::Analysis&)>;

// Reads every session. One that cannot be read is an error. `more`: sets of the
// user's. `sink` may be empty.
[[nodiscard]] Result<CampaignResults>
read_results(const std::filesystem::path& folder,
             std::vector<analyzer::CategorySet> more, const RunSink& sink);

// Of the completed runs, cell by cell.
[[nodiscard]] std::vector<analyzer::CellValues>
cell_values(const CampaignResults& results);

} // namespace migscope::tools
