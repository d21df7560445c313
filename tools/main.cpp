#include "tools/verbs/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>

using namespace migscope::tools;

namespace {

bool knows(const CLI::App& app, const std::string& verb) {
  auto verbs = app.get_subcommands([](const CLI::App*) { return true; });
  return std::any_of(verbs.begin(), verbs.end(), [&](const CLI::App* known) {
    return known->get_name() == verb;
  });
}

} // namespace

int main(int argc, char** argv) {
  // A pager that goes away and a file at its limit are errors to report.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  Verb chosen;
  std::unique_ptr<CLI::App> app = make_command_line(chosen);
  // CLI11 would only miss a verb.
  if (argc > 1 && argv[1][0] != '-' && !knows(*app, argv[1]))
    return static_cast<int>(report(
        {migscope::ErrorKind::usage, std::string("there is no verb \"") +
                                         argv[1] + "\"; see migscope --help"}));
  try {
    app->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    bool asked = error.get_exit_code() == 0; // --help, --version
    app->exit(error);
    return static_cast<int>(asked ? ExitStatus::done : ExitStatus::usage);
  }
  return static_cast<int>(chosen());
}
