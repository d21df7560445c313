#include "tools/probe_run.h"

#include <algorithm>
#include <utility>

namespace migscope::tools {

using captures::ProbeMark;

namespace {

constexpr Nanos kDrain = std::chrono::milliseconds(50);
constexpr Nanos kFlush = std::chrono::seconds(1); // what a kill may cost
constexpr Nanos kWatch = std::chrono::seconds(1);
constexpr Nanos kLongestWatch = std::chrono::seconds(20);
// ITU-T Y.1540 advises 3 s before a packet counts as lost.
constexpr Nanos kLastAnswers = std::chrono::seconds(3);

} // namespace

Result<std::unique_ptr<ProbeRun>>
ProbeRun::start(EventLoop& loop, Clock& clock, const captures::ProbePlan& plan,
                const std::filesystem::path& file,
                std::function<void(const std::string&)> notice) {
  std::unique_ptr<ProbeRun> run(new ProbeRun(loop, clock, std::move(notice)));
  auto prober = captures::Prober::start(plan, clock);
  if (!prober)
    return fail(prober.error());
  run->prober_ = *std::move(prober);
  auto log = captures::ProbeLogWriter::create(file, run->prober_->setup());
  if (!log)
    return fail(log.error());
  run->log_ = *std::move(log);
  ProbeRun* self = run.get();
  run->draining_ = loop.every(kDrain, [self] { self->drain(); });
  run->flushing_ = loop.every(kFlush, [self] {
    if (!self->store_failure_)
      self->keep(self->log_->flush());
  });
  return run;
}

ProbeRun::~ProbeRun() = default;

void ProbeRun::drain() {
  for (const ProbeMark& mark : prober_->take())
    take(mark);
  (void)is_settled(); // forgets what is
}

void ProbeRun::take(const ProbeMark& mark) {
  switch (mark.kind) {
  case ProbeMark::Kind::sent:
    sent_ = mark.sequence + 1;
    waiting_.push_back({mark.sequence, mark.time});
    break;
  case ProbeMark::Kind::answered:
    ++answers_;
    last_answer_ = std::max(last_answer_.value_or(mark.time), mark.time);
    settle(mark.sequence);
    break;
  case ProbeMark::Kind::failed:
    if (!std::exchange(failure_told_, true))
      notice_("probing " + prober_->setup().target + ": " + mark.error);
    break;
  }
  if (!store_failure_)
    keep(log_->append(mark));
}

void ProbeRun::settle(uint64_t sequence) {
  auto found =
      std::ranges::lower_bound(waiting_, sequence, {}, &Waiting::sequence);
  if (found != waiting_.end() && found->sequence == sequence)
    found->answered = true;
}

bool ProbeRun::is_settled() {
  MonoTime now = clock_.now().mono;
  while (!waiting_.empty() && (waiting_.front().answered ||
                               now - waiting_.front().sent >= kLastAnswers))
    waiting_.pop_front();
  return waiting_.empty();
}

void ProbeRun::keep(const Status& stored) {
  if (stored)
    return;
  store_failure_ = stored.error();
  notice_("probes are not stored any more: " + describe(stored.error()));
}

void ProbeRun::watch() {
  MonoTime begin = clock_.now().mono;
  (void)loop_.run_until(
      [&] { return last_answer_ && *last_answer_ - begin >= kWatch; },
      kLongestWatch, "");
}

Status ProbeRun::finish() {
  prober_->stop_sending();
  drain();
  loop_.forgive_interrupt();
  (void)loop_.run_until([&] { return is_settled(); }, kLastAnswers, "");
  drain();
  draining_.reset();
  flushing_.reset();
  prober_.reset();
  Status closed = log_->close();
  if (store_failure_)
    return fail(*store_failure_);
  return closed;
}

} // namespace migscope::tools
