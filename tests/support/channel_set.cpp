#include "tests/support/channel_set.h"

#include "analyzer/analyze.h"
#include "analyzer/what_if/what_if.h"
#include "captures/stream/limits.h"
#include "tests/support/soundness.h"

#include <algorithm>

namespace migscope::test {

using namespace migscope::analyzer;
using captures::RecordedChannel;
using captures::Recording;

namespace {

const std::filesystem::path kDirectory = std::filesystem::temp_directory_path();

// Each block in a file of its own, so that what is written outside of it shows.
class SeparateFiles final : public MemoryOutput {
public:
  SeparateFiles() : MemoryOutput({}) {}

  Result<BlockStore> place(const captures::RamBlock&) override {
    auto file = SparseFile::scratch(kDirectory);
    if (!file)
      return fail(file.error());
    return BlockStore{&files_.emplace_back(std::move(*file)), 0};
  }
  Status finish(const MemoryImage& image, const GuestLayout&,
                std::vector<std::string>&) override {
    std::vector<std::byte> behind(captures::limits::kMaxPageSize);
    for (size_t i = 0; i < image.blocks().size(); ++i) {
      uint64_t end = image.blocks()[i].used_length;
      if (Status read = image.store(i).file->read_at(end, behind); !read)
        return read;
      if (std::ranges::any_of(behind, [](auto b) { return b != std::byte{}; }))
        beyond_ = true;
    }
    return {};
  }
  [[nodiscard]] bool beyond() const { return beyond_; }

private:
  std::list<SparseFile> files_;
  bool beyond_ = false;
};

std::string rebuild(const Recording& recording, const Analysis& analysis,
                    std::optional<uint64_t> stop) {
  SeparateFiles files;
  auto report = rebuild_memory(recording, files, stop);
  if (!report)
    return report.error().message.empty() ? "an error that says nothing" : "";
  if (files.beyond())
    return "memory is not larger than its blocks";
  if (std::string broken = unsound(*report); !broken.empty())
    return broken;
  return unsound(analysis, *report);
}

std::string rebuild_round(const Recording& recording, const Analysis& analysis,
                          uint64_t pick) {
  auto end = end_of_round(analysis, 1 + pick % (analysis.rounds.size() + 1));
  return end && end->stop ? rebuild(recording, analysis, end->stop) : "";
}

std::string page(const Recording& recording, const Analysis& analysis,
                 uint64_t pick) {
  if (!analysis.ram || analysis.ram->blocks.empty())
    return "";
  const BlockTotals& block =
      analysis.ram->blocks[pick % analysis.ram->blocks.size()];
  auto history = page_history(recording, {block.name, 0}, analysis);
  if (!history)
    return block.bytes > 0 ? "a page of a block has a history" : "";
  return history->sends.size() == history->rounds.size()
             ? unsound(history->input)
             : "every send has its place";
}

std::string tried(const Recording& recording, Analysis analysis) {
  if (!analysis.ram)
    return "";
  WhatIfOptions options{.cpu_seconds = [] { return 0.0; },
                        .scratch = kDirectory,
                        .smallest_cache = 1u << 20};
  if (auto done = add_what_if(analysis, recording, options); !done)
    // A guest that is larger than a file can be.
    return done.error().kind == ErrorKind::io ? "" : done.error().message;
  return unsound_what_if(analysis);
}

} // namespace

std::vector<ChannelBytes> parse_channel_set(std::span<const std::byte> bytes) {
  std::vector<ChannelBytes> out;
  constexpr size_t kHead = 5;
  while (bytes.size() >= kHead) {
    auto kind = static_cast<ChannelKind>(bytes[0]);
    size_t size = load_be<uint32_t>(bytes.data() + 1);
    bytes = bytes.subspan(kHead);
    size = std::min(size, bytes.size());
    if (kind == ChannelKind::stream || !out.empty())
      out.push_back({kind, bytes.first(size)});
    bytes = bytes.subspan(size);
  }
  return out;
}

ChannelSet::ChannelSet(std::span<const ChannelBytes> channels) {
  recording_.path = "set";
  for (const ChannelBytes& channel : channels) {
    auto path = files_.emplace_back(channel.bytes).path();
    if (channel.kind == ChannelKind::stream)
      recording_.channels.push_back({path.filename().string(), path});
    else if (!recording_.channels.empty())
      recording_.channels.back().return_path = path;
  }
}

std::string read_in_every_way(const Recording& recording, uint64_t pick) {
  auto states = read_device_states(recording, {});
  auto analysis = analyze(recording);
  if (states.has_value() != analysis.has_value())
    return "what can be read can be read in every way";
  if (!analysis)
    return analysis.error().message.empty() ? "an error that says nothing" : "";
  for (const std::string& broken :
       {unsound(*states), unsound(*analysis), rebuild(recording, *analysis, {}),
        rebuild_round(recording, *analysis, pick),
        page(recording, *analysis, pick), tried(recording, *analysis)})
    if (!broken.empty())
      return broken;
  return "";
}

} // namespace migscope::test
