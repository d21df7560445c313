#include "analyzer/traffic/rtp_finder.h"
#include "analyzer/traffic/rtp_receiver.h"
#include "tests/analyzer/traffic/at.h"
#include "tests/support/packet_builder.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using captures::PacketHeaders;
using captures::UdpHeader;
using test::at;
using testing::Bytes;

namespace {

// Packets of 20 ms at 8000 Hz, of the number in `sequences`, each that late.
TrafficDirection received(const std::vector<int>& sequences,
                          const std::vector<double>& late = {}) {
  RtpReceiver receiver({});
  for (size_t i = 0; i < sequences.size(); ++i) {
    int n = sequences[i];
    receiver.add(
        {0, static_cast<uint16_t>(n), static_cast<uint32_t>(160 * n), 7},
        at(20 * n + (i < late.size() ? late[i] : 0)));
  }
  TrafficDirection out;
  receiver.tell(out);
  return out;
}

std::vector<int> from_to(int from, int to) {
  std::vector<int> out;
  for (int i = from; i <= to; ++i)
    out.push_back(i);
  return out;
}

bool found(const std::vector<Bytes>& payloads) {
  RtpFinder finder;
  PacketHeaders headers;
  for (const Bytes& payload : payloads)
    finder.add(headers, UdpHeader{1000, 5001, payload});
  return finder.is_rtp(headers, UdpHeader{1000, 5001, {}}, 7);
}

std::vector<Bytes> stream(int count, int step = 1, uint8_t type = 0,
                          uint32_t ticks = 160) {
  std::vector<Bytes> out;
  for (int i = 0; i < count; ++i)
    out.push_back(testing::rtp(static_cast<uint16_t>(65530 + i * step),
                               static_cast<uint32_t>(i) * ticks, type));
  return out;
}

} // namespace

TEST_CASE("nothing is lost over a wrap of the sequence") {
  auto told = received(from_to(65500, 65600));
  CHECK(told.loss->lost == 0);
  CHECK(told.loss->of == 101);
  CHECK(told.reordered == 0);
  CHECK(told.duplicates == 0);
  CHECK(told.jitter->rfc3550_max_ms == doctest::Approx(0));
}

TEST_CASE("lost, overtaken and twice, at the wrap") {
  auto told = received({65534, 65536, 65535, 65536, 65538, 65539});
  CHECK(told.loss->of == 6);
  CHECK(told.loss->lost == 1); // 65537: what came twice makes up for nothing
  CHECK(told.reordered == 1);
  CHECK(told.duplicates == 1);
}

TEST_CASE("a packet before the first one") {
  auto told = received({10, 9, 11});
  CHECK(told.loss->of == 3);
  CHECK(told.loss->lost == 0);
  CHECK(told.reordered == 1);
}

TEST_CASE("jitter as in the unit test of Jitter") {
  auto told = received(from_to(0, 3), {10, 26, 10, 10});
  CHECK(told.jitter->of_transit);
  CHECK(told.jitter->rfc3550_max_ms == doctest::Approx(1.9375));
  CHECK(told.jitter->mean_difference_ms == doctest::Approx(32.0 / 3));
}

TEST_CASE("a long silence loses what its clock says") {
  auto sequences = from_to(0, 20);
  for (int n : from_to(10'000, 10'010))
    sequences.push_back(n);
  auto told = received(sequences);
  CHECK(told.rtp->restarts == 0);
  CHECK(told.loss->lost == 10'000 - 21);
}

TEST_CASE("a silence of more than half of all numbers") {
  auto sequences = from_to(0, 20);
  for (int n : from_to(40'000, 40'010))
    sequences.push_back(n);
  auto told = received(sequences);
  CHECK(told.rtp->restarts == 0);
  CHECK(told.loss->lost == 40'000 - 21);
}

TEST_CASE("without a clock a silence may be a sender that begins anew") {
  RtpReceiver receiver({});
  for (int n : {0, 1, 2, 5000, 5001, 5002})
    receiver.add({96, static_cast<uint16_t>(n), 1800u * n, 7}, at(20 * n));
  TrafficDirection told;
  receiver.tell(told);
  CHECK(told.rtp->restarts == 1);
  CHECK_FALSE(told.loss);
}

TEST_CASE("a sender that begins anew has lost nothing") {
  RtpReceiver receiver({});
  for (int i = 0; i < 20; ++i)
    receiver.add({0, static_cast<uint16_t>(i), 160u * i, 7}, at(20 * i));
  for (int i = 0; i < 20; ++i)
    receiver.add(
        {0, static_cast<uint16_t>(20'000 + i), 9'000'000 + 160u * i, 7},
        at(400 + 20 * i));
  TrafficDirection told;
  receiver.tell(told);
  CHECK(told.rtp->restarts == 1);
  CHECK(told.rtp->strange == 0);
  CHECK(told.loss->lost == 0);
  CHECK(told.loss->of == 40);
  CHECK(*told.jitter->rfc3550_max_ms < 20);
}

TEST_CASE("one packet far from all others is counted nowhere") {
  auto sequences = from_to(0, 20);
  sequences.push_back(30'000);
  for (int n : from_to(21, 40))
    sequences.push_back(n);
  RtpReceiver receiver({});
  int arrival = 0;
  for (int n : sequences)
    receiver.add({0, static_cast<uint16_t>(n), 160u * n, 7},
                 at(20 * ++arrival));
  TrafficDirection told;
  receiver.tell(told);
  CHECK(told.rtp->strange == 1);
  CHECK(told.loss->of == 41);
  CHECK(told.loss->lost == 0);
}

TEST_CASE("without a clock there is no jitter") {
  RtpReceiver unknown({}), known(90'000);
  for (int i = 0; i < 5; ++i)
    for (RtpReceiver* receiver : {&unknown, &known})
      receiver->add({96, static_cast<uint16_t>(i), 1800u * i, 7}, at(20 * i));
  TrafficDirection first, second;
  unknown.tell(first);
  known.tell(second);
  CHECK_FALSE(first.jitter);
  CHECK_FALSE(first.rtp->clock_hz);
  CHECK(second.jitter->rfc3550_max_ms == doctest::Approx(0));
}

TEST_CASE("a payload type with another clock is not in the jitter") {
  RtpReceiver receiver({});
  for (int i = 0; i < 10; ++i)
    receiver.add({static_cast<uint8_t>(i == 5 ? 33 : 0),
                  static_cast<uint16_t>(i), 160u * i, 7},
                 at(20 * i));
  TrafficDirection told;
  receiver.tell(told);
  CHECK(told.rtp->other_clock == 1);
  CHECK(told.rtp->payload_types == std::vector<uint8_t>{0, 33});
  CHECK(told.jitter->rfc3550_max_ms == doctest::Approx(0));
}

TEST_CASE("what is RTP") {
  CHECK(found(stream(8)));
  CHECK_FALSE(found(stream(7)));
  CHECK(found(stream(50, 3)));
  CHECK(found(stream(20, 1, 96)));
  CHECK_FALSE(found(stream(50, 1000)));    // jumps
  CHECK_FALSE(found(stream(50, 0)));       // stands still
  CHECK_FALSE(found(stream(50, 1, 0, 0))); // its time does
  CHECK_FALSE(found(stream(50, 1, 72)));   // RTCP
  CHECK_FALSE(found(stream(50, 1, 20)));   // nobody's
  std::vector<Bytes> twice;
  for (const Bytes& payload : stream(20))
    twice.insert(twice.end(), {payload, payload});
  CHECK(found(twice)); // captured so
}

TEST_CASE("what cannot be RTP") {
  Bytes whole = testing::rtp(1, 2);
  REQUIRE(parse_rtp(whole));
  CHECK_FALSE(parse_rtp(std::span(whole).first(11)));
  whole[0] = std::byte{0x40};
  CHECK_FALSE(parse_rtp(whole));
  whole[0] = std::byte{0x8f}; // fifteen sources more
  CHECK_FALSE(parse_rtp(std::span(whole).first(71)));
  CHECK(parse_rtp(std::span(whole).first(72)));
}

TEST_CASE("datagrams of chance take no room for ever") {
  RtpFinder finder;
  PacketHeaders headers;
  for (uint32_t i = 0; i < 1000; ++i) {
    Bytes chance =
        testing::rtp(static_cast<uint16_t>(i * 7919), i, 0, 1000 + i);
    finder.add(headers, UdpHeader{1, 2, chance});
  }
  for (const Bytes& payload : stream(20))
    finder.add(headers, UdpHeader{1, 2, payload});
  CHECK(finder.is_rtp(headers, UdpHeader{1, 2, {}}, 7));
  CHECK_FALSE(finder.is_rtp(headers, UdpHeader{1, 2, {}}, 1999));
}
