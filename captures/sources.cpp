#include "captures/sources.h"

#include "captures/containers/mapped_file.h"
#include "captures/containers/peeked.h"
#include "captures/containers/pipe.h"
#include "captures/containers/qcow2_state.h"
#include "captures/containers/stored_channel.h"
#include "captures/containers/unwrap.h"
#include "captures/stream/stream_start.h"
#include "captures/stream/window.h"

#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <fmt/format.h>
#include <map>
#include <sys/stat.h>

namespace migscope::captures {
namespace {

namespace fs = std::filesystem;

using Source = Result<std::unique_ptr<ByteSource>>;

// What IMAGE#NAME and FILE,offset=N stand for.
struct Place {
  fs::path file;
  std::optional<std::string> snapshot = {};
  uint64_t offset = 0; // bytes
};

// As QEMU reads its "file:" URIs, but for suffixes such as M.
std::optional<Place> behind_offset(const std::string& text) {
  constexpr std::string_view kOption = ",offset=";
  size_t at = text.rfind(kOption);
  if (at == text.npos)
    return {};
  std::string_view number = std::string_view(text).substr(at + kOption.size());
  bool hex = number.starts_with("0x");
  number.remove_prefix(hex ? 2 : 0);
  const char* end = number.data() + number.size();
  Place out{text.substr(0, at)};
  auto [stop, error] =
      std::from_chars(number.data(), end, out.offset, hex ? 16 : 10);
  if (error != std::errc() || stop != end)
    return {};
  return out;
}

// A file may have a # in its name, and a snapshot, too.
Place place_of(const fs::path& path) {
  std::error_code ignored;
  std::string text = path.string();
  if (fs::exists(path, ignored))
    return {path};
  if (auto place = behind_offset(text);
      place && fs::is_regular_file(place->file, ignored))
    return *place;
  for (size_t at = text.find('#'); at != text.npos; at = text.find('#', at + 1))
    if (fs::is_regular_file(text.substr(0, at), ignored))
      return {text.substr(0, at), text.substr(at + 1)};
  return {path};
}

// Can be read as it stands in the file: at random, without a copy.
Source open_mapped(Mapping file, const Place& place) {
  StreamStart start = classify_start(file.bytes());
  if (start == StreamStart::qcow2)
    return qcow2_state(std::move(file), place.file.string(), place.snapshot);
  if (place.snapshot)
    return fail(
        {ErrorKind::usage,
         fmt::format("expected a qcow2 image with the snapshot {}, "
                     "found {}",
                     captures::quoted(*place.snapshot), describe(start)),
         place.file.string(),
         {}});
  if (start == StreamStart::zstd && place.file != "-")
    if (Source stored = stored_channel(place.file);
        stored || stored.error().kind != ErrorKind::unsupported)
      return stored;
  return mapped_source(std::move(file));
}

Source open_raw(const Place& place) {
  std::string name = place.file.string();
  FileDescriptor fd(name == "-" ? dup(STDIN_FILENO)
                                : ::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0)
    return fail_errno("open " + name, errno);
  struct stat info {};
  if (fstat(fd.get(), &info) != 0)
    return fail_errno("stat " + name, errno);
  if (!S_ISREG(info.st_mode))
    return pipe_source(std::move(fd), name);
  auto file = Mapping::of(fd.get(), static_cast<size_t>(info.st_size), name);
  if (!file)
    return fail(file.error());
  return open_mapped(std::move(*file), place);
}

std::optional<fs::path> if_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored) ? std::optional(path) : std::nullopt;
}

// N of channel-N.zst. Numbers may be missing: a connection that the
// destination refused has none.
std::optional<int> channel_number(const std::string& name) {
  constexpr std::string_view kHead = "channel-", kTail = ".zst";
  if (!name.starts_with(kHead) || !name.ends_with(kTail))
    return {};
  const char* begin = name.data() + kHead.size();
  const char* end = name.data() + name.size() - kTail.size();
  int number = 0;
  auto [stop, error] = std::from_chars(begin, end, number);
  bool whole = error == std::errc() && stop == end && begin != end;
  return whole ? std::optional(number) : std::nullopt;
}

std::vector<RecordedChannel> session_channels(const fs::path& session) {
  std::map<int, RecordedChannel> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(session, ignored)) {
    std::string name = entry.path().filename().string();
    auto number = channel_number(name);
    if (!number)
      continue;
    RecordedChannel channel{name, entry.path()};
    fs::path back = session / fmt::format("channel-{}.return.zst", *number);
    if (fs::exists(back, ignored))
      channel.return_path = back;
    found[*number] = std::move(channel);
  }
  std::vector<RecordedChannel> out;
  for (auto& [number, channel] : found)
    out.push_back(std::move(channel));
  return out;
}

} // namespace

Result<std::unique_ptr<ByteSource>> open_source(const fs::path& path) {
  Place place = place_of(path);
  auto raw = open_raw(place);
  if (!raw)
    return raw;
  std::string name = place.file.string();
  if (place.offset == 0)
    return unwrap(std::move(*raw), name);
  auto behind = std::make_unique<PeekedSource>(std::move(*raw));
  if (Status dropped = behind->drop(place.offset); !dropped) {
    dropped.error().where = name;
    return fail(dropped.error());
  }
  return unwrap(std::move(behind), name);
}

Result<Recording> open_recording(const fs::path& path) {
  Recording out;
  out.path = path;
  std::error_code ignored;
  fs::path file = place_of(path).file;
  if (path == "-" ||
      (fs::exists(file, ignored) && !fs::is_directory(file, ignored))) {
    bool named = fs::is_regular_file(file, ignored);
    out.channels.push_back({(named ? path.filename() : path).string(), path});
    return out;
  }
  auto manifest = read_manifest(path);
  if (!manifest)
    return fail(manifest.error());
  out.sessions.push_back({{}, std::move(*manifest)});
  for (auto [name, log] :
       {std::pair("monitor.jsonl.zst", &out.monitor_log),
        std::pair("flow.jsonl.zst", &out.flow_log),
        std::pair("threads.jsonl.zst", &out.thread_log),
        std::pair("probes.jsonl.zst", &out.probe_log),
        std::pair("guest-source.log.zst", &out.source_console),
        std::pair("guest-destination.log.zst", &out.destination_console),
        std::pair("qemu-source.log.zst", &out.source_log),
        std::pair("qemu-destination.log.zst", &out.destination_log)})
    *log = if_there(path / name);
  out.channels = session_channels(path);
  return out;
}

} // namespace migscope::captures
