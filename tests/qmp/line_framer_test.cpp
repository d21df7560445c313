#include "qmp/line_framer.h"

#include <doctest/doctest.h>
#include <vector>

using namespace migscope;
using qmp::kMaxLineBytes;
using qmp::LineFramer;

namespace {

struct Fed {
  LineFramer framer;
  std::vector<std::string> lines;
  std::vector<uint64_t> offsets;

  Status feed(std::string_view text) {
    return framer.feed(std::as_bytes(std::span(text)),
                       [&](std::string_view line) {
                         lines.emplace_back(line);
                         offsets.push_back(framer.line_offset());
                       });
  }
};

} // namespace

TEST_CASE("lines end in LF or CR LF, and empty ones are skipped") {
  Fed fed;
  REQUIRE(fed.feed("one\r\ntwo\n\r\n\n thr\ree \nrest"));
  CHECK(fed.lines == std::vector<std::string>{"one", "two", " thr\ree "});
  CHECK(fed.offsets == std::vector<uint64_t>{0, 5, 12});
  CHECK(fed.framer.unfinished() == "rest");
  CHECK(fed.framer.line_offset() == 21);
}

TEST_CASE("where the bytes are cut makes no difference") {
  std::string_view text = "{\"a\":1}\r\n\r\nx\n\n\r\r\n{\"b\":2}\r\ntail\r";
  Fed whole;
  REQUIRE(whole.feed(text));
  for (size_t step = 1; step < text.size(); ++step) {
    Fed cut;
    for (size_t at = 0; at < text.size(); at += step)
      REQUIRE(cut.feed(text.substr(at, step)));
    CHECK(cut.lines == whole.lines);
    CHECK(cut.offsets == whole.offsets);
    CHECK(cut.framer.unfinished() == whole.framer.unfinished());
    CHECK(cut.framer.line_offset() == whole.framer.line_offset());
  }
}

TEST_CASE("a line of the cap passes, one byte more does not") {
  std::string longest(kMaxLineBytes, 'x');
  for (const char* end : {"\n", "\r\n"}) {
    Fed fed;
    REQUIRE(fed.feed("a\n"));
    REQUIRE(fed.feed(longest));
    REQUIRE(fed.feed(std::string_view(end).substr(0, 1)));
    REQUIRE(fed.feed(std::string_view(end).substr(1)));
    REQUIRE(fed.lines.size() == 2);
    CHECK(fed.lines[1] == longest);

    Fed over;
    REQUIRE(over.feed("a\n"));
    auto status = over.feed(longest + "x" + end);
    REQUIRE_FALSE(status);
    CHECK(status.error().kind == ErrorKind::protocol);
    CHECK(status.error().offset == 2);
    CHECK(over.lines.size() == 1);
  }
}

TEST_CASE("a line without end is given up at the cap, and so is the rest") {
  Fed fed;
  std::string part(1 << 20, 'x');
  Status status;
  size_t taken = 0;
  for (; taken <= 2 * kMaxLineBytes && status; taken += part.size())
    status = fed.feed(part);
  REQUIRE_FALSE(status);
  CHECK(taken <= kMaxLineBytes + part.size());
  CHECK(fed.framer.unfinished().empty());
  CHECK_FALSE(fed.feed("good\n"));
  CHECK(fed.lines.empty());
}
