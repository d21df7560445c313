// What -dump-vmstate lends, and where it has to refuse.
#include "captures/vmstate/dump_vmstate.h"
#include "tests/support/stream_builder.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::test;
using namespace migscope::captures;

namespace {

constexpr std::string_view kDump = R"({
  "vmschkmachine": {"Name": "pc-q35-7.2"},
  "mouse-device": {"Name": "mouse-device", "version_id": 2,
    "Description": {"name": "mouse", "version_id": 2, "Fields": [
      {"field": "x", "version_id": 0, "field_exists": false, "size": 4},
      {"field": "later", "version_id": 3, "field_exists": false, "size": 9},
      {"field": "maybe", "version_id": 0, "field_exists": true, "size": 9},
      {"field": "b", "version_id": 0, "field_exists": false, "num": 2,
       "size": 8, "Description": {"name": "button", "version_id": 1,
         "Fields": [{"field": "down", "version_id": 0,
                     "field_exists": false, "num": 3, "size": 1}]}}],
      "Subsections": [{"name": "mouse/wheel", "version_id": 1, "Fields": [
        {"field": "z", "version_id": 0, "field_exists": false,
         "size": 2}]}]}}})";

DumpVmstate dump() {
  auto out = DumpVmstate::parse(kDump);
  REQUIRE(out);
  return std::move(*out);
}

} // namespace

TEST_CASE("names and sizes where they make up the state") {
  auto plain = dump().fit("mouse", 2, StreamBuilder().fill(10, 1).done());
  REQUIRE(plain);
  REQUIRE(plain->state.fields.size() == 3);
  CHECK(plain->state.fields[0].type == "unknown");
  CHECK(plain->state.fields[2].name == "b");
  CHECK(plain->state.fields[2].states.at(0).fields.at(0).size == 3);
  CHECK(wire_bytes(plain->state) == 10u);

  StreamBuilder wheel;
  wheel.fill(10, 1).subsection("mouse/wheel").be16(4);
  auto with = dump().fit("mouse", 2, wheel.done());
  REQUIRE(with);
  CHECK(with->state.subsections.at(0).vmsd_name == "mouse/wheel");
  CHECK(wire_bytes(with->state) == wheel.size());
}

TEST_CASE("nothing where they do not") {
  auto other = dump().fit("keyboard", 1, {});
  CHECK(other.error().message == "-dump-vmstate has no \"keyboard\"");
  for (size_t size : {0, 9, 11, 19})
    CHECK_FALSE(dump().fit("mouse", 2, StreamBuilder().fill(size, 1).done()));
  CHECK_FALSE(dump().fit("mouse", 3, StreamBuilder().fill(10, 1).done()));
}

TEST_CASE("what -dump-vmstate did not write") {
  CHECK_FALSE(DumpVmstate::parse("{}"));
  CHECK_FALSE(DumpVmstate::parse("[1"));
}

TEST_CASE("lengths that nothing backs") {
  auto out = DumpVmstate::parse(R"({"vmschkmachine": {}, "a": {"Description":
      {"name": "a", "version_id": 1, "Fields": [{"field": "x",
      "version_id": 0, "field_exists": false, "num": 4000000000, "size": 0,
      "Description": {"name": "n", "version_id": 1}}]}}})");
  REQUIRE(out);
  CHECK_FALSE(out->fit("a", 1, StreamBuilder().u8(1).done()));
}
