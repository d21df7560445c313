#include "tools/manual/pages.h"

#include <cctype>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace migscope::tools {
namespace {

// Letters that mean something to scdoc.
std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (std::string_view("\\*_`#[]|<>").find(c) != std::string_view::npos)
      out += '\\';
    out += c;
  }
  return out;
}

std::string sentence(std::string text) {
  return text.ends_with('.') ? text : text + ".";
}

std::string names_and_value(const OptionDoc& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.names)
    names.push_back(fmt::format("*{}*", escaped(name)));
  std::string value;
  if (!option.choices.empty())
    value = fmt::format("*{}*", fmt::join(option.choices, "*\\|*"));
  else if (!option.value.empty())
    value = fmt::format("_{}_", escaped(option.value));
  bool both = !names.empty() && !value.empty();
  return fmt::format("{}{}{}", fmt::join(names, ", "), both ? " " : "", value);
}

// In a manual lines of help are paragraphs' sentences, not lines.
std::string words(const OptionDoc& option) {
  std::string out;
  for (char c : sentence(option.help))
    out += c == '\n' ? std::string("; ") : std::string(1, c);
  for (std::string& fact : facts_of(option, "from ")) {
    fact.front() = static_cast<char>(std::toupper(fact.front()));
    out += fmt::format(" {}.", fact);
  }
  return escaped(out);
}

std::string section(std::string_view title,
                    const std::vector<OptionDoc>& options) {
  if (options.empty())
    return {};
  std::string out = fmt::format("# {}\n\n", title);
  for (const OptionDoc& option : options)
    out += fmt::format("{}\n\t{}\n\n", names_and_value(option), words(option));
  return out;
}

} // namespace

std::string manual_options(const VerbDoc& verb) {
  return section("ARGUMENTS", verb.positionals) +
         section("OPTIONS", verb.options);
}

std::string manual_verbs(const CommandDoc& command) {
  std::string out = "# VERBS\n\n";
  for (const VerbDoc& verb : command.verbs)
    out += fmt::format("*{0}*\n\t{1} See *{2}-{0}*(1).\n\n", verb.name,
                       escaped(sentence(verb.brief)), command.name);
  return out + section("OPTIONS", command.options);
}

} // namespace migscope::tools
