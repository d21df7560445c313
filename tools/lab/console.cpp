#include "tools/lab/console.h"

#include "captures/session/channel_writer.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <mutex>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace migscope::tools {
namespace {

constexpr size_t kReadBytes = 4096;
// What is kept until it is known where to store it; a guest that says more
// waits.
constexpr size_t kHeldBytes = 1 << 20;
constexpr int kFullWaitMs = 10; // until room is looked for again
// The rest of a line comes behind its first byte, and is taken at once: to be
// woken for each byte costs QEMU, which writes them one by one, and us.
constexpr auto kRestOfLine = std::chrono::microseconds(200);

class Descriptor {
public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0)
      close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

private:
  int fd_;
};

} // namespace

class Console::Impl {
public:
  Impl(int fifo, int stop, Clock& clock)
      : fifo_(fifo), stop_(stop), clock_(clock), reader_([this] { run(); }) {}
  ~Impl() { (void)finish(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  std::string verdict() const;
  Status store(const std::filesystem::path& file);
  uint64_t bytes() const { return bytes_; }
  Status finish();

private:
  void run();
  // Takes what there is to read; false at the end of it.
  bool take();
  bool full();

  struct Piece {
    size_t length;
    MonoTime arrival;
  };

  Descriptor fifo_, stop_;
  Clock& clock_;
  std::atomic<uint64_t> bytes_ = 0;
  mutable std::mutex mutex_; // of what follows
  std::string held_;         // until there is a writer
  std::vector<Piece> pieces_;
  std::unique_ptr<captures::ChannelWriter> writer_;
  std::thread reader_; // last: it uses all of the above
};

void Console::Impl::run() {
  bool stopping = false; // then nobody makes room, and a FIFO holds little
  for (bool open = true; open;) {
    bool wait = !stopping && full();
    std::array<pollfd, 2> what{pollfd{wait ? -1 : fifo_.get(), POLLIN, 0},
                               pollfd{stop_.get(), POLLIN, 0}};
    if (poll(what.data(), what.size(), wait ? kFullWaitMs : -1) < 0)
      continue; // a signal, which is not for us
    if (what[0].revents) {
      open = take();
      std::this_thread::sleep_for(kRestOfLine);
    } else if (what[1].revents) {
      open = wait;
      stopping = true;
    }
  }
}

bool Console::Impl::take() {
  std::array<char, kReadBytes> room;
  ssize_t n = read(fifo_.get(), room.data(), room.size());
  MonoTime now = clock_.now().mono;
  if (n <= 0)
    return n < 0 && (errno == EINTR || errno == EAGAIN);
  auto size = static_cast<size_t>(n);
  std::lock_guard lock(mutex_);
  bytes_ += size;
  if (writer_) {
    (void)writer_->append(std::as_bytes(std::span(room.data(), size)), now);
    return true;
  }
  held_.append(room.data(), size);
  pieces_.push_back({size, now});
  return true;
}

bool Console::Impl::full() {
  std::lock_guard lock(mutex_);
  return writer_ ? !writer_->can_take_more() : held_.size() >= kHeldBytes;
}

std::string Console::Impl::verdict() const {
  std::lock_guard lock(mutex_);
  size_t end = 0;
  for (size_t at = 0; (end = held_.find('\n', at)) != held_.npos; at = end + 1)
    if (std::string line = held_.substr(at, end - at);
        line.starts_with("READY") || line.starts_with("ERROR"))
      return line;
  return "";
}

Status Console::Impl::store(const std::filesystem::path& file) {
  auto writer = captures::ChannelWriter::create(file);
  if (!writer)
    return fail(writer.error());
  std::lock_guard lock(mutex_);
  writer_ = std::move(*writer);
  auto rest = std::as_bytes(std::span(held_));
  for (const Piece& piece : pieces_) {
    (void)writer_->append(rest.first(piece.length), piece.arrival);
    rest = rest.subspan(piece.length);
  }
  held_.clear();
  pieces_.clear();
  return {};
}

Status Console::Impl::finish() {
  if (!reader_.joinable())
    return {};
  uint64_t one = 1;
  (void)!write(stop_.get(), &one, sizeof one);
  reader_.join();
  return writer_ ? writer_->close() : Status{};
}

Result<std::unique_ptr<Console>>
Console::create(const std::filesystem::path& path, Clock& clock) {
  if (mkfifo(path.c_str(), 0600) != 0)
    return fail_errno("create " + path.string(), errno);
  // Not blocking: it is open before QEMU opens it.
  int fifo = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fifo < 0)
    return fail_errno("open " + path.string(), errno);
  int stop = eventfd(0, EFD_CLOEXEC);
  if (stop < 0) {
    int error = errno;
    close(fifo);
    return fail_errno("make an eventfd", error);
  }
  return std::unique_ptr<Console>(
      new Console(std::make_unique<Impl>(fifo, stop, clock)));
}

Console::Console(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Console::~Console() = default;

std::string Console::verdict() const {
  return impl_->verdict();
}

Status Console::store(const std::filesystem::path& file) {
  return impl_->store(file);
}

uint64_t Console::bytes() const {
  return impl_->bytes();
}

Status Console::finish() {
  return impl_->finish();
}

} // namespace migscope::tools
