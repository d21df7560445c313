// The pause that the guest felt: for how long its own clock stood still.
//
// The lab guest prints `HB COUNT US` every few milliseconds, US by a clock that
// QEMU stops with the guest and migrates. A line's arrival less its US is the
// same for every line but for the time the line took to get here; behind the
// pause it is larger by the pause. Of each end's lines around it the quickest
// counts.
#pragma once

#include "analyzer/analysis.h"
#include "captures/session/channel_reader.h"

#include <filesystem>
#include <vector>

namespace migscope::analyzer {

struct Heartbeat {
  uint64_t count = 0;
  Nanos guest{0};   // since the guest's READY, by its clock
  MonoTime arrival; // of the line's first byte, which is read at once
};

// The lines of one console that are nearest to the migration: the source's
// last, the destination's first. In order, as many as count at the most.
enum class Nearest { first, last };

// Lines that are no heartbeats are passed over; one that the switch cut in two
// is none at either end. What is readable of a damaged file is taken, `torn`
// says how it ends. Fails where the file cannot be read or is no zstd file.
[[nodiscard]] Result<std::vector<Heartbeat>>
read_heartbeats(const std::filesystem::path& log, Nearest which,
                std::optional<Error>* torn);

// Nothing where the two do not follow on one another.
[[nodiscard]] std::optional<GuestPause>
guest_pause(std::span<const Heartbeat> source,
            std::span<const Heartbeat> destination);

} // namespace migscope::analyzer
