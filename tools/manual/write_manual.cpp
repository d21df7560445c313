// Prints what the command says of itself, for the build:
//
//     write_manual bash|zsh|fish
//     write_manual page TEMPLATE
//
// TEMPLATE is a manual page in scdoc's language, "migscope-VERB.1.scd" or
// "migscope.1.scd"; its line @OPTIONS@ is replaced.
#include "tools/manual/completion.h"
#include "tools/manual/pages.h"
#include "tools/verbs/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iterator>

using namespace migscope::tools;

namespace {

constexpr std::string_view kPlace = "@OPTIONS@\n";

int complain(const std::string& text) {
  fmt::print(stderr, "write_manual: {}\n", text);
  return 1;
}

// Of the page that `file` is.
std::string options_of(const CommandDoc& command, const std::string& file) {
  std::string page = file.substr(0, file.find('.'));
  if (page == command.name)
    return manual_verbs(command);
  auto verb = std::find_if(
      command.verbs.begin(), command.verbs.end(),
      [&](const VerbDoc& v) { return page == command.name + "-" + v.name; });
  return verb == command.verbs.end() ? "" : manual_options(*verb);
}

int write_page(const CommandDoc& command, const std::filesystem::path& path) {
  std::ifstream in(path);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  std::string options = options_of(command, path.filename());
  if (options.empty())
    return complain(path.string() + ": no such verb");
  size_t place = text.find(kPlace);
  if (place == text.npos)
    return complain(path.string() + ": no line @OPTIONS@");
  text.replace(place, kPlace.size(), options);
  fmt::print("{}", text);
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  Verb chosen;
  CommandDoc command = describe_command(*make_command_line(chosen));
  std::string what = argc > 1 ? argv[1] : "";
  if (what == "page" && argc == 3)
    return write_page(command, argv[2]);
  if (what == "bash")
    fmt::print("{}", bash_completion(command));
  else if (what == "zsh")
    fmt::print("{}", zsh_completion(command));
  else if (what == "fish")
    fmt::print("{}", fish_completion(command));
  else
    return complain("expected bash, zsh, fish or page TEMPLATE");
  return 0;
}
