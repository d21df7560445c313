#include "tools/render/memory.h"
#include "analyzer/analyze.h"
#include "analyzer/memory/memory_report.h"
#include "tools/temp_dir.h"
#include "tools/verbs/paths.h"
#include "tools/verbs/printing.h"
#include "tools/verbs/verbs.h"

#include <CLI/CLI.hpp>

namespace migscope::tools {
namespace {

using analyzer::MemoryOutput;
using captures::Recording;

struct MemoryOptions {
  std::vector<std::string> paths;
  std::string output, format, block, page;
  std::optional<uint64_t> round;
  bool json = false;
};

// What makes no sense together, beyond what CLI11 refuses.
Status check(const MemoryOptions& options) {
  auto usage = [](const char* text) { return fail(ErrorKind::usage, text); };
  bool pipe = std::ranges::any_of(options.paths, reads_once);
  if (pipe && (options.round || !options.page.empty()))
    return usage("--round and --page read the stream several times; a pipe or "
                 "standard input cannot be");
  if (options.output.empty() &&
      (!options.block.empty() || !options.format.empty()))
    return usage("--block and --format say what to write; --output FILE says "
                 "where");
  if (!options.output.empty() && options.block.empty() &&
      options.format.empty())
    return usage("--output: give --block NAME for one block, or --format elf, "
                 "physical or blocks for all of memory");
  return {};
}

Result<std::unique_ptr<MemoryOutput>> make_output(const MemoryOptions& options,
                                                  bool registers) {
  if (options.output.empty())
    return analyzer::scratch_output(scratch_directory());
  if (!options.block.empty())
    return analyzer::raw_output(options.output, options.block);
  if (options.format == "blocks")
    return analyzer::blocks_output(options.output);
  if (options.format == "physical")
    return analyzer::physical_output(options.output);
  return analyzer::elf_output(options.output, registers);
}

// Rounds are all that is asked for.
const analyzer::AnalyzeOptions kHeadersOnly = {
    .reading = {.threads = 1, .content = analyzer::Content::ignored}};

template <typename Report>
Status print(const Report& report, bool json) {
  std::string out =
      json ? render_json(report).dump_pretty() + "\n" : render_text(report);
  return print_result(out);
}

Result<ExitStatus> print_history(const MemoryOptions& options,
                                 const Recording& recording) {
  auto page = analyzer::parse_page_name(options.page);
  if (!page)
    return fail(page.error());
  auto analysis = analyzer::analyze(recording, kHeadersOnly);
  if (!analysis)
    return fail(analysis.error());
  auto history = analyzer::page_history(recording, *page, *analysis);
  if (!history)
    return fail(history.error());
  if (auto printed = print(*history, options.json); !printed)
    return fail(printed.error());
  return history->input.complete ? ExitStatus::done : ExitStatus::incomplete;
}

Result<analyzer::RoundEnd> round_end(const MemoryOptions& options,
                                     const Recording& recording) {
  if (!options.round)
    return analyzer::RoundEnd();
  auto analysis = analyzer::analyze(recording, kHeadersOnly);
  if (!analysis)
    return fail(analysis.error());
  return analyzer::end_of_round(*analysis, *options.round);
}

Result<ExitStatus> rebuild(const MemoryOptions& options,
                           const Recording& recording) {
  auto end = round_end(options, recording);
  if (!end)
    return fail(end.error());
  auto output = make_output(options, !end->stop);
  if (!output)
    return fail(output.error());
  auto report = analyzer::rebuild_memory(recording, **output, end->stop);
  if (!report) {
    (*output)->remove();
    return fail(report.error());
  }
  report->round = options.round;
  if (auto printed = print(*report, options.json); !printed)
    return fail(printed.error());
  return report->complete() ? ExitStatus::done : ExitStatus::incomplete;
}

ExitStatus memory(const MemoryOptions& options) {
  if (auto sound = check(options); !sound)
    return report(sound.error());
  auto recording = open_paths(options.paths);
  if (!recording)
    return report(recording.error());
  auto status = options.page.empty() ? rebuild(options, *recording)
                                     : print_history(options, *recording);
  return status ? *status : report(status.error());
}

void declare_outputs(CLI::App& verb, MemoryOptions& options) {
  auto* output = verb.add_option("--output,-o", options.output,
                                 "Write memory to a new file (or directory)")
                     ->type_name("FILE");
  auto* block = verb.add_option("--block", options.block,
                                "Write this RAM block alone, raw")
                    ->type_name("NAME");
  auto* format =
      verb.add_option("--format", options.format,
                      "Write all of it: a core file for gdb, crash and drgn "
                      "(elf), a byte for each guest-physical address "
                      "(physical), or a directory with a raw file for each "
                      "block (blocks)")
          ->type_name("FORM")
          ->check(CLI::IsMember({"elf", "physical", "blocks"}));
  auto* round =
      verb.add_option("--round", options.round,
                      "Memory as it was sent by the end of this round, as "
                      "analyze numbers them")
          ->type_name("N");
  block->excludes(format);
  verb.add_option("--page", options.page,
                  "Print the history of one page instead: a guest-physical "
                  "address, or BLOCK:OFFSET")
      ->type_name("ADDR")
      ->excludes(output)
      ->excludes(block)
      ->excludes(format)
      ->excludes(round);
}

} // namespace

void add_memory(CLI::App& app, Verb& chosen) {
  auto options = std::make_shared<MemoryOptions>();
  CLI::App* verb = app.add_subcommand(
      "memory",
      "Rebuild guest memory from a recording or a captured stream.\n"
      "Exit status 3 where the input is incomplete or damaged, or pages are\n"
      "unknown that it should hold.\n\n"
      "Example:\n"
      "  migscope memory run.migscope\n"
      "  migscope memory run.migscope --format elf --output guest.core\n"
      "  migscope memory stream.bin --block pc.ram --output pc.ram.raw\n"
      "  migscope memory run.migscope --page 0x7fe000\n");
  verb->add_option("paths", options->paths, kPathsHelp)
      ->required()
      ->type_name("PATH");
  declare_outputs(*verb, *options);
  verb->add_flag("--json", options->json,
                 "Print the result as JSON (docs/memory.md)");
  verb->callback(
      [options, &chosen] { chosen = [options] { return memory(*options); }; });
}

} // namespace migscope::tools
