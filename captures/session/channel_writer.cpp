#include "captures/session/channel_writer.h"

#include "captures/session/channel_format.h"
#include "captures/session/file.h"
#include "captures/session/zstd_frame.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

namespace migscope::captures {
namespace {

constexpr size_t kQueueBytes = 32u << 20;
constexpr size_t kQueueFrames = kQueueBytes / kFrameBytes;
// Frames that wait are full ones: while this many do, age closes no more, so
// that kQueueFrames of them hold kQueueBytes, not a few bytes each.
constexpr size_t kAgedFrames = 4;
// Buffers kept for reuse; one megabyte fresh from the kernel costs 256 faults.
constexpr size_t kSpareBuffers = 4;

// zstd's level for a frame behind which `queued` others wait. One core does
// about 0.5 GB/s of guest memory at level 1, 0.9 at -7 and 2 at -100 (zstd
// 1.5.4): a stream that is faster than its storage costs file size before it
// costs the migration time.
int level_for(size_t queued) {
  if (queued < kQueueFrames / 4)
    return 1;
  return queued < kQueueFrames / 2 ? -7 : -100;
}

using Buffer = std::unique_ptr<std::byte[]>;
using ThreadTime = std::chrono::steady_clock::time_point;

Buffer new_buffer(size_t bytes) {
  return std::make_unique_for_overwrite<std::byte[]>(bytes);
}

struct Frame {
  Buffer data; // kFrameBytes
  size_t size = 0;
  std::vector<Chunk> chunks;
  size_t queued = 0; // frames that wait behind it
  ThreadTime opened; // for the worker's waiting; arrivals are the caller's time

  [[nodiscard]] bool empty() const { return chunks.empty(); }
  [[nodiscard]] bool full() const {
    return size == kFrameBytes || chunks.size() == kFrameChunks;
  }
};

// The writer thread's side: one frame after the other to the file.
class FrameFile {
public:
  explicit FrameFile(File file) : file_(std::move(file)) {}

  [[nodiscard]] Status write(const Frame& frame) {
    index_.clear();
    append_index(frame.chunks, index_);
    std::memcpy(out_.get(), index_.data(), index_.size());
    compressor_.set_level(level_for(frame.queued));
    auto size = compressor_.compress(
        {frame.data.get(), frame.size},
        {out_.get() + index_.size(), FrameCompressor::bound(kFrameBytes)});
    if (!size)
      return fail(size.error());
    if (Status ok = put({out_.get(), index_.size() + *size}); !ok)
      return ok;
    table_.push_back({static_cast<uint32_t>(index_.size()), 0});
    table_.push_back(
        {static_cast<uint32_t>(*size), static_cast<uint32_t>(frame.size)});
    return {};
  }

  [[nodiscard]] Status finish() {
    std::vector<std::byte> table;
    append_seek_table(table_, table);
    if (Status ok = put(table); !ok)
      return ok;
    return file_.close();
  }

private:
  // What a failed write left behind goes away, so that the file ends with a
  // complete frame; where that fails too, it is a torn tail.
  Status put(std::span<const std::byte> bytes) {
    Status ok = file_.write(bytes);
    if (ok)
      end_ += bytes.size();
    else
      (void)file_.truncate(end_);
    return ok;
  }

  File file_;
  uint64_t end_ = 0;
  FrameCompressor compressor_;
  std::vector<std::byte> index_;
  // An index frame and its data frame, which one write() takes.
  Buffer out_ =
      new_buffer(kMaxIndexBytes + FrameCompressor::bound(kFrameBytes));
  std::vector<SeekEntry> table_;
};

} // namespace

class ChannelWriter::Impl {
public:
  Impl(File file, std::function<void()> notify)
      : file_(std::move(file)), notify_(std::move(notify)),
        thread_([this] { work(); }) {}

  bool append(std::span<const std::byte> chunk, MonoTime arrival);
  bool can_take_more() const;
  uint64_t stored_bytes() const;
  std::optional<Error> failure() const;
  Status close();

private:
  void seal();
  size_t add(std::span<const std::byte> chunk, MonoTime arrival);
  void work();
  std::optional<Frame> next_frame();
  void recycle(Frame frame);
  void give_up(const Error& error);

  FrameFile file_; // the thread's own
  std::function<void()> notify_;

  mutable std::mutex mutex_; // guards all below but thread_
  std::condition_variable wake_;
  Frame open_;
  std::deque<Frame> sealed_;
  std::vector<Buffer> spare_;
  uint64_t taken_ = 0;  // bytes given by the caller
  uint64_t stored_ = 0; // bytes in complete frames in the file
  bool caller_waits_ = false;
  bool closing_ = false;
  std::optional<Error> failure_;

  std::thread thread_;
};

bool ChannelWriter::Impl::append(std::span<const std::byte> chunk,
                                 MonoTime arrival) {
  std::lock_guard lock(mutex_);
  if (failure_ || closing_)
    return true;
  if (!open_.empty() && sealed_.size() < kAgedFrames &&
      arrival - open_.chunks.front().arrival >= kFrameAge)
    seal();
  while (!chunk.empty())
    chunk = chunk.subspan(add(chunk, arrival));
  caller_waits_ = sealed_.size() >= kQueueFrames;
  return !caller_waits_;
}

// Takes what fits into the open frame and returns how much that is.
size_t ChannelWriter::Impl::add(std::span<const std::byte> chunk,
                                MonoTime arrival) {
  if (open_.empty()) {
    if (!spare_.empty()) {
      open_.data = std::move(spare_.back());
      spare_.pop_back();
    } else {
      open_.data = new_buffer(kFrameBytes);
    }
    open_.opened = std::chrono::steady_clock::now();
    wake_.notify_one(); // the frame's age counts from now
  }
  size_t size = std::min(chunk.size(), kFrameBytes - open_.size);
  std::memcpy(open_.data.get() + open_.size, chunk.data(), size);
  open_.chunks.push_back({taken_, static_cast<uint32_t>(size), arrival});
  open_.size += size;
  taken_ += size;
  if (open_.full())
    seal();
  return size;
}

void ChannelWriter::Impl::seal() {
  sealed_.push_back(std::exchange(open_, {}));
  wake_.notify_one();
}

bool ChannelWriter::Impl::can_take_more() const {
  std::lock_guard lock(mutex_);
  return sealed_.size() <= kQueueFrames / 2;
}

uint64_t ChannelWriter::Impl::stored_bytes() const {
  std::lock_guard lock(mutex_);
  return failure_ ? stored_ : taken_;
}

std::optional<Error> ChannelWriter::Impl::failure() const {
  std::lock_guard lock(mutex_);
  return failure_;
}

Status ChannelWriter::Impl::close() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable())
    thread_.join();
  if (auto error = failure())
    return fail(*error);
  return {};
}

void ChannelWriter::Impl::work() {
  while (auto frame = next_frame()) {
    if (Status ok = file_.write(*frame); !ok)
      return give_up(ok.error());
    recycle(*std::move(frame));
  }
  if (Status ok = file_.finish(); !ok)
    give_up(ok.error());
}

// Waits for a frame that is full, old enough or the last one; nothing after
// the last one.
std::optional<Frame> ChannelWriter::Impl::next_frame() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (sealed_.empty() && !open_.empty() &&
        (closing_ ||
         std::chrono::steady_clock::now() - open_.opened >= kFrameAge))
      seal();
    if (!sealed_.empty()) {
      Frame frame = std::move(sealed_.front());
      sealed_.pop_front();
      frame.queued = sealed_.size();
      return frame;
    }
    if (closing_)
      return std::nullopt;
    if (open_.empty())
      wake_.wait(lock);
    else
      wake_.wait_until(lock, open_.opened + kFrameAge);
  }
}

void ChannelWriter::Impl::recycle(Frame frame) {
  bool room_again;
  {
    std::lock_guard lock(mutex_);
    stored_ += frame.size;
    if (spare_.size() < kSpareBuffers)
      spare_.push_back(std::move(frame.data));
    room_again = caller_waits_ && sealed_.size() <= kQueueFrames / 2;
    if (room_again)
      caller_waits_ = false;
  }
  if (room_again && notify_)
    notify_();
}

void ChannelWriter::Impl::give_up(const Error& error) {
  {
    std::lock_guard lock(mutex_);
    failure_ = error;
    sealed_.clear();
    spare_.clear();
    open_ = {};
  }
  if (notify_)
    notify_();
}

Result<std::unique_ptr<ChannelWriter>>
ChannelWriter::create(const std::filesystem::path& path,
                      std::function<void()> notify) {
  auto file = File::create(path);
  if (!file)
    return fail(file.error());
  try {
    return std::unique_ptr<ChannelWriter>(new ChannelWriter(
        std::make_unique<Impl>(*std::move(file), std::move(notify))));
  } catch (const std::system_error& error) {
    return fail_errno("start a thread to write " + path.string(),
                      error.code().value());
  }
}

ChannelWriter::ChannelWriter(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}

ChannelWriter::~ChannelWriter() {
  (void)impl_->close();
}

bool ChannelWriter::append(std::span<const std::byte> chunk, MonoTime arrival) {
  return impl_->append(chunk, arrival);
}

bool ChannelWriter::can_take_more() const {
  return impl_->can_take_more();
}

uint64_t ChannelWriter::stored_bytes() const {
  return impl_->stored_bytes();
}

std::optional<Error> ChannelWriter::failure() const {
  return impl_->failure();
}

Status ChannelWriter::close() {
  return impl_->close();
}

} // namespace migscope::captures
