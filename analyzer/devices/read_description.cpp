#include "analyzer/devices/read_description.h"

#include "captures/sources.h"
#include "captures/stream/limits.h"
#include "captures/vmstate/description.h"

namespace migscope::analyzer {
namespace {

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace

Result<std::string> read_description(const std::filesystem::path& path) {
  auto recording = captures::open_recording(path);
  if (!recording)
    return fail(recording.error());
  for (const captures::RecordedChannel& channel : recording->channels) {
    auto source = captures::open_source(channel.path);
    if (!source)
      return fail(source.error());
    auto tail = (*source)->tail(captures::limits::kMaxDescriptionBytes);
    if (!tail)
      return fail(tail.error());
    if ((*source)->bytes() == tail->size() && !tail->empty() &&
        tail->front() == std::byte{'{'})
      return text_of(*tail);
    if (auto json = captures::find_description(*tail))
      return std::string(*json);
  }
  return fail({ErrorKind::malformed,
               "expected a stream with a description at its end, or JSON; "
               "found neither",
               path.string(),
               {}});
}

} // namespace migscope::analyzer
