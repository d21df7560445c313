// A directory of the test's own that goes away with the test.
#pragma once

#include <cstdlib>
#include <filesystem>

namespace migscope::testing {

class TempDir {
public:
  TempDir() {
    std::string pattern =
        std::filesystem::temp_directory_path() / "migscope-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path operator/(const char* name) const {
    return path_ / name;
  }

private:
  std::filesystem::path path_;
};

} // namespace migscope::testing
