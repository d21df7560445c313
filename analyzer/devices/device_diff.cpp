#include "analyzer/devices/device_diff.h"

#include "analyzer/devices/virtio_features.h"
#include "captures/vmstate/virtio.h"

#include <algorithm>
#include <map>
#include <set>

namespace migscope::analyzer {
namespace {

using captures::Value;

using Key = std::pair<std::string_view, uint32_t>;

std::map<Key, const SavedDevice*> by_name(const DeviceStates& states) {
  std::map<Key, const SavedDevice*> out;
  for (const SavedDevice& device : states.devices)
    out.try_emplace({device.name, device.instance_id}, &device);
  return out;
}

DeviceName name_of(const SavedDevice& device) {
  return {device.name, device.instance_id, std::string(vmsd_name(device))};
}

// A device that nothing describes is as the other one of its name is, if it
// has the same size.
const captures::DescribedDevice* description_of(const SavedDevice& device,
                                                const SavedDevice& other) {
  bool borrows = !device.described && device.body.size() == other.body.size();
  return (borrows ? other : device).described.get();
}

bool same(const Value& a, const Value& b) {
  return a.kind == b.kind && std::ranges::equal(a.bytes, b.bytes);
}

void name_bits(std::string_view vmsd, ValueDifference& difference) {
  if (!difference.a || !difference.b ||
      difference.a->type != captures::kVirtioFeatures)
    return;
  uint64_t a = unsigned_value(*difference.a);
  uint64_t b = unsigned_value(*difference.b);
  unsigned first = captures::first_feature_bit(*difference.a);
  difference.only_in_a = virtio_features(vmsd, a & ~b, first);
  difference.only_in_b = virtio_features(vmsd, b & ~a, first);
}

void place_bytes(ValueDifference& difference) {
  if (!difference.a || !difference.b ||
      difference.a->kind != captures::ValueKind::bytes ||
      difference.b->kind != captures::ValueKind::bytes)
    return;
  auto a = difference.a->bytes, b = difference.b->bytes;
  size_t common = std::min(a.size(), b.size());
  BytesDifference& out = difference.bytes.emplace();
  out.first = common;
  for (size_t i = common; i-- > 0;)
    if (a[i] != b[i]) {
      out.first = i;
      ++out.count;
    }
  out.count += std::max(a.size(), b.size()) - common;
}

class Comparison {
public:
  explicit Comparison(std::string_view vmsd) : vmsd_(vmsd) {}

  void compare(std::span<const Value> a, std::span<const Value> b) {
    // Some states have several fields of one name: the n-th goes with the n-th.
    std::multimap<std::string_view, const Value*> others;
    std::vector<PathValue> left = leaves(a), right = leaves(b);
    for (const PathValue& leaf : right)
      others.emplace(leaf.path, &leaf.value);
    for (const PathValue& leaf : left) {
      auto other = others.lower_bound(leaf.path);
      if (other == others.end() || other->first != leaf.path) {
        add(leaf.path, leaf.value, {});
        continue;
      }
      pair(leaf.path, leaf.value, *other->second);
      others.erase(other);
    }
    std::set<const Value*> only_in_b;
    for (const auto& [path, value] : others)
      only_in_b.insert(value);
    for (const PathValue& leaf : right)
      if (only_in_b.contains(&leaf.value))
        add(leaf.path, {}, leaf.value);
  }
  std::vector<ValueDifference> take() { return std::move(out_); }

private:
  void pair(const std::string& path, const Value& a, const Value& b) {
    if (same(a, b))
      return;
    bool plain = a.element_bytes && a.element_bytes == b.element_bytes &&
                 a.element_kind == b.element_kind;
    if (!plain) {
      add(path, a, b);
      return;
    }
    size_t count = std::max(element_count(a), element_count(b));
    for (size_t i = 0; i < count; ++i) {
      auto left = element_of(a, i), right = element_of(b, i);
      if (!left || !right || !same(*left, *right))
        add(element_path(path, i), left, right);
    }
  }

  static std::optional<Value> element_of(const Value& array, size_t index) {
    return index < element_count(array) ? std::optional(element(array, index))
                                        : std::nullopt;
  }

  void add(std::string path, std::optional<Value> a, std::optional<Value> b) {
    ValueDifference& difference = out_.emplace_back();
    difference.path = std::move(path);
    difference.a = std::move(a);
    difference.b = std::move(b);
    name_bits(vmsd_, difference);
    place_bytes(difference);
  }

  std::string_view vmsd_;
  std::vector<ValueDifference> out_;
};

} // namespace

DeviceDiff compare(const DeviceStates& a, const DeviceStates& b) {
  DeviceDiff out;
  auto others = by_name(b);
  for (const SavedDevice& device : a.devices) {
    auto other = others.find({device.name, device.instance_id});
    DeviceName name = name_of(device);
    if (other == others.end()) {
      out.only_in_a.push_back(name);
      continue;
    }
    const SavedDevice& twin = *other->second;
    auto left = values_of(device, description_of(device, twin));
    auto right = values_of(twin, description_of(twin, device));
    out.problems += left.problems.size() + right.problems.size();
    Comparison comparison(vmsd_name(device));
    comparison.compare(left.values, right.values);
    others.erase(other);
    if (auto values = comparison.take(); !values.empty())
      out.devices.push_back({name, std::move(values)});
    else
      ++out.same;
  }
  for (const auto& [key, device] : others)
    out.only_in_b.push_back(name_of(*device));
  return out;
}

} // namespace migscope::analyzer
