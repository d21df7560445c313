#include "analyzer/memory/memory_output.h"

#include "analyzer/memory/elf_core.h"
#include "analyzer/memory/vmcoreinfo.h"
#include "qmp/json.h"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <sys/stat.h>

namespace migscope::analyzer {

namespace fs = std::filesystem;
using captures::RamBlock;

namespace {

// Blocks begin at multiples of this in a file that holds several.
constexpr uint64_t kGrain = 1u << 20;
// No file system holds larger files than off_t counts.
constexpr uint64_t kMaxFile = INT64_MAX;

// One block after the other in one file.
class BlockSequence {
public:
  BlockSequence(SparseFile file, uint64_t at)
      : file_(std::move(file)), at_(at) {}

  Result<BlockStore> place(const RamBlock& block) {
    uint64_t room = kMaxFile - at_;
    if (block.used_length > room || room - block.used_length < kGrain)
      return fail(ErrorKind::unsupported,
                  "the RAM blocks are too large for a file");
    BlockStore out{&file_, at_};
    at_ = (at_ + block.used_length + kGrain - 1) / kGrain * kGrain;
    return out;
  }
  [[nodiscard]] SparseFile& file() { return file_; }
  [[nodiscard]] uint64_t end() const { return at_; }

private:
  SparseFile file_;
  uint64_t at_;
};

class Scratch : public MemoryOutput {
public:
  explicit Scratch(SparseFile file)
      : MemoryOutput({}), blocks_(std::move(file), 0) {}

  Result<BlockStore> place(const RamBlock& block) override {
    return blocks_.place(block);
  }
  Status finish(const MemoryImage&, const GuestLayout&,
                std::vector<std::string>&) override {
    return {};
  }

private:
  BlockSequence blocks_;
};

class Raw final : public MemoryOutput {
public:
  Raw(SparseFile file, fs::path path, std::string block)
      : MemoryOutput(std::move(path)), file_(std::move(file)),
        block_(std::move(block)) {}

  Result<BlockStore> place(const RamBlock& block) override {
    names_ += (names_.empty() ? "" : ", ") + block.name;
    if (found_ || block.name != block_)
      return BlockStore();
    found_ = true;
    if (Status sized = file_.resize(block.used_length); !sized)
      return fail(sized.error());
    return BlockStore{&file_, 0};
  }

  Status finish(const MemoryImage&, const GuestLayout&,
                std::vector<std::string>&) override {
    if (found_)
      return {};
    return fail(ErrorKind::usage,
                fmt::format("there is no RAM block \"{}\"; the stream has {}",
                            block_, names_.empty() ? "none" : names_));
  }

private:
  SparseFile file_;
  std::string block_, names_;
  bool found_ = false;
};

class Blocks final : public MemoryOutput {
public:
  explicit Blocks(fs::path path) : MemoryOutput(std::move(path)) {}

  Result<BlockStore> place(const RamBlock& block) override {
    std::string name = fmt::format("block-{:02}.raw", files_.size());
    auto file = SparseFile::create(path() / name);
    if (!file)
      return fail(file.error());
    if (Status sized = file->resize(block.used_length); !sized)
      return fail(sized.error());
    files_.push_back(std::make_unique<SparseFile>(std::move(*file)));
    index_.add(qmp::Json::object()
                   .set("file", name)
                   .set("name", qmp::Json::text(block.name))
                   .set("bytes", block.used_length));
    return BlockStore{files_.back().get(), 0};
  }

  Status finish(const MemoryImage&, const GuestLayout&,
                std::vector<std::string>&) override {
    auto file = SparseFile::create(path() / "index.json");
    if (!file)
      return fail(file.error());
    std::string text = index_.dump_pretty() + "\n";
    return file->write_at(0, std::as_bytes(std::span(text)));
  }

private:
  std::vector<std::unique_ptr<SparseFile>> files_;
  qmp::Json index_ = qmp::Json::array();
};

Status need_ram(const GuestLayout& layout) {
  if (layout.has_ram)
    return {};
  std::string why;
  for (const std::string& note : layout.notes)
    why += "; " + note;
  return fail(ErrorKind::unsupported,
              "guest-physical addresses cannot be given" + why);
}

class Physical final : public MemoryOutput {
public:
  Physical(SparseFile file, SparseFile scratch, fs::path path)
      : MemoryOutput(std::move(path)), file_(std::move(file)),
        blocks_(std::move(scratch), 0) {}

  Result<BlockStore> place(const RamBlock& block) override {
    return blocks_.place(block);
  }

  Status finish(const MemoryImage& image, const GuestLayout& layout,
                std::vector<std::string>&) override {
    if (Status known = need_ram(layout); !known)
      return known;
    const LayoutPiece& last = layout.pieces.back();
    Status done = file_.resize(last.address + last.bytes);
    for (size_t i = 0; done && i < image.blocks().size(); ++i)
      done = image.for_each_data(
          i, [&](uint64_t offset, std::span<const std::byte> content) {
            return copy(layout, i, offset, content);
          });
    return done;
  }

private:
  // A page lies in several pieces where it is shown in several places.
  Status copy(const GuestLayout& layout, size_t block, uint64_t offset,
              std::span<const std::byte> content) {
    for (const LayoutPiece& piece : layout.pieces) {
      if (piece.block != block)
        continue;
      uint64_t from = std::max(offset, piece.offset);
      uint64_t to =
          std::min(offset + content.size(), piece.offset + piece.bytes);
      if (from >= to)
        continue;
      Status done = file_.write_at(piece.address + from - piece.offset,
                                   content.subspan(from - offset, to - from));
      if (!done)
        return done;
    }
    return {};
  }

  SparseFile file_;
  BlockSequence blocks_;
};

class ElfCore final : public MemoryOutput {
public:
  ElfCore(SparseFile file, fs::path path, bool registers)
      : MemoryOutput(std::move(path)),
        blocks_(std::move(file), kCoreDataOffset), registers_(registers) {}

  Result<BlockStore> place(const RamBlock& block) override {
    return blocks_.place(block);
  }

  Status finish(const MemoryImage& image, const GuestLayout& layout,
                std::vector<std::string>& notes) override {
    if (Status known = need_ram(layout); !known)
      return known;
    std::vector<CoreSegment> segments;
    for (const LayoutPiece& piece : layout.pieces)
      segments.push_back({piece.address, piece.bytes,
                          image.store(piece.block).offset + piece.offset,
                          piece.address});
    auto linux_text = vmcoreinfo(image, layout, notes);
    if (!linux_text)
      return fail(linux_text.error());
    if (auto kernel = kernel_segment(segments, *linux_text))
      segments.push_back(*kernel);
    auto header = elf_core_header(segments, cpus(image, notes), *linux_text);
    if (!header)
      return fail(header.error());
    if (Status sized = blocks_.file().resize(blocks_.end()); !sized)
      return sized;
    return blocks_.file().write_at(0, *header);
  }

private:
  // The kernel's image once more, by its virtual addresses.
  static std::optional<CoreSegment>
  kernel_segment(std::span<const CoreSegment> segments,
                 std::string_view linux_text) {
    // Its end is not told; images of distributions stay below.
    constexpr uint64_t kMostBytes = 128u << 20;
    auto image = kernel_image(linux_text);
    for (const CoreSegment& ram : segments) {
      if (!image || image->address - ram.address >= ram.bytes)
        continue;
      uint64_t skipped = image->address - ram.address;
      return CoreSegment{
          image->address,
          std::min({kMostBytes, ram.bytes - skipped, -image->virtual_address}),
          ram.file_offset + skipped, image->virtual_address};
    }
    return {};
  }

  std::map<uint32_t, X86Cpu> cpus(const MemoryImage& image,
                                  std::vector<std::string>& notes) const {
    if (registers_ && image.facts().cpus.empty())
      notes.push_back("no processor's state is known: the core file has no "
                      "registers");
    return registers_ ? image.facts().cpus : std::map<uint32_t, X86Cpu>();
  }

  static Result<std::string> vmcoreinfo(const MemoryImage& image,
                                        const GuestLayout& layout,
                                        std::vector<std::string>& notes) {
    auto found = find_vmcoreinfo(image, layout.pieces.front().block);
    if (!found)
      return fail(found.error());
    if (found->distinct > 1)
      notes.push_back(fmt::format("{} different texts of vmcoreinfo stand in "
                                  "memory; the core file has the first",
                                  found->distinct));
    return found->text;
  }

  BlockSequence blocks_;
  bool registers_;
};

} // namespace

void MemoryOutput::remove() const {
  std::error_code ignored;
  if (!path_.empty())
    fs::remove_all(path_, ignored);
}

Result<std::unique_ptr<MemoryOutput>>
scratch_output(const fs::path& directory) {
  return SparseFile::scratch(directory).map(
      [](SparseFile&& file) -> std::unique_ptr<MemoryOutput> {
        return std::make_unique<Scratch>(std::move(file));
      });
}

Result<std::unique_ptr<MemoryOutput>> raw_output(const fs::path& path,
                                                 std::string block) {
  return SparseFile::create(path).map(
      [&](SparseFile&& file) -> std::unique_ptr<MemoryOutput> {
        return std::make_unique<Raw>(std::move(file), path, std::move(block));
      });
}

Result<std::unique_ptr<MemoryOutput>> blocks_output(const fs::path& path) {
  if (::mkdir(path.c_str(), 0700) != 0)
    return fail_errno("create " + path.string(), errno);
  return std::make_unique<Blocks>(path);
}

Result<std::unique_ptr<MemoryOutput>> physical_output(const fs::path& path) {
  auto file = SparseFile::create(path);
  if (!file)
    return fail(file.error());
  fs::path directory = path.has_parent_path() ? path.parent_path() : ".";
  auto scratch = SparseFile::scratch(directory);
  if (!scratch) {
    std::error_code ignored;
    fs::remove(path, ignored);
    return fail(scratch.error());
  }
  return std::make_unique<Physical>(std::move(*file), std::move(*scratch),
                                    path);
}

Result<std::unique_ptr<MemoryOutput>> elf_output(const fs::path& path,
                                                 bool registers) {
  return SparseFile::create(path).map(
      [&](SparseFile&& file) -> std::unique_ptr<MemoryOutput> {
        return std::make_unique<ElfCore>(std::move(file), path, registers);
      });
}

} // namespace migscope::analyzer
