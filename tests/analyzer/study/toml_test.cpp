#include "analyzer/study/toml.h"

#include <doctest/doctest.h>

using migscope::analyzer::parse_toml;

TEST_CASE("TOML is read as JSON") {
  auto json = parse_toml("a = 1\nb = [1.5, true, \"x\"]\n[c.d]\ne = \"f\"\n",
                         "plan.toml");
  REQUIRE(json);
  CHECK(json->get("a").as_int() == 1);
  CHECK(json->get("b").elements().size() == 3);
  CHECK(json->get("c").get("d").get("e").as_string() == "f");
}

TEST_CASE("what is no TOML says where") {
  for (const char* text :
       {"a = ", "a = 1\na = 2", "[x\n", "\xff = 1", "a = \"\\u00\""}) {
    auto json = parse_toml(text, "plan.toml");
    REQUIRE_FALSE(json);
    CHECK(json.error().where == "plan.toml");
    CHECK(json.error().message.find("line ") == 0);
  }
  CHECK(parse_toml("a = inf", "plan.toml").has_value() ==
        parse_toml("a = nan", "plan.toml").has_value());
}
