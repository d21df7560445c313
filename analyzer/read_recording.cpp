#include "analyzer/read_recording.h"

#include <fmt/format.h>

namespace migscope::analyzer {
namespace {

using captures::OpenChannel;
using captures::StreamStart;

bool is_read(StreamStart start) {
  return start == StreamStart::main || start == StreamStart::multifd ||
         start == StreamStart::recovered_main ||
         start == StreamStart::preempt || start == StreamStart::return_path;
}

// What reading a channel left to say of it.
void judge(Input& input, const OpenChannel& channel, bool is_main) {
  if (channel.source)
    for (const Error& remark : channel.source->remarks())
      add_problem(input, Severity::warning, channel.name, remark);
  if (channel.error)
    add_problem(input, Severity::error, channel.name, *channel.error);
  else if (!is_main && !is_read(channel.start) && !channel.head.empty())
    add_problem(
        input,
        channel.start == StreamStart::cpr ? Severity::warning : Severity::error,
        channel.name,
        {ErrorKind::unsupported,
         fmt::format("{}; it is not read", captures::describe(channel.start))});
}

// What the manifest itself says of damage.
void check_manifest(const captures::RecordedSession& session, Input& input) {
  const captures::Manifest& manifest = session.manifest;
  auto file = [&](const std::string& name) {
    return (session.directory / name).string();
  };
  const std::string name = file("session.json");
  if (!manifest.ended)
    add_problem(
        input, Severity::error, name,
        {ErrorKind::truncated, "the recording was cut off before it ended"});
  for (const captures::ChannelInfo& channel : manifest.channels)
    if (channel.store_error)
      add_problem(input, Severity::error,
                  file(fmt::format("channel-{}.zst", channel.number)),
                  {ErrorKind::io, "storing stopped before the stream did: " +
                                      *channel.store_error});
  if (manifest.outcome == "disconnected")
    add_problem(input, Severity::error, name,
                {ErrorKind::truncated,
                 "a monitor was lost before the migration ended"});
  if (manifest.outcome == "interrupted")
    add_problem(input, Severity::warning, name,
                {ErrorKind::interrupted,
                 "the recording was interrupted before the migration ended"});
}

} // namespace

Input input_of(const captures::Recording& recording) {
  Input out;
  out.path = recording.path.string();
  out.kind = recording.sessions.empty() ? "stream" : "session";
  for (const captures::RecordedSession& session : recording.sessions)
    check_manifest(session, out);
  return out;
}

std::vector<std::string> OpenRecording::names() const {
  std::vector<std::string> out;
  for (const OpenChannel& channel : channels)
    out.push_back(channel.name);
  return out;
}

Result<OpenRecording> open_recording(const captures::Recording& recording) {
  OpenRecording out;
  out.channels = captures::open_channels(recording);
  auto main = captures::find_main(out.channels);
  if (!main)
    return fail(main.error());
  out.main = *main;
  return out;
}

Input read_all(OpenRecording& recording, captures::StreamEvents& events,
               const ProblemLog& log, const captures::ReadOptions& options) {
  auto& channels = recording.channels;
  captures::read_migration(channels, events, options);
  Input out;
  for (size_t i = 0; i < channels.size(); ++i) {
    judge(out, channels[i], i == recording.main);
    bool back = channels[i].start == StreamStart::return_path;
    out.channels += !back;
    out.bytes += back ? 0 : channels[i].bytes;
  }
  for (const ProblemLog::Entry& entry : log.problems()) {
    out.problems.push_back(entry.problem);
    out.problems.back().channel = channels[entry.channel].name;
  }
  if (log.not_kept() > 0)
    out.problems.push_back(
        {log.damaged() ? Severity::error : Severity::warning,
         "",
         {},
         fmt::format("{} more problems, not told", log.not_kept())});
  out.complete &= !log.damaged();
  return out;
}

Result<Input> read_recording(const captures::Recording& recording,
                             ProblemLog& log,
                             const captures::ReadOptions& options) {
  auto opened = open_recording(recording);
  if (!opened)
    return fail(opened.error());
  Input out = input_of(recording);
  append(out, read_all(*opened, log, log, options));
  return out;
}

} // namespace migscope::analyzer
