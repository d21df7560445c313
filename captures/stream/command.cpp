#include "captures/stream/command.h"

#include "base/byte_cursor.h"
#include "captures/stream/limits.h"
#include "captures/stream/wire.h"

#include <array>
#include <bit>
#include <fmt/format.h>

namespace migscope::captures {
namespace {

struct CommandShape {
  std::string_view name;
  uint16_t least = 0; // payload bytes
  uint16_t most = 0;
};

// Indexed by the command's number.
constexpr std::array<CommandShape, 12> kCommands = {{
    {},
    {"OPEN_RETURN_PATH", 0, 0},
    {"PING", 4, 4},
    {"POSTCOPY_ADVISE", 0, 16},
    {"POSTCOPY_LISTEN", 0, 0},
    {"POSTCOPY_RUN", 0, 0},
    {"POSTCOPY_RAM_DISCARD", 4, 0xffff},
    {"PACKAGED", 4, 4},
    {"ENABLE_COLO", 0, 0},
    {"POSTCOPY_RESUME", 0, 0},
    {"RECV_BITMAP", 2, 256},
    {"SWITCHOVER_START", 0, 0},
}};

// The command byte, number and length stand before the payload.
constexpr uint64_t kPayloadAt = 5;

tl::unexpected<Error> bad(const CommandItem& item, std::string_view why) {
  return malformed(item.offset, fmt::format("command {}: {}",
                                            *command_name(item.command), why));
}

} // namespace

std::optional<std::string_view> command_name(uint16_t command) {
  if (command == 0 || command >= kCommands.size())
    return {};
  return kCommands[command].name;
}

bool legal_length(uint16_t command, uint16_t length) {
  if (!command_name(command))
    return false;
  if (command == static_cast<uint16_t>(wire::Command::postcopy_advise))
    return length == 0 || length == 16;
  const CommandShape& shape = kCommands[command];
  return length >= shape.least && length <= shape.most;
}

Result<std::optional<PostcopyAdvice>>
parse_postcopy_advise(const CommandItem& item) {
  if (item.payload.empty())
    return std::nullopt;
  ByteCursor in(item.payload, item.offset + kPayloadAt);
  auto sizes = in.be<uint64_t>("RAM block page sizes");
  auto page = in.be<uint64_t>("target page size");
  if (!sizes || !page)
    return bad(item, "expected no payload or 16 bytes");
  if (!std::has_single_bit(*page) || *page < limits::kMinPageSize ||
      *page > limits::kMaxPageSize)
    return bad(item,
               fmt::format("target page size {:#x}, expected a power of "
                           "two from {:#x} to {:#x}",
                           *page, limits::kMinPageSize, limits::kMaxPageSize));
  return PostcopyAdvice{*sizes, static_cast<uint32_t>(*page)};
}

Result<RamDiscard> parse_ram_discard(const CommandItem& item) {
  ByteCursor in(item.payload, item.offset + kPayloadAt);
  auto version = in.be<uint8_t>("version");
  auto name = in.counted_string("block name");
  auto terminator = in.be<uint8_t>("terminator");
  if (!version || !name || !terminator || in.left() % 16 != 0)
    return bad(item, "expected version, block name, zero and pairs of start "
                     "and length");
  if (*version != 0)
    return bad(item, fmt::format("version {}, expected 0", *version));
  if (*terminator != 0)
    return bad(item, fmt::format("{:#x} after the block name, expected zero",
                                 *terminator));
  RamDiscard out{std::string(*name), {}};
  while (in.left() > 0) {
    auto start = in.be<uint64_t>("start");
    auto length = in.be<uint64_t>("length");
    out.ranges.push_back({*start, *length});
  }
  return out;
}

Result<std::string> parse_recv_bitmap(const CommandItem& item) {
  ByteCursor in(item.payload, item.offset + kPayloadAt);
  auto name = in.counted_string("block name");
  if (!name || name->empty() || in.left() != 0)
    return bad(item, "expected one block name");
  return std::string(*name);
}

} // namespace migscope::captures
