// The file that a report goes into.
#pragma once

#include "base/error.h"

#include <cstdio>
#include <filesystem>
#include <string_view>

namespace migscope::tools {

// Made before the analysis, which can take long; gone again where nothing was
// written.
class ReportFile {
public:
  // Fails where it exists.
  [[nodiscard]] static Result<ReportFile>
  create(const std::filesystem::path& path);
  ~ReportFile();
  ReportFile(ReportFile&& other) noexcept;
  ReportFile& operator=(ReportFile&&) = delete;

  // All of it, once.
  [[nodiscard]] Status write(std::string_view text);

  // The same where a path was given; else nothing.
  [[nodiscard]] static Result<std::optional<ReportFile>>
  create_where_asked(const std::string& path);

private:
  ReportFile(std::FILE* file, std::filesystem::path path)
      : file_(file), path_(std::move(path)) {}

  std::FILE* file_;
  std::filesystem::path path_;
};

} // namespace migscope::tools
