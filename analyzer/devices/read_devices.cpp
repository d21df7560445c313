// Reading what DeviceCollector takes.
#include "analyzer/devices/device_states.h"
#include "captures/stream/decoder.h"
#include "captures/stream/stream_start.h"

namespace migscope::analyzer {
namespace {

// As much as a description may have, and the head before it.
constexpr size_t kTailBytes = 16u << 20;

struct FirstChannel {
  std::string name;
  std::filesystem::path path;
};

Result<FirstChannel>
first_channel(std::span<const captures::Recording> recordings) {
  for (const captures::Recording& recording : recordings)
    if (!recording.channels.empty())
      return FirstChannel{recording.channels.front().name,
                          recording.channels.front().path};
  return fail({ErrorKind::malformed,
               "there is no stream in it",
               recordings.front().path.string(),
               {}});
}

captures::DecoderOptions
decoder_options(captures::ByteSource& source,
                const std::optional<std::string>& borrowed) {
  captures::DecoderOptions options;
  std::optional<std::string_view> text;
  auto tail = source.tail(kTailBytes);
  if (tail)
    text = captures::find_description(*tail);
  if (!text && borrowed)
    text = *borrowed;
  if (!text)
    return options;
  if (auto description = captures::parse_description(*text)) {
    options.page_size = description->page_size.value_or(options.page_size);
    options.description = std::move(*description);
  }
  return options;
}

} // namespace

Result<DeviceStates>
read_device_states(std::span<const captures::Recording> recordings,
                   const std::optional<std::string>& description) {
  auto channel = first_channel(recordings);
  if (!channel)
    return fail(channel.error());
  auto source = captures::open_source(channel->path);
  if (!source)
    return fail(source.error());
  DeviceCollector collector({channel->name});
  captures::StreamDecoder decoder(collector,
                                  decoder_options(**source, description));
  Status read;
  uint64_t bytes = 0;
  while (read) {
    auto piece = (*source)->next();
    if (!piece)
      read = fail(piece.error());
    if (!piece || piece->empty())
      break;
    bytes += piece->size();
    read = decoder.feed(*piece);
  }
  if (read)
    read = decoder.finish();
  auto states = collector.finish(description);
  if (!states)
    return states;
  states->input.path = recordings.front().path.string();
  states->input.kind = recordings.front().manifest ? "session" : "stream";
  states->input.channels = 1;
  states->input.bytes = bytes;
  if (!read) {
    states->input.complete = false;
    states->input.problems.push_back({Severity::error, channel->name,
                                      read.error().offset,
                                      read.error().message});
  }
  return states;
}

Result<bool> is_whole(const captures::Recording& recording) {
  if (recording.manifest)
    return true;
  auto channel = first_channel(std::span(&recording, 1));
  if (!channel)
    return fail(channel.error());
  auto source = captures::open_source(channel->path);
  if (!source)
    return fail(source.error());
  auto piece = (*source)->next();
  if (!piece)
    return fail(piece.error());
  switch (captures::classify_start(*piece)) {
  case captures::StreamStart::multifd:
  case captures::StreamStart::preempt:
  case captures::StreamStart::recovered_main:
    return false;
  default:
    return true;
  }
}

} // namespace migscope::analyzer
