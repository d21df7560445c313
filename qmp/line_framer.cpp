#include "qmp/line_framer.h"

#include <fmt/format.h>
#include <utility>

namespace migscope::qmp {
namespace {

// The cap is for what is delivered; the CR before an LF is not.
bool fits(std::string_view head, std::string_view tail) {
  size_t size = head.size() + tail.size();
  bool ends_in_cr = tail.empty() ? head.ends_with('\r') : tail.ends_with('\r');
  return size <= kMaxLineBytes + (ends_in_cr ? 1 : 0);
}

std::string_view without_cr(std::string_view line) {
  if (line.ends_with('\r'))
    line.remove_suffix(1);
  return line;
}

} // namespace

Status
LineFramer::feed(std::span<const std::byte> bytes,
                 const std::function<void(std::string_view line)>& on_line) {
  std::string_view rest(reinterpret_cast<const char*>(bytes.data()),
                        bytes.size());
  while (!broken_) {
    size_t end = rest.find('\n');
    std::string_view part = rest.substr(0, end);
    broken_ = !fits(line_, part);
    if (broken_)
      break;
    if (end == rest.npos) {
      line_ += part;
      return {};
    }
    deliver(part, on_line);
    rest.remove_prefix(end + 1);
  }
  line_ = {};
  Error error{ErrorKind::protocol,
              fmt::format("a line above {} bytes", kMaxLineBytes)};
  error.offset = line_offset_;
  return fail(std::move(error));
}

void LineFramer::deliver(
    std::string_view tail,
    const std::function<void(std::string_view line)>& on_line) {
  std::string joined;
  std::string_view line = tail;
  if (!line_.empty()) {
    joined = std::exchange(line_, {});
    joined += tail;
    line = joined;
  }
  if (!without_cr(line).empty())
    on_line(without_cr(line));
  line_offset_ += line.size() + 1;
}

} // namespace migscope::qmp
