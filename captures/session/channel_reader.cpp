#include "captures/session/channel_reader.h"

#include "base/byte_order.h"
#include "captures/session/frame_scan.h"
#include "captures/session/zstd_frame.h"

#include <algorithm>
#include <array>

namespace migscope::captures {
namespace {

// A data frame, or the readable start of one that is cut off.
struct Piece {
  FrameAt frame;
  uint64_t stream_offset = 0;
  bool cut_off = false;
};

std::unique_ptr<std::byte[]> room_for(uint64_t bytes) {
  return std::make_unique_for_overwrite<std::byte[]>(bytes);
}

// The frame's bytes as they stand in the file.
Result<std::unique_ptr<std::byte[]>> load(const File& file,
                                          const FrameAt& frame) {
  if (frame.size > kMaxContentBytes * 2)
    return fail(Error{ErrorKind::malformed, "a frame larger than it can be",
                      file.name(), frame.offset});
  auto bytes = room_for(frame.size);
  auto n = file.read_at(frame.offset, {bytes.get(), frame.size});
  if (!n)
    return fail(n.error());
  if (*n != frame.size)
    return fail(Error{ErrorKind::truncated, "the file has become shorter",
                      file.name(), frame.offset});
  return bytes;
}

bool is_index(const File& file, const FrameAt& frame) {
  std::array<std::byte, 4> magic{};
  return frame.size >= kSkippableHeaderBytes &&
         file.read_at(frame.offset, magic) == magic.size() &&
         load_le<uint32_t>(magic.data()) == kIndexFrameMagic;
}

} // namespace

class ChannelReader::Impl {
public:
  explicit Impl(File file) : file_(std::move(file)) {}

  Status scan();
  Status read_piece(const Piece& piece, std::vector<std::byte>& out) const;

  std::vector<Piece> pieces_;
  std::vector<Chunk> chunks_;
  std::optional<Error> torn_;
  uint64_t bytes_ = 0;

private:
  bool adopt(const FrameScan& scan);
  std::vector<Chunk> read_index(const FrameAt& frame);
  bool add_piece(Piece piece, std::vector<Chunk> chunks);
  void add_cut_off(const FrameAt& frame, const std::vector<Chunk>& chunks);
  void note(const Error& error);

  File file_;
  bool indexed_ = false; // there are index frames: the file is one of ours
  std::optional<uint64_t> untimed_; // the first data frame without one
};

Status ChannelReader::Impl::scan() {
  if (Status ok = check_zstd_magic(file_); !ok)
    return ok;
  if (auto table = scan_seek_table(file_); table && adopt(*table))
    return {};
  auto walked = walk_frames(file_);
  if (!walked)
    return fail(walked.error());
  (void)adopt(*walked);
  if (walked->stopped && walked->stopped->kind == ErrorKind::unsupported &&
      pieces_.empty())
    return fail(*walked->stopped);
  if (walked->stopped)
    note(*walked->stopped);
  else if (indexed_ || file_.size() == 0)
    note({ErrorKind::truncated,
          "no seek table at the end: writing was not finished", file_.name(),
          file_.size()});
  return {};
}

// False where the index frames contradict the scan.
bool ChannelReader::Impl::adopt(const FrameScan& scan) {
  pieces_.clear();
  chunks_.clear();
  torn_.reset();
  indexed_ = false;
  untimed_.reset();
  bytes_ = 0;
  bool agreed = true;
  std::vector<Chunk> chunks; // of the data frame that comes next
  for (const FrameAt& frame : scan.frames) {
    if (is_index(file_, frame)) {
      agreed &= frame.content == 0 && chunks.empty();
      indexed_ = true;
      chunks = read_index(frame);
    } else if (frame.content != 0) {
      agreed &= add_piece({frame, bytes_}, std::exchange(chunks, {}));
    }
  }
  agreed &= chunks.empty() || scan.cut_off;
  if (indexed_ && untimed_)
    note({ErrorKind::malformed, "a data frame without index frame",
          file_.name(), untimed_});
  if (scan.cut_off)
    add_cut_off(*scan.cut_off, chunks);
  return agreed;
}

// Empty where the index is damaged: the stream can be read without it.
std::vector<Chunk> ChannelReader::Impl::read_index(const FrameAt& frame) {
  if (frame.size > kMaxIndexBytes) {
    note({ErrorKind::malformed, "index frame: too long", file_.name(),
          frame.offset});
    return {};
  }
  auto bytes = load(file_, frame);
  auto chunks = bytes ? parse_index({bytes->get(), frame.size})
                      : Result<std::vector<Chunk>>(fail(bytes.error()));
  if (chunks)
    return *std::move(chunks);
  Error error = chunks.error();
  error.where = file_.name();
  error.offset = frame.offset;
  note(error);
  return {};
}

bool ChannelReader::Impl::add_piece(Piece piece, std::vector<Chunk> chunks) {
  bytes_ += piece.frame.content;
  pieces_.push_back(piece);
  if (chunks.empty()) {
    untimed_ = untimed_ ? untimed_ : piece.frame.offset;
    return true;
  }
  const Chunk& last = chunks.back();
  if (chunks.front().offset != piece.stream_offset ||
      last.offset + last.length != bytes_) {
    note({ErrorKind::malformed, "the index frame is of another data frame",
          file_.name(), piece.frame.offset});
    return false;
  }
  chunks_.insert(chunks_.end(), chunks.begin(), chunks.end());
  return true;
}

void ChannelReader::Impl::add_cut_off(const FrameAt& frame,
                                      const std::vector<Chunk>& chunks) {
  auto stored = load(file_, frame);
  if (!stored)
    return note(stored.error());
  auto room = room_for(frame.content);
  uint64_t bytes = decompress_start({stored->get(), frame.size},
                                    {room.get(), frame.content});
  if (bytes == 0)
    return;
  Piece piece{frame, bytes_, true};
  piece.frame.content = bytes;
  std::vector<Chunk> whole;
  for (Chunk chunk : chunks) {
    uint64_t before = chunk.offset - chunks.front().offset;
    if (before >= bytes)
      break;
    chunk.length =
        static_cast<uint32_t>(std::min<uint64_t>(chunk.length, bytes - before));
    whole.push_back(chunk);
  }
  (void)add_piece(piece, std::move(whole));
}

void ChannelReader::Impl::note(const Error& error) {
  if (!torn_)
    torn_ = error;
}

Status ChannelReader::Impl::read_piece(const Piece& piece,
                                       std::vector<std::byte>& out) const {
  auto stored = load(file_, piece.frame);
  if (!stored)
    return fail(stored.error());
  out.resize(piece.frame.content);
  std::span<const std::byte> in(stored->get(), piece.frame.size);
  Status ok;
  if (!piece.cut_off)
    ok = decompress_frame(in, out);
  else if (decompress_start(in, out) != out.size())
    ok = fail(ErrorKind::malformed, "the file has changed");
  if (ok)
    return ok;
  return fail(Error{ErrorKind::malformed, ok.error().message, file_.name(),
                    piece.frame.offset});
}

Result<std::unique_ptr<ChannelReader>>
ChannelReader::open(const std::filesystem::path& path) {
  auto file = File::open(path);
  if (!file)
    return fail(file.error());
  auto impl = std::make_unique<Impl>(*std::move(file));
  if (Status ok = impl->scan(); !ok)
    return fail(ok.error());
  return std::unique_ptr<ChannelReader>(new ChannelReader(std::move(impl)));
}

ChannelReader::ChannelReader(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}
ChannelReader::~ChannelReader() = default;

uint64_t ChannelReader::bytes() const {
  return impl_->bytes_;
}

const std::optional<Error>& ChannelReader::torn() const {
  return impl_->torn_;
}

const std::vector<Chunk>& ChannelReader::chunks() const {
  return impl_->chunks_;
}

size_t ChannelReader::pieces() const {
  return impl_->pieces_.size();
}

uint64_t ChannelReader::piece_offset(size_t piece) const {
  return piece < pieces() ? impl_->pieces_[piece].stream_offset : bytes();
}

Status ChannelReader::read_piece(size_t piece,
                                 std::vector<std::byte>& out) const {
  return impl_->read_piece(impl_->pieces_[piece], out);
}

std::span<const Chunk>::iterator chunk_at(std::span<const Chunk> chunks,
                                          uint64_t offset) {
  auto after = std::ranges::upper_bound(chunks, offset, {}, &Chunk::offset);
  if (after == chunks.begin())
    return chunks.end();
  auto at = std::prev(after);
  return offset - at->offset < at->length ? at : chunks.end();
}

std::optional<MonoTime> arrival_of(std::span<const Chunk> chunks,
                                   uint64_t offset) {
  auto chunk = chunk_at(chunks, offset);
  return chunk == chunks.end() ? std::nullopt : std::optional(chunk->arrival);
}

} // namespace migscope::captures
