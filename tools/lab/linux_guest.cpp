#include "tools/lab/linux_guest.h"

#include "captures/session/file.h"
#include "tools/lab/guest_image.h"

#include <cstdlib>
#include <fmt/format.h>

namespace migscope::tools {
namespace {

constexpr size_t kAlign = 4;

void pad(std::string& out) {
  out.resize((out.size() + kAlign - 1) / kAlign * kAlign, '\0');
}

void add_entry(std::string& out, unsigned number, const ArchivedFile& file,
               unsigned mode) {
  out += "070701";
  for (size_t field :
       {size_t{number}, size_t{mode}, size_t{0}, size_t{0}, size_t{1},
        size_t{0}, file.content.size(), size_t{0}, size_t{0}, size_t{0},
        size_t{0}, file.name.size() + 1, size_t{0}})
    out += fmt::format("{:08X}", field);
  out += file.name;
  out += '\0';
  pad(out);
  out.append(reinterpret_cast<const char*>(file.content.data()),
             file.content.size());
  pad(out);
}

std::filesystem::path cache_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache && *cache)
    return cache;
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home ? home : "") / ".cache";
}

} // namespace

Result<LinuxFiles> find_linux() {
  auto folder = cache_folder() / "migscope/linux";
  LinuxFiles out{folder / "vmlinuz", folder / "lab-initrd"};
  std::error_code ignored;
  for (const auto& file : {out.kernel, out.initrd})
    if (!std::filesystem::exists(file, ignored))
      return fail({ErrorKind::io,
                   "the Linux guest is not here; tools/get-linux gets it",
                   file.string(),
                   {}});
  return out;
}

std::string cpio_archive(const std::vector<ArchivedFile>& files) {
  std::string out;
  unsigned number = 0;
  for (const ArchivedFile& file : files)
    add_entry(out, ++number, file, 0100755);
  add_entry(out, 0, {"TRAILER!!!", {}}, 0);
  return out;
}

Result<std::string> lab_initrd(const LinuxFiles& linux) {
  constexpr uint64_t kMostBytes = 1 << 30;
  auto text = captures::read_file(linux.initrd, kMostBytes);
  if (!text)
    return text;
  pad(*text);
  *text += cpio_archive(
      {{"init", lab_init_script()}, {"workload", lab_workload_image()}});
  return text;
}

} // namespace migscope::tools
