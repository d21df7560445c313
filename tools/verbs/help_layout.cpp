#include "tools/verbs/help_layout.h"

#include "tools/manual/command_doc.h"
#include "tools/render/text_layout.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace migscope::tools {
namespace {

constexpr size_t kHelpColumn = 28;

std::string value_of(const OptionDoc& option) {
  if (!option.choices.empty())
    return fmt::format("{}", fmt::join(option.choices, "|"));
  return option.value;
}

std::string facts(const OptionDoc& option) {
  auto facts = facts_of(option, "");
  return facts.empty() ? "" : fmt::format(" [{}]", fmt::join(facts, "; "));
}

std::string entry(std::string head, const std::string& help) {
  std::string out;
  if (head.size() + 2 > kHelpColumn) {
    out = head + "\n";
    head.clear();
  }
  for (size_t begin = 0; begin <= help.size();) {
    size_t end = std::min(help.find('\n', begin), help.size());
    out += wrap(fmt::format("{:<{}}{}", head, kHelpColumn,
                            help.substr(begin, end - begin)),
                kHelpColumn);
    head.clear();
    begin = end + 1;
  }
  return out;
}

} // namespace

std::string HelpLayout::make_subcommand(const CLI::App* verb) const {
  return entry("  " + verb->get_name(), brief_of(*verb));
}

std::string HelpLayout::make_option(const CLI::Option* option,
                                    bool is_positional) const {
  OptionDoc doc = describe_option(*option);
  std::string head =
      is_positional ? "  " + value_of(doc)
                    : fmt::format("  {}{}{}", fmt::join(doc.names, ", "),
                                  doc.value.empty() ? "" : " ", value_of(doc));
  return entry(head, doc.help + facts(doc));
}

std::string HelpLayout::make_option_usage(const CLI::Option* option) const {
  OptionDoc doc = describe_option(*option);
  std::string out = doc.value + (doc.repeats ? "..." : "");
  return doc.required ? out : "[" + out + "]";
}

} // namespace migscope::tools
