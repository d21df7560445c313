// A program that lives no longer than we do.
#pragma once

#include "base/error.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace migscope::tools {

class ChildProcess {
public:
  // Looks argv[0] up in PATH. Output and errors go to the file `log`, which
  // is created. The kernel kills the child when we die, however that happens.
  [[nodiscard]] static Result<std::unique_ptr<ChildProcess>>
  start(const std::vector<std::string>& argv, const std::filesystem::path& log);
  ~ChildProcess(); // ends both: SIGTERM, then SIGKILL
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  [[nodiscard]] bool running();
  // Asks it, and what it has started, to end (SIGTERM); running() tells when it
  // has.
  void ask_to_end();
  // Once it no longer runs: its exit status, or 128 and the signal that ended
  // it.
  [[nodiscard]] int status() const { return status_; }
  // The last lines of its log, for an error message.
  [[nodiscard]] std::string last_words() const;

private:
  ChildProcess(int pid, std::filesystem::path log)
      : pid_(pid), log_(std::move(log)) {}

  int pid_; // -1 once reaped
  int status_ = 0;
  std::filesystem::path log_;
};

} // namespace migscope::tools
