#include "captures/stream/xbzrle.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

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

using Page = std::span<const std::byte>;

uint64_t difference(Page before, Page after, size_t at) {
  uint64_t one = 0, other = 0;
  std::memcpy(&one, before.data() + at, sizeof one);
  std::memcpy(&other, after.data() + at, sizeof other);
  return one ^ other;
}

bool has_zero_byte(uint64_t word) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  return ((word - kOnes) & ~word & (kOnes << 7)) != 0;
}

// Where the run that begins at `at` ends.
size_t end_of_unchanged(Page before, Page after, size_t at) {
  while (at + 8 <= after.size() && difference(before, after, at) == 0)
    at += 8;
  while (at < after.size() && before[at] == after[at])
    ++at;
  return at;
}

size_t end_of_changed(Page before, Page after, size_t at) {
  while (at + 8 <= after.size() &&
         !has_zero_byte(difference(before, after, at)))
    at += 8;
  while (at < after.size() && before[at] != after[at])
    ++at;
  return at;
}

// The bytes it took, two at the most.
size_t put_length(size_t length, std::byte* out) {
  if (length < 0x80) {
    out[0] = std::byte(length);
    return 1;
  }
  out[0] = std::byte(0x80 | (length & 0x7f));
  out[1] = std::byte(length >> 7);
  return 2;
}

// Of a length in two bytes; on pages that are larger QEMU cannot use xbzrle.
constexpr size_t kMaxLength = 0x3fff;

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

std::optional<size_t> xbzrle_encode(Page before, Page after,
                                    std::span<std::byte> out) {
  size_t made = 0;
  for (size_t at = 0; at < after.size();) {
    // Also where only unchanged bytes are left, which take none.
    if (made + 2 > out.size())
      return {};
    size_t start = end_of_unchanged(before, after, at);
    if (start == after.size())
      break;
    size_t end = end_of_changed(before, after, start);
    size_t changed = end - start;
    if (start - at > kMaxLength || changed > kMaxLength)
      return {};
    made += put_length(start - at, out.data() + made);
    if (made + 2 > out.size())
      return {};
    made += put_length(changed, out.data() + made);
    if (changed > out.size() - made)
      return {};
    std::ranges::copy(after.subspan(start, changed), out.begin() + made);
    made += changed;
    at = end;
  }
  return made;
}

} // namespace migscope::captures
