// The files of a session. Options: u8, which of them the rest is.
#include "captures/session/channel_reader.h"
#include "captures/session/flow_log.h"
#include "captures/session/manifest.h"
#include "captures/session/monitor_log.h"
#include "captures/session/thread_log.h"
#include "captures/session/zstd_frame.h"
#include "tests/fuzz/memory_file.h"

#include <xxhash.h>

using namespace migscope;
using namespace migscope::captures;
using namespace migscope::fuzz;

namespace {

// Two bytes may claim a frame of 64 MiB; reading some of them takes too long.
constexpr uint64_t kMostBytes = 4u << 20;

void check_chunks(const ChannelReader& reader) {
  uint64_t end = 0;
  for (const Chunk& chunk : reader.chunks()) {
    require(chunk.offset >= end, "chunks ascend");
    require(chunk.length > 0, "a chunk is not empty");
    require(is_plausible(chunk.arrival.ns), "times can be subtracted");
    end = chunk.offset + chunk.length;
    require(end <= reader.bytes(), "chunks lie in the stream");
    require(arrival_of(reader.chunks(), chunk.offset) == chunk.arrival &&
                arrival_of(reader.chunks(), end - 1) == chunk.arrival,
            "a chunk's bytes arrived with it");
  }
}

void read_channel(std::span<const std::byte> bytes) {
  MemoryFile file(bytes);
  auto reader = ChannelReader::open(file.path());
  if (!reader)
    return require(!reader.error().message.empty(), "an error has a text");
  check_chunks(**reader);
  uint64_t end = 0;
  std::vector<std::byte> out;
  for (size_t i = 0; i < (*reader)->pieces(); i++) {
    require((*reader)->piece_offset(i) == end, "pieces follow on one another");
    end = (*reader)->piece_offset(i + 1);
    uint64_t size = end - (*reader)->piece_offset(i);
    if (end <= kMostBytes && (*reader)->read_piece(i, out))
      require(out.size() == size, "a piece is as large as was said");
  }
  require(end == (*reader)->bytes(), "the pieces make up the stream");
}

// Gives every index frame the checksum that it should have: no mutation finds
// one by itself.
std::vector<std::byte> with_checksums(std::span<const std::byte> bytes) {
  std::vector<std::byte> out(bytes.begin(), bytes.end());
  for (size_t at = 0; out.size() - at > kSkippableHeaderBytes; at++) {
    if (load_le<uint32_t>(&out[at]) != kIndexFrameMagic)
      continue;
    size_t size = load_le<uint32_t>(&out[at + 4]);
    auto body = std::span(out).subspan(at + kSkippableHeaderBytes);
    if (size < sizeof(uint32_t) || size > body.size())
      continue;
    size -= sizeof(uint32_t);
    store_le(&body[size], static_cast<uint32_t>(XXH64(body.data(), size, 0)));
  }
  return out;
}

void read_log(std::span<const std::byte> bytes) {
  MemoryFile file(bytes);
  std::optional<Error> torn;
  (void)read_monitor_log(
      file.path(),
      [](const MonitorLine& line) {
        require(is_plausible(line.time.mono.ns) &&
                    is_plausible(line.time.wall.ns),
                "times can be subtracted");
      },
      &torn);
}

std::vector<std::byte> compressed(std::span<const std::byte> bytes) {
  std::vector<std::byte> out(FrameCompressor::bound(bytes.size()));
  FrameCompressor zstd;
  zstd.set_level(1);
  auto size = zstd.compress(bytes, out);
  require(size.has_value(), "there is room for a frame");
  out.resize(*size);
  return out;
}

void read_flows(std::span<const std::byte> bytes) {
  MemoryFile file(compressed(bytes));
  std::optional<Error> torn;
  (void)read_flow_log(
      file.path(),
      [](const FlowObservation& line) {
        require(is_plausible(line.time.ns) &&
                    is_plausible(line.times.blocked.count()),
                "times can be subtracted");
      },
      &torn);
}

void read_threads(std::span<const std::byte> bytes) {
  MemoryFile file(compressed(bytes));
  std::optional<Error> torn;
  (void)read_thread_log(
      file.path(),
      [](const ThreadSample& line) {
        require(line.threads.size() <= kMaxThreads, "threads are bounded");
        for (const ThreadTimes& thread : line.threads)
          require(is_plausible(thread.cpu.count()), "times can be subtracted");
      },
      &torn);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  switch (input.u8() % 7) {
  case 0:
    read_channel(input.rest());
    break;
  case 1:
    read_channel(with_checksums(input.rest()));
    break;
  case 2:
    read_log(input.rest());
    break;
  case 3:
    read_log(compressed(input.rest()));
    break;
  case 4:
    (void)parse_manifest(text_of(input.rest()));
    break;
  case 5:
    read_flows(input.rest());
    break;
  default:
    read_threads(input.rest());
  }
  return 0;
}
