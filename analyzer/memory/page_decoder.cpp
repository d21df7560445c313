#include "analyzer/memory/page_decoder.h"

#include "captures/stream/xbzrle.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace migscope::analyzer {

using captures::PageItem;
using captures::PageKind;

namespace {

bool all_zero(std::span<const std::byte> bytes) {
  return bytes[0] == std::byte{0} &&
         std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

DecodedPage told(std::span<const std::byte> content) {
  if (all_zero(content))
    return {Held::zero, {}};
  return {Held::data, content};
}

} // namespace

PageDecoder::PageDecoder(uint32_t page_size)
    : page_and_more_(page_size + 1),
      page_(std::span(page_and_more_).first(page_size)) {}

DecodedPage PageDecoder::decode(const PageItem& item,
                                const DecodedPage& before) {
  Status made;
  switch (item.kind) {
  case PageKind::zero:
    return {Held::zero, {}};
  case PageKind::normal:
    return item.content.size() == page_.size() ? told(item.content)
                                               : DecodedPage();
  case PageKind::xbzrle:
    if (before.held != Held::zero && before.held != Held::data)
      return {};
    made = apply_difference(item, before);
    break;
  case PageKind::compressed:
    made = inflate(item.content);
    break;
  }
  if (!made)
    return {Held::unknown, {}, made.error()};
  return told(page_);
}

Status PageDecoder::apply_difference(const PageItem& item,
                                     const DecodedPage& before) {
  if (before.held == Held::data)
    std::ranges::copy(before.content, page_.begin());
  else
    std::ranges::fill(page_, std::byte{0});
  return captures::xbzrle_decode(item.content, page_);
}

Status PageDecoder::inflate(std::span<const std::byte> packed) {
  if (!inflater_)
    inflater_ = captures::zlib_inflater();
  inflater_->reset();
  // A byte more than a page: what is too long is seen, and the checksum behind
  // the content is read.
  std::span<std::byte> room = page_and_more_;
  for (;;) {
    auto step = inflater_->inflate(packed, room);
    if (!step)
      return fail(step.error());
    packed = packed.subspan(step->used);
    room = room.subspan(step->made);
    if (step->ended && room.size() == 1)
      return {};
    if (step->ended || room.empty() || (step->used == 0 && step->made == 0))
      return fail(
          ErrorKind::malformed,
          fmt::format("expected a zlib stream of {} bytes", page_.size()));
  }
}

} // namespace migscope::analyzer
