// What the command takes, as plain data: read from the declarations that parse
// it, so that the help, the manual pages and the shells' completion cannot say
// anything else.
#pragma once

#include <string>
#include <string_view>
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

// The first line of what is said of a verb.
[[nodiscard]] std::string brief_of(const CLI::App& verb);
[[nodiscard]] OptionDoc describe_option(const CLI::Option& option);
// What a reader cannot know from the help's words: "required", `range_head` and
// the range, "default: 3", "may be repeated", "not with --other".
[[nodiscard]] std::vector<std::string> facts_of(const OptionDoc& option,
                                                std::string_view range_head);
[[nodiscard]] CommandDoc describe_command(const CLI::App& app);

} // namespace migscope::tools
