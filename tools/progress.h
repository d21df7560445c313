// What a running verb shows on standard error: a line that is rewritten where
// that is a terminal, and notices on lines of their own.
#pragma once

#include <cstddef>
#include <string>

namespace migscope::tools {

class Progress {
public:
  Progress();
  ~Progress();

  void show(const std::string& line); // nothing where there is no terminal
  void notice(const std::string& text);
  void end(); // leaves the cursor on a new line

private:
  void clear();

  bool terminal_;
  size_t shown_ = 0; // columns of the line that stands there
};

} // namespace migscope::tools
