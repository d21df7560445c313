// The pause, from the source's STOP to the destination's RESUME, as pieces in
// order, each with the evidence that bounds it.
#pragma once

#include "analyzer/analysis.h"
#include "analyzer/stream_model.h"
#include "analyzer/timeline.h"
#include "captures/session/channel_reader.h"

namespace migscope::analyzer {

// Instants of the pause on our monotonic clock; empty where nothing tells.
struct PauseMarks {
  std::optional<MonoTime> stop;
  std::optional<MonoTime> ram_begin;                  // first byte of RAM END
  std::optional<MonoTime> ram_end;                    // its last byte
  std::optional<MonoTime> devices_end;                // the end-of-stream byte
  std::optional<MonoTime> stream_end;                 // the last byte
  std::optional<MonoTime> package_begin, package_end; // postcopy's, likewise
  // With pause-before-switchover: pre-switchover, until migrate-continue.
  std::optional<MonoTime> wait_begin, wait_end;
  std::optional<MonoTime> completed; // the source's `completed`
  std::optional<MonoTime> resume;
  // By QEMU's trace, source and destination.
  std::optional<MonoTime> flushed; // disks, after the vCPUs stopped
  std::optional<MonoTime> sync_begin, sync_end; // the last bitmap sync
  std::optional<MonoTime> ram_saved;            // RAM END is written
  std::optional<MonoTime> discarded; // postcopy: and the first device begins
  std::optional<MonoTime> devices_saved;
  std::optional<MonoTime> loaded;    // all state, at the destination
  std::optional<MonoTime> announced; // disks are its own, network told
};

// `chunks` are the arrival times of the main channel, may be empty.
[[nodiscard]] PauseMarks pause_marks(const Timeline& timeline,
                                     const StreamMarks& stream,
                                     std::span<const captures::Chunk> chunks);

// `qemu_ms` is the source's own figure.
[[nodiscard]] Downtime explain_downtime(const Timeline& timeline,
                                        const PauseMarks& marks,
                                        std::optional<uint64_t> qemu_ms);

// Why the guest's pause is another than STOP to RESUME; empty where it is not,
// as far as both are known.
[[nodiscard]] std::string guest_difference(const Downtime& downtime,
                                           const PauseMarks& marks);

} // namespace migscope::analyzer
