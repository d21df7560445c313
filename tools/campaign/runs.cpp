#include "tools/campaign/runs.h"

#include "base/random.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fmt/format.h>

namespace migscope::tools {
namespace {

constexpr uint64_t kPage = 4096;

std::string file_part(std::string name) {
  std::ranges::replace(name, '/', '-');
  return name;
}

// The number that ends before `end`, and where it begins.
std::optional<std::pair<size_t, uint64_t>> number_before(std::string_view text,
                                                         size_t end) {
  size_t begin = end;
  while (begin > 0 && std::isdigit(static_cast<unsigned char>(text[begin - 1])))
    --begin;
  uint64_t value = 0;
  auto [stop, error] =
      std::from_chars(text.data() + begin, text.data() + end, value);
  if (error != std::errc() || begin == end || value > 100)
    return std::nullopt;
  return std::pair(begin, value);
}

void add_option(std::vector<std::string>& words, const char* name,
                const std::string& value) {
  words.insert(words.end(), {name, value});
}

void add_mode(std::vector<std::string>& words, const Mode& mode) {
  for (const std::string& capability : mode.capabilities)
    add_option(words, "--capability", capability);
  for (const std::string& parameter : mode.parameters)
    add_option(words, "--parameter", parameter);
  if (mode.postcopy_after)
    add_option(words, "--postcopy-after", std::to_string(*mode.postcopy_after));
}

// QEMU has a limit of its own for each half of a migration, and none in the
// pause. A link holds for all of it, and QEMU is not to be slower.
void add_bandwidth(std::vector<std::string>& words, const Bandwidth& bandwidth,
                   bool link, bool postcopy) {
  // QEMU's default is a limit of 128 MiB/s; 0 is none.
  uint64_t limit = link ? 0 : bandwidth.bytes_per_second.value_or(0);
  std::string value = std::to_string(limit);
  if (link && bandwidth.bytes_per_second)
    add_option(
        words, "--link",
        fmt::format("{}", static_cast<double>(*bandwidth.bytes_per_second) * 8 /
                              1e6));
  add_option(words, "--parameter", "max-bandwidth=" + value);
  if (postcopy)
    add_option(words, "--parameter", "max-postcopy-bandwidth=" + value);
}

} // namespace

RunNames names_of(const Plan& plan, const RunSpec& run) {
  return {plan.workloads[run.workload].name, plan.memory[run.memory],
          plan.modes[run.mode].name, plan.bandwidths[run.bandwidth].name};
}

std::string run_id(const Plan& plan, const RunSpec& run) {
  RunNames names = names_of(plan, run);
  return file_part(fmt::format("{}.{}.{}.{}.r{}", names.workload, names.memory,
                               names.mode, names.bandwidth, run.repetition));
}

std::vector<RunSpec> ordered_runs(const Plan& plan) {
  std::vector<RunSpec> out;
  for (size_t w = 0; w < plan.workloads.size(); ++w)
    for (size_t m = 0; m < plan.memory.size(); ++m)
      for (size_t mode = 0; mode < plan.modes.size(); ++mode)
        for (size_t b = 0; b < plan.bandwidths.size(); ++b)
          for (uint64_t r = 1; r <= plan.repetitions; ++r)
            out.push_back({w, m, mode, b, r});
  SeededRandom(plan.seed).shuffle(out);
  return out;
}

std::string workload_words(const std::string& words,
                           const std::string& memory) {
  uint64_t bytes = parse_size(memory).value_or(0);
  std::string out = words;
  for (size_t at = out.find('%'); at != out.npos; at = out.find('%', at + 1)) {
    auto number = number_before(out, at);
    if (!number)
      continue;
    uint64_t part =
        bytes / 100 * number->second + bytes % 100 * number->second / 100;
    std::string size = std::to_string(part / kPage * kPage);
    out.replace(number->first, at + 1 - number->first, size);
    at = number->first + size.size() - 1;
  }
  return out;
}

std::vector<std::string> lab_arguments(const Plan& plan, const RunSpec& run,
                                       const std::string& session) {
  const LabRunner& lab = plan.lab;
  const Mode& mode = plan.modes[run.mode];
  std::vector<std::string> out{"lab", "-o", session, "--qemu", lab.qemu};
  for (const std::string& word : lab.qemu_args)
    add_option(out, "--qemu-arg", word);
  add_option(out, "--memory", plan.memory[run.memory]);
  add_option(out, "--workload",
             workload_words(plan.workloads[run.workload].words,
                            plan.memory[run.memory]));
  add_mode(out, mode);
  add_bandwidth(out, plan.bandwidths[run.bandwidth], lab.link,
                mode.postcopy_after.has_value());
  add_option(out, "--limit", fmt::format("{}", plan.limit_s));
  if (lab.guest != "bare")
    add_option(out, "--guest", lab.guest);
  if (!lab.probe.empty()) {
    add_option(out, "--probe", lab.probe);
    add_option(out, "--probe-interval",
               fmt::format("{}", plan.probe_interval_ms));
  }
  if (!lab.capture)
    out.emplace_back("--no-capture");
  if (lab.trace)
    out.emplace_back("--trace");
  return out;
}

std::vector<std::string> record_arguments(const Plan& plan,
                                          const std::string& session) {
  const HookRunner& hooks = *plan.hooks;
  std::vector<std::string> out{"record",   "-o",         session,
                               "--source", hooks.source, "--enable-events"};
  add_option(out, "--limit", fmt::format("{}", plan.limit_s));
  if (!hooks.destination.empty())
    add_option(out, "--destination", hooks.destination);
  if (!hooks.probe.empty()) {
    add_option(out, "--probe", hooks.probe);
    add_option(out, "--probe-interval",
               fmt::format("{}", plan.probe_interval_ms));
  }
  return out;
}

} // namespace migscope::tools
