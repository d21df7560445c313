// Devices joined with what describes them.
#include "analyzer/problem_log.h"
#include "captures/stream/limits.h"
#include "tests/analyzer/devices/streams.h"

using namespace migscope;
using namespace migscope::test;
using namespace migscope::analyzer;

namespace {

constexpr std::string_view kFields =
    R"("fields": [{"name": "x", "type": "uint8", "size": 1},
                  {"name": "y", "type": "uint32", "size": 4}])";

} // namespace

TEST_CASE("the stream's own description comes first") {
  auto stream = one_device(StreamBuilder().u8(5).be32(6));
  uint64_t body = stream.size() - 1 - 5 - 5;
  auto out = read_devices(stream.description(described(kFields)), "nonsense");
  REQUIRE(out);
  CHECK(out->described_by == DescribedBy::stream);
  CHECK(out->machine == "pc-1");
  CHECK(out->input.complete);
  const SavedDevice& device = out->devices.at(0);
  CHECK(device.name == "bus/d");
  CHECK(device.instance_id == 3);
  CHECK(device.version == 2);
  CHECK(device.offset == body);
  CHECK(vmsd_name(device) == "d");
  auto values = values_of(device);
  CHECK(values.problems.empty());
  CHECK(values.values.at(1).offset == body + 1);
  CHECK(unsigned_value(values.values.at(1)) == 6);
}

TEST_CASE("a borrowed description, where the stream has none") {
  auto stream = one_device(StreamBuilder().u8(5).be32(6));
  auto out = read_devices(stream, described(kFields));
  REQUIRE(out);
  CHECK(out->described_by == DescribedBy::other_capture);
  CHECK(values_of(out->devices.at(0)).values.size() == 2);

  auto none = read_devices(stream);
  REQUIRE(none);
  CHECK(none->described_by == DescribedBy::nothing);
  CHECK(none->input.complete);
  CHECK(none->input.problems.size() == 1);
  auto values = values_of(none->devices.at(0));
  REQUIRE(values.values.size() == 1);
  CHECK(values.values[0].kind == captures::ValueKind::bytes);
  CHECK(values.values[0].bytes.size() == 5);

  CHECK_FALSE(read_devices(stream, "nonsense"));
}

TEST_CASE("a description from -dump-vmstate, as far as it fits") {
  auto dump = [](int size) {
    return R"({"vmschkmachine": {"Name": "pc-1"}, "d-type": {"Description":
        {"name": "d", "version_id": 2, "Fields": [{"field": "all",
         "version_id": 0, "field_exists": false, "size": )" +
           std::to_string(size) + "}]}}}";
  };
  auto stream = one_device(StreamBuilder().u8(5).be32(6));
  auto fits = read_devices(stream, dump(5));
  REQUIRE(fits);
  CHECK(fits->described_by == DescribedBy::dump_vmstate);
  CHECK(values_of(fits->devices.at(0)).values.at(0).name == "all");
  CHECK(fits->input.problems.empty());
  auto differs = read_devices(stream, dump(4));
  REQUIRE(differs);
  CHECK(differs->devices.at(0).described == nullptr);
  CHECK(differs->input.problems.size() == 1);
  CHECK(differs->input.complete);
}

TEST_CASE("a description that is broken is told, with its place") {
  auto out = read_devices(
      one_device(StreamBuilder().u8(5)).description("{\"devices\": [}"));
  REQUIRE(out);
  CHECK_FALSE(out->input.complete);
  CHECK(out->devices.at(0).described == nullptr);
}

TEST_CASE("a description of something else is told, not used") {
  auto read = [](std::string_view name, int version, bool own = true) {
    std::string json =
        R"({"devices": [{"name": "bus/d", "instance_id": 3, "vmsd_name": ")" +
        std::string(name) + R"(", "version": )" + std::to_string(version) +
        ", " + std::string(kFields) + "}]}";
    auto stream = one_device(StreamBuilder().u8(5).be32(6));
    auto out = own ? read_devices(stream.description(json))
                   : read_devices(stream, json);
    REQUIRE(out);
    return std::move(*out);
  };
  CHECK(read("d", 2).input.problems.empty());
  CHECK(read("bus/d", 2).input.problems.empty());

  DeviceStates version = read("d", 3);
  CHECK_FALSE(version.input.complete);
  REQUIRE(version.input.problems.size() == 1);
  CHECK(version.input.problems[0].message ==
        "device bus/d/3: its section has version 2, the description version "
        "3; it is not taken apart");
  CHECK(version.input.problems[0].offset == version.devices.at(0).offset);
  CHECK(version.devices[0].described == nullptr);

  for (const char* other : {"e", "s/d", "us/d"}) {
    DeviceStates name = read(other, 2);
    CHECK_FALSE(name.input.complete);
    CHECK(name.devices.at(0).described == nullptr);
    CHECK(name.input.problems.at(0).message.find(other) != std::string::npos);
  }

  DeviceStates borrowed = read("d", 3, false);
  CHECK(borrowed.input.complete);
  CHECK(borrowed.input.problems.size() == 1);
  CHECK(borrowed.devices.at(0).described == nullptr);
}

TEST_CASE("devices that only the stream or only the description has") {
  std::string json = R"({"devices": [
      {"name": "bus/d", "instance_id": 4, "vmsd_name": "d", "version": 2,
       "fields": []},
      {"name": "c", "instance_id": 0, "vmsd_name": "c", "version": 1,
       "fields": []}]})";
  auto messages = [](const DeviceStates& states) {
    std::vector<std::string> out;
    for (const Problem& problem : states.input.problems)
      out.push_back(problem.message);
    return out;
  };
  auto stream = one_device(StreamBuilder().u8(5));
  auto borrowed = read_devices(stream, json);
  REQUIRE(borrowed);
  CHECK(borrowed->input.complete);
  CHECK(messages(*borrowed) ==
        std::vector<std::string>{"device bus/d/3: the description does not "
                                 "name it"});
  auto own = read_devices(stream.description(json));
  REQUIRE(own);
  CHECK_FALSE(own->input.complete);
  CHECK(messages(*own) ==
        std::vector<std::string>{
            "device bus/d/3: the description does not name it",
            "the description names device bus/d/4, which the stream does not "
            "have",
            "the description names device c/0, which the stream does not "
            "have"});
}

TEST_CASE("what is sent in pieces is in no description") {
  auto stream = StreamBuilder()
                    .header()
                    .configuration("pc-1")
                    .start(2, "ram")
                    .mem_size(4096)
                    .block("pc.ram", 4096)
                    .eos()
                    .footer()
                    .end(2)
                    .eos()
                    .footer()
                    .full(7, "bus/d", 2, 3)
                    .footer()
                    .eof();
  auto out = read_devices(stream.description(described(R"("fields": [])")));
  REQUIRE(out);
  CHECK(out->input.complete);
  CHECK(out->input.problems.empty());
}

namespace {

// What a collector makes of `count` empty devices, then of that description.
DeviceStates collected(size_t count, std::string_view json) {
  captures::StreamEvents nothing;
  DeviceCollector collector({"main"}, nothing);
  captures::SectionHeader section;
  section.idstr = "d";
  for (size_t i = 0; i < count; ++i) {
    section.instance_id = static_cast<uint32_t>(i);
    section.offset = 100 * i;
    collector.on_device_body(section, {});
  }
  collector.on_description(json, 100 * count);
  auto out = collector.finish({});
  REQUIRE(out);
  return std::move(*out);
}

} // namespace

TEST_CASE("devices without end are left out, with one error") {
  constexpr size_t kMost = captures::limits::kMaxDevices;
  std::string none = "no description";
  CHECK(collected(kMost, none).input.problems.size() == 2);
  DeviceStates out = collected(kMost + 1000, none);
  CHECK(out.devices.size() == kMost);
  CHECK_FALSE(out.input.complete);
  REQUIRE(out.input.problems.size() == 3);
  CHECK(out.input.problems[0].message.find("of all behind it is left out") !=
        std::string::npos);
  CHECK(out.input.problems[0].offset == 100 * kMost + 15);
}

TEST_CASE("what is left out is not taken for missing") {
  std::string json = R"({"devices": [{"name": "e", "instance_id": 0,
      "vmsd_name": "e", "version": 0, "fields": []}]})";
  auto missing = [&](size_t count) {
    for (const Problem& problem : collected(count, json).input.problems)
      if (problem.message.find("does not have") != std::string::npos)
        return true;
    return false;
  };
  CHECK(missing(1));
  CHECK_FALSE(missing(captures::limits::kMaxDevices + 1));
}

TEST_CASE("problems of devices without end are counted") {
  DeviceStates out = collected(5000, R"({"devices": []})");
  CHECK(out.input.problems.size() == captures::limits::kMaxProblems + 1);
  CHECK(out.input.problems.back().message ==
        "4000 more problems of devices, not told");
}
