// Where temporary things go: a private directory for sockets that goes away
// with its owner, and the place for large files.
#pragma once

#include "base/error.h"

#include <filesystem>
#include <memory>

namespace migscope::tools {

class TempDir {
public:
  // Under $TMPDIR or /tmp, mode 0700. Short, since socket paths end at 107
  // bytes.
  [[nodiscard]] static Result<std::unique_ptr<TempDir>> create();
  ~TempDir(); // removes it and what is in it
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
  explicit TempDir(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

// $TMPDIR or /var/tmp: large files are not for /tmp, which may be memory.
[[nodiscard]] std::filesystem::path scratch_directory();

} // namespace migscope::tools
