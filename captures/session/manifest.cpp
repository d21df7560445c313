#include "captures/session/manifest.h"

#include "captures/session/file.h"

#include <fmt/format.h>
#include <limits>

namespace migscope::captures {
namespace {

using qmp::Json;

constexpr const char* kFileName = "session.json";
// query-machines and the like are part of it; the largest seen have 100 KiB.
constexpr uint64_t kMaxManifestBytes = 8u << 20;

Json encode(const ClockReading& time) {
  return Json::object()
      .set("mono_ns", time.mono.ns)
      .set("wall_ns", time.wall.ns);
}

// As in QMP's query-version, so that decode_version reads it.
Json encode(const qmp::Version& version) {
  return Json::object()
      .set("qemu", Json::object()
                       .set("major", version.major)
                       .set("minor", version.minor)
                       .set("micro", version.micro))
      .set("package", version.package);
}

Json encode(const EndInfo& end) {
  return Json::object()
      .set("address", end.address)
      .set("local", end.local)
      .set("version", encode(end.version))
      .set("machine", end.machine)
      .set("parameters", end.parameters)
      .set("capabilities", end.capabilities);
}

Json encode(const ChannelInfo& channel) {
  return Json::object()
      .set("number", channel.number)
      .set("bytes", channel.bytes)
      .set("return_bytes", channel.return_bytes)
      .set("store_error", channel.store_error)
      .set("stalled_ns", int64_t{channel.stalled.count()});
}

template <typename T>
Json encode(const std::optional<T>& value) {
  return value ? encode(*value) : Json();
}

Json encode(const Manifest& manifest) {
  Json channels = Json::array();
  for (const ChannelInfo& channel : manifest.channels)
    channels.add(encode(channel));
  return Json::object()
      .set("format", kSessionFormat)
      .set("tool_version", manifest.tool_version)
      .set("options", manifest.options)
      .set("started", encode(manifest.started))
      .set("ended", encode(manifest.ended))
      .set("source", encode(manifest.source))
      .set("destination", encode(manifest.destination))
      .set("channels", channels)
      .set("outcome", manifest.outcome)
      .set("outcome_detail", manifest.outcome_detail);
}

// Reads members of an object and keeps the first that is not what it must be.
class Fields {
public:
  Fields(const Json& object, std::string name, std::optional<Error>& error)
      : object_(object), name_(std::move(name)), error_(error) {
    if (!object.is_object())
      refuse("", "an object");
  }

  std::string text(const char* key) {
    return need(object_.get(key).as_string(), key, "a string");
  }
  bool flag(const char* key) {
    return need(object_.get(key).as_bool(), key, "true or false");
  }
  uint64_t count(const char* key) {
    return need(object_.get(key).as_uint(), key, "a number from 0 on");
  }
  int64_t time(const char* key) {
    auto ns = object_.get(key).as_int();
    return need(ns && is_plausible(*ns) ? ns : std::nullopt, key,
                "a time in ns");
  }
  qmp::Version version(const char* key) {
    return need(qmp::decode_version(object_.get(key)), key, "a QEMU version");
  }
  std::optional<std::string> maybe_text(const char* key) {
    return has(key) ? std::optional(text(key)) : std::nullopt;
  }
  Json any(const char* key) const { return object_.get(key); }
  bool has(const char* key) const { return !object_.get(key).is_null(); }
  Fields inside(const char* key) const {
    return Fields(object_.get(key), join(key), error_);
  }
  void refuse(const char* key, const char* expected) {
    if (!error_)
      error_ = Error{ErrorKind::malformed,
                     fmt::format("{}: expected {}", join(key), expected)};
  }

private:
  std::string join(std::string_view key) const {
    bool both = !name_.empty() && !key.empty();
    return fmt::format("{}{}{}", name_, both ? "." : "", key);
  }
  template <typename T>
  T need(std::optional<T> value, const char* key, const char* expected) {
    if (!value)
      refuse(key, expected);
    return value ? *std::move(value) : T{};
  }

  Json object_;
  std::string name_;
  std::optional<Error>& error_;
};

ClockReading decode_time(Fields fields) {
  return {{fields.time("mono_ns")}, {fields.time("wall_ns")}};
}

EndInfo decode_end(Fields fields) {
  EndInfo end;
  end.address = fields.text("address");
  end.local = fields.flag("local");
  end.version = fields.version("version");
  end.machine = fields.any("machine");
  end.parameters = fields.any("parameters");
  end.capabilities = fields.any("capabilities");
  return end;
}

ChannelInfo decode_channel(Fields fields) {
  ChannelInfo channel;
  uint64_t number = fields.count("number");
  if (number > static_cast<uint64_t>(std::numeric_limits<int>::max()))
    fields.refuse("number", "a channel's number");
  else
    channel.number = static_cast<int>(number);
  channel.bytes = fields.count("bytes");
  channel.return_bytes = fields.count("return_bytes");
  channel.store_error = fields.maybe_text("store_error");
  channel.stalled = Nanos(fields.time("stalled_ns"));
  return channel;
}

Result<Manifest> decode(const Json& json) {
  std::optional<Error> error;
  Fields fields(json, "", error);
  Manifest manifest;
  manifest.tool_version = fields.text("tool_version");
  manifest.options = fields.any("options");
  manifest.started = decode_time(fields.inside("started"));
  if (fields.has("ended"))
    manifest.ended = decode_time(fields.inside("ended"));
  if (fields.has("source"))
    manifest.source = decode_end(fields.inside("source"));
  if (fields.has("destination"))
    manifest.destination = decode_end(fields.inside("destination"));
  if (!fields.any("channels").is_array())
    fields.refuse("channels", "an array");
  for (const Json& channel : fields.any("channels").elements())
    manifest.channels.push_back(
        decode_channel(Fields(channel, "channels[]", error)));
  manifest.outcome = fields.text("outcome");
  manifest.outcome_detail = fields.text("outcome_detail");
  if (error)
    return fail(*error);
  return manifest;
}

Status check_format(const Json& json) {
  auto format = json.get("format").as_int();
  if (!format || *format < 1)
    return fail(ErrorKind::malformed, "not a migscope session: no \"format\"");
  if (*format > kSessionFormat)
    return fail(ErrorKind::unsupported,
                fmt::format("session format {}; {} is the newest this version "
                            "reads",
                            *format, kSessionFormat));
  return {};
}

Result<std::string> load(const File& file) {
  if (file.size() > kMaxManifestBytes)
    return fail(ErrorKind::malformed,
                fmt::format("{} bytes; at most {} are read", file.size(),
                            kMaxManifestBytes));
  std::string text(file.size(), '\0');
  auto n = file.read_at(0, std::as_writable_bytes(std::span(text)));
  if (!n)
    return fail(n.error());
  text.resize(*n);
  return text;
}

Result<Manifest> read_text(const File& file) {
  auto text = load(file);
  if (!text)
    return fail(text.error());
  return parse_manifest(*text);
}

// What stands at `path`, which is not a session.
tl::unexpected<Error> not_a_session(const std::filesystem::path& path) {
  constexpr std::string_view kStreamMagic = "QEVM";
  auto usage = [&](const char* what) {
    return fail(Error{ErrorKind::usage, what, path.string()});
  };
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return usage("a directory without session.json, which every session has");
  auto file = File::open(path);
  if (!file)
    return fail(file.error());
  std::string start(kStreamMagic.size(), '\0');
  auto n = file->read_at(0, std::as_writable_bytes(std::span(start)));
  if (n && start == kStreamMagic)
    return usage("a raw QEMU migration stream, not a session directory");
  return usage("a file; a session is a directory with a session.json");
}

} // namespace

Status write_manifest(const std::filesystem::path& session,
                      const Manifest& manifest) {
  return replace_file(session / kFileName,
                      encode(manifest).dump_pretty() + "\n");
}

Result<Manifest> parse_manifest(std::string_view text) {
  auto json = Json::parse(text);
  if (!json)
    return fail(json.error());
  if (Status ok = check_format(*json); !ok)
    return fail(ok.error());
  return decode(*json);
}

Result<Manifest> read_manifest(const std::filesystem::path& session) {
  auto path = session / kFileName;
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored))
    return not_a_session(session);
  auto file = File::open(path);
  if (!file)
    return fail(file.error());
  auto manifest = read_text(*file);
  if (manifest)
    return manifest;
  Error error = manifest.error();
  error.where = path.string();
  return fail(error);
}

} // namespace migscope::captures
