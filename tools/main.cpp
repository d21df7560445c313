#include "tools/verbs/verbs.h"

#include <CLI/CLI.hpp>
#include <csignal>

using namespace migscope::tools;

int main(int argc, char** argv) {
  // A pager that goes away and a file at its limit are errors to report.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  CLI::App app("Records and explains QEMU live migrations.\n\n"
               "Example:\n"
               "  migscope lab -o demo.migscope && migscope analyze "
               "demo.migscope\n",
               "migscope");
  app.set_version_flag("--version", "migscope " MIGSCOPE_VERSION);
  app.require_subcommand(1);
  Verb chosen;
  add_lab(app, chosen);
  add_migrate(app, chosen);
  add_record(app, chosen);
  add_tee(app, chosen);
  add_capture(app, chosen);
  add_analyze(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    bool asked = error.get_exit_code() == 0; // --help, --version
    app.exit(error);
    return static_cast<int>(asked ? ExitStatus::done : ExitStatus::usage);
  }
  return static_cast<int>(chosen());
}
