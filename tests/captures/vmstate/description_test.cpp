// The description: sizes of devices, and finding it from a stream's end.
#include "captures/vmstate/description.h"
#include "tests/support/stream_builder.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::test;
using namespace migscope::captures;

namespace {

// The size of one device whose members, after its names, are `members`.
Result<uint64_t> size_of(std::string_view members) {
  auto out =
      parse_description(R"({"devices": [{"name": "d", "instance_id": 3, )" +
                        std::string(members) + "}]}");
  if (!out)
    return fail(out.error());
  CHECK(out->devices.at(0).name == "d");
  CHECK(out->devices.at(0).instance_id == 3);
  return out->devices.at(0).body_bytes;
}

std::string error_of(std::string_view json) {
  auto out = parse_description(json);
  return out ? "" : describe(out.error());
}

} // namespace

TEST_CASE("a size counts one element") {
  CHECK(size_of(R"("fields": [])") == 0u);
  CHECK(size_of(R"("fields": [{"name": "a", "size": 4},
                              {"name": "b", "array_len": 6, "size": 8}])") ==
        52u);
}

TEST_CASE("names repeat, with or without an index") {
  CHECK(size_of(R"("fields": [{"name": "a", "index": 0, "size": 4},
                              {"name": "a", "size": 6},
                              {"name": "a", "size": 4}])") == 14u);
}

TEST_CASE("what is nested is in its field's size already") {
  CHECK(size_of(R"("fields": [
      {"name": "s", "type": "struct", "struct":
        {"vmsd_name": "i", "version": 1, "fields": [{"size": 4}]}, "size": 4},
      {"name": "t", "type": "tmp", "vmsd_name": "tmp", "version": 1,
       "fields": [{"name": "x", "size": 2}], "size": 2},
      {"name": "q", "type": "qtailq",
       "vmsd_name": "e", "version": 1, "fields": [{"size": 5}],
       "vmsd_name": "e", "version": 1, "fields": [{"size": 9}],
       "size": 17}])") == 23u);
}

TEST_CASE("subsections have a head, and nest") {
  // Each head: type byte, counted name, version.
  CHECK(size_of(R"("fields": [{"size": 1}], "subsections": [
      {"vmsd_name": "d/ab", "version": 1, "fields": [{"size": 2}],
       "subsections": [{"vmsd_name": "d/ab/c", "version": 1,
                        "fields": [{"size": 3}]}]}])") ==
        1u + (6 + 4 + 2) + (6 + 6 + 3));
}

TEST_CASE("an opaque device says its size itself") {
  CHECK(size_of(R"("size": 77, "fields": [{"name": "data", "size": 77,
                                           "type": "buffer"}])") == 77u);
}

TEST_CASE("page size") {
  CHECK(
      parse_description(R"({"page_size": 16384, "devices": []})")->page_size ==
      16384u);
  CHECK_FALSE(parse_description(R"({"devices": []})")->page_size);
  CHECK(error_of(R"({"page_size": 4095, "devices": []})") ==
        "description: page_size 4095 is no page size");
  CHECK(error_of(R"({"page_size": "4096", "devices": []})") != "");
}

TEST_CASE("what is no description") {
  CHECK(error_of("") != "");
  CHECK(error_of("[]") ==
        "description: expected an object with an array \"devices\"");
  CHECK(error_of(R"({"devices": [{"name": "d"}]})") ==
        "description: a device has no name or no instance_id");
  CHECK(error_of(R"({"devices": [{"name": "d", "instance_id": 4294967296,
                     "fields": []}]})") != "");
  CHECK(error_of(R"({"devices": [{"name": "d", "instance_id": 0}]})") ==
        "description: a device or subsection has no fields");
  CHECK_FALSE(size_of(R"("fields": [{"name": "a"}])"));
  CHECK_FALSE(size_of(R"("fields": [{"size": -1}])"));
  CHECK_FALSE(size_of(R"("fields": [{"size": 4, "array_len": "6"}])"));
  CHECK_FALSE(size_of(R"("fields": [{"size": 18446744073709551615,
                                     "array_len": 2}])"));
  CHECK_FALSE(size_of(R"("fields": [{"size": 18446744073709551615},
                                    {"size": 1}])"));
  CHECK_FALSE(size_of(R"("fields": [], "subsections": [{"fields": []}])"));
}

TEST_CASE("a description is found from the end of its stream") {
  constexpr std::string_view kJson = R"({"devices": [{"a": "\u0000"}]})";
  auto whole = StreamBuilder().fill(50, 0x7e).eof().description(kJson);
  CHECK(find_description(whole.done()) == kJson);
  CHECK(find_description(std::span(whole.done()).subspan(50)) == kJson);
  // Cut off, followed by other bytes, or with its head outside the tail.
  CHECK_FALSE(
      find_description(std::span(whole.done()).first(whole.size() - 1)));
  CHECK_FALSE(find_description(StreamBuilder(whole).u8(0).done()));
  CHECK_FALSE(find_description(std::span(whole.done()).subspan(51)));
  CHECK_FALSE(find_description({}));
  CHECK_FALSE(find_description(StreamBuilder().eof().done()));
  CHECK_FALSE(find_description(StreamBuilder().eof().description("").done()));
}
