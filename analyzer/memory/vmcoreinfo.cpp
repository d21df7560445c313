#include "analyzer/memory/vmcoreinfo.h"

#include <algorithm>
#include <charconv>

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

// The number behind a line's beginning.
template <typename T>
std::optional<T> number(std::string_view text, std::string_view line,
                        int base) {
  size_t at = text.find(line);
  if (at == text.npos)
    return {};
  text.remove_prefix(at + line.size());
  T out{};
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), out, base);
  return error == std::errc() ? std::optional(out) : std::nullopt;
}

} // namespace

std::optional<KernelImage> kernel_image(std::string_view text) {
  constexpr uint64_t kStartKernelMap = 0xffffffff80000000; // x86-64
  constexpr uint64_t kLargePage = 2u << 20;
  auto text_at = number<uint64_t>(text, "\nSYMBOL(_stext)=", 16);
  auto base = number<int64_t>(text, "\nNUMBER(phys_base)=", 10);
  if (!text_at || !base || *text_at < kStartKernelMap)
    return {};
  KernelImage out;
  out.virtual_address = *text_at / kLargePage * kLargePage;
  out.address = out.virtual_address - kStartKernelMap +
                static_cast<uint64_t>(*base); // which may be negative
  return out;
}

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
