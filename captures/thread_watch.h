// Stores how much CPU a migration's QEMUs had, where they are on this host.
#pragma once

#include "captures/session/thread_log.h"

namespace migscope::captures {

class ThreadWatch {
public:
  // The file is created by the first sample. `notice` tells why one end cannot
  // be watched; one sentence.
  ThreadWatch(std::filesystem::path path,
              std::function<void(std::string)> notice)
      : path_(std::move(path)), notice_(std::move(notice)) {}

  // From now on this process is looked at.
  void watch(End end, int64_t pid) { pids_[static_cast<size_t>(end)] = pid; }
  void sample(MonoTime now);
  // From time to time, and at the end.
  void flush();

private:
  void sample(End end, MonoTime now);
  void store(const ThreadSample& sample);
  void keep(const Status& done);

  std::filesystem::path path_;
  std::function<void(std::string)> notice_;
  std::optional<int64_t> pids_[2];
  bool seen_[2] = {};
  std::unique_ptr<ThreadLogWriter> log_;
};

} // namespace migscope::captures
