#include "analyzer/memory/memory_report.h"
#include "analyzer/read_recording.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::analyzer {
namespace {

using captures::OpenChannel;
using captures::StreamStart;

Result<BlockReport> report_block(const MemoryImage& image, size_t index) {
  BlockReport out;
  out.name = image.blocks()[index].name;
  out.bytes = image.blocks()[index].used_length;
  out.held = image.held(index);
  out.shared = image.ignores_shared() && out.held.never_sent == out.held.pages;
  if (out.held.unknown > 0)
    return out;
  auto digest = image.digest(index);
  if (!digest)
    return fail(digest.error());
  out.digest = *digest;
  return out;
}

void add_notes(MemoryReport& report) {
  const UnreadSends& unread = report.unread;
  auto note = [&](uint64_t count, const char* why) {
    if (count > 0)
      report.notes.push_back(fmt::format("{} sends {}", count, why));
  };
  note(unread.without_base, "are the difference (xbzrle) to a content that is "
                            "not in the capture");
  note(unread.unread, "have a content that could not be read");
  note(unread.broken, "are encoded in a way that makes no sense");
  uint64_t stale = 0;
  for (const BlockReport& block : report.blocks)
    stale += block.held.perhaps_stale;
  note(stale,
       "were the last before damage, or beside a multifd channel that is cut "
       "or missing, which may hold a later one: these pages may be out of "
       "date");
}

// Any page may have been sent again on a channel that is cut or not here at
// all, which is the main channel's error. But not on a preempt channel: what
// came there was discarded before.
bool lost_multifd(const std::vector<OpenChannel>& channels) {
  auto is_multifd = [](const OpenChannel& channel) {
    return channel.start == StreamStart::multifd;
  };
  return std::ranges::any_of(channels, is_multifd) &&
         std::ranges::any_of(channels, [](const OpenChannel& channel) {
           return channel.error && channel.start != StreamStart::preempt &&
                  channel.start != StreamStart::return_path;
         });
}

Result<Input> read_into(MemoryImage& image,
                        const captures::Recording& recording) {
  auto opened = open_recording(recording);
  if (!opened)
    return fail(opened.error());
  Input out = input_of(recording);
  append(out, read_all(*opened, image, image));
  if (lost_multifd(opened->channels))
    image.lose_channel();
  return out;
}

} // namespace

bool MemoryReport::complete() const {
  return input.complete &&
         std::ranges::all_of(blocks, [](const BlockReport& block) {
           return block.shared || block.held.unknown == 0;
         });
}

Result<MemoryReport> rebuild_memory(const captures::Recording& recording,
                                    MemoryOutput& output,
                                    std::optional<uint64_t> stop) {
  MemoryImage image(
      [&](const captures::RamBlock& block) { return output.place(block); },
      stop);
  auto input = read_into(image, recording);
  if (!input)
    return fail(input.error());
  if (image.failure())
    return fail(*image.failure());
  bool mapped = std::ranges::any_of(image.blocks(), [](const auto& block) {
    return block.mapped.has_value();
  });
  if (stop && mapped)
    return fail(ErrorKind::unsupported,
                "a mapped-ram file holds the last content of a page alone, not "
                "its rounds");
  MemoryReport report;
  report.input = std::move(*input);
  report.machine = image.facts().machine;
  report.page_size = image.page_size();
  report.unread = image.unread();
  report.cpus = image.facts().cpus.size();
  report.block_list = image.blocks();
  report.layout = guest_layout(image.blocks(), image.facts());
  for (size_t i = 0; i < image.blocks().size(); ++i) {
    if (!image.store(i).file)
      continue;
    auto block = report_block(image, i);
    if (!block)
      return fail(block.error());
    report.blocks.push_back(std::move(*block));
  }
  add_notes(report);
  if (auto done = output.finish(image, report.layout, report.notes); !done)
    return fail(done.error());
  return report;
}

Result<RoundEnd> end_of_round(const Analysis& analysis, uint64_t round) {
  const std::vector<Round>& rounds = analysis.rounds;
  bool placed = std::ranges::any_of(
      rounds, [](const Round& any) { return any.first_offset.has_value(); });
  if (analysis.outcome.mode != "precopy" || analysis.input.channels != 1 ||
      (!rounds.empty() && !placed))
    return fail(ErrorKind::unsupported,
                fmt::format("where a round ends is known for precopy over one "
                            "channel alone; this is {}, {} channels",
                            analysis.outcome.mode, analysis.input.channels));
  auto it = std::ranges::find(rounds, round, &Round::number);
  if (it == rounds.end())
    return fail(ErrorKind::usage,
                rounds.empty()
                    ? "the stream holds no round"
                    : fmt::format("there is no round {}; there are {}", round,
                                  rounds.size()));
  // A round that sent nothing has no place in the stream.
  auto next = std::find_if(it + 1, rounds.end(), [](const Round& later) {
    return later.first_offset.has_value();
  });
  return RoundEnd{next == rounds.end() ? std::nullopt : next->first_offset};
}

} // namespace migscope::analyzer
