#include "captures/session/probe_log.h"

#include "qmp/json.h"

namespace migscope::captures {
namespace {

using qmp::Json;

constexpr size_t kMaxLineBytes = 4096;

std::optional<uint64_t> count_in(const Json& value) {
  auto number = value.as_int();
  return number && *number >= 0 ? std::optional<uint64_t>(*number)
                                : std::nullopt;
}

std::optional<ProbeSetup> parse_setup(const Json& json) {
  auto target = json.get("target").as_string();
  auto interval = json.get("interval_ns").as_int();
  auto bytes = count_in(json.get("bytes"));
  if (!target || !interval || *interval <= 0 || !is_plausible(*interval) ||
      !bytes || *bytes > UINT16_MAX)
    return std::nullopt;
  return ProbeSetup{*target, Nanos(*interval), *bytes};
}

std::optional<ProbeMark> parse_mark(const Json& json) {
  using Kind = ProbeMark::Kind;
  auto time = json.get("ns").as_int();
  if (!time || !is_plausible(*time))
    return std::nullopt;
  for (auto [key, kind] :
       {std::pair("sent", Kind::sent), std::pair("answered", Kind::answered),
        std::pair("failed", Kind::failed)})
    if (auto sequence = count_in(json.get(key)))
      return ProbeMark{
          {*time}, kind, *sequence, json.get("error").as_string().value_or("")};
  return std::nullopt;
}

const char* key_of(ProbeMark::Kind kind) {
  switch (kind) {
  case ProbeMark::Kind::sent:
    return "sent";
  case ProbeMark::Kind::answered:
    return "answered";
  case ProbeMark::Kind::failed:
    break;
  }
  return "failed";
}

} // namespace

Result<std::unique_ptr<ProbeLogWriter>>
ProbeLogWriter::create(const std::filesystem::path& path,
                       const ProbeSetup& setup) {
  auto log = LineLogWriter::create(path);
  if (!log)
    return fail(log.error());
  auto first = (*log)->append(Json::object()
                                  .set("target", setup.target)
                                  .set("interval_ns", setup.interval.count())
                                  .set("bytes", setup.bytes)
                                  .dump());
  if (!first)
    return fail(first.error());
  return std::unique_ptr<ProbeLogWriter>(new ProbeLogWriter(*std::move(log)));
}

Status ProbeLogWriter::append(const ProbeMark& mark) {
  Json line = Json::object()
                  .set("ns", mark.time.ns)
                  .set(key_of(mark.kind), mark.sequence);
  if (!mark.error.empty())
    line.set("error", mark.error);
  return log_->append(line.dump());
}

Status read_probe_log(const std::filesystem::path& path,
                      const ProbeLogEvents& events,
                      std::optional<Error>* torn) {
  bool begun = false;
  auto take = [&](std::string_view line) {
    auto json = Json::parse(line);
    if (!json)
      return false;
    if (!std::exchange(begun, true)) {
      auto setup = parse_setup(*json);
      if (setup)
        events.setup(*setup);
      return setup.has_value();
    }
    auto mark = parse_mark(*json);
    if (mark)
      events.mark(*mark);
    return mark.has_value();
  };
  return read_line_log(path, {"a line of a log of probes", kMaxLineBytes}, take,
                       torn);
}

} // namespace migscope::captures
