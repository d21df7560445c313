#include "captures/vmstate/value_decoder.h"

#include "base/byte_order.h"
#include "captures/stream/limits.h"
#include "captures/stream/wire.h"
#include "captures/vmstate/codecs.h"
#include "captures/vmstate/virtio.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::captures {
namespace {

// VMS_MARKER_PTR_NULL and VMS_MARKER_PTR_VALID (11.0+) of QEMU
// include/migration/vmstate.h.
constexpr std::byte kNull{0x30};
constexpr std::byte kValid{0x31};

// Where a pointer is NULL, QEMU up to 9.2 writes its marker and describes the
// field by its type all the same, with the size of the marker.
bool is_null_unmarked(const DescribedField& field, std::byte first) {
  if (field.size != 1 || first != kNull)
    return false;
  if (is_struct(field.type))
    return field.states.empty();
  const Codec* codec = find_codec(field.type);
  return codec && codec->bytes != 1;
}

std::string_view type_of(std::span<const DescribedField> row) {
  for (const DescribedField& field : row)
    if (!is_pointer_marker(field.type))
      return field.type;
  return row.front().type;
}

} // namespace

void ValueDecoder::problem(size_t at, std::string message) {
  if (out_.problems.size() >= limits::kMaxValueProblems)
    return;
  if (out_.problems.size() + 1 == limits::kMaxValueProblems)
    message = "there are more problems, which are not told";
  std::string path;
  for (const Step& step : path_)
    path += step.index     ? fmt::format("[{}]", *step.index)
            : path.empty() ? std::string(step.name)
                           : fmt::format(".{}", step.name);
  out_.problems.push_back({path, origin_ + at, std::move(message)});
}

std::span<const std::byte> ValueDecoder::take_bytes(size_t count) {
  auto out = body_.subspan(at_, count);
  at_ += count;
  return out;
}

bool ValueDecoder::has(uint64_t bytes) {
  if (bytes <= left())
    return true;
  problem(at_, fmt::format("expected {} bytes, found {} left", bytes, left()));
  return false;
}

bool ValueDecoder::may_add() {
  if (++count_ <= limits::kMaxDeviceValues)
    return true;
  if (count_ == limits::kMaxDeviceValues + 1)
    problem(at_, fmt::format("more than {} values; the rest stays bytes",
                             limits::kMaxDeviceValues));
  return false;
}

bool ValueDecoder::may_split(size_t elements) {
  if (elements <= limits::kMaxDeviceElements - elements_) {
    elements_ += elements;
    return true;
  }
  problem(at_, fmt::format("more than {} elements; the array stays bytes",
                           limits::kMaxDeviceElements));
  return false;
}

void ValueDecoder::rest(std::vector<Value>& out) {
  if (left() == 0)
    return;
  Value& value = out.emplace_back();
  value.offset = origin_ + at_;
  value.bytes = take_bytes(left());
}

template <typename Fill>
void ValueDecoder::region(uint64_t size, std::vector<Value>& out, Fill fill) {
  size_t outer = end_, begin = at_;
  end_ = at_ + size;
  if (fill() && at_ < end_)
    problem(at_, fmt::format("expected {} bytes in all, found members of {}",
                             size, at_ - begin));
  rest(out);
  end_ = outer;
}

void ValueDecoder::device(const DescribedState& described) {
  region(body_.size(), out_.values,
         [&] { return state(described, out_.values); });
}

bool ValueDecoder::state(const DescribedState& described,
                         std::vector<Value>& out) {
  Row fields = described.fields;
  while (!fields.empty()) {
    auto other = std::find_if(fields.begin(), fields.end(),
                              [&](const DescribedField& field) {
                                return field.name != fields.front().name;
                              });
    auto length = static_cast<size_t>(other - fields.begin());
    if (!row(fields.first(length), out))
      return false;
    fields = fields.subspan(length);
  }
  return std::all_of(
      described.subsections.begin(), described.subsections.end(),
      [&](const DescribedState& inner) { return subsection(inner, out); });
}

// Fields of one name in a row are the elements of one array.
bool ValueDecoder::row(Row fields, std::vector<Value>& out) {
  if (!may_add())
    return false;
  const DescribedField& first = fields.front();
  Named step(*this, {first.name, {}});
  Value value;
  value.name = first.name;
  value.type = type_of(fields);
  value.offset = origin_ + at_;
  size_t begin = at_;
  bool known = false;
  if (fields.size() == 1 && !first.array_len) {
    known = item(first, value);
  } else {
    value.kind = ValueKind::array;
    known = rows_of(fields, value);
  }
  value.bytes = body_.subspan(begin, at_ - begin);
  if (at_ > begin || known)
    out.push_back(std::move(value));
  return known;
}

bool ValueDecoder::rows_of(Row fields, Value& array) {
  if (fields.size() == 1 && plain_array(fields.front(), array))
    return true;
  bool marked = false; // the next element is one that a marker announced
  for (const DescribedField& field : fields) {
    // Elements without bytes are told once: a description can claim any number.
    uint64_t count = field.size ? field.array_len.value_or(1) : 1;
    for (uint64_t i = 0; i < count; ++i) {
      Named step(*this, {{}, array.children.size()});
      if (!may_add())
        return false;
      Value value;
      value.type = field.type;
      value.offset = origin_ + at_;
      size_t begin = at_;
      if (!item(field, value))
        return false;
      value.bytes = body_.subspan(begin, at_ - begin);
      marked = is_pointer_marker(field.type) && !value.bytes.empty() &&
               value.bytes[0] == kValid;
      if (!marked)
        array.children.push_back(std::move(value));
    }
  }
  if (marked)
    problem(at_ - 1, "expected an element after the marker 0x31, found none");
  return true;
}

// All elements of one size, with nothing inside.
bool ValueDecoder::plain_array(const DescribedField& field, Value& out) {
  const Codec* codec = find_codec(field.type);
  uint64_t bytes = 0;
  if (!codec || codec->bytes != field.size ||
      __builtin_mul_overflow(field.size, *field.array_len, &bytes) ||
      bytes > left())
    return false;
  if (may_split(*field.array_len)) {
    out.element_kind = codec->kind;
    out.element_bytes = codec->bytes;
  } else {
    out.kind = ValueKind::bytes;
  }
  out.bytes = take_bytes(bytes);
  check_booleans(out);
  return true;
}

void ValueDecoder::check_booleans(const Value& value) {
  if (value.kind != ValueKind::boolean &&
      value.element_kind != ValueKind::boolean)
    return;
  for (size_t i = 0; i < value.bytes.size(); ++i)
    if (value.bytes[i] > std::byte{1}) {
      std::string where =
          value.element_bytes ? fmt::format("element {}: ", i) : "";
      problem(value.offset - origin_ + i,
              fmt::format("{}expected a bool of 0 or 1, found {:#x}", where,
                          std::to_integer<unsigned>(value.bytes[i])));
      return;
    }
}

// One field without its name, or one element. Sets all of `out` but its bytes,
// and takes field.size bytes.
bool ValueDecoder::item(const DescribedField& field, Value& out) {
  if (!has(field.size))
    return false;
  if (field.size && is_null_unmarked(field, body_[at_])) {
    out.kind = ValueKind::null_pointer;
    ++at_;
    return true;
  }
  if (scalar(field, out))
    return true;
  auto begin = body_.subspan(at_, field.size);
  bool structure = is_struct(field.type) && field.states.size() == 1;
  if (structure || is_queue(field.type) || field.type == "gtree") {
    out.kind = structure ? ValueKind::structure : ValueKind::array;
    region(field.size, out.children,
           [&] { return nested(field, out.children); });
    return true;
  }
  uint32_t word = word_bytes(field.type);
  if (word && field.size % word == 0 && may_split(field.size / word)) {
    out.kind = ValueKind::array;
    out.element_kind = ValueKind::unsigned_integer;
    out.element_bytes = word;
  } else if (field.type == "virtio") {
    out.children = decode_virtio(begin, origin_ + at_);
    if (!out.children.empty())
      out.kind = ValueKind::structure;
    count_ += out.children.size();
  }
  at_ += field.size;
  return true;
}

// Integers, booleans and pointer markers.
bool ValueDecoder::scalar(const DescribedField& field, Value& out) {
  out.bytes = body_.subspan(at_, field.size);
  if (is_pointer_marker(field.type) && field.size == 1) {
    out.kind = ValueKind::null_pointer;
    if (out.bytes[0] != kNull && out.bytes[0] != kValid) {
      out.kind = ValueKind::bytes;
      problem(at_, fmt::format("expected a pointer marker, 0x30 or 0x31, found "
                               "{:#x}",
                               std::to_integer<unsigned>(out.bytes[0])));
    }
    ++at_;
    return true;
  }
  const Codec* codec = find_codec(field.type);
  if (!codec)
    return false;
  if (codec->bytes == field.size)
    out.kind = codec->kind;
  else
    problem(at_, fmt::format("expected {} bytes of type {}, found a size of {}",
                             codec->bytes, field.type, field.size));
  check_booleans(out);
  at_ += field.size;
  return true;
}

bool ValueDecoder::nested(const DescribedField& field,
                          std::vector<Value>& out) {
  if (is_struct(field.type))
    return state(field.states.front(), out);
  return is_queue(field.type) ? queue(field, out) : tree(field, out);
}

bool ValueDecoder::subsection(const DescribedState& described,
                              std::vector<Value>& out) {
  if (!may_add())
    return false;
  Named step(*this, {described.vmsd_name, {}});
  size_t begin = at_;
  size_t head = 1 + 1 + described.vmsd_name.size() + 4;
  if (!has(head))
    return false;
  const std::byte* at = body_.data() + at_;
  if (at[0] != std::byte{wire::kSubsection} ||
      at[1] != static_cast<std::byte>(described.vmsd_name.size()) ||
      std::memcmp(at + 2, described.vmsd_name.data(),
                  described.vmsd_name.size()) != 0) {
    problem(at_, "expected a subsection of this name, found other bytes");
    return false;
  }
  if (auto version = load_be<uint32_t>(at + head - 4);
      version != described.version)
    problem(at_ + head - 4, fmt::format("expected version {}, found {}",
                                        described.version, version));
  at_ += head;
  Value value;
  value.name = described.vmsd_name;
  value.type = "subsection";
  value.kind = ValueKind::structure;
  value.offset = origin_ + begin;
  bool known = state(described, value.children);
  value.bytes = body_.subspan(begin, at_ - begin);
  out.push_back(std::move(value));
  return known;
}

bool ValueDecoder::queue_byte(uint8_t expected) {
  if (!has(1))
    return false;
  auto found = std::to_integer<unsigned>(body_[at_]);
  if (found != expected) {
    problem(at_, fmt::format("expected {:#04x} for {}, found {:#04x}", expected,
                             expected ? "an element" : "the end", found));
    return false;
  }
  ++at_;
  return true;
}

bool ValueDecoder::node(const DescribedState& described, std::string_view name,
                        Value& out) {
  if (!may_add())
    return false;
  out.name = name;
  out.type = "struct";
  out.kind = ValueKind::structure;
  out.offset = origin_ + at_;
  size_t begin = at_;
  bool known = state(described, out.children);
  out.bytes = body_.subspan(begin, at_ - begin);
  return known;
}

// An element: 0x01, its state. The end: 0x00.
bool ValueDecoder::queue(const DescribedField& field, std::vector<Value>& out) {
  for (const DescribedState& described : field.states) {
    Named step(*this, {{}, out.size()});
    if (!queue_byte(1) || !node(described, {}, out.emplace_back()))
      return false;
  }
  return queue_byte(0);
}

// be32 nodes; a node: 0x01, its key, its value. The end: 0x00. A key that is a
// number is be64 and not described.
bool ValueDecoder::tree(const DescribedField& field, std::vector<Value>& out) {
  if (!has(4))
    return false;
  uint32_t nodes = load_be<uint32_t>(body_.data() + at_);
  size_t states = field.states.size();
  bool direct = states == nodes;
  if (!direct && states != uint64_t{2} * nodes) {
    problem(at_, fmt::format("expected as many nodes as are described, found "
                             "{} and {} descriptions",
                             nodes, states));
    return false;
  }
  at_ += 4;
  size_t each = direct ? 1 : 2;
  for (size_t i = 0; i < states; i += each) {
    Named step(*this, {{}, out.size()});
    if (!queue_byte(1) || !may_add())
      return false;
    Value& value = out.emplace_back();
    value.type = "struct";
    value.kind = ValueKind::structure;
    value.offset = origin_ + at_;
    size_t begin = at_;
    bool known =
        tree_node(std::span(field.states).subspan(i, each), value.children);
    value.bytes = body_.subspan(begin, at_ - begin);
    if (!known)
      return false;
  }
  return queue_byte(0);
}

bool ValueDecoder::tree_node(std::span<const DescribedState> states,
                             std::vector<Value>& out) {
  if (states.size() == 2)
    return node(states[0], "key", out.emplace_back()) &&
           node(states[1], "value", out.emplace_back());
  if (!has(8))
    return false;
  Value& key = out.emplace_back();
  key.name = "key";
  key.type = "uint64";
  key.kind = ValueKind::unsigned_integer;
  key.offset = origin_ + at_;
  key.bytes = take_bytes(8);
  return node(states[0], "value", out.emplace_back());
}

} // namespace migscope::captures
