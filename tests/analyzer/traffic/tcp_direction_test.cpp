#include "analyzer/traffic/tcp_direction.h"
#include "tests/analyzer/traffic/at.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using captures::TcpHeader;
using test::at;

namespace {

constexpr uint32_t kBytes = 1000;

class Sender {
public:
  Sender& data(double ms, uint32_t sequence, uint32_t bytes = kBytes,
               std::optional<uint16_t> ip_id = {}) {
    direction_.sent({.sequence = sequence, .payload_bytes = bytes}, ip_id,
                    at(ms), round_trip);
    return *this;
  }
  Sender& syn(double ms, uint32_t sequence) {
    direction_.sent({.sequence = sequence, .syn = true}, {}, at(ms), {});
    return *this;
  }
  Sender& ack(double ms, uint32_t number) {
    direction_.acknowledged(number, at(ms), delays, budget_, jitter_);
    return *this;
  }
  TrafficDirection told() {
    TrafficDirection out;
    direction_.tell(out);
    return out;
  }

  std::optional<Nanos> round_trip;
  Samples delays;

private:
  TcpDirection direction_;
  SampleBudget budget_;
  Jitter jitter_;
};

} // namespace

TEST_CASE("nothing sent, nothing known of a loss") {
  Sender sender;
  sender.data(0, 100, 0);
  auto told = sender.told();
  CHECK_FALSE(told.loss);
  CHECK_FALSE(told.reordered);
  CHECK_FALSE(told.duplicates);
}

TEST_CASE("delays are from a segment to the acknowledgement that covers it") {
  Sender sender;
  sender.data(0, 1).data(1, 1001).data(2, 2001).ack(5, 2001).ack(6, 2001).ack(
      9, 3001);
  CHECK(sender.delays.count() == 3);
  CHECK(sender.delays.max() == doctest::Approx(7)); // the third
  CHECK(sender.delays.min() == doctest::Approx(4)); // the second
  CHECK(sender.told().loss->lost == 0);
}

TEST_CASE("a segment that was sent again has no delay") {
  Sender sender;
  sender.data(0, 1).data(1, 1001).data(200, 1).ack(205, 2001);
  CHECK(sender.delays.count() == 0);
  sender.data(206, 2001).ack(208, 3001);
  CHECK(sender.delays.count() == 1);
  auto told = sender.told();
  CHECK(told.tcp->segments == 4);
  CHECK(told.tcp->retransmitted == 1);
  CHECK(told.loss->lost == 1);
  CHECK(told.loss->of == 4);
  CHECK(told.loss->percent == 25);
}

TEST_CASE("what comes again spoils the delays of all that waited for it") {
  Sender behind; // the loss: the first is seen only when it is sent again
  behind.data(0, 1)
      .ack(1, 1001)
      .data(2, 2001)
      .data(3, 3001)
      .data(250, 1001)
      .ack(255, 4001);
  CHECK(behind.delays.count() == 1);

  Sender in_part; // one large frame that Linux had not segmented yet
  in_part.data(0, 1, 60'000).data(250, 1, 1448).ack(255, 60'001);
  CHECK(in_part.delays.count() == 0);
  CHECK(in_part.told().tcp->retransmitted == 1);

  Sender overtaken; // which is no reason to distrust the others
  overtaken.data(0, 1).data(1, 2001).data(2, 1001).ack(5, 3001);
  CHECK(overtaken.delays.count() == 2);
}

TEST_CASE("sequence numbers wrap around") {
  Sender sender;
  uint32_t sequence = 0xffffffff - 1500;
  for (int i = 0; i < 4; ++i, sequence += kBytes)
    sender.data(i, sequence);
  sender.ack(9, sequence);
  CHECK(sender.delays.count() == 4);
  sender.data(10, sequence - kBytes); // again
  auto told = sender.told();
  CHECK(told.tcp->retransmitted == 1);
  CHECK(told.tcp->missing_bytes == 0);
}

TEST_CASE("a hole that is filled late was sent again, one filled soon was "
          "overtaken") {
  Sender sender;
  sender.data(0, 1).data(1, 2001).data(2, 1001); // 1 ms
  sender.data(3, 4001).data(33, 3001);           // 30 ms
  auto told = sender.told();
  CHECK(told.reordered == 1);
  CHECK(told.tcp->retransmitted == 1);
  CHECK(told.tcp->missing_bytes == 0);

  Sender far; // whose round trip is longer than that
  far.round_trip = std::chrono::milliseconds(100);
  far.data(0, 1).data(3, 2001).data(33, 1001);
  CHECK(far.told().reordered == 1);
}

TEST_CASE("holes that stay") {
  Sender sender;
  sender.data(0, 1).data(1, 3501).ack(2, 4501); // 2500 bytes were there
  sender.data(3, 6501);                         // 2000 bytes: two segments
  auto told = sender.told();
  CHECK(told.tcp->not_captured_bytes == 2500);
  CHECK(told.tcp->missing_bytes == 2000);
  CHECK(told.loss->lost == 2);
  CHECK(told.loss->of == 5);
}

TEST_CASE("a hole that is filled in part") {
  Sender sender;
  sender.data(0, 1).data(1, 4001).data(50, 2001);
  auto told = sender.told();
  CHECK(told.tcp->missing_bytes == 2000);
  CHECK(told.tcp->retransmitted == 1);
}

TEST_CASE("the same packet, captured twice, was not sent again") {
  Sender sender;
  sender.data(0, 1, kBytes, 7).data(0.01, 1, kBytes, 7).data(50, 1, kBytes, 8);
  auto told = sender.told();
  CHECK(told.duplicates == 1);
  CHECK(told.tcp->retransmitted == 1);
  CHECK(told.tcp->segments == 2);
}

TEST_CASE("without ids the same packet cannot be sent again so soon") {
  Sender sender;
  sender.data(0, 1).data(0.1, 1).data(50, 1).data(50.1, 1);
  auto told = sender.told();
  CHECK(told.duplicates == 2);
  CHECK(told.tcp->retransmitted == 1);
  CHECK(told.loss->of == 2);
  Sender near; // where a round trip is shorter than that, it can
  near.round_trip = std::chrono::microseconds(50);
  near.data(0, 1).data(0.1, 1);
  CHECK(near.told().tcp->retransmitted == 1);
}

TEST_CASE("a question whether the other end lives is no segment") {
  Sender sender;
  sender.data(0, 1).data(1000, 1000, 1);
  auto told = sender.told();
  CHECK(told.tcp->keep_alives == 1);
  CHECK(told.tcp->retransmitted == 0);
}

TEST_CASE("a question without a byte, and a byte that is sent again") {
  Sender sender;
  sender.data(0, 1).ack(1, 1001).data(1000, 1000, 0).data(2000, 1000, 1);
  CHECK(sender.told().tcp->keep_alives == 2);

  Sender small; // each segment is one byte: not acknowledged, so no question
  small.data(0, 1, 1).ack(1, 2).data(2, 2, 1).data(300, 2, 1).ack(301, 3);
  auto told = small.told();
  CHECK(told.tcp->keep_alives == 0);
  CHECK(told.tcp->retransmitted == 1);
}

TEST_CASE("the same ports serve a new connection") {
  Sender sender;
  sender.syn(0, 500).data(1, 501).syn(2, 900'000'000).data(3, 900'000'001);
  auto told = sender.told();
  CHECK(told.tcp->segments == 4);
  CHECK(told.tcp->retransmitted == 0);
  CHECK(told.tcp->missing_bytes == 0);
  CHECK(told.tcp->strange == 0);
}

TEST_CASE("numbers far from all others") {
  Sender sender;
  sender.data(0, 1).data(1, 1 + (1u << 31)).ack(2, 1u << 31).data(3, 1001);
  auto told = sender.told();
  CHECK(told.tcp->strange == 1);
  CHECK(told.tcp->missing_bytes == 0);
  CHECK(sender.delays.count() == 0);
}

TEST_CASE("behind a gap in the capture the connection goes on") {
  Sender sender;
  constexpr uint32_t kFar = 1'500'000'000;
  sender.data(0, 1).ack(1, 1001);
  for (uint32_t i = 0; i < 10; ++i)
    sender.data(100 + i, kFar + i * kBytes);
  sender.ack(120, kFar + 10 * kBytes);
  auto told = sender.told();
  CHECK(told.tcp->strange == 0);
  CHECK(told.tcp->segments == 11);
  CHECK(told.tcp->retransmitted == 0);
  CHECK(told.tcp->missing_bytes == 0);
  CHECK(sender.delays.count() == 10); // not of the first behind it
}

TEST_CASE("more holes and open segments than are kept") {
  Sender sender;
  for (uint32_t i = 0; i < 2000; ++i)
    sender.data(i, 1 + 2 * kBytes * i);
  auto told = sender.told();
  CHECK(told.tcp->missing_bytes == 1999 * kBytes);
  CHECK(told.loss->lost == 1999);
  sender.data(9000, 1 + kBytes); // of a hole that was given up: lost once
  CHECK(sender.told().loss->lost == 1999);
}
