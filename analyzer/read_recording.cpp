#include "analyzer/read_recording.h"

#include "analyzer/missing_pages.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::analyzer {
namespace {

using captures::ChannelInfo;
using captures::OpenChannel;
using captures::RecordedSession;
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

// What the recording knows that nothing came on, as a probe of its port.
bool is_silent(const OpenRecording& recording, const OpenChannel& channel) {
  return channel.head.empty() &&
         std::ranges::find(recording.silent, channel.name) !=
             recording.silent.end();
}

// Channels but the main one that nothing came on. Every channel begins with
// something, but a preempt channel: it is silent until a page is urgent, and
// each connection of a postcopy may have one. Nor is anything lost of a silent
// one; and a return path, which an empty file can be known for by its name
// only, may stay empty.
void judge_empty(Input& input, const OpenRecording& recording,
                 bool postcopy_advised) {
  const auto& channels = recording.channels;
  auto silent =
      postcopy_advised
          ? 1 + std::ranges::count(channels, StreamStart::recovered_main,
                                   &OpenChannel::start)
          : 0;
  for (const OpenChannel& channel : channels)
    if (channel.source && !channel.error && channel.head.empty() &&
        !channel.name.ends_with(".return.zst") &&
        !is_silent(recording, channel) && silent-- <= 0)
      add_problem(input, Severity::error, channel.name,
                  {ErrorKind::truncated,
                   "there is nothing in it: expected a channel of the "
                   "migration"});
}

// As its RecordedChannel is named.
std::string name_of(const RecordedSession& session,
                    const ChannelInfo& channel) {
  return (session.directory / fmt::format("channel-{}.zst", channel.number))
      .string();
}

void check_channel(const RecordedSession& session, const ChannelInfo& channel,
                   const captures::Recording& recording, Input& input) {
  std::string name = name_of(session, channel);
  if (channel.store_error)
    add_problem(input, Severity::error, name,
                {ErrorKind::io, "storing stopped before the stream did: " +
                                    *channel.store_error});
  else if (channel.bytes > 0 &&
           std::ranges::find(recording.channels, name,
                             &captures::RecordedChannel::name) ==
               recording.channels.end())
    add_problem(input, Severity::error, name,
                {ErrorKind::truncated,
                 fmt::format("it is not here, and {} bytes went over it",
                             channel.bytes)});
}

// What the manifest itself says of damage.
void check_manifest(const RecordedSession& session,
                    const captures::Recording& recording, Input& input) {
  const captures::Manifest& manifest = session.manifest;
  const std::string name = (session.directory / "session.json").string();
  if (!manifest.ended)
    add_problem(
        input, Severity::error, name,
        {ErrorKind::truncated, "the recording was cut off before it ended"});
  for (const ChannelInfo& channel : manifest.channels)
    check_channel(session, channel, recording, input);
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
  for (const RecordedSession& session : recording.sessions)
    check_manifest(session, recording, out);
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
  for (const RecordedSession& session : recording.sessions)
    for (const ChannelInfo& channel : session.manifest.channels)
      if (channel.bytes == 0 && !channel.store_error)
        out.silent.push_back(name_of(session, channel));
  return out;
}

Input read_all(OpenRecording& recording, captures::StreamEvents& events,
               const ProblemLog& log, const captures::ReadOptions& options) {
  auto& channels = recording.channels;
  MissingPages pages(events);
  captures::read_migration(channels, pages, options);
  Input out;
  for (size_t i = 0; i < channels.size(); ++i) {
    judge(out, channels[i], i == recording.main);
    bool back = channels[i].start == StreamStart::return_path;
    // A silent preempt channel is one of the migration's.
    bool probe = !pages.postcopy_advised() && is_silent(recording, channels[i]);
    out.channels += !back && !probe;
    out.bytes += back ? 0 : channels[i].bytes;
  }
  judge_empty(out, recording, pages.postcopy_advised());
  if (auto missing = pages.missing())
    add_problem(out, Severity::error, channels[recording.main].name, *missing);
  if (auto unknown = pages.not_followed())
    add_problem(out, Severity::warning, channels[recording.main].name,
                *unknown);
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
