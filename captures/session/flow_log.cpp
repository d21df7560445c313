#include "captures/session/flow_log.h"

#include "qmp/json.h"

namespace migscope::captures {
namespace {

using qmp::Json;

// Every figure of a line with 20 digits.
constexpr size_t kMaxLineBytes = 2048;
// More connections than any migration has: multifd has 255 at the most.
constexpr int64_t kMaxChannel = 1 << 20;

Json tcp_json(const TcpState& tcp) {
  Json out = Json::object()
                 .set("rtt_us", tcp.rtt_us)
                 .set("rttvar_us", tcp.rttvar_us)
                 .set("cwnd", tcp.cwnd)
                 .set("unacked", tcp.unacked)
                 .set("retransmits", tcp.retransmits);
  if (tcp.limits)
    out.set("notsent", tcp.limits->notsent)
        .set("delivery_rate", tcp.limits->delivery_rate)
        .set("busy_us", tcp.limits->busy_us)
        .set("rwnd_limited_us", tcp.limits->rwnd_limited_us)
        .set("sndbuf_limited_us", tcp.limits->sndbuf_limited_us);
  return out;
}

Json socket_json(const SocketState& socket) {
  Json out = Json::object().set("queued", socket.queued);
  if (socket.tcp)
    out.set("tcp", tcp_json(*socket.tcp));
  return out;
}

// Members of one line, and whether all of them were there. Figures beyond
// kMaxTimeNs would overflow where they are summed.
class Members {
public:
  uint64_t number(const Json& object, const char* key) {
    auto value = object.get(key).as_uint();
    good_ = good_ && value && *value <= static_cast<uint64_t>(kMaxTimeNs);
    return value.value_or(0);
  }
  Nanos time(const Json& object, const char* key) {
    return Nanos(static_cast<int64_t>(number(object, key)));
  }
  SocketState socket(const Json& object);
  [[nodiscard]] bool good() const { return good_; }
  void must(bool so) { good_ = good_ && so; }

private:
  TcpState tcp(const Json& object);

  bool good_ = true;
};

TcpState Members::tcp(const Json& object) {
  TcpState out;
  out.rtt_us = number(object, "rtt_us");
  out.rttvar_us = number(object, "rttvar_us");
  out.cwnd = number(object, "cwnd");
  out.unacked = number(object, "unacked");
  out.retransmits = number(object, "retransmits");
  if (object.has("busy_us"))
    out.limits = {number(object, "notsent"), number(object, "delivery_rate"),
                  number(object, "busy_us"), number(object, "rwnd_limited_us"),
                  number(object, "sndbuf_limited_us")};
  return out;
}

SocketState Members::socket(const Json& object) {
  SocketState out;
  must(object.is_object());
  if (!object.get("queued").is_null())
    out.queued = number(object, "queued");
  if (object.has("tcp"))
    out.tcp = tcp(object.get("tcp"));
  return out;
}

std::optional<FlowObservation> parse(std::string_view line) {
  auto json = Json::parse(line);
  if (!json)
    return std::nullopt;
  Members members;
  FlowObservation out;
  out.time = {members.time(*json, "ns").count()};
  uint64_t channel = members.number(*json, "channel");
  members.must(channel <= kMaxChannel);
  out.channel = static_cast<int>(channel);
  auto direction = json->get("dir").as_string();
  members.must(direction == "onward" || direction == "back");
  out.onward = direction == "onward";
  out.bytes = members.number(*json, "bytes");
  out.unsent = members.number(*json, "unsent");
  out.times = {
      members.time(*json, "waiting_ns"), members.time(*json, "blocked_ns"),
      members.time(*json, "stalled_ns"), members.time(*json, "working_ns")};
  out.from = members.socket(json->get("from"));
  out.to = members.socket(json->get("to"));
  return members.good() ? std::optional(out) : std::nullopt;
}

} // namespace

Result<std::unique_ptr<FlowLogWriter>>
FlowLogWriter::create(const std::filesystem::path& path) {
  auto log = LineLogWriter::create(path);
  if (!log)
    return fail(log.error());
  return std::unique_ptr<FlowLogWriter>(new FlowLogWriter(*std::move(log)));
}

Status FlowLogWriter::append(const FlowObservation& o) {
  return log_->append(Json::object()
                          .set("ns", o.time.ns)
                          .set("channel", o.channel)
                          .set("dir", o.onward ? "onward" : "back")
                          .set("bytes", o.bytes)
                          .set("unsent", o.unsent)
                          .set("waiting_ns", o.times.waiting.count())
                          .set("blocked_ns", o.times.blocked.count())
                          .set("stalled_ns", o.times.stalled.count())
                          .set("working_ns", o.times.working.count())
                          .set("from", socket_json(o.from))
                          .set("to", socket_json(o.to))
                          .dump());
}

Status read_flow_log(const std::filesystem::path& path,
                     const std::function<void(const FlowObservation&)>& on_line,
                     std::optional<Error>* torn) {
  auto take = [&](std::string_view line) {
    auto parsed = parse(line);
    if (parsed)
      on_line(*parsed);
    return parsed.has_value();
  };
  return read_line_log(path, {"a line of a flow log", kMaxLineBytes}, take,
                       torn);
}

} // namespace migscope::captures
