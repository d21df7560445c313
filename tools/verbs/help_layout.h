// How --help looks: within 80 columns, verbs in a line each.
#pragma once

#include <CLI/CLI.hpp>

namespace migscope::tools {

class HelpLayout : public CLI::Formatter {
public:
  std::string make_subcommand(const CLI::App* verb) const override;
  std::string make_option(const CLI::Option* option,
                          bool is_positional) const override;
  std::string make_option_usage(const CLI::Option* option) const override;
};

} // namespace migscope::tools
