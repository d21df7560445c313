#include "analyzer/devices/read_description.h"

#include "analyzer/read_recording.h"
#include "captures/channel_feed.h"
#include "captures/stream/limits.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::analyzer {
namespace {

using captures::OpenChannel;
using captures::limits::kMaxDescriptionBytes;

// Of a stream that is read to its end.
class DescriptionFinder final : public ProblemLog {
public:
  void on_description(std::string_view json, uint64_t /*offset*/) override {
    json_ = json;
  }
  [[nodiscard]] std::optional<std::string> take() { return std::move(json_); }

private:
  std::optional<std::string> json_;
};

Result<std::string> whole_text(OpenChannel& channel) {
  std::string out;
  captures::ChannelFeed feed(channel);
  for (auto piece = feed.next(); !piece.empty(); piece = feed.next()) {
    if (piece.size() > kMaxDescriptionBytes - out.size())
      return fail({ErrorKind::malformed,
                   fmt::format("expected at most {} bytes of JSON, found more",
                               kMaxDescriptionBytes),
                   channel.name,
                   {}});
    out.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  }
  if (channel.error)
    return fail(*channel.error);
  return out;
}

// What a file gives without being read as a whole; reading tells why not.
std::optional<std::string> at_the_end(OpenRecording& recording) {
  auto tail =
      recording.channels[recording.main].source->tail(kMaxDescriptionBytes);
  auto json = tail ? captures::find_description(*tail) : std::nullopt;
  return json ? std::optional<std::string>(*json) : std::nullopt;
}

Result<std::string> of_capture(OpenRecording recording,
                               const std::filesystem::path& path) {
  if (auto json = at_the_end(recording))
    return std::move(*json);
  DescriptionFinder finder;
  Input input = read_all(recording, finder, finder);
  if (auto found = finder.take())
    return std::move(*found);
  auto error =
      std::ranges::find(input.problems, Severity::error, &Problem::severity);
  std::string why =
      error == input.problems.end() ? "none" : "none: " + error->message;
  return fail({ErrorKind::malformed,
               "expected a stream with a description at its end, found " + why,
               path.string(),
               {}});
}

} // namespace

Result<std::string> read_description(const std::filesystem::path& path) {
  auto recording = captures::open_recording(path);
  if (!recording)
    return fail(recording.error());
  OpenRecording opened;
  opened.channels = captures::open_channels(*recording);
  for (OpenChannel& channel : opened.channels)
    if (!channel.head.empty() && channel.head.front() == std::byte{'{'})
      return whole_text(channel);
  auto main = captures::find_main(opened.channels);
  if (!main)
    return fail(main.error());
  opened.main = *main;
  return of_capture(std::move(opened), path);
}

} // namespace migscope::analyzer
