// monitor.jsonl.zst: every line of both monitors, verbatim, with the time at
// which it arrived or was sent. One JSON object a line:
//
//   {"ns":N,"wall_ns":N,"end":"source","dir":"received","message":{...}}
//
// "ns" is CLOCK_MONOTONIC and "wall_ns" CLOCK_REALTIME of the recording host.
// A line that is no JSON object is stored as "text" instead of "message", one
// that is not even UTF-8 as "hex".
#pragma once

#include "base/clock.h"
#include "captures/session/line_log.h"
#include "qmp/session.h"

namespace migscope::captures {

enum class End { source, destination };
[[nodiscard]] std::string_view to_string(End end);
[[nodiscard]] std::optional<End> parse_end(const qmp::Json& value);

struct MonitorLine {
  ClockReading time;
  End end = End::source;
  qmp::Direction direction = qmp::Direction::received;
  std::string text; // verbatim
};

class MonitorLogWriter {
public:
  // Creates the file, mode 0600; fails where it exists.
  [[nodiscard]] static Result<std::unique_ptr<MonitorLogWriter>>
  create(const std::filesystem::path& path);

  [[nodiscard]] Status append(const MonitorLine& line);
  // See LineLogWriter.
  [[nodiscard]] Status flush() { return log_->flush(); }
  [[nodiscard]] Status close() { return log_->close(); }

private:
  explicit MonitorLogWriter(std::unique_ptr<LineLogWriter> log)
      : log_(std::move(log)) {}
  std::unique_ptr<LineLogWriter> log_;
};

// Calls `on_line` for every complete line up to the first damage. A torn tail
// or a damaged line is no failure: it is told through `torn`, where given.
// Fails where the file cannot be read or is no zstd file.
[[nodiscard]] Status
read_monitor_log(const std::filesystem::path& path,
                 const std::function<void(const MonitorLine&)>& on_line,
                 std::optional<Error>* torn);

} // namespace migscope::captures
