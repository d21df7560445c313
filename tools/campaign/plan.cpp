#include "tools/campaign/plan.h"

#include "analyzer/study/toml.h"
#include "base/embedded.h"
#include "tools/campaign/plan_reader.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace migscope::tools {

using qmp::Json;

namespace {

constexpr size_t kMostRuns = 100'000;

std::string_view embedded(std::string_view name) {
  for (const EmbeddedText& preset : campaign_presets())
    if (preset.name == name)
      return preset.text;
  return {};
}

bool is_catalogue(std::string_view name) {
  return name == "workloads" || name == "modes";
}

// What the plan defines itself, else what comes with the program.
Result<Json> definition(const Json& plan, const char* kind,
                        const std::string& name) {
  Json own = plan.get(kind).get(name.c_str());
  if (!own.is_null())
    return own;
  std::string catalogue = std::string(kind) + "s";
  auto all = analyzer::parse_toml(embedded(catalogue), catalogue);
  if (!all)
    return fail(all.error());
  Json found = all->get(kind).get(name.c_str());
  if (found.is_null() && !all->get(kind).has(name.c_str()))
    return fail(ErrorKind::usage,
                fmt::format("{}s: there is no \"{}\"; expected one of {}, or a "
                            "table [{}.{}]",
                            kind, name, fmt::join(all->get(kind).keys(), ", "),
                            kind, name));
  return found.is_null() ? Json::object() : found;
}

// Names become parts of a run's, between dots (runs.h). What has a slash or a
// dot in it is a bandwidth, whose form allows for no two that would be alike.
bool is_plain(const std::string& name, std::string_view marks) {
  return !name.empty() && name.size() <= 64 &&
         std::ranges::all_of(name, [&](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) ||
                  marks.find(c) != marks.npos;
         });
}

Status check_names(std::string_view key,
                   const std::vector<std::string>& names) {
  std::string_view marks = key == "bandwidth" ? "-_+./" : "-_+";
  for (const std::string& name : names)
    if (!is_plain(name, marks))
      return fail(ErrorKind::usage,
                  fmt::format("{}: \"{}\": expected at most 64 letters, digits "
                              "and any of {}",
                              key, name, fmt::join(marks, " ")));
  std::vector<std::string> sorted = names;
  std::ranges::sort(sorted);
  if (auto twice = std::ranges::adjacent_find(sorted); twice != sorted.end())
    return fail(ErrorKind::usage,
                fmt::format("{}: \"{}\" is there twice", key, *twice));
  if (names.empty())
    return fail(ErrorKind::usage,
                fmt::format("{}: expected one at the least", key));
  return {};
}

Result<Workload> read_workload(const Json& plan, const std::string& name) {
  auto json = definition(plan, "workload", name);
  if (!json)
    return fail(json.error());
  Workload out{name, "", ""};
  PlanReader reader(*json, "workload." + name);
  reader.text("words", out.words);
  reader.text("source", out.source);
  if (auto done = reader.finish(); !done)
    return fail(done.error());
  return out;
}

Result<Mode> read_mode(const Json& plan, const std::string& name) {
  auto json = definition(plan, "mode", name);
  if (!json)
    return fail(json.error());
  Mode out{name, {}, {}, {}};
  PlanReader reader(*json, "mode." + name);
  reader.texts("capabilities", out.capabilities);
  reader.texts("parameters", out.parameters);
  reader.count("postcopy_after", out.postcopy_after);
  if (auto done = reader.finish(); !done)
    return fail(done.error());
  return out;
}

struct Unit {
  std::string_view name;
  double bytes;
};

Result<Bandwidth> read_bandwidth(const std::string& text) {
  if (text == "unlimited")
    return Bandwidth{text, {}};
  double value = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  std::string_view rest(end,
                        static_cast<size_t>(text.data() + text.size() - end));
  for (Unit unit : {Unit{"Mbit/s", 1e6 / 8}, Unit{"Gbit/s", 1e9 / 8},
                    Unit{"MiB/s", 1 << 20}, Unit{"MB/s", 1e6}})
    if (error == std::errc() && rest == unit.name && value * unit.bytes >= 1 &&
        value < 1e9)
      return Bandwidth{text, static_cast<uint64_t>(value * unit.bytes)};
  return fail(ErrorKind::usage,
              fmt::format("bandwidth: \"{}\": expected unlimited, or a number "
                          "with Mbit/s, Gbit/s, MB/s or MiB/s behind it",
                          text));
}

// What `lab --link` takes.
bool is_link(const Bandwidth& bandwidth) {
  double bits =
      8 * static_cast<double>(bandwidth.bytes_per_second.value_or(125'000'000));
  return bits >= 1e6 && bits <= 100e9;
}

Status read_lab(const Json& json, LabRunner& out) {
  PlanReader reader(json, "lab");
  reader.text("qemu", out.qemu);
  reader.texts("qemu_args", out.qemu_args);
  reader.text("guest", out.guest);
  reader.text("probe", out.probe);
  reader.flag("link", out.link);
  reader.flag("capture", out.capture);
  reader.flag("trace", out.trace);
  if (out.guest != "bare" && out.guest != "linux")
    reader.refuse("guest", "\"bare\" or \"linux\"");
  if (!out.probe.empty() && out.probe != "icmp" && out.probe != "udp")
    reader.refuse("probe", "\"icmp\" or \"udp\"");
  if (!out.probe.empty() && out.guest == "bare")
    reader.refuse("probe", "none with the bare guest, which has no network");
  return reader.finish();
}

Status read_hooks(const Json& json, std::optional<HookRunner>& out) {
  if (json.is_null())
    return {};
  out.emplace();
  PlanReader reader(json, "hooks");
  reader.text("source", out->source);
  reader.text("destination", out->destination);
  reader.text("prepare", out->prepare);
  reader.text("migrate", out->migrate);
  reader.text("restore", out->restore);
  reader.text("probe", out->probe);
  if (out->source.empty())
    reader.refuse("source", "the address of a monitor");
  if (out->migrate.empty())
    reader.refuse("migrate", "a command");
  return reader.finish();
}

struct Names {
  std::vector<std::string> workloads, modes, bandwidths{"unlimited"};
};

// The parts of a plan that stand by themselves; names are resolved later.
Status read_top(const Json& json, Plan& plan, Names& names) {
  PlanReader reader(json, "");
  reader.text("name", plan.name);
  reader.count("seed", 0, UINT32_MAX, plan.seed);
  reader.count("repetitions", 1, 1000, plan.repetitions);
  reader.number("limit_s", 1, 1e6, plan.limit_s);
  reader.number("probe_interval_ms", 0.1, 60'000, plan.probe_interval_ms);
  reader.texts("workloads", names.workloads);
  reader.texts("memory", plan.memory);
  reader.texts("modes", names.modes);
  reader.texts("bandwidth", names.bandwidths);
  (void)reader.object("workload");
  (void)reader.object("mode");
  Json lab = reader.object("lab"), hooks = reader.object("hooks");
  if (!lab.is_null() && !hooks.is_null())
    reader.refuse("hooks", "either [lab] or [hooks]");
  if (auto done = reader.finish(); !done)
    return done;
  if (auto done = read_lab(lab, plan.lab); !done)
    return done;
  return read_hooks(hooks, plan.hooks);
}

Status check_all(const Plan& plan, const Names& names) {
  for (auto [key, list] :
       {std::pair("workloads", &names.workloads),
        std::pair("memory", &plan.memory), std::pair("modes", &names.modes),
        std::pair("bandwidth", &names.bandwidths)})
    if (auto sound = check_names(key, *list); !sound)
      return sound;
  for (const std::string& size : plan.memory)
    if (!parse_size(size))
      return fail(
          ErrorKind::usage,
          fmt::format("memory: \"{}\": expected such as 512M or 2G", size));
  size_t cells = names.workloads.size() * plan.memory.size() *
                 names.modes.size() * names.bandwidths.size();
  if (cells > kMostRuns / plan.repetitions)
    return fail(ErrorKind::usage,
                fmt::format("{} cells of {} runs: expected at most {} runs",
                            cells, plan.repetitions, kMostRuns));
  return {};
}

Status resolve(const Json& json, const Names& names, Plan& plan) {
  for (const std::string& name : names.workloads) {
    auto workload = read_workload(json, name);
    if (!workload)
      return fail(workload.error());
    plan.workloads.push_back(std::move(*workload));
  }
  for (const std::string& name : names.modes) {
    auto mode = read_mode(json, name);
    if (!mode)
      return fail(mode.error());
    plan.modes.push_back(std::move(*mode));
  }
  for (const std::string& text : names.bandwidths) {
    auto bandwidth = read_bandwidth(text);
    if (!bandwidth)
      return fail(bandwidth.error());
    if (plan.lab.link && !is_link(*bandwidth))
      return fail(ErrorKind::usage,
                  fmt::format("bandwidth: \"{}\": expected 1 Mbit/s to 100 "
                              "Gbit/s of a link",
                              text));
    plan.bandwidths.push_back(std::move(*bandwidth));
  }
  return {};
}

Json workload_json(const Workload& workload) {
  return Json::object()
      .set("words", workload.words)
      .set("source", workload.source);
}

Json words_json(const std::vector<std::string>& words) {
  Json out = Json::array();
  for (const std::string& word : words)
    out.add(word);
  return out;
}

Json mode_json(const Mode& mode) {
  Json out = Json::object()
                 .set("capabilities", words_json(mode.capabilities))
                 .set("parameters", words_json(mode.parameters));
  if (mode.postcopy_after)
    out.set("postcopy_after", *mode.postcopy_after);
  return out;
}

// With what names stood for, so that it says the same for ever.
Json completed(const Json& json, const Plan& plan) {
  Json out = Json::object();
  for (const std::string& key : json.keys())
    if (key != "workload" && key != "mode")
      out.set(key.c_str(), json.get(key.c_str()));
  Json workloads = Json::object(), modes = Json::object();
  for (const Workload& workload : plan.workloads)
    workloads.set(workload.name.c_str(), workload_json(workload));
  for (const Mode& mode : plan.modes)
    modes.set(mode.name.c_str(), mode_json(mode));
  return out.set("workload", workloads).set("mode", modes);
}

Result<Plan> read_plan(const Json& json) {
  if (!json.is_object())
    return fail(ErrorKind::usage, "expected a plan, which is a table");
  Plan plan;
  Names names;
  if (auto read = read_top(json, plan, names); !read)
    return fail(read.error());
  if (auto sound = check_all(plan, names); !sound)
    return fail(sound.error());
  if (auto resolved = resolve(json, names, plan); !resolved)
    return fail(resolved.error());
  plan.given = completed(json, plan);
  return plan;
}

} // namespace

Result<Plan> parse_plan(std::string_view text, const std::string& name) {
  size_t first = text.find_first_not_of(" \t\r\n");
  bool is_json = first != text.npos && text[first] == '{';
  auto json = is_json ? Json::parse(text) : analyzer::parse_toml(text, name);
  Result<Plan> plan = json ? read_plan(*json) : fail(json.error());
  if (!plan)
    plan.error().where = name;
  return plan;
}

std::optional<std::string_view> preset_plan(std::string_view name) {
  std::string_view text = is_catalogue(name) ? "" : embedded(name);
  return text.empty() ? std::nullopt : std::optional(text);
}

std::vector<std::string> preset_names() {
  std::vector<std::string> out;
  for (const EmbeddedText& preset : campaign_presets())
    if (!is_catalogue(preset.name))
      out.emplace_back(preset.name);
  return out;
}

std::optional<uint64_t> parse_size(std::string_view text) {
  uint64_t value = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc())
    return std::nullopt;
  std::string_view rest(end,
                        static_cast<size_t>(text.data() + text.size() - end));
  if (rest.empty())
    rest = "M";
  size_t power = std::string_view("KMGT").find(rest.front());
  if (rest.size() != 1 || power == std::string_view::npos)
    return std::nullopt;
  unsigned shift = 10 * (static_cast<unsigned>(power) + 1);
  if (value > UINT64_MAX >> shift)
    return std::nullopt;
  return value << shift;
}

} // namespace migscope::tools
