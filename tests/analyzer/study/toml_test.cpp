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
}

// On which toml++ 3.3 asserts, or recurses without end.
TEST_CASE("what toml++ must not see") {
  std::string deep = "a = " + std::string(100'000, '[');
  std::string dotted = "a";
  for (int i = 0; i < 100'000; ++i)
    dotted += ".a";
  for (const std::string& text :
       {std::string("[=]"), std::string("a = 1979-05-27 5"),
        std::string("a = ]"), std::string("a = [1}"),
        std::string("a = \xc2\xa0"), deep, dotted + " = 1",
        "a = \"" + std::string(2 << 20, 'x') + '"'}) {
    auto json = parse_toml(text, "plan.toml");
    REQUIRE_FALSE(json);
    CHECK(json.error().where == "plan.toml");
  }
}

TEST_CASE("strings and comments may hold anything") {
  auto json = parse_toml("# ü [[[ 1979-05-27\na = \"ü ]]] {\"\n"
                         "b = \"\"\"x\n[y]\"\"\"\nc = 'z}'\n",
                         "plan.toml");
  REQUIRE(json);
  CHECK(json->get("a").as_string() == "ü ]]] {");
  CHECK(json->get("b").as_string() == "x\n[y]");
}
