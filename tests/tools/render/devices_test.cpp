// Devices as JSON and as text.
#include "tools/render/devices.h"

#include "tests/analyzer/devices/streams.h"

using namespace migscope;
using namespace migscope::test;
using namespace migscope::analyzer;
using namespace migscope::tools;
using qmp::Json;

namespace {

constexpr std::string_view kFields = R"("fields": [
    {"name": "flag", "type": "bool", "size": 1},
    {"name": "level", "array_len": 2, "type": "int16", "size": 2},
    {"name": "in", "type": "struct", "struct": {"vmsd_name": "i",
     "version": 1, "fields": [{"name": "raw", "type": "buffer", "size": 2}]},
     "size": 2},
    {"name": "p", "array_len": 2, "type": "nullptr", "size": 1}])";

DeviceStates states(uint8_t flag, uint16_t level) {
  auto out = read_devices(one_device(StreamBuilder()
                                         .u8(flag)
                                         .be16(level)
                                         .be16(3)
                                         .u8(0xab)
                                         .u8(0xcd)
                                         .u8(0x30)
                                         .u8(0x30))
                              .description(described(kFields)));
  REQUIRE(out);
  return std::move(*out);
}

template <typename Render>
std::string text_of(Render render, const DeviceStates& from,
                    const DeviceSelection& selection = {},
                    size_t problems = 0) {
  std::string out;
  CHECK(render(from, selection, [&](std::string_view piece) {
          out += piece;
          return true;
        }) == problems);
  return out;
}

Json json_of(const DeviceStates& from, const DeviceSelection& selection = {},
             size_t problems = 0) {
  auto out =
      Json::parse(text_of(render_devices_json, from, selection, problems));
  REQUIRE(out);
  return *out;
}

Wanted only(const std::string& name) {
  return [name](const std::string& it) { return it == name; };
}

} // namespace

TEST_CASE("a device as JSON") {
  Json out = json_of(states(1, 0xffff));
  CHECK(out.get("schema").as_string() == "migscope/devices-1");
  CHECK(out.get("machine").as_string() == "pc-1");
  CHECK(out.get("described_by").as_string() == "stream");
  Json device = out.get("devices").elements().at(0);
  CHECK(device.get("name").as_string() == "bus/d");
  CHECK(device.get("instance_id").as_uint() == 3);
  CHECK(device.get("size").as_uint() == 9);
  auto fields = device.get("fields").elements();
  REQUIRE(fields.size() == 4);
  uint64_t at = *device.get("offset").as_uint();
  CHECK(fields[0].dump() == R"({"name":"flag","type":"bool","offset":)" +
                                std::to_string(at) +
                                R"(,"size":1,"value":true})");
  CHECK(fields[1].get("values").dump() == "[-1,3]");
  CHECK(fields[1].get("offset").as_uint() == at + 1);
  Json raw = fields[2].get("fields").elements().at(0);
  CHECK(raw.get("hex").as_string() == "abcd");
  Json null = fields[3].get("elements").elements().at(1);
  CHECK(null.has("value"));
  CHECK(null.get("value").is_null());
}

TEST_CASE("only what is wanted") {
  Json out = json_of(states(1, 2), {only("d"), only("level[1]")});
  auto fields = out.get("devices").elements().at(0).get("fields").elements();
  REQUIRE(fields.size() == 1);
  CHECK(fields[0].get("path").as_string() == "level[1]");
  CHECK(fields[0].get("value").as_int() == 3);
  CHECK(json_of(states(1, 2), {only("e"), {}}).get("devices").dump() == "[]");
  CHECK(json_of(states(1, 2), {only("bus/d"), {}})
            .get("devices")
            .elements()
            .size() == 1);
}

TEST_CASE("problems are told with their field") {
  Json out = json_of(states(2, 2), {}, 1);
  Json problem =
      out.get("devices").elements().at(0).get("problems").elements().at(0);
  CHECK(problem.get("field").as_string() == "flag");
  CHECK(text_of(render_devices_text, states(2, 2), {}, 1)
            .find("flag: expected a bool of 0 or 1, found 0x2") !=
        std::string::npos);
}

TEST_CASE("a device as text: a line a value") {
  std::string out = text_of(render_devices_text, states(1, 0xffff));
  for (const char* line : {"  flag  true\n", "  level  [-1 (0xffff), 3]\n",
                           "  in.raw  ab cd\n", "  p[1]  null\n"})
    CHECK_MESSAGE(out.find(line) != std::string::npos, out);
}

TEST_CASE("a device without the wanted field is not in the text") {
  auto out = [](const char* field) {
    return text_of(render_devices_text, states(1, 2), {{}, only(field)});
  };
  CHECK(out("flag").find("bus/d") != std::string::npos);
  CHECK(out("other").find("bus/d") == std::string::npos);
}

TEST_CASE("output that cannot be written ends it") {
  auto none = [](std::string_view) { return false; };
  CHECK_FALSE(render_devices_json(states(1, 2), {}, none));
  CHECK_FALSE(render_devices_text(states(1, 2), {}, none));
}

TEST_CASE("what differs") {
  DeviceStates a = states(1, 2), b = states(0, 9);
  DeviceDiff diff = compare(a, b);
  Json out = render_json(diff, a, b);
  CHECK(out.get("schema").as_string() == "migscope/device-diff-1");
  auto fields = out.get("devices").elements().at(0).get("fields").elements();
  REQUIRE(fields.size() == 2);
  CHECK(fields[1].get("field").as_string() == "level[0]");
  CHECK(fields[1].get("a").get("value").as_int() == 2);
  CHECK(fields[1].get("b").get("value").as_int() == 9);
  CHECK(render_text(diff).find("  level[0]\n      - 2\n      + 9\n") !=
        std::string::npos);
  DeviceDiff chosen = selected(diff, {{}, only("flag")});
  REQUIRE(chosen.devices.size() == 1);
  CHECK(chosen.devices[0].values.size() == 1);
  CHECK(selected(diff, {{}, only("level")}).devices.size() == 1);
  CHECK(selected(diff, {{}, only("level[1]")}).devices.empty());
  CHECK(selected(diff, {only("e"), {}}).devices.empty());
}

TEST_CASE("bytes that differ far behind are shown where they do") {
  auto buffer = [](size_t size, uint8_t at_40, uint8_t at_50) {
    StreamBuilder::Bytes bytes(size, std::byte{0x11});
    bytes[40] = std::byte{at_40};
    bytes[50] = std::byte{at_50};
    auto out = read_devices(
        one_device(StreamBuilder().bytes(bytes))
            .description(described(
                R"("fields": [{"name": "b", "type": "buffer", "size": )" +
                std::to_string(size) + "}]")));
    REQUIRE(out);
    return std::move(*out);
  };
  DeviceStates a = buffer(100, 0x22, 0x33), b = buffer(100, 0x44, 0x55);
  std::string text = render_text(compare(a, b));
  std::string lead = "11 11 11 11 11 11 11 11 ";
  std::string gap = " 11 11 11 11 11 11 11 11 11 ";
  CHECK_MESSAGE(text.find("  b\n"
                          "      - 0x20: " +
                          lead + "22" + gap +
                          "33 11 11 11 11 11 ... (100 bytes)\n"
                          "      + 0x20: " +
                          lead + "44" + gap +
                          "55 11 11 11 11 11 ... (100 bytes)\n"
                          "      2 bytes differ, the first at 0x28\n") !=
                    std::string::npos,
                text);
  auto bytes = [](const DeviceStates& left, const DeviceStates& right) {
    return render_json(compare(left, right), left, right)
        .get("devices")
        .elements()
        .at(0)
        .get("fields")
        .elements()
        .at(0)
        .get("differing_bytes")
        .dump();
  };
  CHECK(bytes(a, b) == R"({"first":40,"count":2})");
  DeviceStates longer = buffer(103, 0x22, 0x33);
  CHECK(bytes(a, longer) == R"({"first":100,"count":3})");
  CHECK(render_text(compare(a, longer)).find("- 0x5c: " + lead + "(100 b") !=
        std::string::npos);
  CHECK(bytes(states(1, 2), states(0, 2)) == "null");
}
