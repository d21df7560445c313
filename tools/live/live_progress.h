// What a verb shows that follows a migration: the live view where it has a
// terminal for it, else the progress's line; and notices.
#pragma once

#include "tools/live/live_figures.h"
#include "tools/live/live_screen.h"
#include "tools/progress.h"

namespace migscope::tools {

// "active  pass 3  12.1 MiB left  45 MiB/s  dirty 3.1 MiB/s  expect 120 ms"
[[nodiscard]] std::string progress_line(const LiveModel& model);

class LiveProgress {
public:
  // See LiveModel.
  LiveProgress(std::string name, std::string interrupt)
      : figures_(std::move(name), std::move(interrupt)) {}
  ~LiveProgress(); // the terminal is as it was

  // Takes the terminal, where there is one.
  void begin();
  // What is shown is made of every line of the monitors.
  void add(const captures::MonitorLine& line) { figures_.add(line); }
  [[nodiscard]] const LiveModel& model() const { return figures_.model(); }
  // Shows what there is now.
  void show();
  // Looks for keys.
  void listen();
  void notice(const std::string& text);
  // Leaves the view for good; notices that came in it are said again.
  void end();
  // Somebody has been looking at the view.
  [[nodiscard]] bool was_viewed() const { return was_viewed_; }

private:
  void leave();

  LiveFigures figures_;
  Progress line_;
  std::unique_ptr<LiveScreen> screen_;
  std::vector<std::string> unsaid_; // notices that the view alone has shown
  bool was_viewed_ = false;
};

} // namespace migscope::tools
