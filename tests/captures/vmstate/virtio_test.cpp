// The blob of a virtio device, built as QEMU's virtio_save() writes it.
#include "captures/vmstate/virtio.h"
#include "tests/support/stream_builder.h"

#include <algorithm>
#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::test;
using namespace migscope::captures;

namespace {

constexpr size_t kQueues = 1024; // VIRTIO_QUEUE_MAX

const Value* find(const std::vector<Value>& values, std::string_view name) {
  auto at = std::ranges::find(values, name, &Value::name);
  return at == values.end() ? nullptr : &*at;
}

// Configuration space with MSI-X of two vectors.
StreamBuilder pci_config(size_t size, bool express) {
  StreamBuilder config;
  config.fill(size, 0);
  config.corrupt(0, 0xf4).corrupt(1, 0x1a); // vendor
  config.corrupt(6, 0x10).corrupt(0x34, 0x40);
  config.corrupt(0x40, 0x11).corrupt(0x41, express ? 0x50 : 0);
  config.corrupt(0x42, 1); // two vectors
  if (express)
    config.corrupt(0x50, 0x10);
  return config;
}

StreamBuilder pci(bool express = false) {
  StreamBuilder out;
  out.be32(2).bytes(pci_config(express ? 4096 : 256, express).done());
  out.fill(16, 0).fill(32, 0xaa).u8(3); // lines, table, pending
  return out.be16(0xffff);
}

StreamBuilder& core(StreamBuilder& out, uint32_t features, bool mmio) {
  out.u8(15).u8(1).be16(2).be32(features).be32(3).text("abc").be32(2);
  for (uint16_t i = 0; i < 2; ++i) {
    out.be32(256);
    if (mmio)
      out.be32(4096);
    out.be64(0x1000 + i).be16(7);
    if (!mmio)
      out.be16(i);
  }
  return out;
}

} // namespace

TEST_CASE("a PCI device with all that is its own") {
  for (bool express : {false, true}) {
    StreamBuilder blob = pci(express);
    core(blob, 0x8000, false).text("own state\5");
    blob.subsection("virtio/64bit_features").be64(0x100008000);
    blob.subsection("virtio/virtqueues");
    blob.be64(1).be64(2).be64(3).be64(4).fill(16 * (kQueues - 2), 0);
    blob.subsection("virtio/started").u8(1);
    auto out = decode_virtio(blob.done(), 100);
    REQUIRE_FALSE(out.empty());
    uint64_t at = 100;
    for (const Value& value : out) {
      CHECK(value.offset == at);
      at += value.bytes.size();
    }
    CHECK(at == 100 + blob.size());
    CHECK(find(out, "pci.config")->bytes.size() == (express ? 4096 : 256));
    CHECK(find(out, "msix.table")->bytes.size() == 32);
    CHECK(unsigned_value(*find(out, "status")) == 15);
    CHECK(find(out, "config")->bytes.size() == 3);
    const Value& queues = *find(out, "queues");
    REQUIRE(element_count(queues) == 2);
    CHECK(unsigned_value(*find(element(queues, 1).children, "desc")) == 0x1001);
    CHECK(unsigned_value(*find(element(queues, 1).children, "vector")) == 1);
    CHECK(find(out, "device")->bytes.size() == 10);
    const Value& word = find(out, "virtio/64bit_features")->children.at(0);
    CHECK(word.type == kVirtioFeatures);
    CHECK(unsigned_value(word) == 0x100008000);
    CHECK(find(out, "guest_features_low")->type == "uint32");
    const Value& used = find(out, "virtio/virtqueues")->children.at(0);
    REQUIRE(element_count(used) == 2);
    CHECK(unsigned_value(element(used, 1).children.at(1)) == 4);
  }
}

TEST_CASE("a virtio-mmio device") {
  StreamBuilder blob;
  blob.be32(1).be32(1).be32(0);
  core(blob, 0x20, true);
  blob.subsection("virtio/extra_state").subsection("virtio_mmio/state");
  blob.be32(1).be32(2).fill(27 * kQueues, 0);
  auto out = decode_virtio(blob.done(), 0);
  REQUIRE_FALSE(out.empty());
  CHECK_FALSE(find(out, "device"));
  CHECK(find(out, "guest_features_low")->type == kVirtioFeatures);
  CHECK(unsigned_value(
            *find(element(*find(out, "queues"), 0).children, "align")) == 4096);
  const Value& extra = *find(out, "virtio/extra_state");
  CHECK(find(extra.children, "virtio_mmio/state")->children.size() == 3);
}

TEST_CASE("subsections that do not reach the end are the device's own") {
  StreamBuilder blob = pci();
  core(blob, 0, false).subsection("virtio/started").u8(1).u8(9);
  auto out = decode_virtio(blob.done(), 0);
  REQUIRE_FALSE(out.empty());
  CHECK(out.back().name == "device");
}

TEST_CASE("128 bits of features") {
  StreamBuilder blob = pci();
  core(blob, 0, false).subsection("virtio/128bit_features").be64(2);
  auto out = decode_virtio(blob.done(), 0);
  REQUIRE_FALSE(out.empty());
  CHECK(first_feature_bit(out.back().children.at(0)) == 64);
}

TEST_CASE("what does not fit is not guessed at") {
  StreamBuilder blob = pci();
  core(blob, 0, false);
  for (size_t size = 0; size < blob.size(); ++size)
    CHECK(decode_virtio(std::span(blob.done()).first(size), 0).empty());
  CHECK(decode_virtio(StreamBuilder().fill(5000, 0xff).done(), 0).empty());
  StreamBuilder many = pci();
  many.u8(0).u8(0).be16(0).be32(0).be32(0).be32(1025).fill(20000, 0);
  CHECK(decode_virtio(many.done(), 0).empty());
  StreamBuilder loop = pci();
  loop.corrupt(4 + 0x41, 0x40).corrupt(4 + 0x40, 9); // capability to itself
  CHECK(decode_virtio(core(loop, 0, false).done(), 0).empty());
}
