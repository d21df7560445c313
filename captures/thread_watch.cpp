#include "captures/thread_watch.h"

#include "captures/process_threads.h"

namespace migscope::captures {

void ThreadWatch::sample(MonoTime now) {
  sample(End::source, now);
  sample(End::destination, now);
}

void ThreadWatch::sample(End end, MonoTime now) {
  auto& pid = pids_[static_cast<size_t>(end)];
  if (!pid)
    return;
  auto threads = process_threads(*pid);
  bool& seen = seen_[static_cast<size_t>(end)];
  if (threads) {
    seen = true;
    return store({now, end, *pid, std::move(*threads)});
  }
  // A source may end as soon as it is done.
  if (!seen)
    notice_("no CPU times of the " + std::string(to_string(end)) +
            "'s threads: " + describe(threads.error()));
  pid.reset();
}

void ThreadWatch::store(const ThreadSample& sample) {
  if (!log_) {
    auto created = ThreadLogWriter::create(path_);
    if (!created)
      return keep(fail(created.error()));
    log_ = *std::move(created);
  }
  keep(log_->append(sample));
}

void ThreadWatch::flush() {
  if (log_)
    keep(log_->flush());
}

void ThreadWatch::keep(const Status& done) {
  if (done)
    return;
  notice_("CPU times are not stored any more: " + describe(done.error()));
  for (auto& pid : pids_)
    pid.reset();
  log_.reset();
}

} // namespace migscope::captures
