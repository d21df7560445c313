// flow.jsonl.zst: what the tee saw of each connection's two sockets while
// bytes went by. One JSON object a line: see docs/session-format.md.
//
// Counters only grow; two lines of one direction tell what happened between
// them. Times are those of the recording host.
#pragma once

#include "base/clock.h"
#include "captures/session/line_log.h"

namespace migscope::captures {

// What TCP_INFO says of a socket. All are of what this side sends.
struct TcpState {
  uint64_t rtt_us = 0, rttvar_us = 0;
  uint64_t cwnd = 0;        // segments
  uint64_t unacked = 0;     // segments
  uint64_t retransmits = 0; // segments, since the connection began
  // From here on since Linux 4.10.
  struct Limits {
    uint64_t notsent = 0;       // bytes
    uint64_t delivery_rate = 0; // bytes/s
    // Time since the connection began: with something to send; of it, held
    // back by the receiver's window, and by too small a send buffer.
    uint64_t busy_us = 0, rwnd_limited_us = 0, sndbuf_limited_us = 0;
  };
  std::optional<Limits> limits;
};

struct SocketState {
  // Bytes in the kernel: of the socket read from, those not read yet; of the
  // one written to, those that the peer has not taken (unix: with the kernel's
  // own overhead) or not acknowledged (tcp).
  std::optional<uint64_t> queued;
  std::optional<TcpState> tcp;
};

// For how long a direction has been in each state. They exclude each other.
struct FlowTimes {
  Nanos waiting{0}; // there was nothing to read
  Nanos blocked{0}; // the receiver did not take what was read
  Nanos stalled{0}; // our storage was behind
  Nanos working{0}; // reading, sending and storing
};

struct FlowObservation {
  MonoTime time;
  int channel = 0;
  bool onward = true;  // source to destination
  uint64_t bytes = 0;  // read so far
  uint64_t unsent = 0; // of these, bytes that wait in our memory
  FlowTimes times;
  SocketState from, to; // read from, written to
};

class FlowLogWriter {
public:
  [[nodiscard]] static Result<std::unique_ptr<FlowLogWriter>>
  create(const std::filesystem::path& path);

  [[nodiscard]] Status append(const FlowObservation& observation);
  // See LineLogWriter.
  [[nodiscard]] Status flush() { return log_->flush(); }
  [[nodiscard]] Status close() { return log_->close(); }

private:
  explicit FlowLogWriter(std::unique_ptr<LineLogWriter> log)
      : log_(std::move(log)) {}
  std::unique_ptr<LineLogWriter> log_;
};

// See read_line_log().
[[nodiscard]] Status
read_flow_log(const std::filesystem::path& path,
              const std::function<void(const FlowObservation&)>& on_line,
              std::optional<Error>* torn);

} // namespace migscope::captures
