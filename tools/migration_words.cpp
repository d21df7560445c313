#include "tools/migration_words.h"

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

} // namespace

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

} // namespace migscope::tools
