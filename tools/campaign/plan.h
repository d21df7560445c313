// What a campaign is to measure: every workload with every size of memory, in
// every mode, over every bandwidth, so many times.
#pragma once

#include "qmp/json.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace migscope::tools {

struct Workload {
  std::string name;
  // The guest's (tools/lab/guest/README.md); N% stands for that part of its
  // memory.
  std::string words;
  std::string source; // where its figures come from
};

struct Mode {
  std::string name;
  std::vector<std::string> capabilities, parameters; // NAME=VALUE, as `lab`'s
  std::optional<uint64_t> postcopy_after;            // passes
};

struct Bandwidth {
  std::string name;                         // as it was given
  std::optional<uint64_t> bytes_per_second; // none: no limit
};

// Two QEMUs of our own.
struct LabRunner {
  std::string qemu = "qemu-system-x86_64";
  std::vector<std::string> qemu_args;
  std::string guest = "bare"; // or "linux"
  std::string probe;          // "icmp", "udp"; empty: none
  bool link = false;    // bandwidth is a link's; else QEMU's max-bandwidth
  bool capture = false; // of the stream
  bool trace = false;   // of the QEMUs
};

// Somebody else's VMs: commands for a shell, with the run in the environment.
struct HookRunner {
  std::string source, destination; // monitors
  std::string prepare;             // before a run; may be empty
  std::string migrate;             // starts a migration; may wait for its end
  std::string restore;             // after a run; may be empty
  std::string probe;               // target; empty: none
};

struct Plan {
  std::string name;
  uint64_t seed = 1; // of the order of the runs, and of the statistics
  uint64_t repetitions = 5;
  double limit_s = 120; // a migration that takes longer is cancelled
  double probe_interval_ms = 2;
  std::vector<Workload> workloads;
  std::vector<std::string> memory; // "256M"
  std::vector<Mode> modes;
  std::vector<Bandwidth> bandwidths;
  LabRunner lab;
  std::optional<HookRunner> hooks; // instead of the lab
  qmp::Json given;                 // the plan as it was written, with presets
};

// A file's text, TOML, or JSON where it begins with a brace; `name` for errors.
// Errors name the key, what was expected and what was there.
[[nodiscard]] Result<Plan> parse_plan(std::string_view text,
                                      const std::string& name);

// A plan that comes with the program (tools/campaign/presets), by its name.
[[nodiscard]] std::optional<std::string_view>
preset_plan(std::string_view name);
[[nodiscard]] std::vector<std::string> preset_names();

// "256M" in bytes, as QEMU's -m takes it: suffixes K, M, G, T; M where there is
// none (system/vl.c, parse_memory_options).
[[nodiscard]] std::optional<uint64_t> parse_size(std::string_view text);

} // namespace migscope::tools
