// Small sets of channels, cut and changed in places all over: whatever is left
// must be told soundly, by analysis, devices and memory alike. Under the
// sanitizers this is also the test that no channel of a set is trusted.
#include "tests/support/bytes.h"
#include "tests/support/channel_set.h"

#include <chrono>
#include <doctest/doctest.h>
#include <map>
#include <random>

using namespace migscope;
using namespace migscope::test;

namespace {

constexpr int kPlaces = 40; // of each set

using testing::Bytes;

std::map<std::string, Bytes> sets() {
  std::map<std::string, Bytes> out;
  for (const auto& entry : std::filesystem::directory_iterator(MIGSCOPE_SETS))
    out[entry.path().filename().string()] = testing::read_file(entry.path());
  return out;
}

// Behind the option byte.
std::vector<ChannelBytes> channels_of(std::span<const std::byte> set) {
  return parse_channel_set(set.subspan(1));
}

struct Worst {
  void read(const std::vector<ChannelBytes>& channels, uint64_t pick) {
    auto start = std::chrono::steady_clock::now();
    ChannelSet set(channels);
    std::string broken = read_in_every_way(set.recording(), pick);
    std::chrono::duration<double> time =
        std::chrono::steady_clock::now() - start;
    if (complaint.empty() && !broken.empty())
      complaint = std::to_string(pick) + ": " + broken;
    slowest = std::max(slowest, time.count());
  }
  void check() const {
    CHECK(complaint == "");
    CHECK(slowest < 1); // second
  }

  std::string complaint; // the first, with its place
  double slowest = 0;
};

} // namespace

TEST_CASE("sets of channels as they are") {
  REQUIRE(sets().size() > 30);
  for (const auto& [name, set] : sets()) {
    CAPTURE(name);
    Worst worst;
    for (uint64_t pick = 0; pick < 4; ++pick)
      worst.read(channels_of(set), pick);
    worst.check();
  }
}

TEST_CASE("sets of channels, one of them cut") {
  std::minstd_rand random(1);
  for (const auto& [name, set] : sets()) {
    CAPTURE(name);
    Worst worst;
    for (int i = 0; i < kPlaces; ++i) {
      auto channels = channels_of(set);
      auto& bytes = channels[random() % channels.size()].bytes;
      size_t size = random() % bytes.size();
      bytes = bytes.first(size);
      worst.read(channels, size);
    }
    worst.check();
  }
}

TEST_CASE("sets of channels, with one byte changed") {
  std::minstd_rand random(2);
  for (auto [name, set] : sets()) {
    CAPTURE(name);
    Worst worst;
    for (int i = 0; i < kPlaces; ++i) {
      auto channels = channels_of(set);
      auto bytes = channels[random() % channels.size()].bytes;
      size_t at = (bytes.data() - set.data()) + random() % bytes.size();
      std::byte good = set[at];
      set[at] ^= static_cast<std::byte>(1 + random() % 255);
      worst.read(channels, at);
      set[at] = good;
    }
    worst.check();
  }
}
