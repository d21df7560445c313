// What the command takes, as plain data: read from the declarations that parse
// it, so that the help, the manual pages and the shells' completion cannot say
// anything else.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
} // namespace CLI

namespace migscope::tools {

struct OptionDoc {
  std::vector<std::string> names;    // "-o", "--output"; none: a positional
  std::string value;                 // what it takes, "FILE"; empty: nothing
  std::vector<std::string> choices;  // all values, where there are only some
  std::string range;                 // "1 to 60000", where it has one
  std::string preset;                // its value where it is not given
  std::string help;                  // lines
  std::vector<std::string> excludes; // options that it does not go with
  bool required = false;
  bool repeats = false;
};

struct VerbDoc {
  std::string name;
  std::string brief; // one sentence
  std::vector<OptionDoc> options, positionals;
};

struct CommandDoc {
  std::string name;
  std::vector<OptionDoc> options;
  std::vector<VerbDoc> verbs;
};

[[nodiscard]] OptionDoc describe_option(const CLI::Option& option);
[[nodiscard]] CommandDoc describe_command(const CLI::App& app);

} // namespace migscope::tools
