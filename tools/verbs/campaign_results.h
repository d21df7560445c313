// Options and output that `campaign` and `results` share.
#pragma once

#include "tools/campaign/results.h"
#include "tools/campaign/results_sqlite.h"
#include "tools/exit_status.h"

namespace CLI {
class App;
}

namespace migscope::tools {

// --categories FILE...
void declare_categories(CLI::App& verb, std::vector<std::string>& files);

// The sets of these files.
[[nodiscard]] Result<std::vector<analyzer::CategorySet>>
read_categories(const std::vector<std::string>& files);

// A file's text; fails where it is larger than a plan or set can be.
[[nodiscard]] Result<std::string> read_small_file(const std::string& path);

struct ResultsSource {
  std::string folder;
  std::vector<std::string> categories; // files, beside what is known
  std::string against;                 // folder of another campaign, or empty
};

// `sqlite`: the database to make beside, or empty.
[[nodiscard]] Result<CampaignResults>
campaign_results(const ResultsSource& source,
                 const std::filesystem::path& sqlite);

} // namespace migscope::tools
