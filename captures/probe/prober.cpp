#include "captures/probe/prober.h"

#include "captures/probe/probe_socket.h"

#include <cerrno>
#include <cstring>
#include <mutex>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

namespace migscope::captures {
namespace {

// How far back a kernel's stamp may lie: the thread did not run for so long.
constexpr Nanos kOldestStamp = std::chrono::seconds(10);
// Answers read in one go before the next probe gets its turn.
constexpr int kBatch = 64;

// The kernel's stamp on the axis of `now`; without one it is `now`.
MonoTime on_axis(const std::optional<timespec>& stamp,
                 const ClockReading& now) {
  if (!stamp)
    return now.mono;
  WallTime wall{stamp->tv_sec * 1'000'000'000 + stamp->tv_nsec};
  Nanos ago = now.wall - wall;
  return ago >= Nanos(0) && ago <= kOldestStamp ? now.mono + -ago : now.mono;
}

class ThreadProber final : public Prober {
public:
  ThreadProber(const ProbePlan& plan, Clock& clock, ProbeSocket socket,
               int wake)
      : setup_{to_string(plan.target), plan.interval, socket.bytes()},
        clock_(clock), socket_(std::move(socket)), wake_(wake),
        thread_([this] { run(); }) {}

  ~ThreadProber() override {
    order(true);
    thread_.join();
    close(wake_);
  }

  const ProbeSetup& setup() const override { return setup_; }

  std::vector<ProbeMark> take() override {
    std::lock_guard lock(mutex_);
    return std::exchange(marks_, {});
  }

  void stop_sending() override { order(false); }

private:
  void order(bool end) {
    {
      std::lock_guard lock(mutex_);
      sending_ = false;
      ended_ |= end;
    }
    uint64_t one = 1;
    (void)!write(wake_, &one, sizeof one);
  }

  void run() {
    // Probes are few and must not wait for who works; without the right to it
    // they wait like everybody.
    prctl(PR_SET_TIMERSLACK, 1000);
    (void)setpriority(PRIO_PROCESS, 0, -15);
    next_ = clock_.now().mono;
    for (;;) {
      auto [sending, ended] = orders();
      if (ended)
        return;
      wait(sending);
      receive();
      if (sending)
        send();
    }
  }

  std::pair<bool, bool> orders() {
    std::lock_guard lock(mutex_);
    return {sending_, ended_};
  }

  void wait(bool sending) {
    pollfd fds[] = {{socket_.fd(), POLLIN, 0}, {wake_, POLLIN, 0}};
    Nanos left = std::max(Nanos(0), next_ - clock_.now().mono);
    timespec timeout{left.count() / 1'000'000'000,
                     left.count() % 1'000'000'000};
    if (ppoll(fds, 2, sending ? &timeout : nullptr, nullptr) <= 0)
      return;
    uint64_t count = 0;
    if (fds[1].revents)
      (void)!read(wake_, &count, sizeof count);
  }

  void receive() {
    for (int i = 0; i < kBatch; ++i) {
      ProbeAnswer answer;
      switch (socket_.next(answer)) {
      case ProbeSocket::Got::answer:
        if (answer.sequence < sent_)
          add({on_axis(answer.received, clock_.now()),
               ProbeMark::Kind::answered, answer.sequence});
        break;
      case ProbeSocket::Got::error:
        add_failure(errno, sent_ ? sent_ - 1 : 0);
        break;
      case ProbeSocket::Got::other:
        break;
      case ProbeSocket::Got::nothing:
        return;
      }
    }
  }

  void send() {
    MonoTime now = clock_.now().mono;
    if (now < next_)
      return;
    if (!note_sent(now))
      return;
    if (int error = socket_.send(sent_))
      add_failure(error, sent_);
    ++sent_;
    // Turns that were missed are skipped: a burst would not be a steady rate.
    next_ = next_ + setup_.interval;
    if (next_ < now)
      next_ = next_ + (now - next_) / setup_.interval * setup_.interval +
              setup_.interval;
  }

  // False where sending was stopped meanwhile.
  bool note_sent(MonoTime now) {
    std::lock_guard lock(mutex_);
    if (sending_)
      marks_.push_back({now, ProbeMark::Kind::sent, sent_});
    return sending_;
  }

  void add_failure(int error, uint64_t sequence) {
    add({clock_.now().mono, ProbeMark::Kind::failed, sequence,
         std::strerror(error)});
  }

  void add(ProbeMark mark) {
    std::lock_guard lock(mutex_);
    marks_.push_back(std::move(mark));
  }

  ProbeSetup setup_;
  Clock& clock_;
  ProbeSocket socket_;
  int wake_;
  MonoTime next_;
  uint64_t sent_ = 0;
  std::mutex mutex_;
  std::vector<ProbeMark> marks_;
  bool sending_ = true, ended_ = false;
  std::thread thread_; // last: it uses all of the above
};

} // namespace

Result<std::unique_ptr<Prober>> Prober::start(const ProbePlan& plan,
                                              Clock& clock) {
  auto socket = ProbeSocket::open(plan.target);
  if (!socket)
    return fail(socket.error());
  int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake < 0)
    return fail_errno("make an event for the probe's thread", errno);
  return std::make_unique<ThreadProber>(plan, clock, *std::move(socket), wake);
}

} // namespace migscope::captures
