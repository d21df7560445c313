#include "tools/manual/completion.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace migscope::tools {
namespace {

bool takes_file(const OptionDoc& option) {
  constexpr std::string_view kFiles[] = {
      "ADDR", "FILE", "NAME.migscope", "PATH", "PROGRAM", "RUN", "URI"};
  return std::find(std::begin(kFiles), std::end(kFiles), option.value) !=
         std::end(kFiles);
}

// As much as a list of completions has room for.
std::string first_line(const OptionDoc& option) {
  return option.help.substr(0, option.help.find('\n'));
}

// Inside of single quotes of a shell; `special`: letters that its completion
// reads, escaped by a backslash.
std::string quoted(std::string_view text, std::string_view special = "") {
  std::string out;
  for (char c : text) {
    if (c == '\'')
      out += "'\\''";
    else
      out += (special.find(c) != special.npos ? "\\" : "") + std::string(1, c);
  }
  return out;
}

std::vector<std::string> all_names(const std::vector<OptionDoc>& options) {
  std::vector<std::string> out;
  for (const OptionDoc& option : options)
    out.insert(out.end(), option.names.begin(), option.names.end());
  return out;
}

// What bash offers behind an option that takes a value: its choices, files
// (what `complete -o default` does with nothing), or nothing at all.
std::string bash_values(const OptionDoc& option) {
  if (!option.choices.empty())
    return fmt::format("words='{}'", fmt::join(option.choices, " "));
  return takes_file(option) ? "return" : "compopt +o default; return";
}

std::string bash_verb(const VerbDoc& verb) {
  std::string out =
      fmt::format("    {})\n        case $previous in\n", verb.name);
  for (const OptionDoc& option : verb.options)
    if (!option.value.empty())
      out += fmt::format("        {}) {} ;;\n", fmt::join(option.names, "|"),
                         bash_values(option));
  return out + fmt::format("        *) [[ $current == -* ]] && words='{}' ;;\n"
                           "        esac\n        ;;\n",
                           fmt::join(all_names(verb.options), " "));
}

std::string zsh_value(const OptionDoc& option) {
  if (option.value.empty())
    return "";
  std::string action = takes_file(option) ? "_files" : " ";
  if (!option.choices.empty())
    action = fmt::format("({})", fmt::join(option.choices, " "));
  return fmt::format(":{}:{}", quoted(option.value, ":"), action);
}

std::string zsh_option(const OptionDoc& option) {
  std::string rest = fmt::format("[{}]{}", quoted(first_line(option), "[]:\\"),
                                 zsh_value(option));
  if (option.repeats)
    return fmt::format("'*{}{}'", option.names.front(), rest);
  std::vector<std::string> instead = option.names;
  instead.insert(instead.end(), option.excludes.begin(), option.excludes.end());
  std::string names =
      option.names.size() == 1
          ? option.names.front()
          : fmt::format("'{{{}}}'", fmt::join(option.names, ","));
  return fmt::format("'({}){}{}'", fmt::join(instead, " "), names, rest);
}

std::string zsh_verb(const VerbDoc& verb) {
  std::string out =
      fmt::format("        {})\n            _arguments -s", verb.name);
  for (const OptionDoc& option : verb.options)
    out += " \\\n                " + zsh_option(option);
  for (const OptionDoc& option : verb.positionals)
    out += fmt::format(" \\\n                '*:{}:_files'", option.value);
  return out + "\n            ;;\n";
}

std::string fish_names(const OptionDoc& option) {
  std::string out;
  for (const std::string& name : option.names)
    out += name.starts_with("--") ? " -l " + name.substr(2)
                                  : " -s " + name.substr(1);
  return out;
}

std::string fish_value(const OptionDoc& option) {
  if (option.value.empty())
    return "";
  if (!option.choices.empty())
    return fmt::format(" -x -a '{}'", fmt::join(option.choices, " "));
  return takes_file(option) ? " -r -F" : " -x";
}

std::string fish_option(std::string_view condition, const OptionDoc& option) {
  return fmt::format("complete -c migscope -n '{}'{}{} -d '{}'\n", condition,
                     fish_names(option), fish_value(option),
                     quoted(first_line(option), "\\"));
}

std::string fish_verb(const VerbDoc& verb) {
  std::string in_verb = "__fish_seen_subcommand_from " + verb.name;
  std::string out = fmt::format(
      "complete -c migscope -n __fish_use_subcommand -a {} -d '{}'\n",
      verb.name, quoted(verb.brief, "\\"));
  for (const OptionDoc& option : verb.options)
    out += fish_option(in_verb, option);
  if (!verb.positionals.empty())
    out += fmt::format("complete -c migscope -n '{}' -F\n", in_verb);
  return out;
}

} // namespace

std::string bash_completion(const CommandDoc& command) {
  std::string verbs, cases;
  for (const VerbDoc& verb : command.verbs) {
    verbs += verb.name + " ";
    cases += bash_verb(verb);
  }
  return fmt::format(R"(# bash completion of migscope
_migscope() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} words=
    local previous=${{COMP_WORDS[COMP_CWORD - 1]}}
    COMPREPLY=()
    case $COMP_CWORD:${{COMP_WORDS[1]}} in
    1:*) words='{}{}' ;;
    *) _migscope_verb "${{COMP_WORDS[1]}}" ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}

_migscope_verb() {{
    case $1 in
{}    esac
}}

complete -o default -F _migscope migscope
)",
                     verbs, fmt::join(all_names(command.options), " "), cases);
}

std::string zsh_completion(const CommandDoc& command) {
  std::string options, verbs, cases;
  for (const OptionDoc& option : command.options)
    options += zsh_option(option) + " ";
  for (const VerbDoc& verb : command.verbs) {
    verbs += fmt::format("            '{}:{}'\n", verb.name,
                         quoted(verb.brief, ":\\"));
    cases += zsh_verb(verb);
  }
  return fmt::format(R"(#compdef migscope
_migscope() {{
    local curcontext=$curcontext state line
    _arguments -C {}'1: :->verb' '*:: :->rest'
    case $state in
    verb)
        local -a verbs=(
{}        )
        _describe verb verbs
        ;;
    rest)
        case $words[1] in
{}        esac
        ;;
    esac
}}
_migscope "$@"
)",
                     options, verbs, cases);
}

std::string fish_completion(const CommandDoc& command) {
  std::string out = "# fish completion of migscope\n"
                    "complete -c migscope -f\n";
  for (const OptionDoc& option : command.options)
    out += fish_option("__fish_use_subcommand", option);
  for (const VerbDoc& verb : command.verbs)
    out += fish_verb(verb);
  return out;
}

} // namespace migscope::tools
