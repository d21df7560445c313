#include "qmp/json.h"

#include "qmp/json_syntax.h"

#include <cassert>
#include <cmath>
#include <fmt/format.h>
#include <json-c/json.h>
#include <limits>

namespace migscope::qmp {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n";

tl::unexpected<Error> malformed(size_t offset, std::string_view what) {
  Error error{ErrorKind::malformed, fmt::format("not JSON: {}", what)};
  error.offset = offset;
  return fail(std::move(error));
}

const char* tokener_text(json_tokener_error error) {
  if (error == json_tokener_continue)
    return "the text ends too early";
  return json_tokener_error_desc(error);
}

} // namespace

Json::Json(json_object* owned) {
  if (owned)
    value_.reset(owned, json_object_put);
}

Result<Json> Json::parse(std::string_view text) {
  if (text.size() > static_cast<size_t>(std::numeric_limits<int>::max()))
    return malformed(0, "the text is too long");
  if (auto fault = find_json_fault(text))
    return malformed(fault->offset, fault->message);
  text = text.substr(0, text.find_last_not_of(kWhiteSpace) + 1);
  // One level more for the scalar inside the deepest array.
  std::unique_ptr<json_tokener, decltype(&json_tokener_free)> tokener(
      json_tokener_new_ex(kMaxJsonDepth + 1), json_tokener_free);
  json_tokener_set_flags(tokener.get(), JSON_TOKENER_STRICT);
  auto feed = [&](std::string_view part) {
    return json_tokener_parse_ex(tokener.get(), part.data(),
                                 static_cast<int>(part.size()));
  };
  json_object* value = feed(text);
  size_t end = json_tokener_get_parse_end(tokener.get());
  // A bare number or word only ends where something follows it.
  if (json_tokener_get_error(tokener.get()) == json_tokener_continue)
    value = feed("\n");
  auto error = json_tokener_get_error(tokener.get());
  if (error != json_tokener_success)
    return malformed(end, tokener_text(error));
  return Json(value);
}

Json Json::object() {
  return Json(json_object_new_object());
}

Json Json::array() {
  return Json(json_object_new_array());
}

Json Json::of(std::string_view value) {
  assert(value.size() <= static_cast<size_t>(std::numeric_limits<int>::max()));
  return Json(
      json_object_new_string_len(value.data(), static_cast<int>(value.size())));
}

Json Json::text(std::string_view value) {
  if (parse(of(value).dump()))
    return of(value);
  std::string ascii(value);
  for (char& c : ascii)
    if (static_cast<unsigned char>(c) >= 0x80)
      c = '?';
  return of(ascii);
}

Json Json::of(bool value) {
  return Json(json_object_new_boolean(value));
}

Json Json::of(int64_t value) {
  return Json(json_object_new_int64(value));
}

Json Json::of(uint64_t value) {
  return Json(json_object_new_uint64(value));
}

Json Json::of(double value) {
  if (!std::isfinite(value))
    return Json();
  std::string text = fmt::format("{}", value);
  // Without this 1.0 would come back as an integer.
  if (text.find_first_of(".e") == text.npos)
    text += ".0";
  return Json(json_object_new_double_s(value, text.c_str()));
}

bool Json::is_object() const {
  return json_object_is_type(value_.get(), json_type_object);
}

bool Json::is_array() const {
  return json_object_is_type(value_.get(), json_type_array);
}

bool Json::has(const char* key) const {
  return is_object() && json_object_object_get_ex(value_.get(), key, nullptr);
}

Json Json::get(const char* key) const {
  json_object* member = nullptr;
  if (is_object())
    json_object_object_get_ex(value_.get(), key, &member);
  return Json(json_object_get(member));
}

std::vector<Json> Json::elements() const {
  std::vector<Json> out;
  if (!is_array())
    return out;
  size_t count = json_object_array_length(value_.get());
  out.reserve(count);
  for (size_t i = 0; i < count; ++i)
    out.push_back(
        Json(json_object_get(json_object_array_get_idx(value_.get(), i))));
  return out;
}

std::vector<std::string> Json::keys() const {
  std::vector<std::string> out;
  if (!is_object())
    return out;
  for (auto* entry = json_object_get_object(value_.get())->head; entry;
       entry = entry->next)
    out.emplace_back(static_cast<const char*>(entry->k));
  return out;
}

std::optional<int64_t> Json::as_int() const {
  if (!json_object_is_type(value_.get(), json_type_int))
    return {};
  // json-c clamps to the type asked for.
  if (json_object_get_uint64(value_.get()) >
      static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    return {};
  return json_object_get_int64(value_.get());
}

std::optional<uint64_t> Json::as_uint() const {
  if (!json_object_is_type(value_.get(), json_type_int) ||
      json_object_get_int64(value_.get()) < 0)
    return {};
  return json_object_get_uint64(value_.get());
}

std::optional<double> Json::as_double() const {
  if (!json_object_is_type(value_.get(), json_type_double) &&
      !json_object_is_type(value_.get(), json_type_int))
    return {};
  double value = json_object_get_double(value_.get());
  if (!std::isfinite(value))
    return {};
  return value;
}

std::optional<bool> Json::as_bool() const {
  if (!json_object_is_type(value_.get(), json_type_boolean))
    return {};
  return json_object_get_boolean(value_.get()) != 0;
}

std::optional<std::string> Json::as_string() const {
  if (!json_object_is_type(value_.get(), json_type_string))
    return {};
  return std::string(
      json_object_get_string(value_.get()),
      static_cast<size_t>(json_object_get_string_len(value_.get())));
}

std::string Json::dump() const {
  return json_object_to_json_string_ext(
      value_.get(), JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

std::string Json::dump_pretty() const {
  return json_object_to_json_string_ext(
      value_.get(), JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                        JSON_C_TO_STRING_NOSLASHESCAPE);
}

Json& Json::set_json(const char* key, const Json& value) {
  assert(is_object());
  json_object* shared = json_object_get(value.value_.get());
  if (json_object_object_add(value_.get(), key, shared) != 0)
    json_object_put(shared);
  return *this;
}

Json& Json::add_json(const Json& value) {
  assert(is_array());
  json_object* shared = json_object_get(value.value_.get());
  if (json_object_array_add(value_.get(), shared) != 0)
    json_object_put(shared);
  return *this;
}

} // namespace migscope::qmp
