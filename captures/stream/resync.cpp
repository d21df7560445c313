#include "captures/stream/resync.h"

#include "captures/stream/ram_body.h"
#include "captures/stream/wire.h"

#include <algorithm>
#include <cstring>

namespace migscope::captures {
namespace {

// QEMU counts sections from 0 (savevm_state.global_section_id), so that a
// guest with this many devices has not been seen.
constexpr uint32_t kPlausibleIds = 65536;

bool plausible_id(uint32_t id, const SectionTable& table) {
  return id < kPlausibleIds || table.find(id) != nullptr;
}

// What stands in a window that ends with the input stays open for ever.
Judgement settle(Judgement out, const Window& in) {
  bool never = out.verdict == Verdict::open && in.tail != Tail::open;
  return never ? decided(false) : out;
}

Judgement judge_twice(const Window& in, size_t at,
                      const SectionContext& context) {
  Judgement out = judge_next(in, at, context);
  if (out.verdict != Verdict::yes || at == in.bytes.size())
    return out;
  const std::byte* item = in.bytes.data() + at;
  auto type = std::to_integer<uint8_t>(*item);
  if (type == wire::kEof)
    return out;
  if (type == wire::kCommand)
    return judge_next(in, at + 5 + load_be<uint16_t>(item + 3), context);
  auto id = load_be<uint32_t>(item + 1);
  if (type == wire::kSectionStart || type == wire::kSectionFull)
    return decided(plausible_id(id, context.table));
  const SectionHeader* section = context.table.find(id);
  if (section->idstr == "ram")
    return context.ram.judge(in, at + 5);
  return out;
}

} // namespace

Judgement judge_header(const Window& in) {
  constexpr std::string_view kMagic = "QEVM";
  size_t there = std::min(in.bytes.size(), kMagic.size());
  if (std::memcmp(in.bytes.data(), kMagic.data(), there) != 0)
    return decided(false);
  if (there < kMagic.size() && in.tail == Tail::open)
    return {Verdict::open, kMagic.size()};
  return decided(there == kMagic.size());
}

Judgement judge_item(const Window& in, size_t at,
                     const SectionContext& context) {
  return settle(judge_twice(in, at, context), in);
}

Judgement judge_footed_item(const Window& in, size_t at,
                            const SectionContext& context) {
  ItemReader footer(in.from(at));
  if (footer.be<uint8_t>() != wire::kSectionFooter && !footer.is_short())
    return decided(false);
  auto id = footer.be<uint32_t>();
  if (footer.is_short())
    return settle({Verdict::open, at + footer.wait().need}, in);
  if (!plausible_id(id, context.table))
    return decided(false);
  return judge_item(in, at + kFooterBytes, context);
}

void Resync::begin(std::vector<uint64_t> places) {
  places_ = std::move(places);
}

Step Resync::find(const Window& in, const SectionContext& context) {
  for (size_t at = candidate(in, 0); at < in.bytes.size();
       at = candidate(in, at + 1)) {
    size_t skipped = at;
    Judgement judged;
    if (is_place(in.offset + at))
      judged = judge_item(in, at, context);
    if (judged.verdict == Verdict::no) {
      judged = judge_footed_item(in, at, context);
      skipped += kFooterBytes;
    }
    if (judged.verdict == Verdict::yes)
      return {skipped, 0, true};
    if (judged.verdict == Verdict::open)
      return {at, judged.need - at};
  }
  return {in.bytes.size(), 1};
}

// The next place, or the next byte that begins a footer.
size_t Resync::candidate(const Window& in, size_t at) const {
  size_t end = in.bytes.size();
  for (uint64_t place : places_)
    if (place >= in.offset + at && place - in.offset < end)
      end = place - in.offset;
  return find_byte(in, at, end, wire::kSectionFooter);
}

bool Resync::is_place(uint64_t offset) const {
  return std::ranges::find(places_, offset) != places_.end();
}

} // namespace migscope::captures
