#include "tools/verbs/command_line.h"

#include "tools/verbs/help_layout.h"

namespace migscope::tools {

std::unique_ptr<CLI::App> make_command_line(Verb& chosen) {
  auto app = std::make_unique<CLI::App>(
      "Records and explains QEMU live migrations.\n\n"
      "Example:\n"
      "  migscope lab -o demo.migscope && migscope analyze demo.migscope\n",
      "migscope");
  // Verbs take it over as they are added.
  app->formatter(std::make_shared<HelpLayout>());
  app->set_help_flag("-h,--help", "Print this help and exit");
  app->set_version_flag("--version", "migscope " MIGSCOPE_VERSION,
                        "Print the version and exit");
  app->require_subcommand(1);
  add_lab(*app, chosen);
  add_migrate(*app, chosen);
  add_record(*app, chosen);
  add_tee(*app, chosen);
  add_capture(*app, chosen);
  add_analyze(*app, chosen);
  add_report(*app, chosen);
  add_devices(*app, chosen);
  add_memory(*app, chosen);
  add_probe(*app, chosen);
  add_campaign(*app, chosen);
  add_results(*app, chosen);
  return app;
}

} // namespace migscope::tools
