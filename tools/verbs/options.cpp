#include "tools/verbs/options.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fmt/format.h>

namespace migscope::tools {

namespace {

bool plain(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("_-./:@%+=,").find(c) != std::string_view::npos;
}

std::string shell_quoted(const std::string& text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), plain))
    return text;
  std::string out = "'";
  for (char c : text)
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

} // namespace

Result<Address> address_option(const char* option, const std::string& text) {
  auto address = parse_address(text);
  if (!address)
    address.error().where = option;
  return address;
}

std::string analyze_command(const std::string& program, const std::string& path,
                            std::string_view what) {
  return fmt::format("{} {} {}", shell_quoted(program), what,
                     shell_quoted(path));
}

void announce_recording(const std::string& path) {
  // As this program was called: it need not be in PATH.
  fmt::print(stderr, "recorded {}\nexplain it with: {}\n", path,
             analyze_command(program_invocation_name, path));
}

} // namespace migscope::tools
