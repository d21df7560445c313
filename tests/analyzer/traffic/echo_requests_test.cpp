#include "analyzer/traffic/echo_requests.h"
#include "tests/analyzer/traffic/at.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using test::at;

namespace {

struct Exchange {
  EchoRequests echo;
  Samples delays;
  SampleBudget budget;
  Jitter jitter;
  TrafficDirection requests, replies;

  void reply(uint16_t sequence, double ms) {
    echo.reply(sequence, at(ms), delays, budget, jitter);
  }
  void tell(double end, bool with_replies = true) {
    echo.tell(requests, with_replies ? &replies : nullptr, at(end));
  }
};

} // namespace

TEST_CASE("requests and their replies, around the end of the numbers") {
  Exchange exchange;
  for (int i = 0; i < 10; ++i) {
    auto sequence = static_cast<uint16_t>(65530 + i);
    exchange.echo.request(sequence, at(100 * i));
    if (i != 7)
      exchange.reply(sequence, 100 * i + 2);
  }
  exchange.tell(5000);
  CHECK(exchange.delays.count() == 9);
  CHECK(exchange.delays.median() == doctest::Approx(2));
  CHECK(exchange.requests.loss->lost == 1);
  CHECK(exchange.requests.loss->percent == 10);
  CHECK(exchange.requests.echo->answered == 9);
  CHECK_FALSE(exchange.replies.loss);
}

TEST_CASE("without a reply at all nothing is known of a loss") {
  Exchange exchange;
  exchange.echo.request(1, at(0));
  exchange.tell(5000, false);
  CHECK_FALSE(exchange.requests.loss);
}

TEST_CASE("a request near the end is open") {
  Exchange exchange;
  exchange.echo.request(1, at(0));
  exchange.reply(1, 1);
  exchange.echo.request(2, at(4500));
  exchange.tell(5000);
  CHECK(exchange.requests.echo->open == 1);
  CHECK(exchange.requests.loss->of == 1);
  CHECK(exchange.requests.loss->lost == 0);
}

TEST_CASE("twice, and overtaken") {
  Exchange exchange;
  for (uint16_t i = 0; i < 3; ++i)
    exchange.echo.request(i, at(i));
  exchange.echo.request(2, at(3));
  exchange.reply(1, 5);
  exchange.reply(0, 6);
  exchange.reply(0, 7);
  exchange.reply(99, 8); // of nothing that was asked
  exchange.tell(9);
  CHECK(exchange.requests.duplicates == 1);
  CHECK(exchange.replies.duplicates == 1);
  CHECK(exchange.replies.reordered == 1);
  CHECK(exchange.delays.count() == 2);
}

TEST_CASE("many on their way are not lost") {
  Exchange exchange; // ten in a millisecond, all answered after one second
  constexpr int kRequests = 30'000;
  for (int i = 0; i < kRequests; ++i) {
    exchange.echo.request(static_cast<uint16_t>(i), at(i / 10.0));
    if (i >= 10'000)
      exchange.reply(static_cast<uint16_t>(i - 10'000), i / 10.0);
  }
  exchange.tell((kRequests - 1) / 10.0);
  CHECK(exchange.requests.echo->answered == 20'000);
  CHECK(exchange.requests.loss->lost == 0);
  CHECK(exchange.delays.max() == doctest::Approx(1000));
}

TEST_CASE("requests that nothing answers are not kept for ever") {
  Exchange exchange;
  constexpr int kRequests = 100'000;
  for (int i = 0; i < kRequests; ++i)
    exchange.echo.request(static_cast<uint16_t>(i), at(i));
  exchange.tell(1e6);
  CHECK(exchange.requests.loss->lost == kRequests);
  CHECK(exchange.requests.duplicates == 0);
}
