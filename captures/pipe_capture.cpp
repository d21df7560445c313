#include "captures/pipe_capture.h"

#include "captures/buffer_pool.h"
#include "captures/sink.h"
#include "captures/uv_socket.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace migscope::captures {
namespace {

// Reads in a row before the loop's other work gets its turn.
constexpr int kReadsPerTurn = 16;
// The largest pipe that an unprivileged process may have by default
// (/proc/sys/fs/pipe-max-size): fewer switches between writer and reader.
constexpr int kPipeBytes = 1 << 20;

template <typename Handle>
void close_handle(Handle* handle) {
  uv_close(reinterpret_cast<uv_handle_t*>(handle), [](uv_handle_t* closed) {
    delete reinterpret_cast<Handle*>(closed);
  });
}

} // namespace

// Pipes and sockets are polled; what cannot be polled (a file) is read on
// libuv's thread pool.
class PipeCapture::Impl : public std::enable_shared_from_this<Impl> {
public:
  using Done = std::function<void(const ChannelInfo&, Status)>;

  Impl(uv_loop_t* loop, int fd, Clock& clock, Done done)
      : loop_(loop), fd_(fd), clock_(clock), done_(std::move(done)) {}

  Status start(const std::filesystem::path& session);
  uint64_t bytes() const { return sink_->bytes(); }
  void stop();
  void forget_caller() { done_ = nullptr; }

private:
  Status start_polling();
  void read_on();
  void readable(int status);
  void start_file_read();
  void took(ssize_t count);
  void storage_moved();
  void finish();
  void stored();

  uv_loop_t* loop_;
  int fd_;
  Clock& clock_;
  Done done_;
  std::optional<Sink> sink_;
  Buffer buffer_ = std::make_unique_for_overwrite<char[]>(kBufferBytes);
  uv_async_t* async_ = nullptr;
  uv_poll_t* poll_ = nullptr; // none: read on the thread pool
  int flags_ = 0;             // of fd_, as they were
  uv_fs_t file_read_{};
  uv_work_t work_{};
  bool reading_ = false; // polling, or a file read is under way
  bool ended_ = false;
  Status status_;
  // Held until `done_` has been called: libuv knows this object till then.
  std::shared_ptr<Impl> self_;
};

Status PipeCapture::Impl::start(const std::filesystem::path& session) {
  if (Status ok = start_polling(); !ok)
    return ok;
  async_ = new uv_async_t;
  int error = uv_async_init(loop_, async_, [](uv_async_t* async) {
    static_cast<Impl*>(async->data)->storage_moved();
  });
  if (error) {
    delete async_;
    if (poll_)
      close_handle(poll_);
    return fail(uv_failure("make a wake-up for the event loop", error));
  }
  async_->data = this;
  self_ = shared_from_this();
  sink_.emplace(session / "channel-0.zst",
                [async = async_] { uv_async_send(async); });
  read_on();
  return {};
}

Status PipeCapture::Impl::start_polling() {
  flags_ = ::fcntl(fd_, F_GETFL);
  if (flags_ < 0)
    return fail_errno("read from descriptor " + std::to_string(fd_), errno);
  auto poll = std::make_unique<uv_poll_t>();
  int error = uv_poll_init(loop_, poll.get(), fd_);
  if (error == UV_EPERM) // as epoll says of a file
    return {};
  if (error)
    return fail(uv_failure("poll the input", error));
  poll->data = this;
  poll_ = poll.release();
  (void)::fcntl(fd_, F_SETPIPE_SZ, kPipeBytes); // fails on a socket
  return {};
}

void PipeCapture::Impl::read_on() {
  if (reading_ || ended_ || sink_->behind())
    return;
  reading_ = true;
  if (!poll_)
    return start_file_read();
  // A pipe whose writer has gone is readable too.
  int error =
      uv_poll_start(poll_, UV_READABLE, [](uv_poll_t* poll, int status, int) {
        static_cast<Impl*>(poll->data)->readable(status);
      });
  if (error)
    took(error);
}

void PipeCapture::Impl::readable(int status) {
  if (status < 0)
    return took(status);
  for (int i = 0; i < kReadsPerTurn && !ended_ && !sink_->behind(); i++) {
    ssize_t n = ::read(fd_, buffer_.get(), kBufferBytes);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && errno == EAGAIN)
      return;
    took(n < 0 ? -errno : n); // libuv's errors are negative errnos
  }
  if (!ended_ && sink_->behind()) {
    uv_poll_stop(poll_);
    reading_ = false;
  }
}

void PipeCapture::Impl::start_file_read() {
  file_read_.data = this;
  uv_buf_t room = uv_buf_init(buffer_.get(), kBufferBytes);
  auto done = [](uv_fs_t* request) {
    auto* self = static_cast<Impl*>(request->data);
    ssize_t count = request->result;
    uv_fs_req_cleanup(request);
    self->reading_ = false;
    self->took(count);
    self->read_on();
  };
  int error = uv_fs_read(loop_, &file_read_, fd_, &room, 1, -1, done);
  if (!error)
    return;
  reading_ = false;
  took(error);
}

// `count` as read() and libuv have it: 0 is the end, below are errors.
void PipeCapture::Impl::took(ssize_t count) {
  if (count > 0)
    sink_->put(
        std::as_bytes(std::span(buffer_.get(), static_cast<size_t>(count))),
        clock_.now().mono);
  if (count < 0)
    status_ = fail(uv_failure("read the input", static_cast<int>(count)));
  if (count <= 0 || ended_)
    finish();
}

void PipeCapture::Impl::storage_moved() {
  sink_->check(clock_.now().mono);
  read_on();
}

// A file read that is under way comes to its end first.
void PipeCapture::Impl::stop() {
  if (ended_)
    return;
  if (poll_ || !reading_)
    finish();
  else
    ended_ = true;
}

void PipeCapture::Impl::finish() {
  ended_ = true;
  if (poll_) {
    close_handle(std::exchange(poll_, nullptr));
    (void)::fcntl(fd_, F_SETFL, flags_);
  }
  work_.data = this;
  uv_queue_work(
      loop_, &work_,
      [](uv_work_t* work) { static_cast<Impl*>(work->data)->sink_->close(); },
      [](uv_work_t* work, int) { static_cast<Impl*>(work->data)->stored(); });
}

void PipeCapture::Impl::stored() {
  close_handle(async_);
  ChannelInfo info;
  info.bytes = sink_->bytes();
  info.stalled = sink_->stalled();
  if (auto failure = sink_->failure())
    info.store_error = describe(*failure);
  auto keep = std::move(self_);
  if (auto tell = std::exchange(done_, nullptr))
    tell(info, status_);
}

Result<std::unique_ptr<PipeCapture>>
PipeCapture::start(uv_loop_t* loop, int fd, std::filesystem::path session,
                   Clock& clock,
                   std::function<void(const ChannelInfo&, Status)> done) {
  auto impl = std::make_shared<Impl>(loop, fd, clock, std::move(done));
  if (Status ok = impl->start(session); !ok)
    return fail(ok.error());
  return std::unique_ptr<PipeCapture>(new PipeCapture(std::move(impl)));
}

PipeCapture::PipeCapture(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

PipeCapture::~PipeCapture() {
  impl_->forget_caller();
  impl_->stop();
}

uint64_t PipeCapture::bytes() const {
  return impl_->bytes();
}

void PipeCapture::stop() {
  impl_->stop();
}

} // namespace migscope::captures
