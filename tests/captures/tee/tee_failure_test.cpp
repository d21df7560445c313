#include "tests/captures/tee/peers.h"

#include <csignal>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>

using namespace migscope;
using namespace migscope::captures;
using namespace migscope::testing;

namespace {

// The next close sends a reset instead of an orderly end.
void close_with_reset(Fd& fd) {
  linger now{1, 0};
  REQUIRE(::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0);
  fd.reset();
}

} // namespace

TEST_CASE("a destination that refuses") {
  TeeFixture f;
  f.destination.reset();
  f.start();
  Fd first = connect_to(f.front);
  CHECK(f.loop.run_until([&] { return f.problems.size() == 1; }));
  CHECK(receive_all(first).empty()); // closed
  CHECK(f.problems[0].kind == ErrorKind::io);
  CHECK(f.problems[0].message ==
        "channel 0: connect to " + to_string(f.back) + ": connection refused");
  CHECK(f.opened.empty());
  CHECK(f.tee->open_connections() == 0);
  CHECK(f.tee->channels().empty());
  CHECK_FALSE(std::filesystem::exists(f.dir / "channel-0.zst"));
}

TEST_CASE("after a refusal the next connection has the next number") {
  TeeFixture f;
  Address late = f.unix_address("late");
  f.back = late;
  f.start();
  Fd first = connect_to(f.front);
  CHECK(f.loop.run_until([&] { return f.problems.size() == 1; }));
  f.destination = listen_on(late);
  Fd second = connect_to(f.front);
  CHECK(f.loop.run_until([&] { return !f.opened.empty(); }));
  CHECK(f.opened == std::vector<int>{1});
}

TEST_CASE("a source that dies: what it said reaches destination and file") {
  TeeFixture f;
  f.front = {Address::Kind::tcp, {}, "127.0.0.1", 0};
  f.start();
  Fd source = connect_to(f.front);
  Fd peer = f.accept_peer();
  const Bytes bytes = pattern(0, 400'000); // more than a socket holds
  std::thread sender([&] { send_all(source, bytes); });
  CHECK(f.loop.run_until([&] {
    auto channels = f.tee->channels();
    return !channels.empty() && channels[0].bytes == bytes.size();
  }));
  sender.join();
  close_with_reset(source);
  Bytes at_destination;
  std::thread receiver([&] { at_destination = receive_all(peer); });
  CHECK(f.run_until_closed(1));
  receiver.join();
  CHECK((at_destination == bytes));
  CHECK((f.stored("channel-0.zst") == bytes));
}

TEST_CASE("a source that dies without having read the return path") {
  TeeFixture f;
  f.start();
  Fd source = connect_to(f.front);
  Fd peer = f.accept_peer();
  send_all(peer, pattern(9, 1000));
  send_all(source, pattern(0, 1000));
  CHECK(f.loop.run_until([&] {
    auto channels = f.tee->channels();
    return !channels.empty() && channels[0].return_bytes == 1000;
  }));
  source.reset(); // unread bytes make this a reset on a unix socket
  CHECK(f.run_until_closed(1));
  CHECK((receive_all(peer) == pattern(0, 1000)));
  CHECK((f.stored("channel-0.zst") == pattern(0, 1000)));
  CHECK((f.stored("channel-0.return.zst") == pattern(9, 1000)));
}

TEST_CASE("a destination that dies: the source is told, all is stored") {
  TeeFixture f;
  f.start();
  Fd source = connect_to(f.front);
  Fd peer = f.accept_peer();
  send_all(peer, pattern(7, 333)); // its last words
  size_t sent = 0;
  std::thread sender([&] { sent = send_all(source, pattern(0, 50u << 20)); });
  std::thread receiver([&] {
    CHECK(receive_all(peer, 3'000'000).size() == 3'000'000);
    peer.reset();
  });
  CHECK(f.run_until_closed(1));
  sender.join();
  receiver.join();
  CHECK(sent < (50u << 20));
  Bytes stored = f.stored("channel-0.zst");
  CHECK(stored.size() >= 3'000'000);
  CHECK(stored.size() == f.closed[0].bytes);
  // Nothing that the source got rid of is missing.
  CHECK(stored.size() >= sent);
  CHECK((stored == pattern(0, stored.size())));
  CHECK((f.stored("channel-0.return.zst") == pattern(7, 333)));
}

TEST_CASE("without a place to store, the migration goes on") {
  TeeFixture f;
  f.start(f.dir / "missing");
  const Bytes bytes = pattern(0, 5'000'000);
  Bytes at_destination;
  std::thread source([&] { send_all(connect_to(f.front), bytes); });
  std::thread destination(
      [&] { at_destination = receive_all(accept_from(f.destination)); });
  CHECK(f.run_until_closed(1));
  source.join();
  destination.join();
  CHECK((at_destination == bytes));
  CHECK(f.closed[0].bytes == bytes.size());
  REQUIRE(f.closed[0].store_error);
  CHECK(f.closed[0].store_error->find("channel-0.zst") != std::string::npos);
  CHECK(f.problems.size() >= 2); // one a file that was to be written by then
  CHECK(f.problems[0].message.find("forwarding goes on") != std::string::npos);
}

TEST_CASE("a disk that fills up does not stop the migration") {
  TeeFixture f;
  pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{1u << 20, 1u << 20};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    f.start();
    const Bytes bytes = pattern(0, 30u << 20);
    Bytes at_destination;
    std::thread source([&] { send_all(connect_to(f.front), bytes); });
    std::thread destination(
        [&] { at_destination = receive_all(accept_from(f.destination)); });
    bool closed = f.run_until_closed(1);
    source.join();
    destination.join();
    ::_exit(closed && at_destination == bytes && f.closed[0].store_error &&
                    f.closed[0].bytes == bytes.size() && f.problems.size() == 1
                ? 0
                : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  auto reader = ChannelReader::open(f.dir / "channel-0.zst");
  REQUIRE(reader);
  CHECK((*reader)->bytes() >= (1u << 20));
  CHECK((*reader)->torn());
}
