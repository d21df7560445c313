// JSON values. The only user of json-c, whose headers stay in json.cpp.
//
// A Json is a cheap handle: copying shares the value. Readers never fail
// loudly: asking a value for what it is not gives nothing, so hostile input
// needs no type test before every use. Builders are for our own output.
#pragma once

#include "base/error.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct json_object;

namespace migscope::qmp {

class Json {
public:
  Json() = default; // null

  // Exactly one JSON value, with nothing but white space around it. Fails with
  // kind malformed and the byte offset. Nesting is limited to kMaxJsonDepth;
  // integers beyond 64 bits are refused. Of equal keys the last one counts.
  [[nodiscard]] static Result<Json> parse(std::string_view text);

  static Json object();
  static Json array();
  static Json of(std::string_view value);
  static Json of(const char* value) { return of(std::string_view(value)); }
  // The same for text from elsewhere: what is not UTF-8 becomes '?'.
  static Json text(std::string_view value);
  static Json of(bool value);
  static Json of(int64_t value);
  static Json of(uint64_t value);
  static Json of(int value) { return of(static_cast<int64_t>(value)); }
  static Json of(unsigned value) { return of(static_cast<uint64_t>(value)); }
  // Printed with as many digits as needed to read the same value back; a value
  // that is not finite becomes null.
  static Json of(double value);
  // null where there is nothing.
  template <typename T>
  static Json of(const std::optional<T>& value) {
    return value ? of(*value) : Json();
  }
  static Json of(const Json& value) { return value; }

  // On an object: adds or replaces. Keys keep their order. Returns *this.
  template <typename T>
  Json& set(const char* key, const T& value) {
    return set_json(key, of(value));
  }
  // On an array: appends. Returns *this.
  template <typename T>
  Json& add(const T& value) {
    return add_json(of(value));
  }

  [[nodiscard]] bool is_null() const { return !value_; }
  [[nodiscard]] bool is_object() const;
  [[nodiscard]] bool is_array() const;

  // Member of an object; null where this is no object or has no such member.
  [[nodiscard]] Json get(const char* key) const;
  // Tells a member that is null from one that is not there.
  [[nodiscard]] bool has(const char* key) const;
  // Elements of an array; empty where this is none.
  [[nodiscard]] std::vector<Json> elements() const;
  [[nodiscard]] std::vector<std::string> keys() const;

  // A number outside the type's range is nothing, never a wrapped value.
  [[nodiscard]] std::optional<int64_t> as_int() const;
  [[nodiscard]] std::optional<uint64_t> as_uint() const;
  [[nodiscard]] std::optional<double> as_double() const; // integers too
  [[nodiscard]] std::optional<bool> as_bool() const;
  [[nodiscard]] std::optional<std::string> as_string() const;

  // On one line, without needless blanks; or indented by two.
  [[nodiscard]] std::string dump() const;
  [[nodiscard]] std::string dump_pretty() const;

private:
  explicit Json(json_object* owned);
  Json& set_json(const char* key, const Json& value);
  Json& add_json(const Json& value);

  std::shared_ptr<json_object> value_;
};

// QEMU's own parser allows 1024; nothing it sends comes near 128.
inline constexpr int kMaxJsonDepth = 128;

} // namespace migscope::qmp
