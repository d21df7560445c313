#include "captures/tee_connection.h"

#include "captures/socket_state.h"

#include <algorithm>
#include <fmt/format.h>
#include <sys/socket.h>

namespace migscope::captures {
namespace {

constexpr size_t kMaxUnsentBuffers = kMaxUnsent / kBufferBytes;
// A peer that never stops sending must not keep a connection from closing.
constexpr size_t kMaxDrain = 16u << 20;
// A unix socket whose backlog is full refuses at once with EAGAIN, where a
// blocking connect() would wait. QEMU's backlog is 1 without multifd.
constexpr uint64_t kRetryMs = 10;
constexpr int kMaxRetries = 1000;

SocketState state_of(const UvSocket& socket, Address::Kind kind, Queue queue) {
  uv_os_fd_t fd = -1;
  if (uv_fileno(&socket.handle, &fd))
    return {};
  return socket_state(fd, kind, queue);
}

std::span<const std::byte> as_bytes(const Buffer& buffer, size_t size) {
  return std::as_bytes(std::span(buffer.get(), size));
}

} // namespace

template <typename Request>
struct TeeConnection::Held {
  std::shared_ptr<TeeConnection> connection;
  Request request{};
  Flow* flow = nullptr;

  Held(std::shared_ptr<TeeConnection> held, Flow* of = nullptr)
      : connection(std::move(held)), flow(of) {
    request.data = this;
  }
  // Takes back what was handed to libuv.
  static std::unique_ptr<Held> of(Request* request) {
    return std::unique_ptr<Held>(static_cast<Held*>(request->data));
  }
};

struct TeeConnection::Write : Held<uv_write_t> {
  using Held::Held;
  Buffer buffer;
};

TeeConnection::TeeConnection(std::shared_ptr<TeeShared> shared, int number,
                             SocketPtr source, Address::Kind source_kind)
    : shared_(std::move(shared)), number_(number), source_kind_(source_kind),
      source_(std::move(source)) {
  source_->handle.data = this;
}

void TeeConnection::connect() {
  next_endpoint_ = 0;
  try_next();
}

void TeeConnection::try_next() {
  const Endpoint& to = shared_->endpoints[next_endpoint_++];
  auto socket = make_socket(shared_->loop, to.kind);
  if (!socket)
    return refuse(UV_ENOMEM);
  destination_ = *std::move(socket);
  destination_->handle.data = this;
  auto held = std::make_unique<Held<uv_connect_t>>(shared_from_this());
  int error = start_connect(&held->request, *destination_, to,
                            [](uv_connect_t* request, int status) {
                              auto done = Held<uv_connect_t>::of(request);
                              done->connection->connected(status);
                            });
  if (error)
    return connected(error);
  (void)held.release();
}

void TeeConnection::connected(int status) {
  if (state_ != State::connecting || status == UV_ECANCELED)
    return;
  if (status == 0)
    return open();
  if (status == UV_EAGAIN && connect_retries_++ < kMaxRetries)
    return retry();
  if (next_endpoint_ < shared_->endpoints.size())
    return try_next();
  refuse(status);
}

void TeeConnection::retry() {
  auto* held = new Held<uv_timer_t>(shared_from_this());
  uv_timer_init(shared_->loop, &held->request);
  auto fire = [](uv_timer_t* timer) {
    auto* fired = static_cast<Held<uv_timer_t>*>(timer->data);
    if (fired->connection->state_ == State::connecting)
      fired->connection->connect();
    uv_close(reinterpret_cast<uv_handle_t*>(timer), [](uv_handle_t* handle) {
      Held<uv_timer_t>::of(reinterpret_cast<uv_timer_t*>(handle));
    });
  };
  uv_timer_start(&held->request, fire, kRetryMs, 0);
}

void TeeConnection::refuse(int uv_error) {
  state_ = State::closing;
  auto keep = shared_from_this();
  source_.reset();
  destination_.reset();
  auto tell = shared_->refused;
  if (tell)
    tell(number_, uv_failure(fmt::format("channel {}: connect to {}", number_,
                                         to_string(shared_->destination)),
                             uv_error));
}

TeeConnection::Flow TeeConnection::make_flow(UvSocket* from, UvSocket* to,
                                             const char* suffix) {
  auto path = shared_->session / fmt::format("channel-{}{}", number_, suffix);
  // Closing waits for the writers, so the handle outlives them.
  auto notify = [async = shared_->storage_moved] { uv_async_send(async); };
  return {.from = from,
          .to = to,
          .sink = Sink(path, notify),
          .clock = FlowClock(shared_->clock->now().mono)};
}

void TeeConnection::open() {
  state_ = State::forwarding;
  send_at_once(*source_, source_kind_);
  send_at_once(*destination_, shared_->destination.kind);
  flows_.emplace(std::array<Flow, 2>{
      make_flow(source_.get(), destination_.get(), ".zst"),
      make_flow(destination_.get(), source_.get(), ".return.zst")});
  for (Flow& flow : *flows_)
    update_reading(flow);
  observe();
  if (auto tell = shared_->opened)
    tell(number_);
  storage_moved(); // the files may not have been created
}

ChannelInfo TeeConnection::info() const {
  ChannelInfo info;
  info.number = number_;
  if (!flows_)
    return info;
  const auto& [onward, back] = *flows_;
  info.bytes = onward.sink.bytes();
  info.return_bytes = back.sink.bytes();
  info.stalled = onward.sink.stalled() + back.sink.stalled();
  auto failure = onward.sink.failure();
  if (!failure)
    failure = back.sink.failure();
  if (failure)
    info.store_error = describe(*failure);
  return info;
}

TeeConnection::Flow& TeeConnection::flow_from(const uv_stream_t* stream) {
  return (*flows_)[stream == &source_->stream ? 0 : 1];
}

void TeeConnection::update_reading(Flow& flow) {
  bool wanted = state_ == State::forwarding && !flow.ended &&
                !flow.sink.behind() && flow.unsent < kMaxUnsentBuffers;
  if (wanted == flow.reading)
    return;
  flow.reading = wanted;
  if (!wanted) {
    uv_read_stop(&flow.from->stream);
    return;
  }
  auto lend = [](uv_handle_t* handle, size_t, uv_buf_t* room) {
    auto* self = static_cast<TeeConnection*>(handle->data);
    Flow& read = self->flow_from(reinterpret_cast<uv_stream_t*>(handle));
    if (read.unsent == 0)
      read.clock.enter(FlowClock::State::working,
                       self->shared_->clock->now().mono);
    *room = uv_buf_init(self->shared_->buffers.take().release(), kBufferBytes);
  };
  auto read = [](uv_stream_t* stream, ssize_t count, const uv_buf_t* room) {
    auto self = static_cast<TeeConnection*>(stream->data)->shared_from_this();
    self->received(self->flow_from(stream), count, Buffer(room->base));
  };
  if (int error = uv_read_start(&flow.from->stream, lend, read))
    source_ended(flow, error);
}

void TeeConnection::received(Flow& flow, ssize_t count, Buffer buffer) {
  MonoTime arrival = shared_->clock->now().mono;
  if (count > 0) {
    forward(flow, std::move(buffer), static_cast<size_t>(count), arrival);
    return settle(flow);
  }
  settle(flow);
  shared_->buffers.give_back(std::move(buffer));
  if (count < 0)
    source_ended(flow, count);
}

// Sends first: the migration comes before its record.
void TeeConnection::forward(Flow& flow, Buffer buffer, size_t size,
                            MonoTime arrival) {
  uv_buf_t out = uv_buf_init(buffer.get(), static_cast<unsigned>(size));
  int sent = uv_try_write(&flow.to->stream, &out, 1);
  flow.sink.put(as_bytes(buffer, size), arrival);
  if (sent < 0 && sent != UV_EAGAIN)
    return finish();
  auto done = static_cast<size_t>(std::max(sent, 0));
  if (done == size)
    shared_->buffers.give_back(std::move(buffer));
  else if (send(flow, std::move(buffer), done, size))
    return finish();
  update_reading(flow);
}

int TeeConnection::send(Flow& flow, Buffer buffer, size_t from, size_t size) {
  auto write = std::make_unique<Write>(shared_from_this(), &flow);
  write->buffer = std::move(buffer);
  uv_buf_t out = uv_buf_init(write->buffer.get() + from,
                             static_cast<unsigned>(size - from));
  int error =
      uv_write(&write->request, &flow.to->stream, &out, 1,
               [](uv_write_t* request, int status) {
                 std::unique_ptr<Write> done(static_cast<Write*>(
                     static_cast<Held<uv_write_t>*>(request->data)));
                 TeeConnection& self = *done->connection;
                 self.shared_->buffers.give_back(std::move(done->buffer));
                 self.written(*done->flow, status);
               });
  if (error)
    return error;
  (void)write.release();
  flow.unsent++;
  return 0;
}

void TeeConnection::settle(Flow& flow) {
  auto state = FlowClock::State::waiting;
  if (flow.unsent > 0)
    state = FlowClock::State::blocked;
  else if (flow.sink.behind())
    state = FlowClock::State::stalled;
  flow.clock.enter(state, shared_->clock->now().mono);
}

void TeeConnection::observe() {
  if (state_ != State::forwarding)
    return;
  for (Flow& flow : *flows_)
    observe(flow);
}

// While nothing happens nothing is stored, but how it was when that began.
void TeeConnection::observe(Flow& flow) {
  bool busy = flow.sink.bytes() != flow.observed_bytes ||
              flow.clock.state() != FlowClock::State::waiting;
  if (!std::exchange(flow.observed_busy, busy) && !busy)
    return;
  flow.observed_bytes = flow.sink.bytes();
  bool onward = &flow == flows_->data();
  Address::Kind from = source_kind_, to = shared_->destination.kind;
  if (!onward)
    std::swap(from, to);
  MonoTime now = shared_->clock->now().mono;
  shared_->flows->put({now, number_, onward, flow.sink.bytes(),
                       uv_stream_get_write_queue_size(&flow.to->stream),
                       flow.clock.times(now),
                       state_of(*flow.from, from, Queue::received),
                       state_of(*flow.to, to, Queue::sent)});
}

void TeeConnection::written(Flow& flow, int status) {
  flow.unsent--;
  settle(flow);
  if (state_ != State::forwarding)
    return;
  if (status < 0 || (reset_ && flow.ended && flow.unsent == 0))
    return finish();
  update_reading(flow);
}

// The side that is read from has said all (UV_EOF), or is dead. What it said
// before reaches the other side in either case.
void TeeConnection::source_ended(Flow& flow, ssize_t why) {
  flow.ended = true;
  update_reading(flow);
  if (why == UV_EOF)
    return shut_down(flow);
  reset_ = true;
  if (flow.unsent == 0)
    finish();
}

// libuv shuts down after what is written before; both ways over is the end.
void TeeConnection::shut_down(Flow& flow) {
  auto held = std::make_unique<Held<uv_shutdown_t>>(shared_from_this(), &flow);
  auto done = [](uv_shutdown_t* request, int) {
    auto shut = Held<uv_shutdown_t>::of(request);
    TeeConnection& self = *shut->connection;
    shut->flow->over = true;
    if ((*self.flows_)[0].over && (*self.flows_)[1].over)
      self.finish();
  };
  if (uv_shutdown(&held->request, &flow.to->stream, done))
    return finish(); // the other side is no more
  (void)held.release();
}

void TeeConnection::storage_moved() {
  if (!flows_)
    return;
  for (Flow& flow : *flows_) {
    flow.sink.check(shared_->clock->now().mono);
    settle(flow);
    if (state_ == State::forwarding)
      update_reading(flow);
    auto failure = flow.sink.failure();
    if (!failure || std::exchange(flow.failure_told, true))
      continue;
    failure->message += "; forwarding goes on";
    if (auto tell = shared_->problem)
      tell(*failure);
  }
}

// What the kernel has taken in for us is part of what arrived.
void TeeConnection::drain(Flow& flow) {
  uv_os_fd_t fd = -1;
  if (flow.ended || uv_fileno(&flow.from->handle, &fd))
    return;
  // A unix peer's further sends fail from here on; what is queued stays.
  ::shutdown(fd, SHUT_RD);
  Buffer buffer = shared_->buffers.take();
  for (size_t total = 0; total < kMaxDrain;) {
    ssize_t n = ::recv(fd, buffer.get(), kBufferBytes, MSG_DONTWAIT);
    if (n <= 0)
      break;
    auto size = static_cast<size_t>(n);
    flow.sink.put(as_bytes(buffer, size), shared_->clock->now().mono);
    total += size;
  }
  shared_->buffers.give_back(std::move(buffer));
}

void TeeConnection::finish() {
  if (state_ == State::closing)
    return;
  if (!flows_)
    return refuse(UV_ECANCELED);
  for (Flow& flow : *flows_)
    flow.observed_busy = true; // how it ended is told in any case
  observe();
  state_ = State::closing;
  for (Flow& flow : *flows_)
    drain(flow);
  source_.reset();
  destination_.reset();
  auto* held = new Held<uv_work_t>(shared_from_this());
  uv_queue_work(
      shared_->loop, &held->request,
      [](uv_work_t* request) {
        auto* work = static_cast<Held<uv_work_t>*>(request->data);
        for (Flow& flow : *work->connection->flows_)
          flow.sink.close();
      },
      [](uv_work_t* request, int) {
        Held<uv_work_t>::of(request)->connection->stored();
      });
}

void TeeConnection::stored() {
  storage_moved();
  if (auto tell = shared_->closed)
    tell(number_);
}

} // namespace migscope::captures
