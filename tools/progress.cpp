#include "tools/progress.h"

#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

namespace migscope::tools {

Progress::Progress() : terminal_(isatty(STDERR_FILENO)) {}

Progress::~Progress() {
  end();
}

void Progress::end() {
  if (shown_)
    fmt::print(stderr, "\n");
  shown_ = 0;
}

void Progress::show(const std::string& line) {
  if (!terminal_)
    return;
  fmt::print(stderr, "\r{:<{}}", line, shown_);
  std::fflush(stderr);
  shown_ = line.size();
}

void Progress::notice(const std::string& text) {
  clear();
  fmt::print(stderr, "migscope: {}\n", text);
}

void Progress::clear() {
  if (shown_)
    fmt::print(stderr, "\r{:{}}\r", "", shown_);
  shown_ = 0;
}

} // namespace migscope::tools
