#include "tests/captures/stream/multifd_log.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <numeric>

namespace migscope::test {
namespace {

using namespace captures;

std::string_view text(MultifdMethod method) {
  constexpr std::string_view kNames[] = {"none", "zlib",   "zstd",   "qpl",
                                         "uadk", "qatzip", "unknown"};
  return kNames[static_cast<size_t>(method)];
}

// FNV-1a: enough to tell contents apart.
uint64_t digest(std::span<const std::byte> bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (std::byte b : bytes)
    hash = (hash ^ std::to_integer<uint64_t>(b)) * 0x100000001b3;
  return hash;
}

} // namespace

void MultifdLog::on_hello(const MultifdHello& hello) {
  lines.push_back(
      fmt::format("hello {} uuid {:x}", hello.id, digest(hello.uuid)));
}

void MultifdLog::on_packet(const MultifdPacket& packet) {
  lines.push_back(fmt::format(
      "packet at {:#x} flags {:#x} num {} {} {} normal {} zero {}, {} page "
      "bytes {:x}, {} + {} on the wire",
      packet.offset, packet.flags, packet.packet_num, text(packet.method),
      packet.block, packet.normal, packet.zero, packet.pages.size(),
      digest(packet.pages), packet.header_bytes, packet.payload_bytes));
}

void MultifdLog::on_sync(uint64_t offset) {
  lines.push_back(fmt::format("sync at {:#x}", offset));
}

void MultifdLog::on_device_state(const MultifdDeviceState& state) {
  lines.push_back(fmt::format("device {} {} at {:#x}, {} bytes {:x}",
                              state.idstr, state.instance_id, state.offset,
                              state.payload.size(), digest(state.payload)));
}

void MultifdLog::on_damage(const Damage& damage) {
  lines.push_back(fmt::format("damage until {:#x}: {}", damage.resumed,
                              describe(damage.error)));
}

void MultifdLog::on_problem(uint64_t offset, std::string_view message) {
  lines.push_back(fmt::format("problem at {:#x}: {}", offset, message));
}

MultifdOutcome decode_multifd(std::span<const std::byte> bytes,
                              const std::vector<size_t>& cuts,
                              uint32_t page_size) {
  MultifdLog log;
  MultifdDecoder decoder(log, page_size);
  Status status;
  size_t at = 0;
  auto feed_to = [&](size_t end) {
    // A copy of exactly that size lets the address sanitizer see overruns.
    std::vector<std::byte> piece(bytes.begin() + at, bytes.begin() + end);
    std::span<const std::byte> rest = piece;
    while (status && !rest.empty()) {
      auto taken = decoder.feed(rest);
      if (!taken)
        status = fail(taken.error());
      else
        rest = rest.subspan(*taken);
    }
    at = end;
  };
  for (size_t cut : cuts)
    feed_to(cut);
  feed_to(bytes.size());
  if (status)
    status = decoder.finish();
  MultifdOutcome out{std::move(log.lines), {}, decoder.position()};
  if (!status)
    out.error = fmt::format(
        "{} {}",
        status.error().kind == ErrorKind::truncated ? "truncated" : "malformed",
        describe(status.error()));
  return out;
}

MultifdOutcome decode_multifd_by_bytes(std::span<const std::byte> bytes,
                                       uint32_t page_size) {
  std::vector<size_t> cuts(bytes.size());
  std::iota(cuts.begin(), cuts.end(), size_t{0});
  return decode_multifd(bytes, cuts, page_size);
}

} // namespace migscope::test
