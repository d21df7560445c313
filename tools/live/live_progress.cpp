#include "tools/live/live_progress.h"

#include "base/units.h"
#include "tools/live/live_layout.h"

#include <csignal>
#include <fmt/format.h>

namespace migscope::tools {

std::string progress_line(const LiveModel& model) {
  if (!model.status)
    return "waiting for a migration";
  std::string line(qmp::to_string(*model.status));
  if (model.pass > 0)
    line += fmt::format("  pass {}", model.pass);
  if (model.left)
    line += fmt::format("  {:.1f} MiB left", mib(*model.left));
  if (model.sent)
    line += fmt::format("  {:.0f} MiB/s", mib(*model.sent));
  if (model.dirtied)
    line += fmt::format("  dirty {:.1f} MiB/s", mib(*model.dirtied));
  if (model.expected_ms)
    line += fmt::format("  expect {} ms", *model.expected_ms);
  return line;
}

LiveProgress::~LiveProgress() {
  end();
}

void LiveProgress::begin() {
  screen_ = LiveScreen::open();
  was_viewed_ = screen_ != nullptr;
}

void LiveProgress::show() {
  if (screen_)
    screen_->paint(
        lay_out(figures_.model(), screen_->size(), screen_->unicode()));
  else
    line_.show(progress_line(figures_.model()));
}

void LiveProgress::listen() {
  while (screen_) {
    switch (screen_->key()) {
    case LiveScreen::Key::none:
      return;
    case LiveScreen::Key::leave:
      return leave();
    case LiveScreen::Key::stop:
      // Where it is continued the terminal may be another job's.
      leave();
      std::raise(SIGTSTP);
      return;
    case LiveScreen::Key::resized:
      show();
    }
  }
}

void LiveProgress::notice(const std::string& text) {
  figures_.add_notice(text);
  if (!screen_)
    return line_.notice(text);
  unsaid_.push_back(text);
  show();
}

void LiveProgress::end() {
  leave();
  line_.end();
}

void LiveProgress::leave() {
  screen_.reset();
  for (const std::string& text : unsaid_)
    line_.notice(text);
  unsaid_.clear();
}

} // namespace migscope::tools
