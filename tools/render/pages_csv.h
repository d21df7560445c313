// The ledger as CSV (docs/pages-csv.md).
#pragma once

#include "analyzer/pages/page_runs.h"
#include "base/error.h"

#include <filesystem>
#include <memory>

namespace migscope::tools {

class PagesCsv {
public:
  // Fails where it exists.
  [[nodiscard]] static Result<std::unique_ptr<PagesCsv>>
  create(const std::filesystem::path& path);
  ~PagesCsv();

  void add(const analyzer::PageRun& run);
  // Whether all is in the file.
  [[nodiscard]] Status close();

private:
  PagesCsv(std::FILE* file, std::filesystem::path path)
      : file_(file), path_(std::move(path)) {}

  std::FILE* file_;
  std::filesystem::path path_;
};

} // namespace migscope::tools
