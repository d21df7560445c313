#include "analyzer/memory/read_recordings.h"

#include "captures/stream/decoder.h"

namespace migscope::analyzer {
namespace {

struct ReadChannel {
  uint64_t bytes = 0;
  Status decoded, stored;
};

ReadChannel read_channel(captures::ByteSource& source, ProblemLog& events) {
  ReadChannel out;
  captures::StreamDecoder decoder(events);
  for (;;) {
    auto piece = source.next();
    if (!piece)
      out.stored = fail(piece.error());
    if (!piece || piece->empty())
      break;
    out.bytes += piece->size();
    if (out.decoded)
      out.decoded = decoder.feed(*piece);
  }
  if (out.decoded)
    out.decoded = decoder.finish();
  return out;
}

} // namespace

Result<Input> read_recordings(std::span<const captures::Recording> recordings,
                              ProblemLog& events) {
  Input input;
  const captures::Recording& recording = recordings.front();
  input.path = recording.path.string();
  input.kind = recording.manifest ? "session" : "stream";
  if (recording.channels.empty())
    return fail(Error{ErrorKind::usage, "there is no stream in it",
                      recording.path.string()});
  const captures::RecordedChannel& channel = recording.channels.front();
  auto source = captures::open_source(channel.path);
  if (!source)
    return fail(source.error());
  ReadChannel read = read_channel(**source, events);
  input.channels = 1;
  input.bytes = read.bytes;
  for (const ProblemLog::Entry& entry : events.problems()) {
    input.problems.push_back(entry.problem);
    input.problems.back().channel = channel.name;
    input.complete &= entry.problem.severity != Severity::error;
  }
  for (const Status& status : {read.decoded, read.stored})
    if (!status) {
      input.problems.push_back({Severity::error, channel.name,
                                status.error().offset, status.error().message});
      input.complete = false;
    }
  return input;
}

} // namespace migscope::analyzer
