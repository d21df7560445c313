#include "tools/verbs/tuning.h"

#include "tools/migration_words.h"

#include <CLI/CLI.hpp>

namespace migscope::tools {

void declare_tuning(CLI::App& verb, Tuning& tuning) {
  verb.add_option("--capability", tuning.capabilities,
                  "Set at both ends, NAME=on or NAME=off")
      ->type_name("NAME=on|off")
      ->allow_extra_args(false);
  verb.add_option("--parameter", tuning.parameters,
                  "Set at both ends, in QEMU's units")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  verb.add_option("--postcopy-after", tuning.postcopy_after,
                  "Switch to postcopy after so many whole passes over memory; "
                  "0: as soon as it has begun. Turns on postcopy-ram")
      ->type_name("PASSES")
      ->check(CLI::Range(0, 1'000'000));
  verb.add_option("--limit", tuning.limit_s,
                  "Cancel a migration that has not ended after this time")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.1, 1e6));
  declare_interval(verb, tuning.interval_ms);
}

void declare_interval(CLI::App& verb, int& interval_ms) {
  verb.add_option("--interval", interval_ms, "Milliseconds between samples")
      ->type_name("MS")
      ->check(CLI::Range(1, 60'000))
      ->capture_default_str();
}

Result<MigrationPlan> tuned_plan(const Tuning& tuning) {
  std::vector<std::string> words = tuning.capabilities;
  if (tuning.postcopy_after)
    words.insert(words.begin(), "postcopy-ram=on");
  auto capabilities = capability_arguments(words);
  if (!capabilities)
    return fail(capabilities.error());
  auto parameters = parameter_arguments(tuning.parameters);
  if (!parameters)
    return fail(parameters.error());
  MigrationPlan plan;
  plan.capabilities = *capabilities;
  plan.parameters = *parameters;
  plan.postcopy_after = tuning.postcopy_after;
  if (tuning.limit_s > 0)
    plan.limit = from_seconds(tuning.limit_s);
  return plan;
}

captures::RecorderOptions recorder_options(const Tuning& tuning) {
  captures::RecorderOptions options;
  options.interval = std::chrono::milliseconds(tuning.interval_ms);
  options.enable_events = true;
  return options;
}

} // namespace migscope::tools
