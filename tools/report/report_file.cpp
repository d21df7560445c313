#include "tools/report/report_file.h"

#include <cerrno>
#include <utility>

namespace migscope::tools {

Result<ReportFile> ReportFile::create(const std::filesystem::path& path) {
  std::FILE* file = std::fopen(path.c_str(), "wxe");
  if (!file)
    return fail_errno("create " + path.string(), errno);
  return ReportFile(file, path);
}

Result<std::optional<ReportFile>>
ReportFile::create_where_asked(const std::string& path) {
  if (path.empty())
    return std::nullopt;
  auto file = create(path);
  if (!file)
    return fail(file.error());
  return std::optional(std::move(*file));
}

ReportFile::ReportFile(ReportFile&& other) noexcept
    : file_(std::exchange(other.file_, nullptr)),
      path_(std::move(other.path_)) {}

ReportFile::~ReportFile() {
  if (!file_)
    return;
  std::fclose(file_);
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

Status ReportFile::write(std::string_view text) {
  bool done = std::fwrite(text.data(), 1, text.size(), file_) == text.size() &&
              std::fflush(file_) == 0;
  if (!done) // the destructor removes it
    return fail(ErrorKind::io, "cannot write " + path_.string());
  if (std::fclose(std::exchange(file_, nullptr)) != 0)
    return fail(ErrorKind::io, "cannot write " + path_.string());
  return {};
}

} // namespace migscope::tools
