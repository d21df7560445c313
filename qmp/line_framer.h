// Bytes from a monitor to lines of text.
#pragma once

#include "base/error.h"

#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace migscope::qmp {

// The longest line accepted from a peer. The largest known replies
// (query-qmp-schema) have about 200 KiB.
inline constexpr size_t kMaxLineBytes = 16u << 20;

class LineFramer {
public:
  // Calls `on_line` for each complete line, without its CR LF or LF; empty
  // lines are skipped. A line above kMaxLineBytes is an error of kind protocol
  // with the offset at which the line began; the framer takes nothing more
  // after that. Memory is bounded by the cap.
  [[nodiscard]] Status
  feed(std::span<const std::byte> bytes,
       const std::function<void(std::string_view line)>& on_line);

  // Bytes of an unfinished line (a peer that closes now closed mid-line).
  [[nodiscard]] std::string_view unfinished() const { return line_; }
  // Offset in the byte stream of the line that comes next or is unfinished; of
  // the line itself while it is delivered.
  [[nodiscard]] uint64_t line_offset() const { return line_offset_; }

private:
  void deliver(std::string_view tail,
               const std::function<void(std::string_view line)>& on_line);

  std::string line_;
  uint64_t line_offset_ = 0;
  bool broken_ = false;
};

} // namespace migscope::qmp
