#include "captures/session/frame_scan.h"

#include "base/byte_order.h"
#include "captures/session/channel_format.h"

#include <array>
#include <cstring>
#include <fmt/format.h>

namespace migscope::captures {
namespace {

constexpr size_t kMagicBytes = 4;
constexpr size_t kBlockHeaderBytes = 3;
constexpr size_t kMaxHeaderBytes = 18; // of a data frame, RFC 8878 3.1.1.1

bool is_skippable(uint32_t magic) {
  return (magic & 0xFFFFFFF0) == kSkippableMagic;
}

// What a data frame's header says, RFC 8878 section 3.1.1.1.
struct DataHeader {
  size_t bytes = 0;
  std::optional<uint64_t> content;
  bool checksum = false;
};

uint64_t load_le_sized(std::span<const std::byte> bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size(); i++)
    value |= std::to_integer<uint64_t>(bytes[i]) << (8 * i);
  return value;
}

// Nothing where `bytes` end inside the header.
std::optional<DataHeader> parse_header(std::span<const std::byte> bytes) {
  constexpr std::array<size_t, 4> kDictionaryBytes{0, 1, 2, 4};
  if (bytes.size() <= kMagicBytes)
    return std::nullopt;
  auto descriptor = std::to_integer<unsigned>(bytes[kMagicBytes]);
  bool single_segment = descriptor & 0x20;
  unsigned size_flag = descriptor >> 6;
  size_t size_bytes = size_flag ? size_t{1} << size_flag : single_segment;
  size_t before_size =
      kMagicBytes + 1 + !single_segment + kDictionaryBytes[descriptor & 3];
  DataHeader header;
  header.bytes = before_size + size_bytes;
  header.checksum = descriptor & 0x04;
  if (bytes.size() < header.bytes)
    return std::nullopt;
  if (size_bytes)
    header.content = load_le_sized(bytes.subspan(before_size, size_bytes)) +
                     (size_bytes == 2 ? 256 : 0);
  return header;
}

struct BlockHeader {
  bool last;
  bool valid;
  uint32_t bytes; // that follow
};

BlockHeader parse_block(std::span<const std::byte> bytes) {
  auto word = static_cast<uint32_t>(load_le_sized(bytes));
  uint32_t type = (word >> 1) & 3;
  constexpr uint32_t kRunLength = 1, kReserved = 3;
  return {(word & 1) != 0, type != kReserved,
          type == kRunLength ? 1 : word >> 3};
}

class Walk {
public:
  explicit Walk(const File& file) : file_(file) {}

  Status run() {
    while (at_ < file_.size() && !scan_.stopped)
      if (Status ok = step(); !ok)
        return ok;
    return {};
  }
  FrameScan take() { return std::move(scan_); }

private:
  // Reads what there is of `out.size()` bytes.
  Result<std::span<const std::byte>> peek(uint64_t offset,
                                          std::span<std::byte> out) const {
    return file_.read_at(offset, out).map([out](size_t n) {
      return std::span<const std::byte>(out.first(n));
    });
  }

  void stop(ErrorKind kind, std::string why) {
    scan_.stopped = Error{kind, std::move(why), file_.name(), at_};
  }

  Status step() {
    std::array<std::byte, kMaxHeaderBytes> room;
    auto head = peek(at_, room);
    if (!head)
      return fail(head.error());
    if (head->size() < kMagicBytes) {
      stop(ErrorKind::truncated, "the file ends inside a frame's magic");
      return {};
    }
    auto magic = load_le<uint32_t>(head->data());
    if (is_skippable(magic))
      return skippable(*head);
    if (magic == kZstdMagic)
      return data(*head);
    stop(ErrorKind::malformed,
         fmt::format("expected a zstd frame, found {:#010x}", magic));
    return {};
  }

  Status skippable(std::span<const std::byte> head) {
    if (head.size() < kSkippableHeaderBytes) {
      stop(ErrorKind::truncated, "the file ends inside a skippable frame");
      return {};
    }
    uint64_t size = kSkippableHeaderBytes + load_le<uint32_t>(&head[4]);
    if (size > file_.size() - at_)
      stop(ErrorKind::truncated, "the file ends inside a skippable frame");
    else
      add(size, 0);
    return {};
  }

  Status data(std::span<const std::byte> head) {
    auto header = parse_header(head);
    if (!header) {
      stop(ErrorKind::truncated, "the file ends inside a frame's header");
      return {};
    }
    if (!header->content || *header->content > kMaxContentBytes) {
      stop(ErrorKind::unsupported, oversized(*header));
      return {};
    }
    auto end = end_of_blocks(at_ + header->bytes);
    if (!end)
      return fail(end.error());
    if (scan_.stopped)
      return {};
    uint64_t size = *end + (header->checksum ? 4 : 0) - at_;
    if (size <= file_.size() - at_) {
      add(size, *header->content);
      return {};
    }
    stop(ErrorKind::truncated, "the file ends inside a data frame");
    scan_.cut_off = FrameAt{at_, file_.size() - at_, *header->content};
    return {};
  }

  static std::string oversized(const DataHeader& header) {
    std::string what = header.content
                           ? fmt::format("of {} bytes", *header.content)
                           : "of unknown size";
    return fmt::format("a zstd frame {}; at most {} bytes can be read (unpack "
                       "it with zstd -d)",
                       what, kMaxContentBytes);
  }

  // Past the last block, or past the end of the file. Sets `stopped` where a
  // block cannot be one.
  Result<uint64_t> end_of_blocks(uint64_t at) {
    while (at + kBlockHeaderBytes <= file_.size()) {
      std::array<std::byte, kBlockHeaderBytes> room{};
      auto head = peek(at, room);
      if (!head)
        return fail(head.error());
      BlockHeader block = parse_block(room);
      if (!block.valid)
        stop(ErrorKind::malformed, "a data frame has a block of unknown type");
      at += kBlockHeaderBytes + block.bytes;
      if (block.last || !block.valid)
        return at;
    }
    return file_.size() + 1;
  }

  void add(uint64_t size, uint64_t content) {
    scan_.frames.push_back({at_, size, content});
    at_ += size;
  }

  const File& file_;
  FrameScan scan_;
  uint64_t at_ = 0;
};

struct TableShape {
  uint64_t offset = 0; // of the table's frame
  size_t entries = 0;
  size_t entry_bytes = 0;
};

std::optional<TableShape> find_table(const File& file) {
  std::array<std::byte, kSeekFooterBytes> footer;
  std::array<std::byte, kSkippableHeaderBytes> header;
  if (file.size() < footer.size() + header.size() ||
      file.read_at(file.size() - footer.size(), footer) != footer.size() ||
      load_le<uint32_t>(&footer[5]) != kSeekFooterMagic)
    return std::nullopt;
  auto descriptor = std::to_integer<unsigned>(footer[4]);
  if (descriptor & 0x7c) // reserved, must be 0
    return std::nullopt;
  TableShape shape;
  shape.entries = load_le<uint32_t>(footer.data());
  shape.entry_bytes = descriptor & 0x80 ? 12 : 8;
  uint64_t body = shape.entries * shape.entry_bytes + kSeekFooterBytes;
  if (body > file.size() - header.size())
    return std::nullopt;
  shape.offset = file.size() - body - header.size();
  if (file.read_at(shape.offset, header) != header.size() ||
      load_le<uint32_t>(header.data()) != kSeekTableMagic ||
      load_le<uint32_t>(&header[4]) != body)
    return std::nullopt;
  return shape;
}

} // namespace

Status check_zstd_magic(const File& file) {
  std::array<std::byte, 4> magic{};
  auto n = file.read_at(0, magic);
  if (!n)
    return fail(n.error());
  auto value = load_le<uint32_t>(magic.data());
  auto begins = [&](uint32_t known) {
    return std::memcmp(&value, &known, *n) == 0;
  };
  if (begins(kZstdMagic) || begins(kIndexFrameMagic) || is_skippable(value))
    return {};
  return fail(Error{ErrorKind::malformed,
                    "not a zstd file: it begins with none of zstd's magics",
                    file.name(), 0});
}

std::optional<FrameScan> scan_seek_table(const File& file) {
  auto shape = find_table(file);
  if (!shape)
    return std::nullopt;
  std::vector<std::byte> table(shape->entries * shape->entry_bytes);
  if (file.read_at(shape->offset + kSkippableHeaderBytes, table) !=
      table.size())
    return std::nullopt;
  FrameScan scan;
  uint64_t at = 0;
  for (size_t i = 0; i < shape->entries; i++) {
    const std::byte* entry = &table[i * shape->entry_bytes];
    FrameAt frame{at, load_le<uint32_t>(entry), load_le<uint32_t>(entry + 4)};
    at += frame.size;
    if (at > shape->offset || frame.content > kMaxContentBytes)
      return std::nullopt;
    scan.frames.push_back(frame);
  }
  if (at != shape->offset)
    return std::nullopt;
  return scan;
}

Result<FrameScan> walk_frames(const File& file) {
  Walk walk(file);
  if (Status ok = walk.run(); !ok)
    return fail(ok.error());
  return walk.take();
}

} // namespace migscope::captures
