#include "captures/migration_reader.h"

#include "captures/channel_feed.h"
#include "captures/multifd_merge.h"
#include "captures/stream/decoder.h"
#include "captures/stream/forwarded_events.h"
#include "captures/stream/preempt_channel.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::captures {
namespace {

constexpr uint32_t kDefaultPageSize = 4096;
// Descriptions of machines with hundreds of devices stay under 1 MiB. More is
// looked through only where there is none in that.
constexpr size_t kTailBytes[] = {1u << 20, 16u << 20};

// Passes on what a main channel tells, and calls for the multifd channels'
// pages at its marks: the MULTIFD_FLUSH words or, where the first section has
// none (8.0 and older machine types), the ends of the RAM sections.
class MainEvents final : public ForwardedEvents {
public:
  MainEvents(StreamEvents& events, MultifdMerge& merge)
      : ForwardedEvents(events), merge_(merge) {}

  // `pool` may read the channel ahead as soon as it is known that it is no
  // mapped-ram file, most of which nobody looks at.
  void set_channel(size_t index, OpenChannel& channel, TaskPool* pool) {
    channel_ = index;
    source_ = channel.source.get();
    pool_ = pool;
    next().on_channel(channel_);
  }

  [[nodiscard]] bool has_flushes() const { return flushes_; }

  void on_configuration(const Configuration& value) override {
    mapped_ram_ = std::ranges::count(value.capabilities, "mapped-ram") > 0;
    next().on_configuration(value);
  }
  void on_section_begin(const SectionHeader& header) override {
    if (!mapped_ram_ && pool_)
      source_->read_ahead(*std::exchange(pool_, nullptr));
    next().on_section_begin(header);
  }
  void on_section_end(const SectionHeader& header,
                      const SectionEnd& end) override {
    if (header.idstr == "ram" && header.kind != SectionKind::full)
      end_ram(header.kind);
    next().on_section_end(header, end);
  }
  void on_ram_blocks(std::span<const RamBlock> blocks,
                     uint32_t page_size) override {
    next().on_ram_blocks(blocks, page_size);
    merge_.begin(blocks, page_size);
  }
  void on_piece(std::span<const std::byte> piece,
                const std::shared_ptr<const void>& keep) override {
    piece_ = piece;
    keep_ = keep;
    next().on_piece(piece, keep);
  }
  void on_pages(std::span<const PageItem> pages) override {
    while (flushes_ && !pages.empty()) {
      size_t before = merge_.merge(pages);
      back_to_main();
      next().on_pages(pages.first(before));
      pages = pages.subspan(before);
    }
    if (!pages.empty())
      next().on_pages(pages);
  }
  void on_multifd_flush(uint64_t offset) override {
    flushes_ = true;
    mark();
    next().on_multifd_flush(offset);
  }

private:
  void end_ram(SectionKind kind) {
    if (!flushes_)
      mark();
    else if (kind == SectionKind::end)
      drain(); // 9.1 and 9.2: a last SYNC without a word
  }
  void mark() {
    merge_.mark();
    back_to_main();
  }
  void drain() {
    merge_.drain();
    back_to_main();
  }
  void back_to_main() {
    next().on_channel(channel_);
    next().on_piece(piece_, keep_);
  }

  MultifdMerge& merge_;
  size_t channel_ = 0;
  std::span<const std::byte> piece_; // of the main channel
  std::shared_ptr<const void> keep_;
  ByteSource* source_ = nullptr; // of the channel
  TaskPool* pool_ = nullptr;     // null where it does not read ahead, or does
  bool mapped_ram_ = false;
  bool flushes_ = false;
};

std::vector<size_t> of_kind(std::span<const OpenChannel> channels,
                            StreamStart start) {
  std::vector<size_t> out;
  for (size_t i = 0; i < channels.size(); ++i)
    if (channels[i].source && channels[i].start == start)
      out.push_back(i);
  return out;
}

OpenChannel open_channel(const std::string& name,
                         const std::filesystem::path& path) {
  OpenChannel out;
  out.name = name;
  auto source = open_source(path);
  if (!source) {
    out.error = source.error();
    return out;
  }
  out.source = std::move(*source);
  while (out.head.size() < kStartBytes) {
    auto piece = out.source->next();
    if (!piece)
      out.error = piece.error();
    if (!piece || piece->empty())
      break;
    out.head.insert(out.head.end(), piece->begin(), piece->end());
  }
  out.start = classify_start(out.head);
  return out;
}

std::optional<Description> description_at_end(ByteSource& source) {
  for (size_t bytes : kTailBytes) {
    auto tail = source.tail(bytes);
    auto text = tail ? find_description(*tail) : std::nullopt;
    if (!text)
      continue;
    // One that cannot be read is told of when the decoder comes to it.
    auto description = parse_description(*text);
    return description ? std::optional(std::move(*description)) : std::nullopt;
  }
  return {};
}

DecoderOptions main_options(OpenChannel& channel, const ReadOptions& options) {
  DecoderOptions out;
  out.page_size = kDefaultPageSize;
  out.origin = channel.source->origin();
  out.description = description_at_end(*channel.source);
  if (!out.description)
    out.description = options.description;
  if (out.description)
    out.page_size = out.description->page_size.value_or(kDefaultPageSize);
  return out;
}

// A main channel, with what the one before it left.
// `broke_off`: its stream did not come to its end.
ConnectionState read_main(OpenChannel& channel, MainEvents& events,
                          DecoderOptions options, bool goes_on,
                          bool& broke_off) {
  ChannelFeed feed(channel);
  StreamDecoder decoder(events, std::move(options));
  Status decoded = decode_all(feed, decoder, events);
  broke_off = !decoded;
  bool paused =
      goes_on && !decoded && decoded.error().kind == ErrorKind::truncated;
  if (paused)
    events.on_problem(decoded.error().offset.value_or(0),
                      "the connection ends here: " + decoded.error().message +
                          "; another one takes over");
  else if (!decoded)
    feed.fail_with(decoded.error());
  return decoder.connection_state();
}

std::string instead_of_main(const OpenChannel& channel) {
  switch (channel.start) {
  case StreamStart::tls:
    return "; nobody without the keys can read it: record the migration "
           "without tls-creds, or write the stream to a file";
  case StreamStart::multifd:
  case StreamStart::preempt:
  case StreamStart::recovered_main:
  case StreamStart::return_path:
    return "; give the main channel's file, too";
  default:
    return "";
  }
}

} // namespace

std::vector<OpenChannel> open_channels(const Recording& recording) {
  std::vector<OpenChannel> out;
  for (const RecordedChannel& channel : recording.channels) {
    out.push_back(open_channel(channel.name, channel.path));
    if (!channel.return_path)
      continue;
    // Beside its channel, in the name as in the file system.
    const auto& path = *channel.return_path;
    auto name =
        std::filesystem::path(channel.name).replace_filename(path.filename());
    out.push_back(open_channel(name.string(), path));
    out.back().start = StreamStart::return_path;
  }
  return out;
}

Result<size_t> find_main(std::span<const OpenChannel> channels) {
  std::vector<size_t> mains = of_kind(channels, StreamStart::main);
  if (mains.size() > 1)
    return fail({ErrorKind::usage,
                 fmt::format("a main channel, as is {}: these are two "
                             "migrations",
                             channels[mains[0]].name),
                 channels[mains[1]].name,
                 {}});
  if (mains.size() == 1)
    return mains[0];
  // Fewer bytes than tell are a stream that was cut off.
  for (size_t i = 0; i < channels.size(); ++i)
    if (channels[i].source && channels[i].start == StreamStart::unknown &&
        !channels[i].head.empty() && channels[i].head.size() < kStartBytes)
      return i;
  for (const OpenChannel& channel : channels) {
    if (channel.error)
      return fail(*channel.error);
    if (!channel.head.empty())
      return fail(
          {ErrorKind::unsupported,
           fmt::format("expected the main channel of a migration, "
                       "found {}{}",
                       describe(channel.start), instead_of_main(channel)),
           channel.name,
           {}});
  }
  return fail({ErrorKind::malformed,
               channels.empty() ? "no stream was recorded, the monitors only: "
                                  "record with --capture, or through the tee"
                                : "there is nothing in it",
               channels.empty() ? "" : channels[0].name,
               {}});
}

void read_migration(std::span<OpenChannel> channels, StreamEvents& events,
                    const ReadOptions& options) {
  auto main = find_main(channels);
  if (!main)
    return;
  std::vector<size_t> multifd = of_kind(channels, StreamStart::multifd);
  MultifdMerge merge(channels, multifd, events);
  MainEvents main_events(events, merge);
  std::vector<size_t> mains = of_kind(channels, StreamStart::recovered_main);
  mains.insert(mains.begin(), *main);
  for (size_t i = 0; i < channels.size(); ++i)
    if (channels[i].source && options.pool && std::ranges::count(mains, i) == 0)
      channels[i].source->read_ahead(*options.pool);
  ConnectionState state;
  bool broke_off = true;
  for (size_t i = 0; i < mains.size(); ++i) {
    OpenChannel& channel = channels[mains[i]];
    if (!broke_off) {
      channel.error =
          Error{ErrorKind::malformed,
                "takes over from a connection that did not break off: it is "
                "of another migration, or given twice, and is not read"};
      continue;
    }
    DecoderOptions decoding = main_options(channel, options);
    if (i > 0)
      decoding.resumed = std::move(state);
    main_events.set_channel(mains[i], channel, options.pool);
    state = read_main(channel, main_events, std::move(decoding),
                      i + 1 < mains.size(), broke_off);
  }
  merge.drain();
  merge.check_channels();
  if (!channels[*main].error)
    channels[*main].error = merge.missing();
  if (!channels[*main].error && main_events.has_flushes() && multifd.empty())
    channels[*main].error =
        Error{ErrorKind::truncated,
              "its pages went over multifd channels, and none is here"};
  for (size_t i : of_kind(channels, StreamStart::preempt)) {
    events.on_channel(i);
    ChannelFeed feed(channels[i]);
    PreemptDecoder decoder(events, state);
    if (Status decoded = decode_all(feed, decoder, events); !decoded)
      feed.fail_with(decoded.error());
  }
}

} // namespace migscope::captures
