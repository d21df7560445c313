// The terminal as a canvas, by ncurses; the only place that knows of it.
#pragma once

#include "tools/live/live_layout.h"

#include <memory>

namespace migscope::tools {

class LiveScreen {
public:
  enum class Key { none, leave, resized, stop };

  // Takes the terminal of standard error and input. Nothing where one of them
  // is none, or one that cannot move its cursor ("dumb"), or another job has it
  // just now. At most one at a time.
  [[nodiscard]] static std::unique_ptr<LiveScreen> open();
  ~LiveScreen(); // the terminal is as it was
  LiveScreen(const LiveScreen&) = delete;
  LiveScreen& operator=(const LiveScreen&) = delete;

  [[nodiscard]] ScreenSize size() const;
  [[nodiscard]] bool unicode() const { return unicode_; }
  void paint(const LiveCanvas& canvas);
  // The next key that means something; does not wait.
  [[nodiscard]] Key key();

private:
  struct Terminal;
  explicit LiveScreen(std::unique_ptr<Terminal> terminal);

  std::unique_ptr<Terminal> terminal_;
  bool unicode_ = false, colours_ = false;
};

} // namespace migscope::tools
