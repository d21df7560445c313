#include "qmp/message.h"

#include <fmt/format.h>

namespace migscope::qmp {
namespace {

constexpr size_t kQuotedBytes = 60;

std::string quote_start(std::string_view line) {
  std::string out = "\"";
  for (char c : line.substr(0, kQuotedBytes)) {
    auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f)
      out += fmt::format("\\x{:02x}", byte);
    else
      out += c;
  }
  return out + (line.size() > kQuotedBytes ? "\"..." : "\"");
}

tl::unexpected<Error> protocol(std::string_view line, std::string_view what) {
  return fail(ErrorKind::protocol,
              fmt::format("{}, found {}", what, quote_start(line)));
}

std::optional<int> as_small_int(const Json& value) {
  auto number = value.as_int();
  if (!number || *number < 0 || *number > 1'000'000)
    return {};
  return static_cast<int>(*number);
}

std::optional<WallTime> decode_timestamp(const Json& value) {
  auto seconds = value.get("seconds").as_int();
  auto micros = value.get("microseconds").as_int();
  if (!seconds || !micros)
    return {};
  // QEMU's word for "the clock could not be read" (qmp-spec).
  if (*seconds == -1 && *micros == -1)
    return WallTime{0};
  constexpr int64_t kMaxSeconds = 9'000'000'000; // year 2255; fits in int64 ns
  if (*seconds < 0 || *seconds > kMaxSeconds || *micros < 0 ||
      *micros >= 1'000'000)
    return {};
  return WallTime{*seconds * 1'000'000'000 + *micros * 1'000};
}

Result<Message> parse_greeting(const Json& json, std::string_view line) {
  auto version = decode_version(json.get("QMP").get("version"));
  if (!version)
    return protocol(line, "expected a QEMU version in the greeting");
  return Greeting{*version};
}

// libvirt's virt-qemu-qmp-proxy (9.0) passes an event's data on as a string
// that holds the JSON. No event of QEMU has a string for its data.
Json event_data(Json data) {
  auto text = data.as_string();
  if (!text)
    return data;
  auto inner = Json::parse(*text);
  return inner ? *std::move(inner) : data;
}

Result<Message> parse_event(const Json& json, std::string_view line) {
  auto name = json.get("event").as_string();
  auto timestamp = decode_timestamp(json.get("timestamp"));
  if (!name || !timestamp)
    return protocol(line, "expected an event with a name and a time");
  return Event{*name, *timestamp, event_data(json.get("data"))};
}

Result<Message> parse_reply(const Json& json, std::string_view line) {
  auto id = json.get("id").as_uint();
  if (!id)
    return protocol(line, "expected a reply with the id of a command");
  return Reply{*id, json.get("return")};
}

Result<Message> parse_error_reply(const Json& json, std::string_view line) {
  Json error = json.get("error");
  auto error_class = error.get("class").as_string();
  auto description = error.get("desc").as_string();
  auto id = json.get("id").as_uint();
  if (!error_class || !description || (json.has("id") && !id))
    return protocol(line, "expected an error with class, text and id");
  return ErrorReply{id, *error_class, *description};
}

} // namespace

Result<Message> parse_message(std::string_view line) {
  auto json = Json::parse(line);
  if (!json)
    return protocol(line, json.error().message);
  if (!json->is_object())
    return protocol(line, "expected a JSON object");
  if (json->has("QMP"))
    return parse_greeting(*json, line);
  if (json->has("event"))
    return parse_event(*json, line);
  if (json->has("return"))
    return parse_reply(*json, line);
  if (json->has("error"))
    return parse_error_reply(*json, line);
  return protocol(line, "expected a greeting, a reply or an event");
}

std::string to_string(const Version& version) {
  std::string out =
      fmt::format("{}.{}.{}", version.major, version.minor, version.micro);
  if (!version.package.empty())
    out += fmt::format(" ({})", version.package);
  return out;
}

std::optional<Version> decode_version(const Json& value) {
  Json qemu = value.get("qemu");
  auto major = as_small_int(qemu.get("major"));
  auto minor = as_small_int(qemu.get("minor"));
  auto micro = as_small_int(qemu.get("micro"));
  if (!major || !minor || !micro)
    return {};
  return Version{*major, *minor, *micro,
                 value.get("package").as_string().value_or("")};
}

} // namespace migscope::qmp
