#include "captures/stream/footer_scan.h"

#include "captures/stream/command.h"
#include "captures/stream/limits.h"
#include "captures/stream/wire.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace migscope::captures {
namespace {

constexpr uint32_t kPlausibleVersions = 1u << 16;

Judgement decided(bool yes) {
  return {yes ? Verdict::yes : Verdict::no};
}

bool printable(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

// A section header after its type byte.
Judgement judge_opening(ItemReader& in) {
  in.be<uint32_t>(); // any id
  std::string_view idstr = in.counted_string();
  if (!in.is_short() && !printable(idstr))
    return decided(false);
  in.be<uint32_t>(); // any instance
  auto version = in.be<uint32_t>();
  if (in.is_short())
    return {Verdict::open, in.wait().need};
  return decided(version < kPlausibleVersions);
}

Judgement judge_continuation(ItemReader& in, const SectionTable& table) {
  auto id = in.be<uint32_t>();
  if (in.is_short())
    return {Verdict::open, in.wait().need};
  return decided(table.find(id) != nullptr);
}

Judgement judge_command(ItemReader& in) {
  auto command = in.be<uint16_t>();
  auto length = in.be<uint16_t>();
  if (in.is_short())
    return {Verdict::open, in.wait().need};
  return decided(legal_length(command, length));
}

// What follows an EOF byte: nothing, or the description.
Judgement judge_eof(ItemReader& in, const Window& window, bool colo) {
  if (window.tail == Tail::package)
    return decided(false);
  auto next = in.be<uint8_t>();
  if (in.is_short())
    return window.tail == Tail::stream
               ? decided(true)
               : Judgement{Verdict::open, in.wait().need};
  if (next != wire::kVmDescription)
    return decided(colo && next == 0);
  auto length = in.be<uint32_t>();
  auto text = in.be<uint8_t>();
  if (in.is_short())
    return {Verdict::open, in.wait().need};
  return decided(length <= limits::kMaxDescriptionBytes && text == '{');
}

// Turns a need that counts from `at` into one that counts from the window's
// start. Where nothing can follow, half an item is none.
Judgement settle(Judgement out, const Window& window, size_t at) {
  if (out.verdict != Verdict::open)
    return out;
  if (window.tail == Tail::package)
    return decided(false);
  return {Verdict::open, at + out.need};
}

} // namespace

Judgement judge_next(const Window& window, size_t at,
                     const SectionContext& context) {
  if (window.tail == Tail::package && at == window.bytes.size())
    return decided(true);
  ItemReader in(window.from(at));
  auto type = in.be<uint8_t>();
  if (in.is_short())
    return settle({Verdict::open, in.wait().need}, window, at);
  Judgement out;
  if (type == wire::kSectionStart || type == wire::kSectionFull)
    out = judge_opening(in);
  else if (type == wire::kSectionPart || type == wire::kSectionEnd)
    out = judge_continuation(in, context.table);
  else if (type == wire::kCommand)
    out = judge_command(in);
  else if (type == wire::kEof)
    out = judge_eof(in, window, context.colo);
  return settle(out, window, at);
}

Judgement judge_footer(const Window& window, size_t at, uint32_t id) {
  ItemReader in(window.from(at));
  if (in.be<uint8_t>() != wire::kSectionFooter && !in.is_short())
    return decided(false);
  auto found = in.be<uint32_t>();
  if (in.is_short())
    return settle({Verdict::open, in.wait().need}, window, at);
  return decided(found == id);
}

void FooterScan::begin(uint32_t id, std::span<const std::byte> ending) {
  id_ = id;
  ending_ = ending;
  searched_ = 0;
}

Judgement FooterScan::judge(const Window& in, size_t at,
                            const SectionContext& context) const {
  if (at < ending_.size() ||
      !std::ranges::equal(in.bytes.subspan(at - ending_.size(), ending_.size()),
                          ending_))
    return decided(false);
  Judgement footer = judge_footer(in, at, id_);
  if (footer.verdict != Verdict::yes)
    return footer;
  return judge_next(in, at + kFooterBytes, context);
}

Result<Step> FooterScan::find(const Window& in, const SectionContext& context) {
  size_t end = std::min(in.bytes.size(), limits::kMaxDeviceBytes + 1);
  while (searched_ < end) {
    const void* hit = std::memchr(in.bytes.data() + searched_,
                                  wire::kSectionFooter, end - searched_);
    if (!hit) {
      searched_ = end;
      break;
    }
    searched_ = static_cast<size_t>(static_cast<const std::byte*>(hit) -
                                    in.bytes.data());
    Judgement judged = judge(in, searched_, context);
    if (judged.verdict == Verdict::yes)
      return Step{searched_, 0, true};
    if (judged.verdict == Verdict::open)
      return Step{0, judged.need};
    ++searched_;
  }
  if (searched_ > limits::kMaxDeviceBytes)
    return malformed(in.offset,
                     fmt::format("no footer within {} bytes of the section's "
                                 "body",
                                 limits::kMaxDeviceBytes));
  return Step{0, searched_ + kFooterBytes};
}

} // namespace migscope::captures
