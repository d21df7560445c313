#include "tools/event_loop.h"

#include <array>
#include <csignal>
#include <uv.h>

namespace migscope::tools {
namespace {

class UvTimer final : public EventLoop::Timer {
public:
  UvTimer(uv_loop_t* loop, Nanos interval, std::function<void()> call)
      : state_(new State{{}, std::move(call)}) {
    auto ms = static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(interval)
            .count());
    uv_timer_init(loop, &state_->handle);
    state_->handle.data = state_;
    uv_timer_start(
        &state_->handle,
        [](uv_timer_t* handle) { static_cast<State*>(handle->data)->call(); },
        ms, ms);
  }
  ~UvTimer() override {
    uv_close(
        reinterpret_cast<uv_handle_t*>(&state_->handle),
        [](uv_handle_t* handle) { delete static_cast<State*>(handle->data); });
  }
  UvTimer(const UvTimer&) = delete;
  UvTimer& operator=(const UvTimer&) = delete;

private:
  struct State {
    uv_timer_t handle;
    std::function<void()> call;
  };
  State* state_; // libuv's until it has closed the handle
};

// By who started us: nohup. (That a script's shell ignores SIGINT for what it
// starts with "&" is no reason not to end by it.)
bool is_ignored(int signal) {
  struct sigaction now {};
  return sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

} // namespace

struct EventLoop::Signals {
  std::array<uv_signal_t, 3> handles{};
};

EventLoop::EventLoop()
    : loop_(std::make_unique<uv_loop_t>()),
      signals_(std::make_unique<Signals>()) {
  uv_loop_init(loop_.get());
  constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};
  for (size_t i = 0; i < kSignals.size(); ++i) {
    uv_signal_t* handle = &signals_->handles[i];
    uv_signal_init(loop_.get(), handle);
    handle->data = this;
    if (kSignals[i] != SIGHUP || !is_ignored(SIGHUP))
      uv_signal_start(
          handle,
          [](uv_signal_t* signal, int) {
            ++static_cast<EventLoop*>(signal->data)->interrupts_;
          },
          kSignals[i]);
    uv_unref(reinterpret_cast<uv_handle_t*>(handle));
  }
}

EventLoop::~EventLoop() {
  for (uv_signal_t& handle : signals_->handles)
    uv_close(reinterpret_cast<uv_handle_t*>(&handle), nullptr);
  uv_run(loop_.get(), UV_RUN_DEFAULT);
  uv_loop_close(loop_.get());
}

uv_loop_s* EventLoop::uv() {
  return loop_.get();
}

Status EventLoop::run_until(const std::function<bool()>& done) {
  while (!done()) {
    if (interrupted())
      return fail(ErrorKind::interrupted, "interrupted");
    uv_run(loop_.get(), UV_RUN_ONCE);
  }
  return {};
}

Status EventLoop::run_until(const std::function<bool()>& done,
                            std::optional<Nanos> limit,
                            const std::string& what) {
  if (!limit)
    return run_until(done);
  bool late = false;
  auto alarm = every(*limit, [&] { late = true; });
  auto status = run_until([&] { return late || done(); });
  if (status && late && !done())
    return fail(ErrorKind::timeout, what);
  return status;
}

std::unique_ptr<EventLoop::Timer> EventLoop::every(Nanos interval,
                                                   std::function<void()> call) {
  return std::make_unique<UvTimer>(uv(), interval, std::move(call));
}

} // namespace migscope::tools
