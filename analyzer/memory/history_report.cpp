#include "analyzer/memory/memory_report.h"
#include "analyzer/read_recording.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace migscope::analyzer {
namespace {

struct Place {
  std::string block;
  uint64_t offset = 0;
};

// Reads devices and the block list alone.
Result<GuestLayout> read_layout(const captures::Recording& recording,
                                std::vector<captures::RamBlock>& blocks) {
  MemoryImage image([](const captures::RamBlock&) { return BlockStore(); });
  auto input = read_recording(recording, image);
  if (!input)
    return fail(input.error());
  blocks = image.blocks();
  return guest_layout(blocks, image.facts());
}

Result<Place> find_place(const PageName& page, const GuestLayout& layout,
                         std::span<const captures::RamBlock> blocks) {
  if (!page.block.empty())
    return Place{page.block, page.offset};
  if (auto found = find_address(layout, page.offset))
    return Place{blocks[found->block].name, found->offset};
  std::string why;
  for (const std::string& note : layout.notes)
    why += "; " + note;
  return fail(ErrorKind::usage,
              fmt::format("no RAM is known at guest-physical address {:#x}{}",
                          page.offset, why));
}

std::optional<uint64_t>
guest_address(const GuestLayout& layout,
              std::span<const captures::RamBlock> blocks,
              const std::string& block, uint64_t address) {
  for (const LayoutPiece& piece : layout.pieces)
    if (blocks[piece.block].name == block && address >= piece.offset &&
        address - piece.offset < piece.bytes)
      return piece.address + address - piece.offset;
  return {};
}

// The round of a section; nothing where rounds have no place in the stream.
std::optional<uint64_t> round_of(const std::vector<Round>& rounds,
                                 std::optional<uint64_t> section) {
  std::optional<uint64_t> out;
  for (const Round& round : rounds)
    if (section && round.first_offset && *round.first_offset <= *section)
      out = round.number;
  return out;
}

} // namespace

Result<PageName> parse_page_name(const std::string& text) {
  PageName out;
  size_t colon = text.rfind(':'); // block names hold colons, too
  std::string_view number = text;
  if (colon != text.npos) {
    out.block = text.substr(0, colon);
    number = number.substr(colon + 1);
  }
  bool hex = number.starts_with("0x");
  if (hex)
    number = number.substr(2);
  const char* end = number.data() + number.size();
  auto [stop, error] =
      std::from_chars(number.data(), end, out.offset, hex ? 16 : 10);
  if (error != std::errc() || stop != end || number.empty() || colon == 0)
    return fail(ErrorKind::usage,
                fmt::format("\"{}\": expected a guest-physical address "
                            "(0x7fe000) or BLOCK:OFFSET (pc.ram:0x1000)",
                            text));
  return out;
}

Result<HistoryReport> page_history(const captures::Recording& recording,
                                   const PageName& page,
                                   const Analysis& analysis) {
  std::vector<captures::RamBlock> blocks;
  auto layout = read_layout(recording, blocks);
  if (!layout)
    return fail(layout.error());
  auto place = find_place(page, *layout, blocks);
  if (!place)
    return fail(place.error());
  PageHistory history(place->block, place->offset);
  auto input = read_recording(recording, history);
  if (!input)
    return fail(input.error());
  if (!history.found())
    return fail(ErrorKind::usage,
                fmt::format("there is no byte {:#x} in a RAM block \"{}\"",
                            place->offset, place->block));
  HistoryReport out;
  out.input = std::move(*input);
  out.block = place->block;
  out.address = history.address();
  out.guest_address =
      guest_address(*layout, blocks, place->block, history.address());
  out.sends = history.sends();
  out.not_kept = history.not_kept();
  for (const PageSend& send : out.sends)
    out.rounds.push_back(round_of(analysis.rounds, send.section));
  return out;
}

} // namespace migscope::analyzer
