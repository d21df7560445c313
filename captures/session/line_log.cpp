#include "captures/session/line_log.h"

#include "captures/session/file.h"
#include "captures/session/frame_scan.h"
#include "captures/session/zstd_frame.h"

#include <fmt/format.h>
#include <vector>

namespace migscope::captures {
namespace {

// Bytes of lines after which a frame is written even if nobody flushes.
constexpr size_t kPendingBytes = 1u << 20;
constexpr size_t kReadBytes = 128u << 10;

class LogReader {
public:
  using OnLine = std::function<bool(std::string_view)>;
  LogReader(const File& file, const LineKind& kind, const OnLine& on_line)
      : file_(file), kind_(kind), on_line_(on_line) {}

  // Fails where the file cannot be read; what else ends it is in damage().
  Status run();
  [[nodiscard]] const std::optional<Error>& damage() const { return damage_; }

private:
  Status take(std::span<const std::byte> bytes);
  Status take_line(std::string_view line);
  void stop(ErrorKind kind, std::string_view why) {
    damage_ = Error{kind, fmt::format("after line {}: {}", lines_, why),
                    file_.name()};
  }

  const File& file_;
  const LineKind& kind_;
  const OnLine& on_line_;
  std::string unfinished_;
  uint64_t lines_ = 0;
  std::optional<Error> damage_;
};

Status LogReader::run() {
  StreamDecompressor zstd;
  std::vector<std::byte> room(kReadBytes);
  for (uint64_t at = 0; at < file_.size();) {
    auto n = file_.read_at(at, room);
    if (!n)
      return fail(n.error());
    if (*n == 0)
      break; // shorter than when it was opened
    at += *n;
    Status ok = zstd.feed(std::span(room).first(*n),
                          [this](auto bytes) { return take(bytes); });
    if (!ok) {
      stop(ok.error().kind, ok.error().message);
      return {};
    }
  }
  if (file_.size() == 0 || zstd.inside_frame() || !unfinished_.empty())
    stop(ErrorKind::truncated, "the file ends too early");
  return {};
}

Status LogReader::take(std::span<const std::byte> bytes) {
  std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                        bytes.size());
  for (size_t end; (end = text.find('\n')) != text.npos;) {
    unfinished_ += text.substr(0, end);
    text.remove_prefix(end + 1);
    if (Status ok = take_line(unfinished_); !ok)
      return ok;
    unfinished_.clear();
  }
  unfinished_ += text;
  if (unfinished_.size() > kind_.max_bytes)
    return fail(ErrorKind::malformed, "a line longer than any can be");
  return {};
}

Status LogReader::take_line(std::string_view line) {
  if (!on_line_(line))
    return fail(ErrorKind::malformed, fmt::format("not {}", kind_.what));
  lines_++;
  return {};
}

} // namespace

class LineLogWriter::Impl {
public:
  explicit Impl(File file) : file_(std::move(file)) {}

  Status append(std::string_view line) {
    if (failure_)
      return fail(*failure_);
    pending_.append(line) += '\n';
    return pending_.size() >= kPendingBytes ? write_frame() : Status();
  }

  Status flush() {
    if (failure_)
      return fail(*failure_);
    return pending_.empty() ? Status() : write_frame();
  }

  Status close() {
    // An empty log still is a zstd file.
    Status ok = failure_ || end_ > 0 ? flush() : write_frame();
    if (closed_ || !ok)
      return ok;
    closed_ = true;
    return file_.close();
  }

private:
  Status write_frame() {
    std::vector<std::byte> frame(FrameCompressor::bound(pending_.size()));
    auto size = compressor_.compress(std::as_bytes(std::span(pending_)), frame);
    Status ok = size ? file_.write(std::span(frame).first(*size))
                     : Status(fail(size.error()));
    pending_.clear();
    if (!ok) {
      failure_ = ok.error();
      (void)file_.truncate(end_);
      return ok;
    }
    end_ += *size;
    return {};
  }

  File file_;
  FrameCompressor compressor_;
  std::string pending_;
  uint64_t end_ = 0;
  std::optional<Error> failure_;
  bool closed_ = false;
};

Result<std::unique_ptr<LineLogWriter>>
LineLogWriter::create(const std::filesystem::path& path) {
  auto file = File::create(path);
  if (!file)
    return fail(file.error());
  return std::unique_ptr<LineLogWriter>(
      new LineLogWriter(std::make_unique<Impl>(*std::move(file))));
}

LineLogWriter::LineLogWriter(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}

LineLogWriter::~LineLogWriter() {
  (void)impl_->close();
}

Status LineLogWriter::append(std::string_view line) {
  return impl_->append(line);
}

Status LineLogWriter::flush() {
  return impl_->flush();
}

Status LineLogWriter::close() {
  return impl_->close();
}

Status read_line_log(const std::filesystem::path& path, const LineKind& kind,
                     const std::function<bool(std::string_view)>& on_line,
                     std::optional<Error>* torn) {
  auto file = File::open(path);
  if (!file)
    return fail(file.error());
  if (Status ok = check_zstd_magic(*file); !ok)
    return ok;
  LogReader reader(*file, kind, on_line);
  if (Status ok = reader.run(); !ok)
    return ok;
  if (torn)
    *torn = reader.damage();
  return {};
}

} // namespace migscope::captures
