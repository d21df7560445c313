#include "analyzer/page_requests.h"

#include "captures/stream/wire.h"
#include "tests/support/stream_builder.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using namespace migscope::captures;

namespace {

constexpr uint32_t kPage = 4096;
constexpr uint64_t kHuge = 2u << 20;

// What is in memory, a byte of it a microsecond from `start` on.
class TimedSource final : public ByteSource {
public:
  explicit TimedSource(std::vector<std::byte> bytes, int64_t start)
      : bytes_(std::move(bytes)) {
    for (int64_t at = 0; at < 1000; ++at)
      chunks_.push_back(
          {static_cast<uint64_t>(at), 1, MonoTime{(start + at) * 1000}});
  }
  [[nodiscard]] std::optional<uint64_t> bytes() const override {
    return bytes_.size();
  }
  [[nodiscard]] std::span<const Chunk> chunks() const override {
    return chunks_;
  }
  [[nodiscard]] Result<std::span<const std::byte>> next() override {
    bool given = std::exchange(given_, true);
    return given ? std::span<const std::byte>() : bytes_;
  }
  [[nodiscard]] Result<std::vector<std::byte>> tail(size_t) override {
    return std::vector<std::byte>();
  }

private:
  std::vector<std::byte> bytes_;
  std::vector<Chunk> chunks_;
  bool given_ = false;
};

// A migration with a main channel (0), a preempt channel (1) and a return path
// on which one page is asked for.
class Asked {
public:
  Asked(uint64_t address, uint64_t length, int times = 1)
      : times_(static_cast<uint64_t>(times)), channels_(3) {
    test::StreamBuilder back;
    for (int i = 0; i < times; ++i)
      back.be16(3).be16(19).be64(address).be32(length).counted("pc.ram");
    back.be16(1).be16(4).be32(0);
    for (OpenChannel& channel : channels_)
      channel.source = std::make_unique<TimedSource>(back.done(), 1000);
    channels_[2].source = std::make_unique<TimedSource>(back.done(), 0);
    channels_[1].start = StreamStart::preempt;
    channels_[2].start = StreamStart::return_path;
    tracker_.emplace(channels_, ignored_);
    RamBlock block{.name = "pc.ram", .used_length = 4 * kHuge};
    if (length > kPage)
      block.page_size = length;
    tracker_->on_ram_blocks({&block, 1}, kPage);
    tracker_->on_command(
        {0, static_cast<uint16_t>(wire::Command::postcopy_run), {}});
  }

  // One byte on the wire each, the first one at `offset`.
  void send(size_t channel, uint64_t offset, uint64_t first, uint64_t end) {
    tracker_->on_channel(channel);
    for (uint64_t address = first; address < end; address += kPage) {
      PageItem page;
      page.offset = offset++;
      page.address = address;
      page.wire_bytes = 1;
      tracker_->on_pages({&page, 1});
    }
  }
  [[nodiscard]] PageRequests result() const {
    auto out = tracker_->result();
    REQUIRE(out);
    CHECK(out->requests == times_);
    return *out;
  }
  void fail(size_t channel) {
    channels_[channel].error = Error{ErrorKind::truncated, "cut off"};
  }

private:
  uint64_t times_;
  StreamEvents ignored_;
  std::vector<OpenChannel> channels_;
  std::optional<PageRequestTracker> tracker_;
};

} // namespace

TEST_CASE("a page answers the request for it") {
  Asked asked(kPage, kPage);
  asked.send(0, 10, 0, kPage);
  CHECK(asked.result().answered == 0);
  asked.send(0, 11, kPage, 2 * kPage);
  CHECK(asked.result().answered == 1);
  CHECK(asked.result().latencies.max_ms == doctest::Approx(1.011));
}

TEST_CASE("a huge page answers when it is whole") {
  Asked asked(kHuge, kHuge);
  asked.send(0, 0, kHuge, 2 * kHuge - kPage);
  CHECK(asked.result().answered == 0);
  asked.send(0, 700, 2 * kHuge - kPage, 2 * kHuge);
  CHECK(asked.result().answered == 1);
  CHECK(asked.result().latencies.max_ms == doctest::Approx(1.7));
}

TEST_CASE("a huge page is whole on one channel only") {
  Asked asked(kHuge, kHuge);
  asked.send(0, 0, kHuge, kHuge + kPage);
  asked.send(1, 0, kHuge + kPage, 2 * kHuge); // the rest, elsewhere
  CHECK(asked.result().answered == 0);
  asked.send(0, 100, kHuge + 2 * kPage, 2 * kHuge); // one is left out
  CHECK(asked.result().answered == 0);
  asked.send(1, 300, kHuge, 2 * kHuge);
  CHECK(asked.result().answered == 1);
}

TEST_CASE("pages that nobody asked for are counted apart") {
  Asked asked(kHuge, kHuge);
  asked.send(0, 0, 0, kHuge);                   // unasked
  asked.send(0, 512, kHuge, kHuge + kPage);     // broken off
  asked.send(1, 0, kHuge, 2 * kHuge);           // the answer
  asked.send(1, 512, kHuge, kHuge + 2 * kPage); // once more
  PageRequests out = asked.result();
  CHECK(out.answered == 1);
  CHECK(out.pages_asked == 512);
  CHECK(out.pages_unasked == 512 + 1 + 2);
  CHECK(out.unasked_bytes == 512 + 1 + 2);
  CHECK(out.last_page_ms == doctest::Approx(0.513));
}

TEST_CASE("a page answers all requests for it, and counts once") {
  Asked asked(kPage, kPage, 3);
  asked.send(0, 10, kPage, 2 * kPage);
  asked.send(1, 20, kPage, 2 * kPage);
  PageRequests out = asked.result();
  CHECK(out.answered == 3);
  CHECK(out.repeated == 2);
  CHECK(out.pages_asked == 1);
  CHECK(out.pages_unasked == 1);
  CHECK(out.latencies.count == 1);
  REQUIRE(out.by_channel.size() == 1);
  CHECK(out.by_channel[0].channel == "main");
  CHECK(out.unanswered_reason.empty());
}

TEST_CASE("the preempt channel's answers stand apart") {
  Asked asked(kPage, kPage);
  asked.send(1, 0, kPage, 2 * kPage);
  PageRequests out = asked.result();
  REQUIRE(out.by_channel.size() == 1);
  CHECK(out.by_channel[0].channel == "preempt");
  CHECK(out.by_channel[0].latencies.count == 1);
}

TEST_CASE("why a request has no answer is said") {
  Asked asked(kPage, kPage);
  CHECK(asked.result().unanswered == 1);
  CHECK(asked.result().unanswered_reason ==
        "their pages are in no channel that is here");
  asked.fail(0);
  CHECK(asked.result().unanswered_reason ==
        "a channel is cut off, damaged or missing here");
}
