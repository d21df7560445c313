// What a running verb shows on standard error: a line that is rewritten where
// that is a terminal, and notices on lines of their own.
#pragma once

#include "base/clock.h"
#include "qmp/migration.h"

namespace migscope::tools {

// "active  pass 3  12.1 MiB left  45 MiB/s  dirty 3.1 MiB/s  expect 120 ms"
[[nodiscard]] std::string progress_line(const qmp::MigrationInfo& info,
                                        uint64_t pass);

class Progress {
public:
  Progress();
  ~Progress(); // leaves the cursor on a new line

  void show(const std::string& line); // nothing where there is no terminal
  void notice(const std::string& text);

private:
  void clear();

  bool terminal_;
  size_t shown_ = 0; // columns of the line that stands there
};

} // namespace migscope::tools
