// Two captures compared field by field.
#include "analyzer/devices/device_diff.h"
#include "tests/analyzer/devices/streams.h"

using namespace migscope;
using namespace migscope::test;
using namespace migscope::analyzer;

namespace {

DeviceStates states(std::string_view members, const StreamBuilder& body) {
  auto out = read_devices(one_device(body).description(described(members)));
  REQUIRE(out);
  return std::move(*out);
}

constexpr std::string_view kFields =
    R"("fields": [{"name": "x", "type": "uint8", "size": 1},
       {"name": "a", "array_len": 3, "type": "uint16", "size": 2}])";

StreamBuilder body(uint8_t x, uint16_t a) {
  return StreamBuilder().u8(x).be16(1).be16(a).be16(3);
}

// A virtio-mmio device with that word of features and no queues.
StreamBuilder virtio(uint64_t features) {
  StreamBuilder out;
  out.be32(0).be32(0).be32(0).u8(0).u8(0).be16(0);
  out.be32(static_cast<uint32_t>(features)).be32(0).be32(0);
  return out.subsection("virtio/64bit_features").be64(features);
}

} // namespace

TEST_CASE("what is the same, and what differs") {
  DeviceStates a = states(kFields, body(1, 2));
  DeviceDiff none = compare(a, a);
  CHECK(none.same == 1);
  CHECK(none.devices.empty());

  DeviceStates b = states(kFields, body(9, 8));
  DeviceDiff diff = compare(a, b);
  CHECK(diff.same == 0);
  REQUIRE(diff.devices.size() == 1);
  const auto& values = diff.devices[0].values;
  REQUIRE(values.size() == 2);
  CHECK(values[0].path == "x");
  CHECK(unsigned_value(*values[0].a) == 1);
  CHECK(unsigned_value(*values[0].b) == 9);
  CHECK(values[1].path == "a[1]");
  CHECK(unsigned_value(*values[1].b) == 8);
  CHECK(values[1].b->offset == b.devices[0].offset + 3);
}

TEST_CASE("what only one side has") {
  DeviceStates a = states(kFields, body(1, 2));
  DeviceStates b = states(
      R"("fields": [{"name": "z", "type": "uint8", "size": 1},
         {"name": "a", "array_len": 2, "type": "uint16", "size": 2}])",
      StreamBuilder().u8(1).be16(1).be16(2));
  DeviceDiff diff = compare(a, b);
  const auto& values = diff.devices.at(0).values;
  REQUIRE(values.size() == 3);
  CHECK(values[0].path == "x");
  CHECK_FALSE(values[0].b);
  CHECK(values[1].path == "a[2]");
  CHECK_FALSE(values[1].b);
  CHECK(values[2].path == "z");
  CHECK_FALSE(values[2].a);

  b.devices[0].instance_id = 4;
  diff = compare(a, b);
  CHECK(diff.devices.empty());
  REQUIRE(diff.only_in_a.size() == 1);
  CHECK(diff.only_in_a[0].instance_id == 3);
  REQUIRE(diff.only_in_b.size() == 1);
  CHECK(diff.only_in_b[0].vmsd_name == "d");
}

TEST_CASE("words of virtio features differ in bits that have names") {
  auto with = [](uint64_t features) {
    StreamBuilder blob = virtio(features);
    DeviceStates out =
        states(R"("fields": [{"name": "virtio", "type": "virtio", "size": )" +
                   std::to_string(blob.size()) + "}]",
               blob);
    auto net = *out.devices.at(0).described;
    net.state.vmsd_name = "virtio-net";
    out.devices[0].described =
        std::make_shared<captures::DescribedDevice>(std::move(net));
    return out;
  };
  // MRG_RXBUF and VERSION_1; VERSION_1 and a bit that has no name.
  DeviceDiff diff = compare(with(0x100008000), with(0x80100000000));
  const ValueDifference* word = nullptr;
  for (const ValueDifference& value : diff.devices.at(0).values)
    if (value.path == "virtio.virtio/64bit_features.guest_features")
      word = &value;
  REQUIRE(word);
  CHECK(word->only_in_a == std::vector<std::string>{"VIRTIO_NET_F_MRG_RXBUF"});
  CHECK(word->only_in_b == std::vector<std::string>{"bit 43"});
}
