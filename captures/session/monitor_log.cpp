#include "captures/session/monitor_log.h"

#include "captures/session/file.h"
#include "captures/session/frame_scan.h"
#include "captures/session/zstd_frame.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <vector>

namespace migscope::captures {
namespace {

using qmp::Json;

// Bytes of lines after which a frame is written even if nobody flushes.
constexpr size_t kPendingBytes = 1u << 20;
// A line of the monitor of which every byte is escaped as \u00XX, and our keys.
constexpr size_t kMaxLogLineBytes = 6 * qmp::kMaxLineBytes + 256;
constexpr size_t kReadBytes = 128u << 10;
constexpr std::string_view kMessageKey = "\"message\":";
constexpr std::string_view kBlank = " \t\r";

std::string_view direction_name(qmp::Direction direction) {
  return direction == qmp::Direction::received ? "received" : "sent";
}

// Without blanks around it, which would not come back.
bool is_object(std::string_view text) {
  if (!text.starts_with('{') || !text.ends_with('}'))
    return false;
  auto json = Json::parse(text);
  return json && json->is_object();
}

std::string to_hex(std::string_view text) {
  std::string out;
  for (unsigned char byte : text)
    out += fmt::format("{:02x}", byte);
  return out;
}

std::optional<std::string> from_hex(std::string_view hex) {
  std::string out;
  if (hex.size() % 2 != 0)
    return std::nullopt;
  for (size_t i = 0; i < hex.size(); i += 2) {
    uint8_t byte = 0;
    const char* end = hex.data() + i + 2;
    auto [stop, error] = std::from_chars(hex.data() + i, end, byte, 16);
    if (error != std::errc() || stop != end)
      return std::nullopt;
    out += static_cast<char>(byte);
  }
  return out;
}

// The last member: the text itself where it is an object, else as a string.
std::string content_member(const std::string& text) {
  if (text.find('\n') == text.npos && is_object(text))
    return fmt::format("{}{}", kMessageKey, text);
  std::string quoted = Json::of(text).dump();
  auto back = Json::parse(quoted);
  if (back && back->as_string() == text)
    return "\"text\":" + quoted;
  return fmt::format("\"hex\":\"{}\"", to_hex(text));
}

std::optional<End> parse_end(const Json& value) {
  for (End end : {End::source, End::destination})
    if (value.as_string() == to_string(end))
      return end;
  return std::nullopt;
}

std::optional<qmp::Direction> parse_direction(const Json& value) {
  for (auto direction : {qmp::Direction::received, qmp::Direction::sent})
    if (value.as_string() == direction_name(direction))
      return direction;
  return std::nullopt;
}

std::string_view trim(std::string_view text) {
  size_t first = std::min(text.find_first_not_of(kBlank), text.size());
  return text.substr(first, text.find_last_not_of(kBlank) + 1 - first);
}

// A log line in two: an object without the message, and the message verbatim.
struct Split {
  std::string head;
  std::optional<std::string_view> message;
};

// The key cannot stand in what is before it, nor in "text", where its quotes
// would be escaped.
Split split_message(std::string_view line) {
  size_t at = line.find(kMessageKey);
  if (at == line.npos)
    return {std::string(line), std::nullopt};
  std::string_view head = trim(line.substr(0, at));
  if (head.ends_with(','))
    head.remove_suffix(1);
  std::string_view message = trim(line.substr(at + kMessageKey.size()));
  if (message.ends_with('}'))
    message.remove_suffix(1);
  return {std::string(head) + "}", trim(message)};
}

std::optional<std::string> content_of(const Split& split, const Json& head) {
  if (split.message)
    return is_object(*split.message)
               ? std::optional(std::string(*split.message))
               : std::nullopt;
  if (auto hex = head.get("hex").as_string())
    return from_hex(*hex);
  return head.get("text").as_string();
}

std::optional<MonitorLine> parse_line(std::string_view line) {
  Split split = split_message(line);
  auto head = Json::parse(split.head);
  if (!head)
    return std::nullopt;
  auto mono = head->get("ns").as_int(), wall = head->get("wall_ns").as_int();
  auto end = parse_end(head->get("end"));
  auto direction = parse_direction(head->get("dir"));
  auto text = content_of(split, *head);
  if (!mono || !is_plausible(*mono) || !wall || !is_plausible(*wall) || !end ||
      !direction || !text)
    return std::nullopt;
  return MonitorLine{{{*mono}, {*wall}}, *end, *direction, *text};
}

class LogReader {
public:
  using OnLine = std::function<void(const MonitorLine&)>;
  LogReader(const File& file, const OnLine& on_line)
      : file_(file), on_line_(on_line) {}

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
  if (unfinished_.size() > kMaxLogLineBytes)
    return fail(ErrorKind::malformed, "a line longer than any can be");
  return {};
}

Status LogReader::take_line(std::string_view line) {
  auto parsed = parse_line(line);
  if (!parsed)
    return fail(ErrorKind::malformed, "not a line of a monitor log");
  on_line_(*parsed);
  lines_++;
  return {};
}

} // namespace

std::string_view to_string(End end) {
  return end == End::source ? "source" : "destination";
}

class MonitorLogWriter::Impl {
public:
  explicit Impl(File file) : file_(std::move(file)) {}

  Status append(const MonitorLine& line) {
    if (failure_)
      return fail(*failure_);
    pending_ += fmt::format(
        "{{\"ns\":{},\"wall_ns\":{},\"end\":\"{}\",\"dir\":\"{}\",{}}}\n",
        line.time.mono.ns, line.time.wall.ns, to_string(line.end),
        direction_name(line.direction), content_member(line.text));
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

Result<std::unique_ptr<MonitorLogWriter>>
MonitorLogWriter::create(const std::filesystem::path& path) {
  auto file = File::create(path);
  if (!file)
    return fail(file.error());
  return std::unique_ptr<MonitorLogWriter>(
      new MonitorLogWriter(std::make_unique<Impl>(*std::move(file))));
}

MonitorLogWriter::MonitorLogWriter(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}

MonitorLogWriter::~MonitorLogWriter() {
  (void)impl_->close();
}

Status MonitorLogWriter::append(const MonitorLine& line) {
  return impl_->append(line);
}

Status MonitorLogWriter::flush() {
  return impl_->flush();
}

Status MonitorLogWriter::close() {
  return impl_->close();
}

Status read_monitor_log(const std::filesystem::path& path,
                        const std::function<void(const MonitorLine&)>& on_line,
                        std::optional<Error>* torn) {
  auto file = File::open(path);
  if (!file)
    return fail(file.error());
  if (Status ok = check_zstd_magic(*file); !ok)
    return ok;
  LogReader reader(*file, on_line);
  if (Status ok = reader.run(); !ok)
    return ok;
  if (torn)
    *torn = reader.damage();
  return {};
}

} // namespace migscope::captures
