// One line of QEMU's `log` trace backend, which goes to its standard error or
// to the file of -D, between QEMU's own messages.
//
//   TID@SECONDS.MICROSECONDS:event args       up to 10.0, -msg timestamp=on
//   YYYY-MM-DDTHH:MM:SS.uuuuuuZ event args    from 10.1, -msg timestamp=on
//   event args                                without
//
// Seen in 7.2, 10.0 and 11.1. The bytes may be anything; nothing here fails.
#pragma once

#include "base/clock.h"

#include <optional>
#include <string_view>

namespace migscope::captures::trace {

struct Line {
  std::optional<WallTime> emitted; // of QEMU's host, in microseconds
  std::string_view event;          // views of the line
  std::string_view args;           // without the blanks around
};

// `line` is without its line end. Nothing where it has not the shape of a trace
// line: an event's name is of small letters, digits and underscores, at least
// one of these, which tells it from the first word of a message.
[[nodiscard]] std::optional<Line> parse_line(std::string_view line);

} // namespace migscope::captures::trace
