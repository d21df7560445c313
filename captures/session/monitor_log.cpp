#include "captures/session/monitor_log.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>

namespace migscope::captures {
namespace {

using qmp::Json;

// A line of the monitor of which every byte is escaped as \u00XX, and our keys.
constexpr size_t kMaxLogLineBytes = 6 * qmp::kMaxLineBytes + 256;
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

} // namespace

std::string_view to_string(End end) {
  return end == End::source ? "source" : "destination";
}

std::optional<End> parse_end(const qmp::Json& value) {
  for (End end : {End::source, End::destination})
    if (value.as_string() == to_string(end))
      return end;
  return std::nullopt;
}

Result<std::unique_ptr<MonitorLogWriter>>
MonitorLogWriter::create(const std::filesystem::path& path) {
  auto log = LineLogWriter::create(path);
  if (!log)
    return fail(log.error());
  return std::unique_ptr<MonitorLogWriter>(
      new MonitorLogWriter(*std::move(log)));
}

Status MonitorLogWriter::append(const MonitorLine& line) {
  return log_->append(fmt::format(
      "{{\"ns\":{},\"wall_ns\":{},\"end\":\"{}\",\"dir\":\"{}\",{}}}",
      line.time.mono.ns, line.time.wall.ns, to_string(line.end),
      direction_name(line.direction), content_member(line.text)));
}

Status read_monitor_log(const std::filesystem::path& path,
                        const std::function<void(const MonitorLine&)>& on_line,
                        std::optional<Error>* torn) {
  auto take = [&](std::string_view line) {
    auto parsed = parse_line(line);
    if (parsed)
      on_line(*parsed);
    return parsed.has_value();
  };
  return read_line_log(path, {"a line of a monitor log", kMaxLogLineBytes},
                       take, torn);
}

} // namespace migscope::captures
