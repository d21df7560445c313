#include "tools/render/pages_csv.h"

#include "tools/render/text_layout.h"

#include <cerrno>
#include <cstdio>
#include <fmt/format.h>

namespace migscope::tools {
namespace {

// RFC 4180.
std::string field(const std::string& text) {
  std::string safe = printable(text);
  if (safe.find_first_of(",\"") == safe.npos)
    return safe;
  std::string out = "\"";
  for (char c : safe)
    out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string hex(std::optional<uint64_t> value) {
  return value ? fmt::format("{:#x}", *value) : "";
}

} // namespace

Result<std::unique_ptr<PagesCsv>>
PagesCsv::create(const std::filesystem::path& path) {
  std::FILE* file = std::fopen(path.c_str(), "wxe");
  if (!file)
    return fail_errno("create " + path.string(), errno);
  std::fputs("block,address,guest_address,bytes,sends,last_round,zero\n", file);
  return std::unique_ptr<PagesCsv>(new PagesCsv(file, path));
}

PagesCsv::~PagesCsv() {
  if (file_)
    std::fclose(file_);
}

void PagesCsv::add(const analyzer::PageRun& run) {
  std::string line = fmt::format(
      "{},{:#x},{},{},{},{},{}\n", field(run.block), run.address,
      hex(run.guest_address), run.bytes, run.sends,
      run.last_round ? fmt::format("{}", *run.last_round) : "", int{run.zero});
  std::fputs(line.c_str(), file_);
}

Status PagesCsv::close() {
  bool failed = std::ferror(file_) != 0;
  failed |= std::fclose(std::exchange(file_, nullptr)) != 0;
  if (failed)
    return fail(ErrorKind::io, "cannot write " + path_.string());
  return {};
}

} // namespace migscope::tools
