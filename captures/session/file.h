// A file of a session: created private, written whole or not, read by offset.
#pragma once

#include "base/error.h"

#include <filesystem>
#include <span>

namespace migscope::captures {

class File {
public:
  File() = default;
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  ~File();

  // For writing, mode 0600; fails where it exists.
  [[nodiscard]] static Result<File> create(const std::filesystem::path& path);
  // For reading; fails where it is not a regular file.
  [[nodiscard]] static Result<File> open(const std::filesystem::path& path);

  // All of it; after a failure any part of it may be in the file.
  [[nodiscard]] Status write(std::span<const std::byte> bytes);
  [[nodiscard]] Status truncate(uint64_t size);
  [[nodiscard]] Status close();

  [[nodiscard]] uint64_t size() const { return size_; } // when opened
  // Fewer bytes than asked for only where the file ends.
  [[nodiscard]] Result<size_t> read_at(uint64_t offset,
                                       std::span<std::byte> out) const;
  [[nodiscard]] const std::string& name() const { return name_; }

private:
  File(int fd, const std::filesystem::path& path);

  int fd_ = -1;
  uint64_t size_ = 0;
  std::string name_;
};

// All of a regular file. Fails with unsupported where it has more than
// `most_bytes`.
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path,
                                            uint64_t most_bytes);

// Makes a file, mode 0600, that has this text: as a whole (PATH.new, then
// renamed) or not at all, whatever was there before.
[[nodiscard]] Status replace_file(const std::filesystem::path& path,
                                  std::string_view text);

} // namespace migscope::captures
