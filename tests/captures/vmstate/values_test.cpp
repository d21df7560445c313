// Device states taken apart: every codec, arrays across QEMU versions,
// subsections, queues, and what does not fit.
#include "captures/stream/limits.h"
#include "captures/vmstate/values.h"
#include "tests/support/stream_builder.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::test;
using namespace migscope::captures;

namespace {

constexpr uint64_t kOrigin = 0x1000;

// A device whose members, after its names, are `members`, and its values.
struct Decoded {
  Decoded(std::string_view members, const StreamBuilder& body)
      : bytes(body.done()) {
    auto parsed =
        parse_description(R"({"devices": [{"name": "d", "instance_id": 0,
                              "vmsd_name": "d", "version": 1, )" +
                          std::string(members) + "}]}");
    REQUIRE_MESSAGE(parsed, (parsed ? "" : describe(parsed.error())));
    description = std::move(*parsed);
    values = decode_values(description.devices.at(0), bytes, kOrigin);
  }
  const Value& at(size_t index) const { return values.values.at(index); }
  std::string problem(size_t index = 0) const {
    const ValueProblem& it = values.problems.at(index);
    return it.path + ": " + it.message;
  }

  std::vector<std::byte> bytes;
  Description description;
  DeviceValues values;
};

Decoded one(std::string_view type, size_t size, const StreamBuilder& body) {
  return Decoded(R"("fields": [{"name": "f", "type": ")" + std::string(type) +
                     R"(", "size": )" + std::to_string(size) + "}]",
                 body);
}

int64_t signed_of(std::string_view type, const StreamBuilder& body) {
  Decoded out = one(type, body.size(), body);
  CHECK(out.values.problems.empty());
  CHECK(out.at(0).kind == ValueKind::signed_integer);
  return signed_value(out.at(0));
}

uint64_t unsigned_of(std::string_view type, const StreamBuilder& body) {
  Decoded out = one(type, body.size(), body);
  CHECK(out.values.problems.empty());
  CHECK(out.at(0).kind == ValueKind::unsigned_integer);
  return unsigned_value(out.at(0));
}

// Wherever the values are cut, no byte is missed or told twice.
void check_cover(const std::vector<Value>& values, uint64_t begin,
                 uint64_t end) {
  for (const Value& value : values) {
    CHECK(value.offset == begin);
    begin += value.bytes.size();
  }
  CHECK(begin == end);
}

} // namespace

TEST_CASE("integers are big-endian, of the sign that their type has") {
  CHECK(signed_of("int8", StreamBuilder().u8(0xff)) == -1);
  CHECK(signed_of("int16", StreamBuilder().be16(0x8001)) == -32767);
  CHECK(signed_of("int32", StreamBuilder().be32(5)) == 5);
  CHECK(signed_of("int64", StreamBuilder().be64(~0ull)) == -1);
  CHECK(signed_of("int32 equal", StreamBuilder().be32(0xfffffffe)) == -2);
  CHECK(signed_of("int32 le", StreamBuilder().be32(2)) == 2);
  CHECK(signed_of("timer", StreamBuilder().be64(~0ull)) == -1);
  CHECK(unsigned_of("uint8", StreamBuilder().u8(0xff)) == 255);
  CHECK(unsigned_of("uint16", StreamBuilder().be16(0x8001)) == 0x8001);
  CHECK(unsigned_of("uint32", StreamBuilder().be32(0xfffffffe)) == 0xfffffffe);
  CHECK(unsigned_of("uint64", StreamBuilder().be64(~0ull)) == UINT64_MAX);
  CHECK(unsigned_of("uint8 equal", StreamBuilder().u8(0xff)) == 255);
  CHECK(unsigned_of("uint16 equal", StreamBuilder().be16(0xffff)) == 0xffff);
  CHECK(unsigned_of("uint32 equal", StreamBuilder().be32(7)) == 7);
  CHECK(unsigned_of("int64 equal", StreamBuilder().be64(~0ull)) == UINT64_MAX);
  CHECK(unsigned_of("CPU_Double_U", StreamBuilder().be32(0x3ff00000).be32(1)) ==
        0x3ff0000000000001);
}

TEST_CASE("a bool is 0 or 1") {
  CHECK(unsigned_value(one("bool", 1, StreamBuilder().u8(1)).at(0)) == 1);
  Decoded odd = one("bool", 1, StreamBuilder().u8(2));
  CHECK(odd.problem() == "f: expected a bool of 0 or 1, found 0x2");
  CHECK(odd.values.problems[0].offset == kOrigin);
  Decoded among(R"("fields": [{"name": "f", "array_len": 3, "type": "bool",
                               "size": 1}])",
                StreamBuilder().u8(0).u8(1).u8(9));
  CHECK(among.problem() ==
        "f: element 2: expected a bool of 0 or 1, found 0x9");
  CHECK(among.values.problems[0].offset == kOrigin + 2);
}

TEST_CASE("what is not taken apart stays bytes, reserved ones unchecked") {
  for (const char* type : {"buffer", "unused_buffer", "pci config",
                           "msix state", "unknown", "virtio", "fd"}) {
    Decoded out = one(type, 3, StreamBuilder().u8(1).u8(2).u8(3));
    CHECK(out.at(0).kind == ValueKind::bytes);
    CHECK(out.at(0).bytes.size() == 3);
    CHECK(out.values.problems.empty());
  }
}

TEST_CASE("bitmaps and interrupt lines are words") {
  Decoded bitmap = one("bitmap", 16, StreamBuilder().be64(1).be64(2));
  REQUIRE(element_count(bitmap.at(0)) == 2);
  CHECK(unsigned_value(element(bitmap.at(0), 1)) == 2);
  CHECK(element(bitmap.at(0), 1).offset == kOrigin + 8);
  Decoded lines =
      one("pci irq state", 16, StreamBuilder().be32(0).be32(1).be32(0).be32(3));
  CHECK(unsigned_value(element(lines.at(0), 3)) == 3);
}

TEST_CASE("an array that is described once") {
  Decoded out(R"("fields": [{"name": "a", "array_len": 3, "type": "int16",
                             "size": 2}, {"name": "b", "type": "uint8",
                             "size": 1}])",
              StreamBuilder().be16(1).be16(0xffff).be16(3).u8(9));
  CHECK(out.at(0).kind == ValueKind::array);
  CHECK(out.at(0).children.empty());
  REQUIRE(element_count(out.at(0)) == 3);
  CHECK(signed_value(element(out.at(0), 1)) == -1);
  CHECK(element(out.at(0), 1).kind == ValueKind::signed_integer);
  CHECK(out.at(1).offset == kOrigin + 6);
}

TEST_CASE("elements of one name are an array, whatever their indexes say") {
  // Up to 9.2, 10.0 to 10.2, and 11.0 on.
  for (const char* indexes : {R"("index": 0,|"index": 1,|"index": 2,)",
                              R"("index": 0,|"index": 1,|)", "||"}) {
    std::string list = indexes, fields;
    for (int i = 0; i < 3; ++i) {
      auto bar = list.find('|');
      fields += (i ? "," : "") + std::string(R"({"name": "a", )") +
                list.substr(0, bar) +
                R"("type": "struct", "struct": {"vmsd_name": "e", "version": 1,
                   "fields": [{"name": "x", "type": "uint8", "size": 1}]},
                   "size": 1})";
      list = bar == std::string::npos ? "" : list.substr(bar + 1);
    }
    Decoded out("\"fields\": [" + fields + "]",
                StreamBuilder().u8(5).u8(6).u8(7));
    REQUIRE(out.values.values.size() == 1);
    REQUIRE(element_count(out.at(0)) == 3);
    CHECK(unsigned_value(element(out.at(0), 2).children.at(0)) == 7);
  }
}

TEST_CASE("a [k] at the end of a name is part of it") {
  Decoded out(R"("fields": [{"name": "a[0]", "type": "uint8", "size": 1},
                            {"name": "a[1]", "type": "uint8", "size": 1}])",
              StreamBuilder().u8(5).u8(6));
  REQUIRE(out.values.values.size() == 2);
  CHECK(out.at(1).name == "a[1]");
  CHECK(out.at(1).kind == ValueKind::unsigned_integer);
}

TEST_CASE("nested state: struct apart, vstruct and tmp inline") {
  Decoded out(R"("fields": [
      {"name": "s", "array_len": 2, "type": "struct", "struct":
        {"vmsd_name": "i", "version": 1,
         "fields": [{"name": "x", "type": "uint16", "size": 2}]}, "size": 2},
      {"name": "v", "type": "vstruct", "vmsd_name": "v", "version": 2,
       "fields": [{"name": "y", "type": "uint8", "size": 1}], "size": 1},
      {"name": "t", "type": "tmp", "vmsd_name": "tmp", "version": 1,
       "fields": [{"name": "z", "type": "uint8", "size": 1}], "size": 1}])",
              StreamBuilder().be16(1).be16(2).u8(3).u8(4));
  CHECK(out.values.problems.empty());
  CHECK(unsigned_value(element(out.at(0), 1).children.at(0)) == 2);
  CHECK(out.at(1).kind == ValueKind::structure);
  CHECK(unsigned_value(out.at(1).children.at(0)) == 3);
  CHECK(out.at(2).children.at(0).name == "z");
}

TEST_CASE("subsections, nested, with their place") {
  Decoded out(R"("fields": [{"name": "x", "type": "uint8", "size": 1}],
      "subsections": [{"vmsd_name": "d/ab", "version": 3, "fields":
        [{"name": "y", "type": "uint8", "size": 1}],
        "subsections": [{"vmsd_name": "d/ab/c", "version": 1, "fields":
          [{"name": "z", "type": "uint8", "size": 1}]}]}])",
              StreamBuilder()
                  .u8(5) // no subsection, although it looks like one
                  .subsection("d/ab", 3)
                  .u8(6)
                  .subsection("d/ab/c")
                  .u8(7));
  CHECK(out.values.problems.empty());
  const Value& sub = out.at(1);
  CHECK(sub.name == "d/ab");
  CHECK(sub.type == "subsection");
  CHECK(sub.offset == kOrigin + 1);
  CHECK(sub.bytes.size() == 10 + 1 + 12 + 1);
  CHECK(unsigned_value(sub.children.at(1).children.at(0)) == 7);
}

TEST_CASE("a subsection that is another is told, and the rest stays bytes") {
  constexpr std::string_view kMembers =
      R"("fields": [], "subsections": [{"vmsd_name": "d/ab", "version": 1,
         "fields": [{"name": "y", "type": "uint8", "size": 1}]}])";
  Decoded other(kMembers, StreamBuilder().subsection("d/xy").u8(6));
  CHECK(other.problem() ==
        "d/ab: expected a subsection of this name, found other bytes");
  check_cover(other.values.values, kOrigin, kOrigin + 11);
  Decoded version(kMembers, StreamBuilder().subsection("d/ab", 2).u8(6));
  CHECK(version.problem() == "d/ab: expected version 1, found 2");
  CHECK(version.values.problems[0].offset == kOrigin + 6);
  CHECK(unsigned_value(version.at(0).children.at(0)) == 6);
}

TEST_CASE("queues: keys repeat in one object") {
  for (const char* type : {"qtailq", "qlist"}) {
    std::string members =
        R"("fields": [{"name": "q", "type": ")" + std::string(type) + R"(",
        "vmsd_name": "e", "version": 1,
        "fields": [{"name": "x", "type": "uint8", "size": 1}],
        "vmsd_name": "e", "version": 1,
        "fields": [{"name": "x", "type": "uint16", "size": 2}], "size": 6},
        {"name": "after", "type": "uint8", "size": 1}])";
    Decoded out(members, StreamBuilder().u8(1).u8(7).u8(1).be16(8).u8(0).u8(9));
    CHECK(out.values.problems.empty());
    REQUIRE(element_count(out.at(0)) == 2);
    CHECK(unsigned_value(element(out.at(0), 1).children.at(0)) == 8);
    Decoded broken(members,
                   StreamBuilder().u8(1).u8(7).u8(2).be16(8).u8(0).u8(9));
    CHECK(broken.problem() == "q[1]: expected 0x01 for an element, found 0x02");
    CHECK(unsigned_value(broken.at(1)) == 9); // goes on after the queue
  }
}

TEST_CASE("trees, with keys that are numbers or states") {
  constexpr std::string_view kState =
      R"("vmsd_name": "e", "version": 1,
         "fields": [{"name": "x", "type": "uint8", "size": 1}],)";
  std::string direct = R"("fields": [{"name": "t", "type": "gtree", )" +
                       std::string(kState) + R"("size": 15}])";
  Decoded by_number(direct,
                    StreamBuilder().be32(1).u8(1).be64(0x1234).u8(7).u8(0));
  CHECK(by_number.values.problems.empty());
  const Value node = element(by_number.at(0), 0);
  CHECK(node.children.at(0).name == "key");
  CHECK(unsigned_value(node.children.at(0)) == 0x1234);
  CHECK(unsigned_value(node.children.at(1).children.at(0)) == 7);

  std::string both = R"("fields": [{"name": "t", "type": "gtree", )" +
                     std::string(kState) + std::string(kState) +
                     R"("size": 8}])";
  Decoded by_state(both, StreamBuilder().be32(1).u8(1).u8(3).u8(4).u8(0));
  CHECK(by_state.values.problems.empty());
  CHECK(unsigned_value(
            element(by_state.at(0), 0).children.at(1).children.at(0)) == 4);
  Decoded miscounted(both, StreamBuilder().be32(3).u8(1).u8(3).u8(4).u8(0));
  CHECK(miscounted.problem().starts_with("t: expected as many nodes"));
}

TEST_CASE("NULL pointers up to 9.2: a marker in place of the element") {
  Decoded out(R"("fields": [
      {"name": "p", "index": 0, "type": "struct", "struct": {}, "size": 1},
      {"name": "p", "index": 1, "type": "struct", "struct":
        {"vmsd_name": "e", "version": 1,
         "fields": [{"name": "x", "type": "uint8", "size": 1}]}, "size": 1},
      {"name": "n", "array_len": 2, "type": "uint32", "size": 1}])",
              StreamBuilder().u8(0x30).u8(0x30).u8(0x30).u8(0x30));
  CHECK(out.values.problems.empty());
  CHECK(element(out.at(0), 0).kind == ValueKind::null_pointer);
  // A described byte that happens to be the marker is a byte.
  CHECK(element(out.at(0), 1).kind == ValueKind::structure);
  CHECK(element(out.at(1), 1).kind == ValueKind::null_pointer);
}

TEST_CASE("NULL pointers of 10.0 and later: runs") {
  for (const char* type : {"nullptr", "ptr-marker"}) {
    // The first run claims all five elements.
    std::string members = R"("fields": [
        {"name": "p", "array_len": 5, "type": "uint16", "size": 2},
        {"name": "p", "array_len": 2, "type": ")" +
                          std::string(type) + R"(", "size": 1},
        {"name": "p", "type": "uint16", "size": 2}])";
    Decoded out(members,
                StreamBuilder().be16(1).be16(2).u8(0x30).u8(0x30).be16(5));
    CHECK(out.values.problems.empty());
    CHECK(out.description.devices[0].body_bytes == 8);
    REQUIRE(element_count(out.at(0)) == 5);
    CHECK(out.at(0).type == "uint16");
    CHECK(element(out.at(0), 3).kind == ValueKind::null_pointer);
    CHECK(unsigned_value(element(out.at(0), 4)) == 5);
    Decoded odd(members,
                StreamBuilder().be16(1).be16(2).u8(0x30).u8(0x32).be16(5));
    CHECK(odd.problem() ==
          "p[3]: expected a pointer marker, 0x30 or 0x31, found 0x32");
  }
}

TEST_CASE("NULL pointers of 10.0 to 10.2, each element described by itself") {
  Decoded out(R"("fields": [
      {"name": "p", "index": 0, "type": "uint8", "size": 1},
      {"name": "p", "array_len": 2, "type": "nullptr", "size": 1},
      {"name": "p", "array_len": 2, "type": "nullptr", "size": 1},
      {"name": "p", "type": "uint8", "size": 1}])",
              StreamBuilder().u8(1).u8(0x30).u8(0x30).u8(4));
  CHECK(out.values.problems.empty());
  REQUIRE(element_count(out.at(0)) == 4);
  CHECK(unsigned_value(element(out.at(0), 3)) == 4);
}

TEST_CASE("pointers that are allocated on load: a marker before each") {
  Decoded out(R"("fields": [
      {"name": "p", "type": "ptr-marker", "size": 1},
      {"name": "p", "type": "uint8", "size": 1},
      {"name": "p", "type": "ptr-marker", "size": 1},
      {"name": "p", "type": "ptr-marker", "size": 1},
      {"name": "p", "type": "uint8", "size": 1}])",
              StreamBuilder().u8(0x31).u8(7).u8(0x30).u8(0x31).u8(9));
  CHECK(out.values.problems.empty());
  REQUIRE(element_count(out.at(0)) == 3);
  CHECK(unsigned_value(element(out.at(0), 0)) == 7);
  CHECK(element(out.at(0), 1).kind == ValueKind::null_pointer);
  CHECK(unsigned_value(element(out.at(0), 2)) == 9);
}

TEST_CASE("sizes that do not add up") {
  constexpr std::string_view kTwo =
      R"("fields": [{"name": "a", "type": "uint32", "size": 4},
                    {"name": "b", "type": "uint32", "size": 4}])";
  Decoded cut(kTwo, StreamBuilder().be32(1).be16(2));
  CHECK(cut.problem() == "b: expected 4 bytes, found 2 left");
  CHECK(cut.values.problems[0].offset == kOrigin + 4);
  check_cover(cut.values.values, kOrigin, kOrigin + 6);
  Decoded more(kTwo, StreamBuilder().be32(1).be32(2).u8(3));
  CHECK(more.problem() == ": expected 9 bytes in all, found members of 8");
  CHECK(more.at(2).type.empty());
  check_cover(more.values.values, kOrigin, kOrigin + 9);
  // Inside a struct only the struct is affected.
  Decoded inside(R"("fields": [{"name": "s", "type": "struct", "struct":
      {"vmsd_name": "i", "version": 1, "fields":
        [{"name": "x", "type": "uint32", "size": 4}]}, "size": 3},
      {"name": "b", "type": "uint8", "size": 1}])",
                 StreamBuilder().u8(1).u8(2).u8(3).u8(4));
  CHECK(inside.problem() == "s.x: expected 4 bytes, found 3 left");
  CHECK(unsigned_value(inside.at(1)) == 4);
  Decoded wrong = one("uint32", 3, StreamBuilder().u8(1).u8(2).u8(3));
  CHECK(wrong.problem() ==
        "f: expected 4 bytes of type uint32, found a size of 3");
  CHECK(wrong.at(0).kind == ValueKind::bytes);
}

TEST_CASE("a handler without a vmstate is one field of bytes") {
  Decoded out(R"("size": 2, "fields": [{"name": "data", "size": 2,
                                        "type": "buffer"}])",
              StreamBuilder().u8(1).u8(2));
  CHECK(out.at(0).name == "data");
  CHECK(out.values.problems.empty());
}

TEST_CASE("lengths that nothing backs take neither memory nor time") {
  // Elements of no bytes, and more of them than could ever be.
  Decoded empty(R"("fields": [{"name": "a", "array_len": 18446744073709551615,
      "type": "struct", "struct": {"vmsd_name": "e", "version": 1,
      "fields": []}, "size": 0}])",
                StreamBuilder().u8(1));
  CHECK(empty.values.problems.size() >= 1);
  CHECK(element_count(empty.at(0)) < limits::kMaxDeviceValues);
  Decoded plain(R"("fields": [{"name": "a", "array_len": 4611686018427387904,
                               "type": "uint8", "size": 1}])",
                StreamBuilder().u8(1));
  CHECK(plain.values.problems.size() == 1);
  Decoded large(R"("fields": [{"name": "a", "array_len": 1048577,
                               "type": "uint8", "size": 1}])",
                StreamBuilder().fill(1048577, 0));
  CHECK(large.at(0).kind == ValueKind::bytes);
  CHECK(large.values.problems.size() == 1);
  // As many problems as there could be.
  std::string fields;
  for (int i = 0; i < 1000; ++i)
    fields += std::string(i ? "," : "") + R"({"name": "a)" + std::to_string(i) +
              R"(", "type": "bool", "size": 1})";
  Decoded odd("\"fields\": [" + fields + "]", StreamBuilder().fill(1000, 9));
  CHECK(odd.values.problems.size() == limits::kMaxValueProblems);
  CHECK(odd.problem(limits::kMaxValueProblems - 1).ends_with("not told"));
}

TEST_CASE("nesting has a ceiling") {
  std::string open, close;
  for (int i = 0; i < 100; ++i) {
    open += R"({"name": "s", "type": "struct", "struct": {"vmsd_name": "v",
               "version": 1, "fields": [)";
    close += R"(]}, "size": 1})";
  }
  auto out = parse_description(
      R"({"devices": [{"name": "d", "instance_id": 0, "fields": [)" + open +
      close + "]}]}");
  REQUIRE_FALSE(out);
  CHECK(out.error().kind == ErrorKind::malformed);
}
