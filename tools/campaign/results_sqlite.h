// All of a campaign in one SQLite file, for queries of the user's own. The
// tables are described in docs/campaign.md. The only user of SQLite.
#pragma once

#include "tools/campaign/results.h"

#include <memory>

struct sqlite3;

namespace migscope::tools {

class ResultsDatabase {
public:
  // Creates the file; one that is there is replaced by finish(). Until then all
  // is written beside it.
  [[nodiscard]] static Result<std::unique_ptr<ResultsDatabase>>
  create(const std::filesystem::path& path);
  ~ResultsDatabase();
  ResultsDatabase(const ResultsDatabase&) = delete;
  ResultsDatabase& operator=(const ResultsDatabase&) = delete;

  // A run's rounds, samples, pieces of the pause, silences and findings.
  [[nodiscard]] Status add(const RunResult& run,
                           const analyzer::Analysis& analysis);
  // The runs, measures, cells and comparisons.
  [[nodiscard]] Status finish(const CampaignResults& results);

private:
  ResultsDatabase(std::filesystem::path path, sqlite3* db)
      : path_(std::move(path)), db_(db) {}

  std::filesystem::path path_;
  sqlite3* db_;
};

} // namespace migscope::tools
