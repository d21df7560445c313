// Reads all channels of one migration as if they were one: the main channel
// (and those that took over after a postcopy pause), multifd and preempt
// channels, told apart by their first bytes in whatever order they come.
//
// Pages are told in an order in which the destination may have taken them: a
// multifd channel's packets up to its k-th SYNC before the main channel's k-th
// marker; the preempt channel's after all of main, as no page comes on both.
#pragma once

#include "captures/sources.h"
#include "captures/stream/events.h"
#include "captures/stream/stream_start.h"
#include "captures/vmstate/description.h"

namespace migscope::captures {

// One channel, opened and recognised.
struct OpenChannel {
  std::string name; // for messages
  // Null where it could not be opened; `error` says why.
  std::unique_ptr<ByteSource> source;
  std::vector<std::byte> head; // what was read to recognise it
  StreamStart start = StreamStart::unknown;
  uint64_t bytes = 0;                     // read so far
  std::optional<uint8_t> multifd_id = {}; // as a multifd channel's hello says
  // Why it could not be read to its end or, of the main channel, not be read
  // with all the others it needs. Damage that could be passed is told
  // by on_damage instead.
  std::optional<Error> error;
};

// Opens a recording's channels, and its return paths.
[[nodiscard]] std::vector<OpenChannel>
open_channels(const Recording& recording);

// The main channel's index. Fails where there is none, saying what the others
// are and what to do instead, and where there are several.
[[nodiscard]] Result<size_t> find_main(std::span<const OpenChannel> channels);

struct ReadOptions {
  // For a stream that does not hold its own.
  std::optional<Description> description = {};
  // Null, or what outlives the channels.
  TaskPool* pool = nullptr;
};

// Reads every channel but the return paths to its end and fills in bytes and
// error. `events` hears of on_channel with the index into `channels`.
// find_main() has to succeed.
void read_migration(std::span<OpenChannel> channels, StreamEvents& events,
                    const ReadOptions& options = {});

} // namespace migscope::captures
