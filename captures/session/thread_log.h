// threads.jsonl.zst: how much CPU each thread of a QEMU on the recording host
// had, from time to time while the migration ran. One JSON object a line: see
// docs/session-format.md.
#pragma once

#include "captures/session/monitor_log.h"

#include <vector>

namespace migscope::captures {

// Threads of one process that are looked at; the rest is left out.
inline constexpr size_t kMaxThreads = 1024;

struct ThreadTimes {
  int64_t tid = 0;
  std::string name; // QEMU's, or the program's where QEMU gives none
  char state = '?'; // as in proc(5): R runs or waits for a CPU, S sleeps
  Nanos cpu{0};     // on a CPU since the thread began
  Nanos queued{0};  // ready to run, and waiting for a CPU
};

struct ThreadSample {
  MonoTime time;
  End end = End::source; // whose QEMU
  int64_t pid = 0;
  std::vector<ThreadTimes> threads;
};

class ThreadLogWriter {
public:
  [[nodiscard]] static Result<std::unique_ptr<ThreadLogWriter>>
  create(const std::filesystem::path& path);

  [[nodiscard]] Status append(const ThreadSample& sample);
  // See LineLogWriter.
  [[nodiscard]] Status flush() { return log_->flush(); }
  [[nodiscard]] Status close() { return log_->close(); }

private:
  explicit ThreadLogWriter(std::unique_ptr<LineLogWriter> log)
      : log_(std::move(log)) {}
  std::unique_ptr<LineLogWriter> log_;
};

// See read_line_log().
[[nodiscard]] Status
read_thread_log(const std::filesystem::path& path,
                const std::function<void(const ThreadSample&)>& on_line,
                std::optional<Error>* torn);

} // namespace migscope::captures
