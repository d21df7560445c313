#include "analyzer/memory/vmcoreinfo.h"

#include <algorithm>

namespace migscope::analyzer {
namespace {

// Texts that are told apart; more are of no use to anybody.
constexpr size_t kMaxDistinct = 16;

// The page's text up to the first zero byte, if it is one.
std::string_view text_of(std::span<const std::byte> page) {
  std::string_view text(reinterpret_cast<const char*>(page.data()),
                        page.size());
  if (!text.starts_with("OSRELEASE="))
    return {};
  text = text.substr(0, text.find('\0'));
  bool whole = text.find("\nPAGESIZE=") != text.npos &&
               text.find("\nSYMBOL(") != text.npos;
  return whole ? text : std::string_view();
}

} // namespace

Result<Vmcoreinfo> find_vmcoreinfo(const MemoryImage& image, size_t block) {
  std::vector<std::string> found;
  Status read = image.for_each_data(
      block, [&](uint64_t, std::span<const std::byte> content) {
        std::string_view text = text_of(content);
        if (!text.empty() && found.size() < kMaxDistinct &&
            std::ranges::find(found, text) == found.end())
          found.emplace_back(text);
        return Status();
      });
  if (!read)
    return fail(read.error());
  return Vmcoreinfo{found.empty() ? "" : found.front(), found.size()};
}

} // namespace migscope::analyzer
