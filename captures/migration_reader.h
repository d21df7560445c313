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

namespace migscope::captures {

// One channel, opened and recognised.
struct OpenChannel {
  std::string name; // for messages
  std::unique_ptr<ByteSource> source;
  std::vector<std::byte> head; // its first bytes, already read
  StreamStart start = StreamStart::unknown;
  // What came of reading it.
  uint64_t bytes = 0;
  std::optional<Error> error; // why not all of it could be read
};

struct ReadOptions {
  // JSON of another capture or of -dump-vmstate, for a stream without one.
  std::optional<std::string> description = {};
};

// Opens the channels of all recordings. A channel that cannot be opened is in
// the list with its error.
[[nodiscard]] std::vector<OpenChannel>
open_channels(std::span<const Recording> recordings);

// Reads every channel to its end and fills in bytes and error. Damage and
// problems go to `events` as they are met.
void read_migration(std::vector<OpenChannel>& channels, StreamEvents& events,
                    const ReadOptions& options = {});

} // namespace migscope::captures
