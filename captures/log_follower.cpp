#include "captures/log_follower.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace migscope::captures {
namespace {

constexpr size_t kReadBytes = 64u << 10;
// Reads in a row before the caller's other work gets its turn.
constexpr int kReadsPerPoll = 16;
constexpr size_t kInputs = 2;

struct OpenLog {
  FileDescriptor fd;
  struct stat info {};
};

// Without waiting for the other end of a FIFO.
Result<OpenLog> open_log(const std::filesystem::path& log) {
  OpenLog out{
      FileDescriptor(::open(log.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC))};
  if (out.fd.get() < 0)
    return fail_errno("open " + log.string(), errno);
  if (fstat(out.fd.get(), &out.info) != 0)
    return fail_errno("stat " + log.string(), errno);
  return out;
}

} // namespace

Result<std::unique_ptr<LogFollower>>
LogFollower::open(std::filesystem::path log,
                  std::function<void(std::string)> notice) {
  auto opened = open_log(log);
  if (!opened)
    return fail(opened.error());
  bool fifo = S_ISFIFO(opened->info.st_mode);
  if (!fifo && !S_ISREG(opened->info.st_mode))
    return fail({ErrorKind::usage,
                 "expected a log: a regular file that grows, or a FIFO",
                 log.string(),
                 {}});
  std::unique_ptr<LogFollower> out(
      new LogFollower(std::move(log), fifo, std::move(notice)));
  auto end = fifo ? 0 : static_cast<uint64_t>(opened->info.st_size);
  out->inputs_.push_back({std::move(opened->fd), end});
  return out;
}

void LogFollower::start(const std::filesystem::path& stored) {
  sink_.emplace(stored, nullptr);
}

void LogFollower::poll(MonoTime now) {
  sink_->check(now);
  for (Input& input : inputs_)
    read_all(input, now);
  if (!fifo_ && !sink_->behind() && !failed_)
    look_for_rotation();
}

void LogFollower::read_all(Input& input, MonoTime now) {
  std::array<std::byte, kReadBytes> buffer;
  for (int i = 0; i < kReadsPerPoll && !failed_ && !sink_->behind(); ++i) {
    ssize_t n = fifo_ ? ::read(input.fd.get(), buffer.data(), buffer.size())
                      : ::pread(input.fd.get(), buffer.data(), buffer.size(),
                                static_cast<off_t>(input.offset));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && errno != EAGAIN) {
      failed_ = true;
      notice_(describe(fail_errno("read " + log_.string(), errno).value()));
    }
    if (n == 0 && !fifo_)
      look_for_truncation(input);
    if (n <= 0)
      return;
    input.offset += static_cast<uint64_t>(n);
    sink_->put(std::span(buffer).first(static_cast<size_t>(n)), now);
  }
}

void LogFollower::look_for_truncation(Input& input) {
  struct stat info {};
  if (fstat(input.fd.get(), &info) != 0 ||
      static_cast<uint64_t>(info.st_size) >= input.offset)
    return;
  input.offset = 0;
  notice_(log_.string() + " was truncated; it is followed from its beginning");
}

void LogFollower::look_for_rotation() {
  struct stat named {
  }, open{};
  if (stat(log_.c_str(), &named) != 0 || !S_ISREG(named.st_mode) ||
      fstat(inputs_.back().fd.get(), &open) != 0 ||
      (named.st_dev == open.st_dev && named.st_ino == open.st_ino))
    return;
  auto next = open_log(log_);
  if (!next)
    return; // it may be there at the next poll
  if (inputs_.size() == kInputs)
    inputs_.pop_front();
  inputs_.push_back({std::move(next->fd)});
  notice_(log_.string() +
          " is another file now; it is followed, too, from its beginning");
}

void LogFollower::close() {
  if (sink_)
    sink_->close();
}

std::optional<Error> LogFollower::failure() const {
  return sink_ ? sink_->failure() : std::nullopt;
}

} // namespace migscope::captures
