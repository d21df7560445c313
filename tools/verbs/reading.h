// Options of the verbs that analyze, and the analysis that they ask for.
#pragma once

#include "analyzer/analyze.h"

#include <algorithm>
#include <string>
#include <thread>

namespace CLI {
class App;
}

namespace migscope::tools {

struct ReadingOptions {
  std::string owners; // file; empty: none
  bool what_if = false;
  bool no_content = false;
  size_t threads = std::max(1u, std::thread::hardware_concurrency());
};

// Adds --owners, --no-content, --threads and --what-if. `options` outlives the
// verb.
void add_reading_options(CLI::App& verb, ReadingOptions& options);

// `paths`: of one migration, as open_paths() takes them. `page_runs` may be
// empty.
[[nodiscard]] Result<analyzer::Analysis>
read_analysis(const std::vector<std::string>& paths,
              const ReadingOptions& options,
              const analyzer::PageRunSink& page_runs = {});

} // namespace migscope::tools
