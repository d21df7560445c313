#include "tests/captures/tee/peers.h"
#include "tests/support/fake_clock.h"

#include <thread>

using namespace migscope;
using namespace migscope::captures;
using namespace migscope::testing;

TEST_CASE("both ways are forwarded and stored, half-close included") {
  TeeFixture f;
  f.start();
  const Bytes onward = pattern(0, 9'000'000), back = pattern(77, 500'000);
  Bytes at_destination, at_source;
  std::thread destination([&] {
    Fd peer = accept_from(f.destination);
    at_destination = receive_all(peer); // to the source's half-close
    send_all(peer, back);
  });
  std::thread source([&] {
    Fd peer = connect_to(f.front);
    send_all(peer, onward);
    say_no_more(peer);
    at_source = receive_all(peer);
  });
  CHECK(f.run_until_closed(1));
  source.join();
  destination.join();
  CHECK((at_destination == onward));
  CHECK((at_source == back));
  CHECK((f.stored("channel-0.zst") == onward));
  CHECK((f.stored("channel-0.return.zst") == back));
  CHECK(f.opened == std::vector<int>{0});
  REQUIRE(f.closed.size() == 1);
  CHECK(f.closed[0].bytes == onward.size());
  CHECK(f.closed[0].return_bytes == back.size());
  CHECK_FALSE(f.closed[0].store_error);
  CHECK(f.problems.empty());
  CHECK(f.tee->open_connections() == 0);
  REQUIRE(f.tee->channels().size() == 1);
  CHECK(f.tee->channels()[0].bytes == onward.size());
}

TEST_CASE("over tcp, on a port of the system's choice") {
  TeeFixture f;
  f.front = {Address::Kind::tcp, {}, "127.0.0.1", 0};
  f.back = {Address::Kind::tcp, {}, "127.0.0.1", 0};
  f.destination = listen_on(f.back);
  f.start();
  CHECK(f.front.port != 0);
  const Bytes onward = pattern(5, 3'000'000);
  Bytes at_destination;
  std::thread destination([&] {
    Fd peer = accept_from(f.destination);
    at_destination = receive_all(peer);
  });
  std::thread source([&] { send_all(connect_to(f.front), onward); });
  CHECK(f.run_until_closed(1));
  source.join();
  destination.join();
  CHECK((at_destination == onward));
  CHECK((f.stored("channel-0.zst") == onward));
}

TEST_CASE("a chunk's arrival is the time at which it was read") {
  TeeFixture f;
  FakeClock clock;
  Tee::Events events;
  int closed = 0;
  events.opened = [&](int number) { f.opened.push_back(number); };
  events.closed = [&](const ChannelInfo&) { closed++; };
  auto tee = Tee::listen(f.loop.get(), f.front, f.back, f.dir.path(), clock,
                         std::move(events));
  REQUIRE(tee);
  Fd source = connect_to(f.front);
  Fd peer = f.accept_peer();
  auto taken = [&] {
    auto channels = (*tee)->channels();
    return channels.empty() ? 0 : channels[0].bytes;
  };
  const MonoTime first = clock.now().mono;
  send_all(source, pattern(0, 10));
  CHECK(f.loop.run_until([&] { return taken() == 10; }));
  clock.advance(std::chrono::seconds(3));
  send_all(source, pattern(10, 5));
  source.reset();
  peer.reset();
  CHECK(f.loop.run_until([&] { return closed == 1; }));
  auto reader = ChannelReader::open(f.dir / "channel-0.zst");
  REQUIRE(reader);
  CHECK(arrival_of((*reader)->chunks(), 9) == first);
  CHECK(arrival_of((*reader)->chunks(), 10) == first + std::chrono::seconds(3));
}

TEST_CASE("many connections at once, at a destination with a small backlog") {
  constexpr size_t kCount = 40;
  TeeFixture f;
  Address back = f.unix_address("small");
  f.destination = listen_on(back, 1);
  f.back = back;
  f.start();
  std::vector<std::thread> threads;
  std::atomic<size_t> right = 0;
  for (size_t i = 0; i < kCount; i++) {
    threads.emplace_back([&f, &right, i] {
      const Bytes bytes = pattern(i * 1000, 100'000 + i);
      Fd peer = connect_to(f.front);
      send_all(peer, bytes);
      say_no_more(peer);
      right += receive_all(peer) == bytes;
    });
    threads.emplace_back([&f] { // echoes
      Fd peer = accept_from(f.destination);
      send_all(peer, receive_all(peer));
    });
  }
  CHECK(f.run_until_closed(kCount));
  for (auto& thread : threads)
    thread.join();
  CHECK(right == kCount);
  auto channels = f.tee->channels();
  REQUIRE(channels.size() == kCount);
  for (size_t i = 0; i < kCount; i++) {
    CHECK(channels[i].number == static_cast<int>(i));
    CHECK(channels[i].bytes == channels[i].return_bytes);
    auto name = "channel-" + std::to_string(i);
    CHECK((f.stored((name + ".zst").c_str()) ==
           f.stored((name + ".return.zst").c_str())));
  }
}

TEST_CASE("a destination that does not read bounds what is taken in") {
  TeeFixture f;
  f.start();
  Fd source = connect_to(f.front);
  Fd peer = f.accept_peer();
  const Bytes bytes = pattern(0, 64u << 20);
  std::atomic<bool> all_sent = false;
  std::thread sender([&] {
    send_all(source, bytes);
    source.reset();
    all_sent = true;
  });
  CHECK(f.run_until_held_up(source));
  CHECK_FALSE(all_sent);
  // 4 MiB of the tee's and what the sockets' own buffers hold.
  CHECK(f.tee->channels()[0].bytes < (6u << 20));
  Bytes at_destination;
  std::thread receiver([&] {
    at_destination = receive_all(peer);
    peer.reset();
  });
  CHECK(f.run_until_closed(1));
  sender.join();
  receiver.join();
  CHECK((at_destination == bytes));
  CHECK((f.stored("channel-0.zst") == bytes));
}

TEST_CASE("closing cuts what is open, stores it and removes the socket") {
  TeeFixture f;
  f.start();
  Fd source = connect_to(f.front);
  Fd peer = f.accept_peer();
  CHECK(std::filesystem::exists(f.front.path));
  send_all(source, pattern(0, 100'000));
  CHECK(f.loop.run_until([&] { return !f.opened.empty(); }));
  CHECK(f.tee->open_connections() == 1);
  f.tee->close();
  CHECK_FALSE(std::filesystem::exists(f.front.path));
  CHECK(f.run_until_closed(1));
  CHECK((f.stored("channel-0.zst") == pattern(0, 100'000)));
  Bytes received = receive_all(peer);
  CHECK((received == pattern(0, received.size())));
  CHECK(receive_all(source).empty());
}

TEST_CASE("listening may end before the connections do") {
  TeeFixture f;
  f.start();
  Fd source = connect_to(f.front);
  Fd peer = f.accept_peer();
  CHECK(f.loop.run_until([&] { return !f.opened.empty(); }));
  f.tee->stop_listening();
  CHECK(connect_to(f.front).get() < 0);
  send_all(source, pattern(0, 1000));
  source.reset();
  Bytes at_destination;
  std::thread receiver([&] {
    at_destination = receive_all(peer);
    peer.reset();
  });
  CHECK(f.run_until_closed(1));
  receiver.join();
  CHECK((at_destination == pattern(0, 1000)));
  CHECK((f.stored("channel-0.zst") == pattern(0, 1000)));
}

TEST_CASE("a tee that goes takes its callbacks along, not the record") {
  TeeFixture f;
  f.start();
  Fd source = connect_to(f.front);
  Fd peer = f.accept_peer();
  send_all(source, pattern(0, 1000));
  CHECK(f.loop.run_until([&] {
    auto channels = f.tee->channels();
    return !channels.empty() && channels[0].bytes == 1000;
  }));
  f.tee.reset();
  uv_run(f.loop.get(), UV_RUN_DEFAULT); // ends: nothing is left
  CHECK(f.closed.empty());
  CHECK((f.stored("channel-0.zst") == pattern(0, 1000)));
}

TEST_CASE("a tee may end in its own callback") {
  TeeFixture f;
  f.start();
  bool ended = false;
  Tee::Events events;
  std::unique_ptr<Tee> tee;
  events.opened = [&](int number) { f.opened.push_back(number); };
  events.closed = [&](const ChannelInfo&) {
    tee.reset();
    ended = true;
  };
  auto made = Tee::listen(f.loop.get(), f.unix_address("other"), f.back,
                          f.dir.path(), f.clock, std::move(events));
  REQUIRE(made);
  tee = *std::move(made);
  Fd source = connect_to(f.unix_address("other"));
  Fd peer = f.accept_peer();
  source.reset();
  peer.reset();
  CHECK(f.loop.run_until([&] { return ended; }));
}

TEST_CASE("what cannot be listened on") {
  TeeFixture f;
  auto listen = [&](const Address& at, const Address& to) {
    return Tee::listen(f.loop.get(), at, to, f.dir.path(), f.clock, {});
  };
  CHECK_FALSE(listen(f.back, f.back)); // exists
  CHECK(std::filesystem::exists(f.back.path));
  auto nowhere = listen(f.unix_address("no/such"), f.back);
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().message.find("no such file") != std::string::npos);
  CHECK_FALSE(listen(f.unix_address(std::string(200, 'x').c_str()), f.back));
  Address bad_host{Address::Kind::tcp, {}, "no host", 1};
  CHECK_FALSE(listen(f.front, bad_host));
  CHECK_FALSE(listen(bad_host, f.back));
  CHECK_FALSE(std::filesystem::exists(f.front.path));
}
