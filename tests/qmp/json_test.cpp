#include "qmp/json.h"

#include <doctest/doctest.h>
#include <limits>

using namespace migscope;
using qmp::Json;

namespace {

constexpr uint64_t kMaxU64 = std::numeric_limits<uint64_t>::max();
constexpr int64_t kMaxI64 = std::numeric_limits<int64_t>::max();
constexpr int64_t kMinI64 = std::numeric_limits<int64_t>::min();

Json parsed(std::string_view text) {
  auto result = Json::parse(text);
  REQUIRE_MESSAGE(result.has_value(), text);
  return *result;
}

std::string nested(int levels) {
  return std::string(levels, '[') + std::string(levels, ']');
}

} // namespace

TEST_CASE("integers keep every bit, and none is bent into a type") {
  Json max = parsed("18446744073709551615");
  CHECK(max.as_uint() == kMaxU64);
  CHECK_FALSE(max.as_int());
  CHECK(max.dump() == "18446744073709551615");
  CHECK(Json::of(kMaxU64).as_uint() == kMaxU64);
  CHECK(parsed("9223372036854775807").as_int() == kMaxI64);
  CHECK(parsed("9223372036854775807").as_uint() == uint64_t(kMaxI64));
  CHECK(parsed("9223372036854775808").as_uint() == uint64_t(kMaxI64) + 1);
  CHECK_FALSE(parsed("9223372036854775808").as_int());
  CHECK(parsed("-9223372036854775808").as_int() == kMinI64);
  CHECK_FALSE(parsed("-1").as_uint());
  CHECK_FALSE(Json::of(-1).as_uint());
  CHECK(parsed("0").as_uint() == 0u);
}

TEST_CASE("a number with a point is no integer") {
  CHECK_FALSE(parsed("1.0").as_int());
  CHECK_FALSE(parsed("1.0").as_uint());
  CHECK_FALSE(parsed("1e3").as_int());
  CHECK(parsed("1e3").as_double() == 1000.0);
  CHECK(parsed("7").as_double() == 7.0);
  CHECK(parsed("18446744073709551615").as_double() == 18446744073709551615.0);
  CHECK_FALSE(parsed("1e999").as_double());
}

TEST_CASE("doubles are printed so that they read back the same") {
  for (double value : {0.1, 1.0, -0.0, 1e300, 5e-324, 1.0 / 3, 1e15, 1e16,
                       123456789.125, 0.30000000000000004}) {
    Json back = parsed(Json::of(value).dump());
    CHECK(back.as_double() == value);
    CHECK_FALSE(back.as_int());
  }
  CHECK(Json::of(0.1).dump() == "0.1");
  CHECK(Json::of(1.0).dump() == "1.0");
  CHECK(Json::of(std::numeric_limits<double>::infinity()).is_null());
  CHECK(Json::of(std::numeric_limits<double>::quiet_NaN()).dump() == "null");
}

TEST_CASE("what is not JSON is refused with its place") {
  struct Case {
    std::string_view text;
    uint64_t offset;
  };
  using namespace std::string_view_literals;
  for (Case c : {Case{"", 0},
                 Case{" \n", 0},
                 Case{"{}x", 2},
                 Case{"{} {}", 3},
                 Case{"1 2", 2},
                 Case{"[1,]", 3},
                 Case{"{\"a\":1,}", 7},
                 Case{"{a:1}", 1},
                 Case{"'a'", 0},
                 Case{"NaN", 0},
                 Case{"[NaN]", 1},
                 Case{"-Infinity", 0},
                 Case{"Infinity", 0},
                 Case{"tru", 3},
                 Case{"[1", 2},
                 Case{"\"abc", 0},
                 Case{"\"abc\\", 0},
                 Case{"[01]", 1},
                 Case{"-01", 0},
                 Case{"1.", 0},
                 Case{"-", 0},
                 Case{"1e", 0},
                 Case{"/*c*/1", 0},
                 Case{"18446744073709551616", 0},
                 Case{"[-9223372036854775809]", 1},
                 Case{"{}\0"sv, 2},
                 Case{"\0{}"sv, 0},
                 Case{"\"a\0b\""sv, 2},
                 Case{"\"a\nb\"", 2}}) {
    CAPTURE(c.text);
    auto result = Json::parse(c.text);
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().kind == ErrorKind::malformed);
    CHECK(result.error().offset == c.offset);
  }
}

TEST_CASE("white space around the value is fine") {
  CHECK(parsed(" \r\n\t{} \r\n").is_object());
  CHECK(parsed(" 12 ").as_int() == 12);
  CHECK(parsed("null").is_null());
}

TEST_CASE("nesting is limited") {
  CHECK(parsed(nested(qmp::kMaxJsonDepth)).is_array());
  CHECK_FALSE(Json::parse(nested(qmp::kMaxJsonDepth + 1)).has_value());
  CHECK_FALSE(Json::parse(std::string(1 << 20, '[')).has_value());
  std::string objects;
  for (int i = 0; i < 1 << 16; ++i)
    objects += "{\"a\":";
  CHECK_FALSE(Json::parse(objects).has_value());
}

TEST_CASE("strings must be UTF-8") {
  for (const char* good :
       {"\"\xc3\xa4\"", "\"\xe2\x82\xac\"", "\"\xf0\x9f\x98\x80\"",
        "\"\xed\x9f\xbf\"", "\"\xf4\x8f\xbf\xbf\""})
    CHECK(Json::parse(good).has_value());
  for (const char* bad :
       {"\"\xff\"", "\"\xc0\x80\"", "\"\xc3\"", "\"\xe0\x80\x80\"",
        "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xf0\x9f\x98\"",
        "\"\x80\"", "\xef\xbb\xbf{}", "\"\xc3"})
    CHECK_FALSE(Json::parse(bad).has_value());
}

TEST_CASE("a NUL in a string is kept when escaped") {
  CHECK(parsed("\"a\\u0000b\"").as_string() == std::string("a\0b", 3));
  CHECK(Json::of(std::string_view("a\0b", 3)).dump() == "\"a\\u0000b\"");
}

TEST_CASE("of equal keys the last one counts") {
  CHECK(parsed("{\"a\":1,\"a\":2}").get("a").as_int() == 2);
}

TEST_CASE("asking a value for what it is not gives nothing") {
  for (const char* text : {"null", "true", "1", "1.5", "\"1\"", "[]", "{}"}) {
    CAPTURE(text);
    Json value = parsed(text);
    std::string_view kind = text;
    CHECK(value.as_bool().has_value() == (kind == "true"));
    CHECK(value.as_int().has_value() == (kind == "1"));
    CHECK(value.as_uint().has_value() == (kind == "1"));
    CHECK(value.as_double().has_value() == (kind == "1" || kind == "1.5"));
    CHECK(value.as_string().has_value() == (kind == "\"1\""));
    CHECK(value.is_array() == (kind == "[]"));
    CHECK(value.is_object() == (kind == "{}"));
    CHECK(value.is_null() == (kind == "null"));
    CHECK(value.get("a").is_null());
    CHECK_FALSE(value.has("a"));
    CHECK(value.elements().empty());
    CHECK(value.keys().empty());
  }
}

TEST_CASE("a null member is told from none") {
  Json json = parsed("{\"a\":null}");
  CHECK(json.has("a"));
  CHECK(json.get("a").is_null());
  CHECK_FALSE(json.has("b"));
}

TEST_CASE("builders keep the order of keys") {
  Json json = Json::object();
  json.set("z", 1).set("a", "text").set("m", true);
  // GCC 12 with sanitizers warns about a temporary here.
  const std::optional<int64_t> nothing;
  json.set("none", nothing).set("some", std::optional(2.5));
  json.set("list", Json::array().add(1u).add("x").add(Json()));
  json.set("z", std::string("a/b"));
  CHECK(json.dump() == "{\"z\":\"a/b\",\"a\":\"text\",\"m\":true,"
                       "\"none\":null,\"some\":2.5,\"list\":[1,\"x\",null]}");
  CHECK(json.keys() ==
        std::vector<std::string>{"z", "a", "m", "none", "some", "list"});
  CHECK(parsed(json.dump_pretty()).dump() == json.dump());
  CHECK(Json::object().set("a", 1).dump_pretty() == "{\n  \"a\": 1\n}");
}

TEST_CASE("a handle outlives the value it was taken from") {
  Json inner;
  {
    Json outer = parsed("{\"a\":[\"kept\"]}");
    inner = outer.get("a");
    outer.set("a", 1);
  }
  REQUIRE(inner.elements().size() == 1);
  CHECK(inner.elements()[0].as_string() == "kept");
}
