#include "tools/report/escape.h"

#include "qmp/json.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::tools;

TEST_CASE("nothing in a text is HTML") {
  CHECK(html("<script>alert('x')</script> & \"y\"") ==
        "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;y&quot;");
  CHECK(html("pc.ram") == "pc.ram");
}

TEST_CASE("what is no text becomes a replacement character") {
  const std::string replaced = "\xEF\xBF\xBD";
  CHECK(clean("a\nb\x1b[31m") == "a" + replaced + "b" + replaced + "[31m");
  CHECK(clean("\x7f\xC2\x85") == replaced + replaced); // DEL and NEL
  for (const char* bad :
       {"\xff", "\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
        "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xe2\x82", "\xc3("}) {
    std::string out = clean(bad);
    CHECK(out.starts_with(replaced));
  }
  CHECK(clean("\xc3(") == replaced + "(");
  // Characters that would turn the order of what follows.
  CHECK(clean("a\xE2\x80\xAE"
              "b") == "a" + replaced + "b");
  CHECK(clean("\xE2\x80\xA8\xE2\x80\xA9") == replaced + replaced);
  CHECK(clean("Größe 大 😀") == "Größe 大 😀");
}

TEST_CASE("a long text is cut between characters") {
  CHECK(clean("abcdef", 3) == "abc\xE2\x80\xA6");
  CHECK(clean("ääää", 5) == "ää\xE2\x80\xA6");
  CHECK(clean("abc", 3) == "abc");
}

TEST_CASE("JSON in a script cannot end it, and says the same") {
  const std::string name = "</script><!--&\xE2\x80\xA8\xE2\x80\xA9";
  std::string json =
      qmp::Json::object().set("name", qmp::Json::text(name)).dump();
  std::string out = for_script(json);
  for (const char* part : {"<", ">", "&", "\xE2\x80\xA8", "\xE2\x80\xA9"})
    CHECK(out.find(part) == out.npos);
  auto again = qmp::Json::parse(out);
  REQUIRE(again);
  CHECK(again->get("name").as_string() == name);
}
