// A file that holds guest memory: private, with holes where nothing is written.
//
// Written and read by offset rather than mapped, so that a full disk is an
// error and not a signal.
#pragma once

#include "base/error.h"

#include <filesystem>
#include <span>

namespace migscope::analyzer {

class SparseFile {
public:
  SparseFile(SparseFile&& other) noexcept;
  SparseFile& operator=(SparseFile&& other) noexcept;
  ~SparseFile();

  // Mode 0600; fails where it exists.
  [[nodiscard]] static Result<SparseFile>
  create(const std::filesystem::path& path);
  // A file in `directory` that has no name and goes away with its owner.
  [[nodiscard]] static Result<SparseFile>
  scratch(const std::filesystem::path& directory);

  [[nodiscard]] Status resize(uint64_t bytes);
  // After a failure any part of it may be in the file.
  [[nodiscard]] Status write_at(uint64_t offset,
                                std::span<const std::byte> bytes);
  // Holes and what lies behind the end read as zeros.
  [[nodiscard]] Status read_at(uint64_t offset, std::span<std::byte> out) const;

private:
  SparseFile(int fd, const std::filesystem::path& name);

  int fd_;
  std::string name_;
};

} // namespace migscope::analyzer
