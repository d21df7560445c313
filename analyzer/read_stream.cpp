#include "analyzer/read_stream.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace migscope::analyzer {
namespace {

using captures::OpenChannel;
using captures::StreamStart;

bool is_read(StreamStart start) {
  return start == StreamStart::main || start == StreamStart::multifd ||
         start == StreamStart::recovered_main ||
         start == StreamStart::preempt || start == StreamStart::return_path;
}

void add_error(std::vector<Problem>& problems, const std::string& channel,
               const Error& error) {
  std::string text = error.message;
  if (!error.where.empty() && error.where != channel)
    text = error.where + ": " + text;
  problems.push_back({Severity::error, channel, error.offset, text});
}

// What reading a channel left to say of it.
void judge(const OpenChannel& channel, bool is_main, ReadStream& out) {
  if (channel.source)
    for (const Error& remark : channel.source->remarks())
      out.problems.push_back(
          {Severity::warning, channel.name, remark.offset, remark.message});
  if (channel.error)
    add_error(out.problems, channel.name, *channel.error);
  else if (!is_main && !is_read(channel.start) && !channel.head.empty())
    out.problems.push_back(
        {Severity::warning,
         channel.name,
         {},
         fmt::format("{}; it is not read", captures::describe(channel.start))});
}

// Channels of a multifd migration that are not among those given.
void check_multifd(const std::vector<OpenChannel>& channels, ReadStream& out) {
  std::set<uint8_t> ids;
  size_t given = 0;
  for (const OpenChannel& channel : channels) {
    given += channel.start == StreamStart::multifd;
    if (channel.multifd_id && !ids.insert(*channel.multifd_id).second)
      add_error(out.problems, channel.name,
                {ErrorKind::malformed,
                 fmt::format("a second multifd channel with id {}",
                             *channel.multifd_id)});
  }
  if (out.model->marks().multifd && given == 0)
    add_error(out.problems, "",
              {ErrorKind::truncated,
               "the migration's pages went over multifd channels, and none is "
               "here"});
  if (!ids.empty() && ids.size() <= *ids.rbegin())
    add_error(out.problems, "",
              {ErrorKind::truncated,
               fmt::format("{} of at least {} multifd channels are here",
                           ids.size(), *ids.rbegin() + 1)});
}

} // namespace

Result<ReadStream> read_stream(const captures::Recording& recording) {
  std::vector<OpenChannel> channels = captures::open_channels(recording);
  auto main = captures::find_main(channels);
  if (!main)
    return fail(main.error());
  ReadStream out;
  std::vector<StreamChannel> names;
  for (const OpenChannel& channel : channels)
    names.push_back({channel.name, channel.start});
  out.model = std::make_unique<StreamModel>(std::move(names));
  PageRequestTracker requests(channels, *out.model);
  captures::read_migration(channels, requests);
  out.requests = requests.result();
  auto chunks = channels[*main].source->chunks();
  out.chunks.assign(chunks.begin(), chunks.end());
  for (size_t i = 0; i < channels.size(); ++i) {
    judge(channels[i], i == *main, out);
    bool back = channels[i].start == StreamStart::return_path;
    out.channels += !back;
    out.bytes += back ? 0 : channels[i].bytes;
  }
  check_multifd(channels, out);
  for (const Problem& problem : out.model->problems())
    out.problems.push_back(problem);
  out.complete = std::ranges::none_of(out.problems, [](const Problem& p) {
    return p.severity == Severity::error;
  });
  return out;
}

} // namespace migscope::analyzer
