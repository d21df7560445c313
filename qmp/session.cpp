#include "qmp/session.h"

#include <fmt/format.h>

namespace migscope::qmp {
namespace {

std::string seconds(Nanos time) {
  return fmt::format("{:g} s", to_ms(time) / 1e3);
}

std::string no_greeting(Nanos waited) {
  return fmt::format(
      "connected, but no greeting within {}: QEMU's monitor serves one client "
      "at a time, and another (libvirt, a script, a terminal) may hold this "
      "one; give QEMU one more monitor, -qmp unix:PATH,server=on,wait=off",
      seconds(waited));
}

} // namespace

Session::Session(std::string peer, Clock& clock, Output output,
                 SessionTimeouts timeouts)
    : peer_(std::move(peer)), clock_(clock), output_(std::move(output)),
      timeouts_(timeouts), started_(clock.now().mono) {}

void Session::receive(std::span<const std::byte> bytes) {
  if (closed())
    return;
  ClockReading arrival = clock_.now();
  auto status = framer_.feed(
      bytes, [&](std::string_view line) { handle_line(line, arrival); });
  if (!status)
    close(status.error());
}

void Session::peer_closed() {
  if (closed())
    return;
  if (!framer_.unfinished().empty())
    return violation(
        fmt::format("the monitor closed in the middle of a line, after {} "
                    "bytes of it",
                    framer_.unfinished().size()));
  if (state_ == State::greeting)
    return close({ErrorKind::io, "the monitor closed without a greeting"});
  std::string message = "the monitor closed the connection";
  if (pending_)
    message += fmt::format(" and left {} unanswered", pending_->name);
  close({ErrorKind::io, std::move(message)});
}

void Session::transport_failed(const Error& error) {
  close(error);
}

void Session::tick() {
  MonoTime now = clock_.now().mono;
  if (state_ == State::greeting || state_ == State::negotiating) {
    if (now - started_ < timeouts_.greeting)
      return;
    std::string message =
        state_ == State::greeting
            ? no_greeting(timeouts_.greeting)
            : fmt::format("greeted, but no reply to qmp_capabilities within {}",
                          seconds(timeouts_.greeting));
    return close({ErrorKind::timeout, std::move(message)});
  }
  if (pending_ && now - pending_->sent >= timeouts_.reply)
    close({ErrorKind::timeout,
           fmt::format("no reply to {} within {}", pending_->name,
                       seconds(timeouts_.reply))});
}

void Session::abandon() {
  if (!closed())
    closing_ = {ErrorKind::interrupted, "the connection was given up", peer_};
  state_ = State::closed;
  pending_.reset();
  unsent_.clear();
  output_.closed = nullptr;
}

void Session::execute(std::string_view name, const Json& arguments,
                      ReplyHandler on_reply) {
  if (closed())
    return on_reply(fail(closing_));
  unsent_.push_back(command(name, arguments, std::move(on_reply)));
  send_next();
}

void Session::send_next() {
  if (!ready() || pending_ || unsent_.empty())
    return;
  Command next = std::move(unsent_.front());
  unsent_.pop_front();
  send(std::move(next));
}

Session::Command Session::command(std::string_view name, const Json& arguments,
                                  ReplyHandler on_reply) {
  uint64_t id = next_id_++;
  Json json = Json::object().set("execute", name);
  if (!arguments.is_null())
    json.set("arguments", arguments);
  json.set("id", id);
  return {id, std::string(name), json.dump(), std::move(on_reply)};
}

void Session::send(Command next) {
  ClockReading now = clock_.now();
  std::string line = std::move(next.line);
  next.sent = now.mono;
  pending_ = std::move(next);
  if (output_.line)
    output_.line(Direction::sent, line, now);
  if (!closed() && output_.send)
    output_.send(line + "\n");
}

void Session::handle_line(std::string_view line, ClockReading arrival) {
  if (closed())
    return;
  if (output_.line)
    output_.line(Direction::received, line, arrival);
  if (closed())
    return;
  auto message = parse_message(line);
  if (!message)
    return violation(message.error().message);
  if (state_ == State::greeting && !std::holds_alternative<Greeting>(*message))
    return violation("expected the greeting first");
  std::visit([&](const auto& kind) { handle(kind, arrival); }, *message);
}

void Session::handle(const Greeting& greeting, ClockReading) {
  if (state_ != State::greeting)
    return violation("a second greeting");
  version_ = greeting.version;
  state_ = State::negotiating;
  send(command("qmp_capabilities", Json(),
               [this](const Result<Json>& reply) { negotiated(reply); }));
}

void Session::negotiated(const Result<Json>& reply) {
  if (closed())
    return;
  if (!reply)
    return close({reply.error().kind,
                  "negotiation was refused: " + reply.error().message});
  state_ = State::ready;
  send_next();
  if (ready() && output_.ready)
    output_.ready(version_);
}

void Session::handle(const Reply& reply, ClockReading) {
  if (!pending_ || pending_->id != reply.id)
    return violation(
        fmt::format("a reply to command {}, which is not pending", reply.id));
  answer(reply.value);
}

void Session::answer(const Result<Json>& value) {
  ReplyHandler on_reply = std::move(pending_->on_reply);
  pending_.reset();
  // Before those that the handler has.
  send_next();
  on_reply(value);
}

void Session::handle(const ErrorReply& reply, ClockReading) {
  std::string text = reply.error_class + ": " + reply.description;
  // Without an id QEMU could not read the command.
  if (!pending_ || pending_->id != reply.id.value_or(pending_->id))
    return violation("an error for no pending command: " + text);
  answer(fail(Error{ErrorKind::refused, std::move(text), peer_}));
}

void Session::handle(const Event& event, ClockReading arrival) {
  if (output_.event)
    output_.event(event, arrival);
}

void Session::violation(std::string message) {
  close(
      {ErrorKind::protocol, std::move(message), peer_, framer_.line_offset()});
}

void Session::close(Error error) {
  if (closed())
    return;
  state_ = State::closed;
  if (error.where.empty())
    error.where = peer_;
  closing_ = std::move(error);
  if (pending_)
    answer(fail(closing_));
  while (!unsent_.empty()) {
    Command next = std::move(unsent_.front());
    unsent_.pop_front();
    next.on_reply(fail(closing_));
  }
  if (auto on_closed = std::exchange(output_.closed, nullptr))
    on_closed(closing_);
}

} // namespace migscope::qmp
