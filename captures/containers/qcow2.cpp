#include "captures/containers/qcow2.h"

#include "base/byte_cursor.h"
#include "captures/stream/limits.h"
#include "captures/stream/window.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace migscope::captures {
namespace {

using File = std::span<const std::byte>;

constexpr uint32_t kMagic = 0x514649fb; // "QFI\xfb"
constexpr unsigned kMinClusterBits = 9;
constexpr unsigned kMaxClusterBits = 21; // QEMU's own limit
constexpr unsigned kMinExtendedBits = 14;
constexpr size_t kMaxChoices = 20;

enum Field : size_t {
  version_at = 4,
  cluster_bits_at = 20,
  disk_bytes_at = 24,
  crypt_at = 32,
  snapshot_count_at = 60,
  snapshot_table_at = 64,
  features_at = 72,
};
constexpr size_t kHeaderBytes2 = 72, kHeaderBytes3 = 104;

enum Feature : uint64_t { // incompatible ones
  dirty = 1u << 0,
  corrupt = 1u << 1,
  data_file = 1u << 2,
  compression = 1u << 3,
  extended_l2 = 1u << 4,
};
constexpr uint64_t kKnownFeatures =
    dirty | corrupt | data_file | compression | extended_l2;

struct Header {
  uint64_t disk_bytes = 0;
  uint64_t snapshot_table = 0;
  uint32_t snapshot_count = 0;
};

template <typename T>
T field(File file, Field at) {
  return load_be<T>(file.data() + at);
}

Status check_features(File file, Qcow2Image& out) {
  auto features = field<uint64_t>(file, features_at);
  if (features & ~kKnownFeatures)
    return unsupported(features_at,
                       fmt::format("qcow2 features: expected none above bit 4, "
                                   "found {:#x}",
                                   features));
  if (features & data_file)
    return unsupported(features_at, "a qcow2 image with a data file of its own "
                                    "cannot have internal snapshots");
  out.extended_l2 = features & extended_l2;
  out.corrupt = features & corrupt;
  return {};
}

Status check_clusters(File file, Qcow2Image& out) {
  out.cluster_bits = field<uint32_t>(file, cluster_bits_at);
  unsigned least = out.extended_l2 ? kMinExtendedBits : kMinClusterBits;
  if (out.cluster_bits < least || out.cluster_bits > kMaxClusterBits)
    return malformed(cluster_bits_at,
                     fmt::format("qcow2 cluster bits: expected {} to {}, "
                                 "found {}",
                                 least, kMaxClusterBits, out.cluster_bits));
  return {};
}

Status need_header(File file, size_t bytes) {
  if (file.size() < bytes)
    return fail({ErrorKind::truncated,
                 fmt::format("qcow2 header: need {} bytes, have {}", bytes,
                             file.size()),
                 {},
                 file.size()});
  return {};
}

Result<Header> read_header(File file, Qcow2Image& out) {
  if (Status ok = need_header(file, kHeaderBytes2); !ok)
    return fail(ok.error());
  if (load_be<uint32_t>(file.data()) != kMagic)
    return malformed(0, "not a qcow2 image");
  auto version = field<uint32_t>(file, version_at);
  if (version != 2 && version != 3)
    return unsupported(
        version_at,
        fmt::format("qcow2 version: expected 2 or 3, found {}", version));
  if (version == 3) {
    if (Status ok = need_header(file, kHeaderBytes3); !ok)
      return fail(ok.error());
    if (Status ok = check_features(file, out); !ok)
      return fail(ok.error());
  }
  if (Status ok = check_clusters(file, out); !ok)
    return fail(ok.error());
  if (auto method = field<uint32_t>(file, crypt_at); method != 0)
    return unsupported(crypt_at,
                       "the image is encrypted, and its saved states with it; "
                       "let QEMU load one (-loadvm NAME -S) and migrate it to "
                       "a file");
  Header header{field<uint64_t>(file, disk_bytes_at),
                field<uint64_t>(file, snapshot_table_at),
                field<uint32_t>(file, snapshot_count_at)};
  if (header.snapshot_count > limits::kMaxSnapshots)
    return malformed(snapshot_count_at,
                     fmt::format("qcow2 snapshots: expected at most {}, "
                                 "found {}",
                                 limits::kMaxSnapshots, header.snapshot_count));
  return header;
}

// Reads on after the first error, which is kept, with zeros.
class Entry {
public:
  explicit Entry(ByteCursor& in) : in_(in) {}

  template <typename T>
  T number(std::string_view what) {
    auto value = error_ ? Result<T>(T{}) : in_.be<T>(what);
    if (!value)
      error_ = value.error();
    return value.value_or(T{});
  }
  File take(size_t count, std::string_view what) {
    auto bytes = error_ ? Result<File>(File{}) : in_.take(count, what);
    if (!bytes)
      error_ = bytes.error();
    return bytes.value_or(File{});
  }
  std::string text(size_t count, std::string_view what) {
    File bytes = take(count, what);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

private:
  ByteCursor& in_;
  std::optional<Error> error_;
};

Result<Qcow2Snapshot> read_snapshot(ByteCursor& in, uint64_t disk_bytes) {
  uint64_t start = in.offset();
  Entry entry(in);
  Qcow2Snapshot out;
  out.l1_offset = entry.number<uint64_t>("snapshot: L1 offset");
  out.l1_entries = entry.number<uint32_t>("snapshot: L1 entries");
  auto id_bytes = entry.number<uint16_t>("snapshot: bytes of the id");
  auto name_bytes = entry.number<uint16_t>("snapshot: bytes of the name");
  entry.take(16, "snapshot: times");
  out.state_bytes = entry.number<uint32_t>("snapshot: state size");
  auto extra_bytes = entry.number<uint32_t>("snapshot: bytes of extra data");
  File extra = entry.take(extra_bytes, "snapshot: extra data");
  out.disk_bytes = disk_bytes;
  if (extra.size() >= 8)
    out.state_bytes = load_be<uint64_t>(extra.data());
  if (extra.size() >= 16)
    out.disk_bytes = load_be<uint64_t>(extra.data() + 8);
  out.id = entry.text(id_bytes, "snapshot: id");
  out.name = entry.text(name_bytes, "snapshot: name");
  // The padding may be missing behind the last one.
  uint64_t unpadded = in.offset() - start;
  entry.take(std::min<size_t>(-unpadded % 8, in.left()), "snapshot: padding");
  if (entry.error())
    return fail(*entry.error());
  return out;
}

// The first few; names have up to 64 KiB each.
std::string choices(const Qcow2Image& image) {
  std::vector<std::string> names;
  for (const Qcow2Snapshot& snapshot : image.snapshots)
    if (snapshot.state_bytes != 0 && names.size() < kMaxChoices)
      names.push_back(fmt::format("{} (id {})", quoted(snapshot.name),
                                  quoted(snapshot.id)));
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

Result<Qcow2Snapshot> only_snapshot(const Qcow2Image& image) {
  auto has_state = [](const Qcow2Snapshot& s) { return s.state_bytes != 0; };
  auto count = std::ranges::count_if(image.snapshots, has_state);
  if (count == 0)
    return fail(ErrorKind::unsupported,
                fmt::format("a qcow2 image without saved state ({} snapshots "
                            "of the disk alone); savevm or snapshot-save "
                            "makes one with it",
                            image.snapshots.size()));
  if (count > 1)
    return fail(ErrorKind::usage,
                "several saved states, name one of them as IMAGE#NAME: " +
                    choices(image));
  return *std::ranges::find_if(image.snapshots, has_state);
}

} // namespace

Result<Qcow2Image> parse_qcow2(File file) {
  Qcow2Image out;
  auto header = read_header(file, out);
  if (!header)
    return fail(header.error());
  uint64_t at = header->snapshot_table;
  if (header->snapshot_count != 0 && at > file.size())
    return fail({ErrorKind::truncated,
                 fmt::format("qcow2 snapshot table: expected at {:#x}, the "
                             "file ends before",
                             at),
                 {},
                 file.size()});
  ByteCursor in(file.subspan(std::min<uint64_t>(at, file.size())), at);
  for (uint32_t i = 0; i < header->snapshot_count; ++i) {
    auto snapshot = read_snapshot(in, header->disk_bytes);
    if (!snapshot)
      return fail(snapshot.error());
    out.snapshots.push_back(std::move(*snapshot));
  }
  return out;
}

Result<Qcow2Snapshot> pick_snapshot(const Qcow2Image& image,
                                    const std::optional<std::string>& wanted) {
  if (!wanted)
    return only_snapshot(image);
  // QEMU looks for the id first.
  auto found = std::ranges::find(image.snapshots, *wanted, &Qcow2Snapshot::id);
  if (found == image.snapshots.end())
    found = std::ranges::find(image.snapshots, *wanted, &Qcow2Snapshot::name);
  if (found == image.snapshots.end())
    return fail(ErrorKind::usage,
                fmt::format("no snapshot {}; with a saved state there are: {}",
                            quoted(*wanted), choices(image)));
  if (found->state_bytes == 0)
    return fail(ErrorKind::unsupported,
                fmt::format("snapshot {} kept the disk alone, no saved state",
                            quoted(*wanted)));
  return *found;
}

} // namespace migscope::captures
