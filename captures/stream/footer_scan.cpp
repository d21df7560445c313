#include "captures/stream/footer_scan.h"

#include "captures/stream/command.h"
#include "captures/stream/limits.h"
#include "captures/stream/resync.h"
#include "captures/stream/wire.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::captures {
namespace {

// A section header after its type byte.
Judgement judge_opening(ItemReader& in) {
  in.be<uint32_t>(); // any id
  std::string_view idstr = in.counted_string();
  if (!in.is_short() && !is_plain(idstr))
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
  if (window.in_package)
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
  if (at > window.bytes.size())
    return settle({Verdict::open, 1}, window, at);
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
  stray_.reset();
}

Judgement FooterScan::judge(const Window& in, size_t at,
                            const SectionContext& context) const {
  Judgement footer = judge_footer(in, at, id_);
  if (footer.verdict != Verdict::yes)
    return footer;
  if (at < ending_.size() ||
      !std::ranges::equal(in.bytes.subspan(at - ending_.size(), ending_.size()),
                          ending_))
    return decided(false);
  return judge_next(in, at + kFooterBytes, context);
}

Result<Step> FooterScan::find(const Window& in, const SectionContext& context) {
  size_t limit = limits::kMaxDeviceBytes + 1;
  for (;;) {
    size_t end = std::min(
        in.bytes.size(),
        stray_ ? std::min(limit, *stray_ + limits::kMaxStrayBytes) : limit);
    searched_ = find_byte(in, searched_, end, wire::kSectionFooter);
    if (searched_ >= end)
      break;
    Judgement judged = judge(in, searched_, context);
    if (judged.verdict == Verdict::yes)
      return Step{searched_, 0, true};
    if (judged.verdict == Verdict::no && !stray_) {
      judged = judge_footed_item(in, searched_, context);
      if (judged.verdict == Verdict::yes)
        stray_ = searched_;
    }
    if (judged.verdict == Verdict::open && !(stray_ && in.tail == Tail::stream))
      return Step{0, judged.need};
    ++searched_;
  }
  return give_up(in);
}

// No footer has been found in the bytes that are there.
Result<Step> FooterScan::give_up(const Window& in) const {
  bool most = searched_ > limits::kMaxDeviceBytes;
  if (stray_ && (most || in.tail != Tail::open ||
                 searched_ >= *stray_ + limits::kMaxStrayBytes))
    return malformed(
        in.offset,
        fmt::format("the body is not followed by a footer of its "
                    "section; the next one, at {:#x}, is of "
                    "section {}",
                    in.offset + *stray_,
                    load_be<uint32_t>(in.bytes.data() + *stray_ + 1)));
  if (most)
    return malformed(in.offset,
                     fmt::format("no footer within {} bytes of the section's "
                                 "body",
                                 limits::kMaxDeviceBytes));
  return Step{0, searched_ + kFooterBytes};
}

} // namespace migscope::captures
