// One connection through the tee: two sockets, two directions, two files.
#pragma once

#include "captures/buffer_pool.h"
#include "captures/flow_clock.h"
#include "captures/flow_recorder.h"
#include "captures/session/manifest.h"
#include "captures/sink.h"
#include "captures/uv_socket.h"

#include <array>

namespace migscope::captures {

// Memory for what was read and not yet taken by the other side, per direction:
// above it reading stops. Counted in whole buffers.
inline constexpr size_t kMaxUnsent = 4u << 20;

// What the connections of a tee have in common. The callbacks are emptied when
// the tee goes; the rest lives until the last connection has been stored.
struct TeeShared {
  uv_loop_t* loop = nullptr;
  Clock* clock = nullptr;
  std::filesystem::path session;
  Address destination;
  std::vector<Endpoint> endpoints; // of the destination
  BufferPool buffers;
  uv_async_t* storage_moved = nullptr; // sent from the writers' threads
  uv_timer_t* observing = nullptr;
  std::optional<FlowRecorder> flows;

  std::function<void(int number)> opened;
  // Over and stored.
  std::function<void(int number)> closed;
  // Could not be connected, and is gone.
  std::function<void(int number, const Error&)> refused;
  std::function<void(const Error&)> problem;
};

class TeeConnection : public std::enable_shared_from_this<TeeConnection> {
public:
  TeeConnection(std::shared_ptr<TeeShared> shared, int number, SocketPtr source,
                Address::Kind source_kind);

  void connect();
  // Reads what has arrived and closes both sides.
  void cut() { finish(); }
  // Storage has room again, or has failed.
  void storage_moved();
  // Stores how both directions are doing, where anything happens.
  void observe();

  [[nodiscard]] bool opened() const { return flows_.has_value(); }
  [[nodiscard]] ChannelInfo info() const;

private:
  enum class State { connecting, forwarding, closing };
  struct Flow {
    UvSocket* from;
    UvSocket* to;
    Sink sink;
    FlowClock clock;
    uint64_t observed_bytes = 0;
    bool observed_busy = true; // something happened before the last look
    size_t unsent = 0;         // buffers that libuv holds
    bool reading = false;
    bool ended = false; // no more will be read
    bool over = false;  // and the other side knows
    bool failure_told = false;
  };
  template <typename Request>
  struct Held; // a libuv request that keeps the connection alive
  struct Write;

  void try_next();
  void connected(int status);
  void retry();
  void refuse(int uv_error);
  void open();
  Flow make_flow(UvSocket* from, UvSocket* to, const char* suffix);

  Flow& flow_from(const uv_stream_t* stream);
  void received(Flow& flow, ssize_t count, Buffer buffer);
  void forward(Flow& flow, Buffer buffer, size_t size, MonoTime arrival);
  [[nodiscard]] int send(Flow& flow, Buffer buffer, size_t from, size_t size);
  void written(Flow& flow, int status);
  void source_ended(Flow& flow, ssize_t why);
  void shut_down(Flow& flow);
  void update_reading(Flow& flow);
  // What the direction does from now on.
  void settle(Flow& flow);
  void observe(Flow& flow);
  void drain(Flow& flow);
  void finish();
  void stored();

  std::shared_ptr<TeeShared> shared_;
  int number_;
  Address::Kind source_kind_;
  State state_ = State::connecting;
  SocketPtr source_, destination_;
  size_t next_endpoint_ = 0;
  int connect_retries_ = 0;
  bool reset_ = false;
  std::optional<std::array<Flow, 2>> flows_; // onward, back
};

} // namespace migscope::captures
