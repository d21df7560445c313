#include "tools/manual/command_doc.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace migscope::tools {
namespace {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> out;
  while (!text.empty()) {
    size_t end = text.find(separator);
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return out;
}

// What CLI11 makes of a check: "{elf,blocks}", "INT in [1 - 256]".
void take_constraint(std::string_view text, OptionDoc& out) {
  if (text.starts_with('{') && text.ends_with('}')) {
    out.choices = split(text.substr(1, text.size() - 2), ',');
    return;
  }
  size_t open = text.find('['), dash = text.find(" - ");
  if (open == text.npos || dash == text.npos || !text.ends_with(']'))
    return;
  out.range = fmt::format("{} to {}", text.substr(open + 1, dash - open - 1),
                          text.substr(dash + 3, text.size() - dash - 4));
}

std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> out;
  for (const std::string& name : option.get_snames())
    out.push_back("-" + name);
  for (const std::string& name : option.get_lnames())
    out.push_back("--" + name);
  return out;
}

void take_type(const CLI::Option& option, OptionDoc& out) {
  std::string type = option.get_type_name();
  size_t colon = type.find(':');
  out.value = type.substr(0, colon);
  if (colon != type.npos)
    take_constraint(std::string_view(type).substr(colon + 1), out);
}

void add_options(const CLI::App& app, std::vector<OptionDoc>& options,
                 std::vector<OptionDoc>& positionals) {
  for (const CLI::Option* option : app.get_options())
    (option->get_positional() ? positionals : options)
        .push_back(describe_option(*option));
}

} // namespace

std::string brief_of(const CLI::App& verb) {
  std::string text = verb.get_description();
  return text.substr(0, text.find('\n'));
}

std::vector<std::string> facts_of(const OptionDoc& option,
                                  std::string_view range_head) {
  const bool named = !option.names.empty();
  std::vector<std::string> out;
  if (option.required && named)
    out.push_back("required");
  if (!option.range.empty())
    out.push_back(fmt::format("{}{}", range_head, option.range));
  if (!option.preset.empty())
    out.push_back("default: " + option.preset);
  if (option.repeats && named)
    out.push_back("may be repeated");
  if (!option.excludes.empty())
    out.push_back(fmt::format("not with {}", fmt::join(option.excludes, ", ")));
  return out;
}

OptionDoc describe_option(const CLI::Option& option) {
  OptionDoc out;
  out.names = names_of(option);
  if (option.get_type_size() != 0)
    take_type(option, out);
  out.preset = option.get_default_str();
  out.help = option.get_description();
  for (const CLI::Option* other : option.get_excludes()) {
    // A positional is called by what it takes.
    auto names = names_of(*other);
    out.excludes.push_back(names.empty() ? other->get_type_name()
                                         : names.back());
  }
  out.required = option.get_required();
  out.repeats = option.get_expected_max() > 1;
  return out;
}

CommandDoc describe_command(const CLI::App& app) {
  CommandDoc out;
  out.name = app.get_name();
  std::vector<OptionDoc> none;
  add_options(app, out.options, none);
  for (const CLI::App* verb : app.get_subcommands({})) {
    VerbDoc doc{verb->get_name(), brief_of(*verb), {}, {}};
    add_options(*verb, doc.options, doc.positionals);
    out.verbs.push_back(std::move(doc));
  }
  return out;
}

} // namespace migscope::tools
