#include "captures/tee.h"

#include "captures/tee_connection.h"

#include <fmt/format.h>
#include <map>

namespace migscope::captures {
namespace {

constexpr int kBacklog = 128;
constexpr uint64_t kObserveMs = 50;
constexpr int kFlushTicks = 20; // of these: what a kill may cost

template <typename Handle>
void close_handle(Handle* handle) {
  uv_close(reinterpret_cast<uv_handle_t*>(handle),
           [](uv_handle_t* uv) { delete reinterpret_cast<Handle*>(uv); });
}

// Closes the async handle when the last writer that may send to it has ended.
void close_shared(TeeShared* shared) {
  close_handle(shared->storage_moved);
  close_handle(shared->observing);
  delete shared;
}

Result<std::shared_ptr<TeeShared>>
make_shared_state(uv_loop_t* loop, uv_async_cb storage_moved) {
  auto async = std::make_unique<uv_async_t>();
  if (int error = uv_async_init(loop, async.get(), storage_moved))
    return fail(uv_failure("make a wake-up for the event loop", error));
  std::shared_ptr<TeeShared> shared(new TeeShared, close_shared);
  shared->storage_moved = async.release();
  shared->observing = new uv_timer_t;
  uv_timer_init(loop, shared->observing);
  shared->loop = loop;
  return shared;
}

// Bound to the first endpoint that can be had.
Result<SocketPtr> bind_to(uv_loop_t* loop, const Address& address) {
  auto endpoints = resolve(loop, address);
  if (!endpoints)
    return fail(endpoints.error());
  int error = 0;
  for (const Endpoint& endpoint : *endpoints) {
    auto socket = make_socket(loop, endpoint.kind);
    if (!socket)
      return socket;
    error = bind_socket(**socket, endpoint);
    if (error == 0)
      return socket;
  }
  return fail(uv_failure("listen on " + to_string(address), error));
}

} // namespace

class Tee::Impl {
public:
  Impl(std::shared_ptr<TeeShared> shared, Address address, Events events)
      : shared_(std::move(shared)), address_(std::move(address)),
        events_(std::move(events)) {}
  ~Impl();

  Status start();
  void close();
  std::vector<ChannelInfo> channels() const;
  static void storage_moved(uv_async_t* async);
  void observe();
  void store_flows();

  std::shared_ptr<TeeShared> shared_;
  Address address_;
  SocketPtr listener_;
  std::map<int, std::shared_ptr<TeeConnection>> open_;

private:
  void wire();
  void accept(int status);
  void forget(int number);
  void closed(int number);
  void refused(int number, const Error& error);
  void problem(const Error& error);

  Events events_;
  int next_number_ = 0;
  int ticks_ = 0;
  std::map<int, ChannelInfo> ended_;
};

Tee::Impl::~Impl() {
  shared_->opened = nullptr;
  shared_->closed = nullptr;
  shared_->refused = nullptr;
  shared_->problem = nullptr;
  shared_->storage_moved->data = nullptr;
  events_ = {};
  close();
}

Status Tee::Impl::start() {
  wire();
  auto listener = bind_to(shared_->loop, address_);
  if (!listener)
    return fail(listener.error());
  listener_ = *std::move(listener);
  listener_->handle.data = this;
  auto on_connection = [](uv_stream_t* stream, int status) {
    static_cast<Impl*>(stream->data)->accept(status);
  };
  if (int error = uv_listen(&listener_->stream, kBacklog, on_connection))
    return fail(uv_failure("listen on " + to_string(address_), error));
  if (address_.kind == Address::Kind::tcp)
    address_.port = bound_port(*listener_);
  return {};
}

// The callbacks are copied where they are called: any may end the tee.
void Tee::Impl::wire() {
  shared_->storage_moved->data = this;
  // A connection that waits for storage alone keeps the loop running; an idle
  // tee does not, by this handle.
  uv_unref(reinterpret_cast<uv_handle_t*>(shared_->storage_moved));
  shared_->observing->data = this;
  uv_unref(reinterpret_cast<uv_handle_t*>(shared_->observing));
  shared_->opened = [this](int number) {
    if (auto tell = events_.opened)
      tell(number);
  };
  shared_->closed = [this](int number) { closed(number); };
  shared_->refused = [this](int number, const Error& error) {
    refused(number, error);
  };
  shared_->problem = [this](const Error& error) { problem(error); };
}

void Tee::Impl::accept(int status) {
  if (status < 0)
    return problem(uv_failure("accept on " + to_string(address_), status));
  auto source = make_socket(shared_->loop, address_.kind);
  if (!source)
    return problem(source.error());
  if (int error = uv_accept(&listener_->stream, &(*source)->stream))
    return problem(uv_failure("accept on " + to_string(address_), error));
  int number = next_number_++;
  auto connection = std::make_shared<TeeConnection>(
      shared_, number, *std::move(source), address_.kind);
  open_.emplace(number, connection);
  uv_ref(reinterpret_cast<uv_handle_t*>(shared_->storage_moved));
  uv_timer_start(
      shared_->observing,
      [](uv_timer_t* timer) { static_cast<Impl*>(timer->data)->observe(); },
      kObserveMs, kObserveMs);
  connection->connect();
}

void Tee::Impl::observe() {
  for (auto& [number, connection] : open_)
    connection->observe();
  if (++ticks_ % kFlushTicks == 0)
    store_flows();
}

void Tee::Impl::store_flows() {
  shared_->flows->flush();
  auto failure = shared_->flows->take_failure();
  if (!failure)
    return;
  failure->message += "; forwarding goes on";
  problem(*failure);
}

void Tee::Impl::forget(int number) {
  open_.erase(number);
  if (!open_.empty())
    return;
  uv_unref(reinterpret_cast<uv_handle_t*>(shared_->storage_moved));
  uv_timer_stop(shared_->observing);
}

void Tee::Impl::closed(int number) {
  ChannelInfo info = open_.at(number)->info();
  ended_.emplace(number, info);
  forget(number);
  if (auto tell = events_.closed)
    tell(info);
}

void Tee::Impl::refused(int number, const Error& error) {
  forget(number);
  problem(error);
}

void Tee::Impl::problem(const Error& error) {
  if (auto tell = events_.problem)
    tell(error);
}

void Tee::Impl::storage_moved(uv_async_t* async) {
  auto* impl = static_cast<Impl*>(async->data);
  if (!impl)
    return;
  auto connections = impl->open_; // a callback may end any of them
  for (auto& [number, connection] : connections)
    connection->storage_moved();
}

std::vector<ChannelInfo> Tee::Impl::channels() const {
  auto all = ended_;
  for (const auto& [number, connection] : open_)
    if (connection->opened())
      all.emplace(number, connection->info());
  std::vector<ChannelInfo> out;
  for (auto& [number, info] : all)
    out.push_back(std::move(info));
  return out;
}

void Tee::Impl::close() {
  listener_.reset();
  auto connections = open_;
  for (auto& [number, connection] : connections)
    connection->cut();
  uv_timer_stop(shared_->observing);
  store_flows();
}

Result<std::unique_ptr<Tee>> Tee::listen(uv_loop_t* loop, const Address& listen,
                                         const Address& connect,
                                         std::filesystem::path session,
                                         Clock& clock, Events events) {
  ignore_sigpipe();
  auto endpoints = resolve(loop, connect);
  if (!endpoints)
    return fail(endpoints.error());
  auto shared = make_shared_state(loop, Impl::storage_moved);
  if (!shared)
    return fail(shared.error());
  (*shared)->clock = &clock;
  (*shared)->flows.emplace(session / "flow.jsonl.zst");
  (*shared)->session = std::move(session);
  (*shared)->destination = connect;
  (*shared)->endpoints = *std::move(endpoints);
  auto impl =
      std::make_shared<Impl>(*std::move(shared), listen, std::move(events));
  if (Status ok = impl->start(); !ok)
    return fail(ok.error());
  return std::unique_ptr<Tee>(new Tee(std::move(impl)));
}

Tee::Tee(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Tee::~Tee() = default;

const Address& Tee::address() const {
  return impl_->address_;
}

size_t Tee::open_connections() const {
  return impl_->open_.size();
}

std::vector<ChannelInfo> Tee::channels() const {
  return impl_->channels();
}

void Tee::stop_listening() {
  impl_->listener_.reset();
}

void Tee::close() {
  impl_->close();
}

} // namespace migscope::captures
