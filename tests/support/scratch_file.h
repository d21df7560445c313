// A file that is gone at the end.
#pragma once

#include "tests/support/bytes.h"

#include <string>
#include <unistd.h>

namespace migscope::testing {

class ScratchFile {
public:
  explicit ScratchFile(std::span<const std::byte> bytes) {
    int descriptor = mkstemp(path_.data());
    if (descriptor >= 0)
      close(descriptor);
    write_file(path_, bytes);
  }
  ~ScratchFile() { std::filesystem::remove(path_); }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

private:
  std::string path_ =
      (std::filesystem::temp_directory_path() / "migscope-test-XXXXXX")
          .string();
};

} // namespace migscope::testing
