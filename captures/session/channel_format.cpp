#include "captures/session/channel_format.h"

#include "base/byte_order.h"

#include <xxhash.h>

namespace migscope::captures {
namespace {

constexpr size_t kFixedBytes = 40; // of an index frame, up to the chunks
constexpr size_t kChecksumBytes = 4;

template <typename T>
void append_le(std::vector<std::byte>& out, T value) {
  out.resize(out.size() + sizeof value);
  store_le(out.data() + out.size() - sizeof value, value);
}

void append_varint(std::vector<std::byte>& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7)
    out.push_back(static_cast<std::byte>(value | 0x80));
  out.push_back(static_cast<std::byte>(value));
}

uint64_t zigzag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^
         static_cast<uint64_t>(value >> 63);
}

uint64_t unzigzag(uint64_t value) {
  return (value >> 1) ^ (0 - (value & 1));
}

// Nothing where the bytes end inside it or it has more than 64 bits.
std::optional<uint64_t> take_varint(std::span<const std::byte>& bytes) {
  uint64_t value = 0;
  for (unsigned at = 0; at < bytes.size() && at < 10; at++) {
    auto byte = std::to_integer<uint64_t>(bytes[at]);
    if (at == 9 && byte > 1)
      return std::nullopt;
    value |= (byte & 0x7f) << (7 * at);
    if (byte < 0x80) {
      bytes = bytes.subspan(at + 1);
      return value;
    }
  }
  return std::nullopt;
}

uint32_t checksum(std::span<const std::byte> bytes) {
  return static_cast<uint32_t>(XXH64(bytes.data(), bytes.size(), 0));
}

tl::unexpected<Error> bad_index(const char* why) {
  return fail(ErrorKind::malformed, std::string("index frame: ") + why);
}

Status check_envelope(std::span<const std::byte> frame) {
  if (frame.size() < kFixedBytes + kChecksumBytes)
    return bad_index("too short");
  if (frame.size() > kMaxIndexBytes)
    return bad_index("too long");
  auto body = frame.subspan(kSkippableHeaderBytes);
  if (load_le<uint32_t>(&frame[4]) != body.size())
    return bad_index("wrong size");
  auto sum = load_le<uint32_t>(&body[body.size() - kChecksumBytes]);
  if (sum != checksum(body.first(body.size() - kChecksumBytes)))
    return bad_index("wrong checksum");
  if (load_le<uint32_t>(body.data()) != kIndexMagic)
    return bad_index("not ours");
  if (auto version = std::to_integer<int>(body[4]); version != kIndexVersion)
    return fail(ErrorKind::unsupported,
                "index frame of version " + std::to_string(version) +
                    "; version " + std::to_string(kIndexVersion) +
                    " is the newest this reads");
  return {};
}

} // namespace

void append_index(std::span<const Chunk> chunks, std::vector<std::byte>& out) {
  size_t start = out.size();
  const Chunk& last = chunks.back();
  uint64_t bytes = last.offset + last.length - chunks.front().offset;
  append_le(out, kIndexFrameMagic);
  append_le(out, uint32_t{0}); // the size, set below
  append_le(out, kIndexMagic);
  append_le(out, uint32_t{kIndexVersion});
  append_le(out, chunks.front().offset);
  append_le(out, static_cast<uint32_t>(bytes));
  append_le(out, static_cast<uint32_t>(chunks.size()));
  append_le(out, chunks.front().arrival.ns);
  MonoTime previous = chunks.front().arrival;
  for (const Chunk& chunk : chunks) {
    append_varint(out, chunk.length);
    append_varint(out, zigzag((chunk.arrival - previous).count()));
    previous = chunk.arrival;
  }
  auto body = std::span(out).subspan(start + kSkippableHeaderBytes);
  auto size = static_cast<uint32_t>(body.size() + kChecksumBytes);
  append_le(out, checksum(body));
  store_le(&out[start + 4], size);
}

Result<std::vector<Chunk>> parse_index(std::span<const std::byte> frame) {
  if (Status ok = check_envelope(frame); !ok)
    return fail(ok.error());
  auto offset = load_le<uint64_t>(&frame[16]);
  uint64_t bytes = load_le<uint32_t>(&frame[24]);
  auto count = load_le<uint32_t>(&frame[28]);
  auto arrival = load_le<uint64_t>(&frame[32]);
  auto rest =
      frame.subspan(kFixedBytes, frame.size() - kFixedBytes - kChecksumBytes);
  if (offset > UINT64_MAX / 2)
    return bad_index("offset out of range");
  std::vector<Chunk> chunks;
  for (uint32_t i = 0; i < count; i++) {
    auto length = take_varint(rest), delta = take_varint(rest);
    if (!length || !delta || *length == 0 || *length > bytes)
      return bad_index("bad chunk");
    arrival += unzigzag(*delta);
    if (!is_plausible(static_cast<int64_t>(arrival)))
      return bad_index("arrival out of range");
    chunks.push_back({offset,
                      static_cast<uint32_t>(*length),
                      {static_cast<int64_t>(arrival)}});
    offset += *length;
    bytes -= *length;
  }
  if (bytes != 0 || !rest.empty() || chunks.empty())
    return bad_index("the chunks do not fill the data frame");
  return chunks;
}

void append_seek_table(std::span<const SeekEntry> entries,
                       std::vector<std::byte>& out) {
  append_le(out, kSeekTableMagic);
  append_le(out, static_cast<uint32_t>(entries.size() * 8 + kSeekFooterBytes));
  for (const SeekEntry& entry : entries) {
    append_le(out, entry.compressed);
    append_le(out, entry.decompressed);
  }
  append_le(out, static_cast<uint32_t>(entries.size()));
  append_le(out, uint8_t{0});
  append_le(out, kSeekFooterMagic);
}

} // namespace migscope::captures
