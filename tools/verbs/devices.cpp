#include "analyzer/devices/read_description.h"
#include "tools/render/device_patterns.h"
#include "tools/verbs/paths.h"
#include "tools/verbs/printing.h"
#include "tools/verbs/verbs.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fmt/format.h>

namespace migscope::tools {
namespace {

struct DevicesOptions {
  std::vector<std::string> paths;
  DevicePatterns patterns;
  std::string description;
  bool json = false;
};

// A piece of what is printed.
bool print(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
}

void tell(const analyzer::DeviceStates& states) {
  for (const analyzer::Problem& problem : states.input.problems)
    fmt::print(stderr, "migscope: {}\n",
               describe(Error{ErrorKind::malformed, problem.message,
                              problem.channel, problem.offset}));
}

void tell_of_values(size_t problems) {
  if (problems)
    fmt::print(stderr,
               "migscope: {} values are not what the description allows\n",
               problems);
}

// Two captures that are whole by themselves are compared; otherwise all are
// channels of one migration. A pipe cannot be opened to find out.
Result<bool> is_comparison(const std::vector<std::string>& paths) {
  if (paths.size() != 2 || std::ranges::any_of(paths, reads_once))
    return false;
  for (const std::string& path : paths) {
    auto recording = captures::open_recording(path);
    if (!recording)
      return fail(recording.error());
    if (!analyzer::is_whole(*recording))
      return false;
  }
  return true;
}

Error explained(Error error, const std::vector<std::string>& paths) {
  if (error.kind == ErrorKind::usage && std::ranges::any_of(paths, reads_once))
    error.message += "; to compare two captures give files, as a pipe is read "
                     "only once";
  return error;
}

ExitStatus show(const DevicesOptions& options,
                const analyzer::DeviceStates& states) {
  DeviceSelection selection = selection_of(options.patterns);
  auto problems = options.json ? render_devices_json(states, selection, print)
                               : render_devices_text(states, selection, print);
  if (!problems || std::fflush(stdout) != 0)
    return report({ErrorKind::io, "cannot write to standard output"});
  tell(states);
  tell_of_values(*problems);
  return states.input.complete && !*problems ? ExitStatus::done
                                             : ExitStatus::incomplete;
}

ExitStatus compare(const DevicesOptions& options,
                   const analyzer::DeviceStates& a,
                   const analyzer::DeviceStates& b) {
  DeviceSelection selection = selection_of(options.patterns);
  analyzer::DeviceDiff diff = selected(analyzer::compare(a, b), selection);
  std::string out = options.json ? render_json(diff, a, b).dump_pretty() + "\n"
                                 : render_text(diff);
  if (auto printed = print_result(out); !printed)
    return report(printed.error());
  tell(a);
  tell(b);
  tell_of_values(diff.problems);
  return a.input.complete && b.input.complete && !diff.problems
             ? ExitStatus::done
             : ExitStatus::incomplete;
}

ExitStatus devices(const DevicesOptions& options) {
  std::optional<std::string> description;
  if (!options.description.empty()) {
    std::vector<std::string> all = options.paths;
    all.push_back(options.description);
    if (Status sound = check_once(all); !sound)
      return report(sound.error());
    auto text = analyzer::read_description(options.description);
    if (!text)
      return report(text.error());
    description = std::move(*text);
  }
  auto comparison = is_comparison(options.paths);
  if (!comparison)
    return report(comparison.error());
  std::vector<std::vector<std::string>> captures{options.paths};
  if (*comparison)
    captures = {{options.paths[0]}, {options.paths[1]}};
  std::vector<analyzer::DeviceStates> states;
  for (const auto& paths : captures) {
    auto recording = open_paths(paths);
    if (!recording)
      return report(recording.error());
    auto read = analyzer::read_device_states(*recording, description);
    if (!read)
      return report(explained(read.error(), paths));
    states.push_back(std::move(*read));
  }
  if (auto nothing = what_matches_nothing(states, options.patterns)) {
    for (const analyzer::DeviceStates& one : states)
      tell(one);
    fmt::print(stderr, "migscope: {}\n", *nothing);
    return ExitStatus::failed;
  }
  return *comparison ? compare(options, states[0], states[1])
                     : show(options, states[0]);
}

} // namespace

void add_devices(CLI::App& app, Verb& chosen) {
  auto options = std::make_shared<DevicesOptions>();
  CLI::App* verb = app.add_subcommand(
      "devices",
      "Show the state of every device, or compare two captures.\n"
      "Exit status 3 where the input is incomplete or damaged.\n\n"
      "Example:\n"
      "  migscope devices run.migscope --device cpu --field 'env.e*'\n"
      "  migscope devices before.bin after.bin --device virtio-net\n"
      "  migscope devices --json stream.bin | jq '.devices[].name'\n");
  verb->add_option("path", options->paths,
                   std::string(kPathsHelp) +
                       ". Two captures of whole migrations are compared, "
                       "if neither is a pipe")
      ->required()
      ->type_name("PATH");
  verb->add_option("--device", options->patterns.device,
                   "Only devices whose name, or the name of whose vmstate, "
                   "matches the pattern")
      ->type_name("GLOB");
  verb->add_option("--field", options->patterns.field,
                   "Only fields whose path or name matches the pattern; * "
                   "matches dots, too")
      ->type_name("GLOB");
  verb->add_option("--description", options->description,
                   "Where the stream has no description: another capture of "
                   "such a machine, or what QEMU's -dump-vmstate wrote; "
                   "either compressed, too")
      ->type_name("FILE");
  verb->add_flag("--json", options->json,
                 "Print the result as JSON (docs/devices-json.md)");
  verb->callback(
      [options, &chosen] { chosen = [options] { return devices(*options); }; });
}

} // namespace migscope::tools
