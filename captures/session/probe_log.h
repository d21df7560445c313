// probes.jsonl.zst: when probes were sent to a guest and answered. One JSON
// object a line: see docs/session-format.md.
#pragma once

#include "base/clock.h"
#include "captures/session/line_log.h"

#include <string>

namespace migscope::captures {

// What is sent. The first line of a log.
struct ProbeSetup {
  std::string target; // as to_string(ProbeTarget) has it
  Nanos interval{0};  // from one probe to the next
  uint64_t bytes = 0; // of a probe's datagram, IP's and UDP's headers included
};

// What became of a probe at an instant.
struct ProbeMark {
  enum class Kind {
    sent,
    answered, // perhaps once more
    failed,   // it could not be sent, or the network refused it
  };
  MonoTime time;
  Kind kind = Kind::sent;
  uint64_t sequence = 0;  // of the probe, from 0, by one more with each
  std::string error = {}; // failed: the system's reason
};

class ProbeLogWriter {
public:
  [[nodiscard]] static Result<std::unique_ptr<ProbeLogWriter>>
  create(const std::filesystem::path& path, const ProbeSetup& setup);

  [[nodiscard]] Status append(const ProbeMark& mark);
  // See LineLogWriter.
  [[nodiscard]] Status flush() { return log_->flush(); }
  [[nodiscard]] Status close() { return log_->close(); }

private:
  explicit ProbeLogWriter(std::unique_ptr<LineLogWriter> log)
      : log_(std::move(log)) {}
  std::unique_ptr<LineLogWriter> log_;
};

// What a log calls; the setup comes first.
struct ProbeLogEvents {
  std::function<void(const ProbeSetup&)> setup;
  std::function<void(const ProbeMark&)> mark;
};

// See read_line_log().
[[nodiscard]] Status read_probe_log(const std::filesystem::path& path,
                                    const ProbeLogEvents& events,
                                    std::optional<Error>* torn);

} // namespace migscope::captures
