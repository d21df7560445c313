// Where a rebuilt memory goes: files of several formats, all of them sparse and
// private.
#pragma once

#include "analyzer/memory/guest_layout.h"
#include "analyzer/memory/memory_image.h"

#include <filesystem>

namespace migscope::analyzer {

class MemoryOutput {
public:
  // `path` was made for it; empty where nothing was.
  explicit MemoryOutput(std::filesystem::path path) : path_(std::move(path)) {}
  virtual ~MemoryOutput() = default;

  // For MemoryImage; this outlives the image.
  [[nodiscard]] virtual Result<BlockStore>
  place(const captures::RamBlock& block) = 0;
  // After the last page. `layout` is the image's. What did not go as well as
  // it should is added to `notes`.
  [[nodiscard]] virtual Status finish(const MemoryImage& image,
                                      const GuestLayout& layout,
                                      std::vector<std::string>& notes) = 0;
  // Removes what was made, so that the name is free for the next try.
  void remove() const;

protected:
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

// Each of these fails where the path exists.

// Content is kept until the end in a file of `directory` that has no name.
[[nodiscard]] Result<std::unique_ptr<MemoryOutput>>
scratch_output(const std::filesystem::path& directory);
// One block, from its first byte to its last. finish() fails where the stream
// has no such block.
[[nodiscard]] Result<std::unique_ptr<MemoryOutput>>
raw_output(const std::filesystem::path& path, std::string block);
// A directory with a raw file for each block, and index.json, which names them:
// the blocks' own names are no file names.
[[nodiscard]] Result<std::unique_ptr<MemoryOutput>>
blocks_output(const std::filesystem::path& path);
// A byte for each guest-physical address from 0. Takes the memory's room twice
// while it is made.
[[nodiscard]] Result<std::unique_ptr<MemoryOutput>>
physical_output(const std::filesystem::path& path);
// An ELF core file; `registers` tells whether the processors' state, which is
// that of the end, belongs to the memory.
[[nodiscard]] Result<std::unique_ptr<MemoryOutput>>
elf_output(const std::filesystem::path& path, bool registers);

} // namespace migscope::analyzer
