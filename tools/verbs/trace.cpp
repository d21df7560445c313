#include "tools/verbs/trace.h"

#include <CLI/CLI.hpp>

namespace migscope::tools {
namespace {

std::optional<std::filesystem::path> if_given(const std::string& path) {
  return path.empty() ? std::nullopt
                      : std::optional<std::filesystem::path>(path);
}

} // namespace

void declare_trace(CLI::App& verb, TraceOptions& options) {
  verb.add_flag("--trace", options.trace,
                "Turn on QEMU's trace events that explain the pause, until "
                "the recording ends");
  verb.add_option("--source-log", options.source_log,
                  "Where the source writes them, to be recorded: the file of "
                  "its standard error or of -D, or a FIFO")
      ->type_name("FILE");
  verb.add_option("--destination-log", options.destination_log,
                  "The same of the destination")
      ->type_name("FILE");
}

TracePlan trace_plan(const TraceOptions& options) {
  return {options.trace, if_given(options.source_log),
          if_given(options.destination_log)};
}

void describe_trace(const TraceOptions& options, qmp::Json& description) {
  description.set("trace", options.trace)
      .set("source_log", options.source_log)
      .set("destination_log", options.destination_log);
}

} // namespace migscope::tools
