#include "tools/verbs/probing.h"

#include <CLI/CLI.hpp>

namespace migscope::tools {

void declare_probe(CLI::App& verb, ProbeOptions& options) {
  verb.add_option("--probe", options.target,
                  "Ask the guest all the time, and tell what its clients "
                  "felt: icmp:HOST, or udp:HOST:PORT of an echo service")
      ->type_name("TARGET");
  declare_probe_interval(verb, "--probe-interval", options.interval_ms);
}

CLI::Option* declare_probe_interval(CLI::App& verb, const char* name,
                                    double& interval_ms) {
  return verb
      .add_option(name, interval_ms, "Milliseconds from one probe to the next")
      ->type_name("MS")
      ->check(CLI::Range(0.1, 60'000.0))
      ->capture_default_str();
}

Result<std::optional<captures::ProbePlan>>
probe_plan(const ProbeOptions& options) {
  if (options.target.empty())
    return std::nullopt;
  auto target = captures::parse_probe_target(options.target);
  if (!target)
    return fail(target.error());
  return captures::ProbePlan{*target, from_ms(options.interval_ms)};
}

} // namespace migscope::tools
