#include "analyzer/traffic/flow_table.h"
#include "analyzer/traffic/read_traffic.h"
#include "tests/support/packet_builder.h"
#include "tests/support/scratch_file.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using namespace migscope::testing;

namespace {

TrafficReport read(std::span<const std::byte> bytes,
                   const std::string& filter = {}) {
  ScratchFile scratch(bytes);
  auto report = read_traffic({scratch.path(), filter, {}, {}});
  REQUIRE(report);
  return *report;
}

// A handshake, and four segments with their answers.
PcapBuilder connection() {
  PcapBuilder out;
  Ipv4 there{.protocol = 6}, back{.from = 2, .to = 1, .protocol = 6};
  auto answer = [&](double ms, uint32_t number, uint8_t flags) {
    out.add_ip(ms, back,
               tcp({.from = 2000,
                    .to = 1000,
                    .sequence = 700,
                    .acknowledgement = number,
                    .flags = flags}));
  };
  out.add_ip(0, there, tcp({.sequence = 99, .flags = kSyn}));
  answer(1, 100, kSyn | kAck);
  out.add_ip(2, there, tcp({.sequence = 100, .acknowledgement = 701}));
  for (uint32_t i = 0; i < 4; ++i) {
    out.add_ip(10 + i, there, tcp({.sequence = 100 + i * 50, .payload = 50}));
    answer(10.5 + i, 150 + i * 50, kAck);
  }
  return out;
}

} // namespace

TEST_CASE("a connection, both directions") {
  auto report = read(connection().bytes());
  CHECK(report.complete);
  CHECK(report.packets == 11);
  REQUIRE(report.flows.size() == 1);
  const TrafficFlow& flow = report.flows.front();
  CHECK(flow.protocol == "tcp");
  REQUIRE(flow.directions.size() == 2);
  const TrafficDirection& there = flow.directions[0];
  CHECK(there.from == "10.0.0.1:1000");
  CHECK(there.to == "10.0.0.2:2000");
  CHECK(there.packets == 6);
  CHECK(there.bytes == 6 * 40 + 200);
  CHECK(there.duration_ms == 13);
  CHECK(there.throughput == doctest::Approx(8 * 440 / 0.013));
  CHECK(there.loss->lost == 0);
  REQUIRE(there.delay);
  CHECK(there.delay->measured == 5); // the SYN, too
  CHECK(there.delay->median_ms == doctest::Approx(0.5));
  CHECK(flow.directions[1].delay->measured == 1); // its SYN
}

TEST_CASE("one direction alone: no delay, and no loss of what was not seen") {
  auto report = read(connection().bytes(), "src host 10.0.0.1");
  REQUIRE(report.flows.front().directions.size() == 1);
  CHECK_FALSE(report.flows.front().directions[0].delay);
  CHECK_FALSE(report.flows.front().directions[0].jitter);
}

TEST_CASE("a filter that lets nothing through") {
  auto report = read(connection().bytes(), "udp");
  CHECK(report.packets == 0);
  CHECK(report.flows.empty());
  CHECK_FALSE(report.start);
  REQUIRE(report.problems.size() == 1);
  CHECK(report.complete);
}

TEST_CASE("a file that is cut off counts up to there") {
  auto bytes = connection().bytes();
  auto report = read(std::span(bytes).first(bytes.size() - 3));
  CHECK_FALSE(report.complete);
  CHECK(report.packets == 10);
  REQUIRE(report.problems.size() == 1);
  CHECK(report.problems[0].severity == Severity::error);
  CHECK(report.problems[0].message.find("10 packets") != std::string::npos);
}

TEST_CASE("what is in no flow is counted") {
  PcapBuilder pcap(1, 30);
  pcap.add(0, ethernet(0x0806, Bytes(28)));
  pcap.add_ip(1, {.words = 2}, {});
  pcap.add_ip(2, {.fragment = 8}, Bytes(40));
  auto report = read(pcap.bytes());
  CHECK(report.not_ip == 1);
  CHECK(report.cut == 2); // the header is 34 bytes in
  PcapBuilder whole;
  whole.add_ip(1, {.words = 2}, {});
  whole.add_ip(2, {.fragment = 8}, Bytes(40));
  whole.add_ip(3, {.fragment = 0x2000}, udp(1, 2, Bytes(40)));
  auto other = read(whole.bytes());
  CHECK(other.damaged == 1);
  CHECK(other.later_fragments == 1);
  CHECK(other.later_fragment_bytes == 60);
  CHECK(other.first_fragments == 1);
  CHECK(other.flows.size() == 1);
}

TEST_CASE("RTP beside other datagrams of the same ports") {
  PcapBuilder pcap;
  for (uint16_t i = 0; i < 30; ++i)
    if (i != 12)
      pcap.add_ip(20 * i, {}, udp(8, 9, rtp(i, 160u * i)));
  pcap.add_ip(700, {}, udp(8, 9, Bytes(20)));
  auto report = read(pcap.bytes());
  REQUIRE(report.flows.size() == 2);
  CHECK(report.flows[0].protocol == "rtp");
  CHECK(report.flows[0].directions[0].loss->lost == 1);
  CHECK(report.flows[1].protocol == "udp");
  CHECK_FALSE(report.flows[1].directions[0].loss);
  CHECK_FALSE(report.flows[1].directions[0].reordered);
}

TEST_CASE("echo belongs to who asks, whoever has the lower address") {
  PcapBuilder pcap;
  for (uint16_t i = 0; i < 4; ++i) {
    pcap.add_ip(1000 * i, {.from = 2, .to = 1, .protocol = 1}, echo(8, 5, i));
    if (i != 1)
      pcap.add_ip(1000 * i + 3, {.protocol = 1}, echo(0, 5, i));
  }
  auto report = read(pcap.bytes());
  REQUIRE(report.flows.size() == 1);
  const TrafficFlow& flow = report.flows[0];
  CHECK(flow.protocol == "icmp echo");
  CHECK(flow.id == 5);
  CHECK(flow.directions[0].from == "10.0.0.2");
  CHECK(flow.directions[0].loss->lost == 1);
  CHECK(flow.directions[0].delay->median_ms == doctest::Approx(3));
  CHECK_FALSE(flow.directions[1].loss);
}

TEST_CASE("a capture that begins with a reply") {
  PcapBuilder pcap;
  pcap.add_ip(0, {.from = 2, .to = 1, .protocol = 1}, echo(0, 5, 1));
  pcap.add_ip(1, {.protocol = 1}, echo(8, 5, 2));
  pcap.add_ip(5, {.from = 2, .to = 1, .protocol = 1}, echo(0, 5, 2));
  auto report = read(pcap.bytes());
  REQUIRE(report.flows[0].directions.size() == 2);
  const TrafficDirection& asks = report.flows[0].directions[1];
  CHECK(asks.from == "10.0.0.1");
  CHECK(asks.echo->answered == 1);
  CHECK(asks.delay->median_ms == doctest::Approx(4));
}

TEST_CASE("more flows than are followed") {
  PcapBuilder pcap;
  constexpr int kMore = 300;
  for (int i = 0; i < static_cast<int>(FlowTable::kMostFlows) + kMore; ++i)
    pcap.add_ip(i, {}, udp(static_cast<uint16_t>(i), 9, {}));
  auto report = read(pcap.bytes());
  CHECK(report.flows.size() == FlowTable::kMostFlows);
  CHECK(report.untold.flows == kMore);
  CHECK(report.untold.packets == kMore);
  CHECK(report.untold.bytes == kMore * 28);
  CHECK_FALSE(report.untold.at_least);
}

TEST_CASE("a pause that is not in the capture is told") {
  ScratchFile scratch(connection().bytes());
  WallTime start{PcapBuilder::kStartNs};
  auto inside = read_traffic(
      {scratch.path(),
       {},
       {},
       WallPause{start + Nanos(3'000'000), start + Nanos(9'000'000), 0}});
  REQUIRE(inside);
  CHECK(inside->problems.empty());
  const auto& longest = inside->flows[0].directions[0].longest;
  REQUIRE(longest->split);
  CHECK(longest->split->before_ms == 1);
  CHECK(longest->split->pause_ms == 6);
  CHECK(longest->split->recovery_ms == 1);
  auto outside = read_traffic({scratch.path(),
                               {},
                               {},
                               WallPause{start + Nanos(60'000'000'000),
                                         start + Nanos(61'000'000'000), 0}});
  REQUIRE(outside);
  CHECK(outside->problems.size() == 1);
}
