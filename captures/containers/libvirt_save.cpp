#include "captures/containers/libvirt_save.h"

#include "base/byte_order.h"
#include "captures/stream/limits.h"

#include <array>
#include <fmt/format.h>

namespace migscope::captures {
namespace {

constexpr std::string_view kComplete = "LibvirtQemudSave";
constexpr std::string_view kPartial = "LibvirtQemudPart";
constexpr uint32_t kNewestVersion = 2;

enum Field : size_t {
  version_at = 16,
  data_len_at = 20,
  was_running_at = 24,
  format_at = 28,
  cookie_at = 32,
};

constexpr std::array<std::string_view, 7> kFormats = {
    "raw", "gzip", "bzip2", "xz", "lzop", "zstd", "sparse"};

tl::unexpected<Error> fail_at(Field field, ErrorKind kind,
                              std::string message) {
  return fail({kind, std::move(message), {}, field});
}

class Fields {
public:
  explicit Fields(std::span<const std::byte> header) : header_(header) {}
  // Told by the version, as libvirt itself tells.
  bool find_byte_order() {
    big_ = at(version_at) > kNewestVersion;
    return at(version_at) <= kNewestVersion;
  }
  [[nodiscard]] uint32_t at(Field field) const {
    const std::byte* from = header_.data() + field;
    return big_ ? load_be<uint32_t>(from) : load_le<uint32_t>(from);
  }

private:
  std::span<const std::byte> header_;
  bool big_ = false;
};

Result<SaveFormat> read_format(const Fields& fields) {
  // Version 1 had no compression; the field was unused.
  uint32_t format = fields.at(version_at) == 1 ? 0 : fields.at(format_at);
  if (format >= kFormats.size())
    return fail_at(format_at, ErrorKind::unsupported,
                   fmt::format("save format: expected 0 to {}, found {}",
                               kFormats.size() - 1, format));
  return static_cast<SaveFormat>(format);
}

} // namespace

std::string_view to_string(SaveFormat format) {
  return kFormats[static_cast<size_t>(format)];
}

Result<SaveHeader> parse_save_header(std::span<const std::byte> start) {
  if (start.size() < kSaveHeaderBytes)
    return fail({ErrorKind::truncated,
                 fmt::format("libvirt save header: need {} bytes, have {}",
                             kSaveHeaderBytes, start.size()),
                 {},
                 start.size()});
  std::string_view magic(reinterpret_cast<const char*>(start.data()),
                         kComplete.size());
  if (magic != kComplete && magic != kPartial)
    return fail(
        {ErrorKind::malformed, "not a libvirt save image", {}, uint64_t{0}});
  Fields fields(start);
  if (!fields.find_byte_order())
    return fail_at(version_at, ErrorKind::unsupported,
                   fmt::format("save image version: expected 1 or 2 in either "
                               "byte order, found {:#010x}",
                               load_le<uint32_t>(start.data() + version_at)));
  SaveHeader out;
  out.complete = magic == kComplete;
  out.version = fields.at(version_at);
  out.was_running = fields.at(was_running_at) != 0;
  auto format = read_format(fields);
  if (!format)
    return fail(format.error());
  out.format = *format;
  uint32_t data = fields.at(data_len_at);
  if (data == 0 || data > limits::kMaxSaveXmlBytes)
    return fail_at(data_len_at, ErrorKind::malformed,
                   fmt::format("bytes of the domain XML: expected 1 to {}, "
                               "found {}",
                               limits::kMaxSaveXmlBytes, data));
  uint32_t cookie = fields.at(cookie_at);
  if (cookie > data)
    return fail_at(cookie_at, ErrorKind::malformed,
                   fmt::format("cookie: expected inside the {} bytes behind "
                               "the header, found at {}",
                               data, cookie));
  out.xml_bytes = cookie != 0 ? cookie : data;
  out.cookie_bytes = data - out.xml_bytes;
  out.stream_offset = kSaveHeaderBytes + data;
  return out;
}

} // namespace migscope::captures
