// Incremental decoder of QEMU's main migration channel: bytes in, events out.
//
// No I/O, no clock, bounded memory: it keeps one unfinished item and the
// device section being scanned, each under a ceiling named in limits.h. The
// result does not depend on how the input is cut.
#pragma once

#include "base/error.h"
#include "captures/stream/events.h"
#include "captures/vmstate/description.h"

#include <memory>

namespace migscope::captures {

// What a connection leaves to the one that takes over after a postcopy pause,
// which starts without header, configuration and block list.
struct ConnectionState {
  std::vector<RamBlock> blocks;
  std::vector<SectionHeader> sections; // as their START told
  uint32_t page_size = 4096;
  std::optional<bool> footers; // nothing: not seen yet
};

struct DecoderOptions {
  // Bytes of a target page where the stream does not say otherwise
  // (configuration/target-page-bits, POSTCOPY_ADVISE).
  uint32_t page_size = 4096;
  // The stream's description, where the caller could read its end first. With
  // it device sections are cut by their described size, confirmed by their
  // footer; without it by the first plausible footer.
  std::optional<Description> description = {};
  // Where the stream begins in its file: offsets, mapped-ram's among them,
  // count from the file's start.
  uint64_t origin = 0;
  // For a recovered connection: connection_state() of the one before it.
  std::optional<ConnectionState> resumed = {};
};

class StreamDecoder {
public:
  // `events` outlives the decoder.
  explicit StreamDecoder(StreamEvents& events, DecoderOptions options = {});
  ~StreamDecoder();

  // Decodes as much as is there. Where the stream makes no sense it goes on at
  // the next section footer that a plausible item follows, and tells of
  // on_damage then; without one finish() fails. An error (kind malformed or
  // unsupported, with offset, what was expected and what was found) is final:
  // no such place can be (no header, no footers, RDMA, COLO, a version that is
  // not known, above limits::kMaxDamages), everything before it has been told,
  // and the same error comes back from every call.
  // Where a mapped-ram file holds no page, its bytes are passed over, not read:
  // of a mapped file, holes may be fed at no cost.
  // A page that lies across two pieces is copied: with pieces of 1 MiB or more
  // that is not to be noticed, with 64 KiB it is half of the time.
  [[nodiscard]] Status feed(std::span<const std::byte> bytes);

  // No more bytes will come. An error of kind truncated says in what the
  // stream stopped, one of kind malformed where it broke for good; everything
  // complete has been told. A stream that stops
  // after its end-of-stream byte is complete, description or not.
  [[nodiscard]] Status finish();

  // Bytes taken in by complete items: the offset of the first byte not told of.
  [[nodiscard]] uint64_t position() const;

  // Bytes of a target page. Settled when on_ram_blocks is called.
  [[nodiscard]] uint32_t page_size() const;
  [[nodiscard]] ConnectionState connection_state() const;

private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace migscope::captures
