// A private directory for sockets that goes away with its owner.
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

} // namespace migscope::tools
