#include "analyzer/read_stream.h"

#include "analyzer/read_recording.h"

#include <algorithm>

namespace migscope::analyzer {

Result<ReadStream> read_stream(const captures::Recording& recording) {
  auto opened = open_recording(recording);
  if (!opened)
    return fail(opened.error());
  ReadStream out;
  out.model = std::make_unique<StreamModel>();
  PageRequestTracker requests(opened->channels, *out.model);
  out.input = read_all(*opened, requests, *out.model);
  out.requests = requests.result();
  auto chunks = opened->channels[opened->main].source->chunks();
  out.chunks.assign(chunks.begin(), chunks.end());
  out.multifd = std::ranges::any_of(opened->channels, [](const auto& channel) {
    return channel.start == captures::StreamStart::multifd;
  });
  return out;
}

} // namespace migscope::analyzer
