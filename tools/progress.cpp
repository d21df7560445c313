#include "tools/progress.h"

#include "base/units.h"

#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

namespace migscope::tools {

std::string progress_line(const qmp::MigrationInfo& info, uint64_t pass) {
  if (!info.status)
    return "waiting for a migration";
  std::string line(qmp::to_string(*info.status));
  if (!info.ram)
    return line;
  const qmp::RamStats& ram = *info.ram;
  if (uint64_t round = pass ? pass : ram.dirty_sync_count.value_or(0))
    line += fmt::format("  pass {}", round);
  if (ram.remaining)
    line += fmt::format("  {:.1f} MiB left", mib(*ram.remaining));
  if (ram.mbps)
    line += fmt::format("  {:.0f} MiB/s", *ram.mbps * 1e6 / 8 / (1 << 20));
  if (ram.dirty_pages_rate)
    line += fmt::format("  dirty {:.1f} MiB/s",
                        mib(*ram.dirty_pages_rate) *
                            static_cast<double>(ram.page_size.value_or(4096)));
  if (info.expected_downtime_ms)
    line += fmt::format("  expect {} ms", *info.expected_downtime_ms);
  return line;
}

Progress::Progress() : terminal_(isatty(STDERR_FILENO)) {}

Progress::~Progress() {
  if (shown_)
    fmt::print(stderr, "\n");
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
