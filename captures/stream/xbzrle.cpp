#include "captures/stream/xbzrle.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace migscope::captures {
namespace {

// Unchanged bytes, then changed ones whose new content follows on the wire.
struct Run {
  size_t unchanged = 0;
  std::span<const std::byte> changed;
};

class Runs {
public:
  explicit Runs(std::span<const std::byte> encoded) : encoded_(encoded) {}

  [[nodiscard]] bool at_end() const { return at_ == encoded_.size(); }

  [[nodiscard]] Result<Run> next(size_t page_left) {
    size_t start = at_;
    auto unchanged = length();
    if (!unchanged || (*unchanged == 0 && start > 0))
      return bad(start,
                 "a run of unchanged bytes, not empty but for the first");
    start = at_;
    auto changed = length();
    if (!changed || *changed == 0 || *changed > encoded_.size() - at_)
      return bad(start, "a run of changed bytes with all of its content");
    if (*unchanged + *changed > page_left)
      return bad(start, "runs that end within the page");
    Run out{*unchanged, encoded_.subspan(at_, *changed)};
    at_ += *changed;
    return out;
  }

private:
  // One byte below 0x80, else two, the low seven bits first. Never more: a
  // page has at most 64 KiB, and QEMU's encoder stops at 14 bits.
  std::optional<size_t> length() {
    if (at_end())
      return {};
    auto low = std::to_integer<size_t>(encoded_[at_++]);
    if (low < 0x80)
      return low;
    if (at_end())
      return {};
    auto high = std::to_integer<size_t>(encoded_[at_++]);
    if (high >= 0x80)
      return {};
    return (low & 0x7f) | (high << 7);
  }

  static tl::unexpected<Error> bad(size_t at, std::string_view expected) {
    return fail(Error{ErrorKind::malformed,
                      fmt::format("xbzrle: expected {}", expected),
                      {},
                      at});
  }

  std::span<const std::byte> encoded_;
  size_t at_ = 0;
};

} // namespace

Status xbzrle_decode(std::span<const std::byte> encoded,
                     std::span<std::byte> page) {
  size_t left = page.size();
  for (Runs check(encoded); !check.at_end();) {
    auto run = check.next(left);
    if (!run)
      return fail(run.error());
    left -= run->unchanged + run->changed.size();
  }
  std::byte* to = page.data();
  for (Runs runs(encoded); !runs.at_end();) {
    auto run = runs.next(page.size());
    to = std::ranges::copy(run->changed, to + run->unchanged).out;
  }
  return {};
}

} // namespace migscope::captures
