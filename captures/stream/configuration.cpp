#include "captures/stream/configuration.h"

#include "captures/stream/limits.h"
#include "captures/stream/wire.h"

#include <bit>
#include <fmt/format.h>

namespace migscope::captures {
namespace {

constexpr uint32_t kMinPageBits = std::bit_width(limits::kMinPageSize) - 1;
constexpr uint32_t kMaxPageBits = std::bit_width(limits::kMaxPageSize) - 1;

std::string format_uuid(std::span<const std::byte> bytes) {
  std::string out;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10)
      out += '-';
    out += fmt::format("{:02x}", std::to_integer<unsigned>(bytes[i]));
  }
  return out;
}

Status read_page_bits(ItemReader& in, uint64_t at, Configuration& out) {
  auto bits = in.be<uint32_t>();
  if (in.is_short())
    return {};
  if (bits < kMinPageBits || bits > kMaxPageBits)
    return malformed(at, fmt::format("configuration: target page bits {}, "
                                     "expected {} to {}",
                                     bits, kMinPageBits, kMaxPageBits));
  out.target_page_bits = bits;
  return {};
}

Status read_capabilities(ItemReader& in, uint64_t at, Configuration& out) {
  auto count = in.be<uint32_t>();
  if (count > limits::kMaxCapabilities)
    return malformed(at, fmt::format("configuration: {} capabilities, "
                                     "expected at most {}",
                                     count, limits::kMaxCapabilities));
  for (uint32_t i = 0; i < count && !in.is_short(); ++i)
    out.capabilities.emplace_back(in.counted_string());
  return {};
}

// One subsection after its type byte.
Status read_subsection(ItemReader& in, uint64_t origin, Configuration& out) {
  uint64_t at = origin + in.used();
  std::string_view name = in.counted_string();
  auto version = in.be<uint32_t>();
  if (in.is_short())
    return {};
  if (version != 1)
    return unsupported(at, fmt::format("configuration: subsection {} has "
                                       "version {}, expected 1",
                                       quoted(name), version));
  uint64_t body = origin + in.used();
  if (name == "configuration/target-page-bits" && !out.target_page_bits)
    return read_page_bits(in, body, out);
  if (name == "configuration/capabilities" && out.capabilities.empty())
    return read_capabilities(in, body, out);
  if (name == "configuration/uuid" && !out.uuid) {
    out.uuid = format_uuid(in.take(16));
    return {};
  }
  return unsupported(at, fmt::format("configuration: subsection {} is not "
                                     "known, or stands here twice",
                                     quoted(name)));
}

} // namespace

Result<ConfigurationItem> read_configuration(const Window& window) {
  ItemReader in(window);
  ConfigurationItem out;
  auto length = in.be<uint32_t>();
  if (!in.is_short() && (length == 0 || length > limits::kMaxMachineName))
    return malformed(window.offset,
                     fmt::format("configuration: a machine name of {} bytes, "
                                 "expected 1 to {}",
                                 length, limits::kMaxMachineName));
  auto name = in.take(length);
  out.value.machine.assign(reinterpret_cast<const char*>(name.data()),
                           name.size());
  while (in.peek() == wire::kSubsection) {
    in.take(1);
    if (Status read = read_subsection(in, window.offset, out.value); !read)
      return fail(read.error());
  }
  out.step = in.is_short() ? in.wait() : in.taken();
  return out;
}

} // namespace migscope::captures
