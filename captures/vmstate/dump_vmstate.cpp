#include "captures/vmstate/dump_vmstate.h"

#include "base/byte_order.h"
#include "captures/stream/wire.h"
#include "qmp/json.h"

#include <fmt/format.h>

namespace migscope::captures {
namespace {

using qmp::Json;
using State = DumpVmstate::State;
using Field = DumpVmstate::Field;

uint32_t version_of(const Json& value) {
  return static_cast<uint32_t>(value.get("version_id").as_int().value_or(0));
}

State read_state(const Json& value);

Field read_field(const Json& value) {
  Field out;
  out.name = value.get("field").as_string().value_or("");
  out.since = version_of(value);
  out.conditional = value.get("field_exists").as_bool().value_or(true);
  out.elements = value.get("num").as_uint().value_or(1);
  out.size = value.get("size").as_uint().value_or(0);
  if (Json nested = value.get("Description"); nested.is_object())
    out.nested.push_back(read_state(nested));
  return out;
}

State read_state(const Json& value) {
  State out;
  out.name = value.get("name").as_string().value_or("");
  out.version = version_of(value);
  for (const Json& field : value.get("Fields").elements())
    out.fields.push_back(read_field(field));
  for (const Json& subsection : value.get("Subsections").elements())
    out.subsections.push_back(read_state(subsection));
  return out;
}

// Lays a state over bytes. Each is false where they do not fit.
class Fitting {
public:
  explicit Fitting(std::span<const std::byte> body) : body_(body) {}

  bool state(const State& from, uint32_t version, DescribedState& out) {
    out.vmsd_name = from.name;
    out.version = version;
    for (const Field& item : from.fields)
      if (!item.conditional && item.since <= version && !field(item, out))
        return false;
    return subsections(from, out);
  }
  [[nodiscard]] size_t left() const { return body_.size() - at_; }

private:
  bool field(const Field& from, DescribedState& out) {
    if (!from.nested.empty()) {
      for (uint64_t i = 0; i < from.elements; ++i)
        if (!nested(from, out))
          return false;
      return true;
    }
    uint64_t bytes = 0;
    if (__builtin_mul_overflow(from.size, from.elements, &bytes) ||
        bytes > left())
      return false;
    at_ += bytes;
    DescribedField& field = out.fields.emplace_back();
    field.name = from.name;
    field.type = "unknown";
    field.size = bytes;
    return true;
  }

  bool nested(const Field& from, DescribedState& out) {
    size_t begin = at_;
    DescribedField field;
    field.name = from.name;
    field.type = "struct";
    const State& inner = from.nested.front();
    // One of no bytes is not told from none.
    if (!state(inner, inner.version, field.states.emplace_back()) ||
        at_ == begin)
      return false;
    field.size = at_ - begin;
    out.fields.push_back(std::move(field));
    return true;
  }

  bool subsections(const State& from, DescribedState& out) {
    while (left() > 0) {
      const State* inner = subsection_here(from);
      if (!inner)
        break;
      at_ += 1 + 1 + inner->name.size();
      auto version = load_be<uint32_t>(body_.data() + at_);
      at_ += 4;
      if (!state(*inner, version, out.subsections.emplace_back()))
        return false;
    }
    return true;
  }

  [[nodiscard]] const State* subsection_here(const State& from) const {
    for (const State& inner : from.subsections) {
      size_t length = inner.name.size();
      if (left() >= 1 + 1 + length + 4 &&
          body_[at_] == std::byte{wire::kSubsection} &&
          body_[at_ + 1] == static_cast<std::byte>(length) &&
          std::memcmp(body_.data() + at_ + 2, inner.name.data(), length) == 0)
        return &inner;
    }
    return nullptr;
  }

  std::span<const std::byte> body_;
  size_t at_ = 0;
};

} // namespace

Result<DumpVmstate> DumpVmstate::parse(std::string_view json) {
  auto root = Json::parse(json);
  if (!root)
    return fail(root.error());
  // The name that QEMU gives the part about the machine.
  if (!root->get("vmschkmachine").is_object())
    return fail(ErrorKind::malformed, "no object \"vmschkmachine\" in it");
  DumpVmstate out;
  for (const std::string& type : root->keys()) {
    Json described = root->get(type.c_str()).get("Description");
    if (!described.is_object())
      continue;
    State state = read_state(described);
    std::string name = state.name;
    out.states_.try_emplace(std::move(name), std::move(state));
  }
  return out;
}

Result<DescribedDevice>
DumpVmstate::fit(std::string_view vmsd_name, uint32_t version,
                 std::span<const std::byte> body) const {
  auto at = states_.find(vmsd_name);
  if (at == states_.end())
    return fail(ErrorKind::unsupported,
                fmt::format("-dump-vmstate has no \"{}\"", vmsd_name));
  Fitting fitting(body);
  DescribedDevice out;
  if (!fitting.state(at->second, version, out.state) || fitting.left() > 0)
    return fail(ErrorKind::unsupported,
                fmt::format("the sizes that -dump-vmstate gives for \"{}\" do "
                            "not add up to the {} bytes of its state",
                            vmsd_name, body.size()));
  out.body_bytes = body.size();
  return out;
}

} // namespace migscope::captures
