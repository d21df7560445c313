#include "captures/vmstate/codecs.h"

#include <algorithm>

namespace migscope::captures {
namespace {

constexpr Codec kCodecs[] = {
    {"bool", ValueKind::boolean, 1},
    {"int8", ValueKind::signed_integer, 1},
    {"int16", ValueKind::signed_integer, 2},
    {"int32", ValueKind::signed_integer, 4},
    {"int64", ValueKind::signed_integer, 8},
    {"uint8", ValueKind::unsigned_integer, 1},
    {"uint16", ValueKind::unsigned_integer, 2},
    {"uint32", ValueKind::unsigned_integer, 4},
    {"uint64", ValueKind::unsigned_integer, 8},
    {"int32 equal", ValueKind::signed_integer, 4},
    {"uint8 equal", ValueKind::unsigned_integer, 1},
    {"uint16 equal", ValueKind::unsigned_integer, 2},
    {"uint32 equal", ValueKind::unsigned_integer, 4},
    // The codec of uint64 equality; its name is historical.
    {"int64 equal", ValueKind::unsigned_integer, 8},
    // Less or equal, big-endian as all.
    {"int32 le", ValueKind::signed_integer, 4},
    // Nanoseconds of its clock at which it expires; -1: not armed.
    {"timer", ValueKind::signed_integer, 8},
    // The bits of a double, upper half first.
    {"CPU_Double_U", ValueKind::unsigned_integer, 8},
};

} // namespace

const Codec* find_codec(std::string_view type) {
  const auto* at =
      std::find_if(std::begin(kCodecs), std::end(kCodecs),
                   [&](const Codec& codec) { return codec.type == type; });
  return at == std::end(kCodecs) ? nullptr : at;
}

uint32_t word_bytes(std::string_view type) {
  if (type == "bitmap") // bit i is bit i % 64 of word i / 64
    return 8;
  return type == "pci irq state" ? 4 : 0;
}

bool is_struct(std::string_view type) {
  return type == "struct" || type == "vstruct" || type == "tmp";
}

bool is_queue(std::string_view type) {
  return type == "qtailq" || type == "qlist";
}

} // namespace migscope::captures
