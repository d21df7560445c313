// Lines of JSON as a file of zstd frames, only ever appended to: what the logs
// of a session are.
//
// Every frame holds whole lines. A file may be cut off anywhere.
#pragma once

#include "base/error.h"

#include <filesystem>
#include <functional>
#include <memory>

namespace migscope::captures {

class LineLogWriter {
public:
  // Creates the file, mode 0600; fails where it exists.
  [[nodiscard]] static Result<std::unique_ptr<LineLogWriter>>
  create(const std::filesystem::path& path);
  ~LineLogWriter(); // as close()

  // `line` has no line end. After a failure every call fails with it.
  [[nodiscard]] Status append(std::string_view line);
  // Makes everything appended so far survive kill -9; call it a few times a
  // second at the most.
  [[nodiscard]] Status flush();
  [[nodiscard]] Status close();

private:
  class Impl;
  explicit LineLogWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// What a log's lines are.
struct LineKind {
  std::string_view what; // "a line of a monitor log"
  size_t max_bytes = 0;
};

// Calls `on_line` for every complete line up to the first damage; false from
// there says that the line is none of its kind, which is damage. Damage and a
// torn tail are no failure: they are told through `torn`, where given. Fails
// where the file cannot be read or is no zstd file.
[[nodiscard]] Status
read_line_log(const std::filesystem::path& path, const LineKind& kind,
              const std::function<bool(std::string_view)>& on_line,
              std::optional<Error>* torn);

} // namespace migscope::captures
