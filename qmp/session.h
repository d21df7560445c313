// One dialogue with a QMP server, without any I/O: bytes in, bytes out.
//
//   connect -> greeting -> qmp_capabilities -> ready -> commands and events
//
// One command at a time: libvirt's proxy (virt-qemu-qmp-proxy, "we don't try to
// support pipelining") never answers two that come together.
//
// The owner feeds received bytes, sends what `Output::send` hands over, and
// calls `tick` now and then so that silence is noticed. After the first
// failure the session is closed: every pending command gets that error and
// further calls do nothing.
//
// Handlers may call the session again; they must not destroy it.
#pragma once

#include "base/clock.h"
#include "qmp/line_framer.h"
#include "qmp/message.h"

#include <deque>
#include <functional>
#include <optional>

namespace migscope::qmp {

enum class Direction { received, sent };

struct SessionTimeouts {
  // From connecting to the end of negotiation. QEMU's monitor serves one client
  // at a time: a second one connects and hears nothing.
  Nanos greeting = std::chrono::seconds(5);
  Nanos reply = std::chrono::seconds(30);
};

class Session {
public:
  using ReplyHandler = std::function<void(Result<Json>)>;

  struct Output {
    // Bytes for the peer; the owner keeps order.
    std::function<void(std::string_view bytes)> send;
    // Every line in either direction, verbatim, before it is interpreted.
    std::function<void(Direction, std::string_view line, ClockReading)> line;
    std::function<void(const Event&, ClockReading arrival)> event;
    // Negotiation is over; commands may be sent from here on.
    std::function<void(const Version&)> ready;
    // At most once: the dialogue is over and why. A peer that closed between
    // lines is kind io; mid-line, garbage or wrong order is kind protocol;
    // silence is kind timeout.
    std::function<void(const Error&)> closed;
  };

  // `peer` names the monitor in errors.
  Session(std::string peer, Clock& clock, Output output,
          SessionTimeouts timeouts = {});

  void receive(std::span<const std::byte> bytes);
  void peer_closed();
  // The transport failed (connect refused, write error).
  void transport_failed(const Error& error);
  // Notices silence. Any interval does; ten times a second is plenty.
  void tick();

  // The owner goes away: closes without calling any handler, now or later.
  void abandon();

  // Sends a command as soon as those before it are answered; `on_reply` is
  // called exactly once (on a closed session at once, with why it closed). A
  // QMP error is kind refused with "CLASS: TEXT". `arguments` may be null.
  void execute(std::string_view command, const Json& arguments,
               ReplyHandler on_reply);

  [[nodiscard]] bool ready() const { return state_ == State::ready; }
  [[nodiscard]] bool closed() const { return state_ == State::closed; }

private:
  enum class State { greeting, negotiating, ready, closed };
  struct Command {
    uint64_t id;
    std::string name;
    std::string line;
    ReplyHandler on_reply;
    MonoTime sent = {};
  };

  Command command(std::string_view name, const Json& arguments,
                  ReplyHandler on_reply);
  void send(Command command);
  void send_next();
  void answer(const Result<Json>& value);
  void handle_line(std::string_view line, ClockReading arrival);
  void handle(const Greeting& greeting, ClockReading arrival);
  void handle(const Reply& reply, ClockReading arrival);
  void handle(const ErrorReply& reply, ClockReading arrival);
  void handle(const Event& event, ClockReading arrival);
  void negotiated(const Result<Json>& reply);
  // Closes; `message` is about the line being handled or unfinished.
  void violation(std::string message);
  void close(Error error);

  std::string peer_;
  Clock& clock_;
  Output output_;
  SessionTimeouts timeouts_;
  LineFramer framer_;
  State state_ = State::greeting;
  MonoTime started_;
  Version version_;
  uint64_t next_id_ = 1;
  std::optional<Command> pending_; // sent, and not answered yet
  std::deque<Command> unsent_;
  Error closing_;
};

} // namespace migscope::qmp
