#include "tools/verbs/options.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fmt/format.h>

namespace migscope::tools {

using qmp::Json;

namespace {

struct KeyValue {
  std::string key, value;
};

Result<KeyValue> split(const char* option, const std::string& word,
                       const char* default_value) {
  size_t equals = word.find('=');
  KeyValue out{word.substr(0, equals),
               equals == word.npos ? default_value : word.substr(equals + 1)};
  if (out.key.empty() || out.value.empty())
    return fail(ErrorKind::usage,
                fmt::format("{} \"{}\": expected NAME=VALUE", option, word));
  return out;
}

// Numbers and booleans as such, everything else as text.
Json scalar(const std::string& text) {
  if (text == "on" || text == "off")
    return Json::of(text == "on");
  auto value = Json::parse(text);
  if (value && !value->is_object() && !value->is_array() && !value->is_null())
    return *value;
  return Json::of(text);
}

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

Result<Json> capability_arguments(const std::vector<std::string>& words) {
  Json list = Json::array();
  for (const std::string& word : words) {
    auto item = split("--capability", word, "on");
    if (!item)
      return fail(item.error());
    if (item->value != "on" && item->value != "off")
      return fail(ErrorKind::usage,
                  fmt::format("--capability \"{}\": expected {}=on or {}=off",
                              word, item->key, item->key));
    list.add(Json::object()
                 .set("capability", item->key)
                 .set("state", item->value == "on"));
  }
  return Json::object().set("capabilities", list);
}

Result<Json> parameter_arguments(const std::vector<std::string>& words) {
  Json out = Json::object();
  for (const std::string& word : words) {
    auto item = split("--parameter", word, "");
    if (!item)
      return fail(item.error());
    out.set(item->key.c_str(), scalar(item->value));
  }
  return out;
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
