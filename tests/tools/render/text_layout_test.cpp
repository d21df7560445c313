#include "tools/render/text_layout.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <sstream>

using namespace migscope::tools;

namespace {

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    out.push_back(line);
  return out;
}

size_t widest(const std::string& text) {
  size_t out = 0;
  for (const std::string& line : lines(text))
    out = std::max(out, line.size());
  return out;
}

} // namespace

TEST_CASE("bytes in a unit that can be read") {
  CHECK(format_bytes(0) == "0 B");
  CHECK(format_bytes(1023) == "1023 B");
  CHECK(format_bytes(1024) == "1.0 KiB");
  CHECK(format_bytes(2202009) == "2.1 MiB");
  CHECK(format_bytes(1ull << 40) == "1.0 TiB");
  CHECK(format_bytes(UINT64_MAX) == "16777216.0 TiB");
  // Rounding does not leave the unit's range.
  CHECK(format_bytes((1 << 20) - 1) == "1.0 MiB");
}

TEST_CASE("times in a unit that can be read") {
  CHECK(format_ms(0) == "0.0 ms");
  CHECK(format_ms(45.67) == "45.7 ms");
  CHECK(format_ms(9999.9) == "9999.9 ms");
  CHECK(format_ms(9999.97) == "10.00 s");
  CHECK(format_ms(123456) == "123.46 s");
}

TEST_CASE("figures, and what is not known") {
  CHECK(figure(std::optional<uint64_t>(7)) == "7");
  CHECK(figure(std::optional<uint64_t>()) == "?");
  CHECK(figure(std::optional<double>(1.26), 1) == "1.3");
  CHECK(figure(std::optional<double>(), 1) == "?");
}

TEST_CASE("a short text is one line") {
  CHECK(wrap("outcome    completed", 11) == "outcome    completed\n");
  CHECK(wrap("", 4) == "\n");
}

TEST_CASE("a long text breaks at blanks, and goes on indented") {
  std::string text;
  for (int i = 0; i < 40; ++i)
    text += i ? " word" : "word";
  auto out = lines(wrap(text, 4));
  REQUIRE(out.size() == 3);
  CHECK(out[0].size() == 79);
  CHECK(out[1].substr(0, 8) == "    word");
  CHECK(out[1].size() == 78);
}

TEST_CASE("exactly as wide as there is room for") {
  std::string text(75, 'x');
  CHECK(lines(wrap(text + " 1234", 2)).size() == 1);
  CHECK(lines(wrap(text + " 12345", 2)).size() == 2);
}

TEST_CASE("a word that is too long is cut") {
  std::string word(200, 'x');
  auto out = lines(wrap("name " + word + " end", 4));
  REQUIRE(out.size() == 3);
  CHECK(out[0] == "name " + word.substr(0, 75));
  CHECK(out[1] == "    " + word.substr(0, 76));
  CHECK(out[2] == "    " + word.substr(0, 49) + " end");
  CHECK(widest(wrap(word, 0)) == 80);
}

TEST_CASE("what could drive a terminal is printed as ?") {
  CHECK(printable("a\x1b[2Jb\r\n\t\x7f") == "a?[2Jb????");
  // U+009B opens a control sequence, as bytes of UTF-8 and of Latin-1.
  CHECK(printable("\xc2\x9b\x9b") == "???");
  CHECK(printable(std::string("a\0b", 3)) == "a?b");
  CHECK(wrap("a\nb", 0) == "a?b\n");
  CHECK(table({{"x"}, {"a\nb"}}) == "x\na?b\n");
}

TEST_CASE("columns are right-aligned, the last one left-aligned") {
  CHECK(table({{"n", "bytes", "name"}, {"10", "7", "ram"}}) ==
        " n  bytes  name\n"
        "10      7  ram\n");
  CHECK(table({}).empty());
}

TEST_CASE("a table is no wider than the terminal") {
  CHECK(widest(table({{"n", "name"}, {"1", std::string(500, 'x')}})) == 80);
  CHECK(widest(table({{std::string(500, 'x'), "name"}})) == 80);
}

TEST_CASE("a long table loses its middle") {
  std::vector<Row> rows{{"n", "x"}};
  for (int i = 1; i <= 9; ++i)
    rows.push_back({std::to_string(i), "x"});
  CHECK(shortened(rows, 10) == rows);
  auto out = shortened(rows, 6);
  REQUIRE(out.size() == 6);
  CHECK(out[0][0] == "n");
  CHECK(out[1][0] == "1");
  CHECK(out[2] == Row{"...", "..."});
  CHECK(out[3][0] == "7");
  CHECK(out[5][0] == "9");
}
