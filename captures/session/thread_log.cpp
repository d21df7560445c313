#include "captures/session/thread_log.h"

namespace migscope::captures {
namespace {

using qmp::Json;

// A name has 15 bytes, each perhaps escaped.
constexpr size_t kMaxLineBytes = 256 * (kMaxThreads + 1);

std::optional<Nanos> time_in(const Json& value) {
  auto ns = value.as_int();
  return ns && is_plausible(*ns) ? std::optional(Nanos(*ns)) : std::nullopt;
}

std::optional<ThreadTimes> parse_thread(const Json& json) {
  auto tid = json.get("tid").as_int();
  auto name = json.get("name").as_string();
  auto state = json.get("state").as_string();
  auto cpu = time_in(json.get("cpu_ns"));
  auto queued = time_in(json.get("queued_ns"));
  if (!tid || !name || !state || state->size() != 1 || !cpu || !queued)
    return std::nullopt;
  return ThreadTimes{*tid, *name, state->front(), *cpu, *queued};
}

std::optional<ThreadSample> parse(std::string_view line) {
  auto json = Json::parse(line);
  if (!json)
    return std::nullopt;
  auto time = time_in(json->get("ns"));
  auto end = parse_end(json->get("end"));
  auto pid = json->get("pid").as_int();
  auto threads = json->get("threads").elements();
  if (!time || !end || !pid || threads.size() > kMaxThreads)
    return std::nullopt;
  ThreadSample out{{time->count()}, *end, *pid, {}};
  for (const Json& thread : threads) {
    auto parsed = parse_thread(thread);
    if (!parsed)
      return std::nullopt;
    out.threads.push_back(std::move(*parsed));
  }
  return out;
}

} // namespace

Result<std::unique_ptr<ThreadLogWriter>>
ThreadLogWriter::create(const std::filesystem::path& path) {
  auto log = LineLogWriter::create(path);
  if (!log)
    return fail(log.error());
  return std::unique_ptr<ThreadLogWriter>(new ThreadLogWriter(*std::move(log)));
}

Status ThreadLogWriter::append(const ThreadSample& sample) {
  Json threads = Json::array();
  for (const ThreadTimes& thread : sample.threads)
    threads.add(Json::object()
                    .set("tid", thread.tid)
                    .set("name", Json::text(thread.name))
                    .set("state", std::string_view(&thread.state, 1))
                    .set("cpu_ns", thread.cpu.count())
                    .set("queued_ns", thread.queued.count()));
  return log_->append(Json::object()
                          .set("ns", sample.time.ns)
                          .set("end", to_string(sample.end))
                          .set("pid", sample.pid)
                          .set("threads", threads)
                          .dump());
}

Status read_thread_log(const std::filesystem::path& path,
                       const std::function<void(const ThreadSample&)>& on_line,
                       std::optional<Error>* torn) {
  auto take = [&](std::string_view line) {
    auto parsed = parse(line);
    if (parsed)
      on_line(*parsed);
    return parsed.has_value();
  };
  return read_line_log(path, {"a line of a thread log", kMaxLineBytes}, take,
                       torn);
}

} // namespace migscope::captures
