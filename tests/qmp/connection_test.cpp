#include "qmp/connection.h"

#include "tests/support/scripted_monitor.h"

#include <chrono>
#include <csignal>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <future>
#include <netdb.h>
#include <unistd.h>
#include <uv.h>

using namespace migscope;
using namespace migscope::qmp;
using namespace std::chrono_literals;
using Kind = Address::Kind;
using migscope::testing::ScriptedMonitor;
using Peer = ScriptedMonitor::Peer;

namespace {

constexpr SessionTimeouts kShort{200ms, 300ms};

// A connection with its own loop. At the end the loop must be empty: nothing
// of libuv's may be left behind.
struct Client {
  uv_loop_t loop;
  SystemClock clock;
  std::vector<std::string> events;
  std::optional<Version> version;
  std::optional<Error> error;
  std::unique_ptr<Connection> connection;
  std::function<void()> on_ready = [] {};

  explicit Client(const Address& address, SessionTimeouts timeouts = {}) {
    uv_loop_init(&loop);
    Session::Output output;
    output.event = [this](const Event& event, ClockReading) {
      events.push_back(event.name);
    };
    output.ready = [this](const Version& seen) {
      version = seen;
      on_ready();
    };
    output.closed = [this](const Error& why) { error = why; };
    connection = std::make_unique<Connection>(&loop, address, clock,
                                              std::move(output), timeouts);
  }
  ~Client() {
    connection.reset();
    CHECK(run([this] { return uv_loop_alive(&loop) == 0; }));
    CHECK(uv_loop_close(&loop) == 0);
  }

  // Runs the loop until `done`; false after five seconds without it.
  bool run(const std::function<bool()>& done) {
    auto end = std::chrono::steady_clock::now() + 5s;
    while (!done() && std::chrono::steady_clock::now() < end)
      if (uv_run(&loop, UV_RUN_ONCE) == 0 && !done())
        return false;
    return done();
  }
  bool run_until_closed() {
    return run([this] { return error.has_value(); });
  }
};

std::string told(const Client& client) {
  return client.error ? client.error->message : "";
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

struct TempDir {
  std::string path =
      (std::filesystem::temp_directory_path() / "qmp-XXXXXX").string();
  TempDir() { REQUIRE(mkdtemp(path.data())); }
  ~TempDir() { std::filesystem::remove_all(path); }
};

const Kind kKinds[] = {Kind::unix_socket, Kind::tcp};

} // namespace

TEST_CASE("a dialogue over a real socket") {
  for (Kind kind : kKinds) {
    ScriptedMonitor monitor(kind, [](Peer& peer) {
      peer.negotiate();
      std::string line = peer.hear();
      peer.say("{\"timestamp\":{\"seconds\":1,\"microseconds\":2},"
               "\"event\":\"STOP\"}\r\n");
      peer.answer(line, "{\"status\":\"active\"}");
      peer.hear();
    });
    Client client(monitor.address());
    std::optional<std::string> status;
    client.on_ready = [&] {
      client.connection->session().execute(
          "query-migrate", Json(), [&](const Result<Json>& reply) {
            REQUIRE(reply);
            status = reply->get("status").as_string();
          });
    };
    CHECK(client.run([&] { return status.has_value(); }));
    CHECK(status == "active");
    CHECK(client.events == std::vector<std::string>{"STOP"});
    REQUIRE(client.version);
    CHECK(to_string(*client.version) == "10.0.2 (scripted)");
    auto pid = client.connection->peer_pid();
    CHECK(pid.has_value() == (kind == Kind::unix_socket));
    CHECK(pid.value_or(getpid()) == getpid()); // the script runs in this one
    CHECK_FALSE(client.error);
  }
}

namespace {

bool resolves(const char* name) {
  addrinfo* found = nullptr;
  bool there = getaddrinfo(name, nullptr, nullptr, &found) == 0;
  if (there)
    freeaddrinfo(found);
  return there;
}

} // namespace

TEST_CASE("a host name is resolved, and each of its addresses tried") {
  if (!resolves("localhost")) {
    MESSAGE("not run: this machine has no /etc/hosts that names localhost");
    return;
  }
  // localhost may be ::1 first, where this monitor does not listen.
  ScriptedMonitor monitor(Kind::tcp, [](Peer& peer) {
    peer.negotiate();
    peer.hear();
  });
  Address address = monitor.address();
  address.host = "localhost";
  Client client(address);
  CHECK(client.run([&] { return client.version.has_value(); }));
}

TEST_CASE("replies of megabytes come through whole") {
  for (Kind kind : kKinds) {
    std::string big(5 << 20, 'x');
    ScriptedMonitor monitor(kind, [&](Peer& peer) {
      peer.negotiate();
      peer.answer(peer.hear(), "\"" + big + "\"");
      peer.hear();
    });
    Client client(monitor.address());
    std::optional<std::string> got;
    client.connection->session().execute(
        "q", Json(),
        [&](const Result<Json>& reply) { got = reply->as_string(); });
    CHECK(client.run([&] { return got.has_value(); }));
    CHECK(got == big);
  }
}

TEST_CASE("commands larger than the socket's buffer are sent whole") {
  for (Kind kind : kKinds) {
    std::string big(5 << 20, 'y');
    std::atomic<size_t> heard = 0;
    ScriptedMonitor monitor(kind, [&](Peer& peer) {
      peer.negotiate();
      std::string line = peer.hear();
      heard = line.size();
      peer.answer(line, "1");
      peer.hear();
    });
    Client client(monitor.address());
    bool done = false;
    client.connection->session().execute(
        "q", Json::of(big),
        [&](const Result<Json>& reply) { done = reply.has_value(); });
    CHECK(client.run([&] { return done; }));
    CHECK(heard > big.size());
  }
}

TEST_CASE("a peer that never speaks") {
  for (Kind kind : kKinds) {
    ScriptedMonitor monitor(kind, [](Peer& peer) { peer.hear(); });
    Client client(monitor.address(), kShort);
    REQUIRE(client.run_until_closed());
    CHECK(client.error->kind == ErrorKind::timeout);
    CHECK(client.error->where == to_string(monitor.address()));
    CHECK(has(told(client), "serves one client at a time"));
  }
}

TEST_CASE("a peer that stops answering") {
  ScriptedMonitor monitor(Kind::unix_socket, [](Peer& peer) {
    peer.negotiate();
    peer.hear();
    peer.hear();
  });
  Client client(monitor.address(), {5s, 200ms});
  std::optional<Error> failure;
  client.connection->session().execute(
      "q", Json(), [&](const Result<Json>& reply) { failure = reply.error(); });
  REQUIRE(client.run_until_closed());
  REQUIRE(failure);
  CHECK(failure->kind == ErrorKind::timeout);
  CHECK(told(client) == "no reply to q within 0.2 s");
}

TEST_CASE("a peer that closes: at once, mid-line, after events") {
  for (Kind kind : kKinds) {
    ScriptedMonitor silent(kind, [](Peer&) {});
    Client first(silent.address());
    REQUIRE(first.run_until_closed());
    CHECK(first.error->kind == ErrorKind::io);
    CHECK(told(first) == "the monitor closed without a greeting");

    ScriptedMonitor torn(kind, [](Peer& peer) {
      peer.negotiate();
      peer.say("{\"event\": \"ST");
    });
    Client second(torn.address());
    REQUIRE(second.run_until_closed());
    CHECK(second.error->kind == ErrorKind::protocol);
    CHECK(has(told(second), "in the middle of a line, after 13 bytes"));
  }
}

TEST_CASE("garbage closes the connection") {
  ScriptedMonitor monitor(Kind::tcp, [](Peer& peer) {
    peer.say("HTTP/1.1 400 Bad Request\r\n\r\n");
    peer.hear();
  });
  Client client(monitor.address());
  REQUIRE(client.run_until_closed());
  CHECK(client.error->kind == ErrorKind::protocol);
  CHECK(has(told(client), "HTTP/1.1 400"));
  // The peer sees the end too: its hear() returns, and the script ends.
  client.run([] { return false; });
  monitor.wait();
}

TEST_CASE("writing to a peer that is gone neither kills nor hides its words") {
  signal(SIGPIPE, SIG_DFL);
  for (Kind kind : kKinds) {
    std::promise<void> go;
    ScriptedMonitor monitor(kind, [&](Peer& peer) {
      peer.negotiate();
      go.get_future().wait();
      peer.say("{\"timestamp\":{\"seconds\":1,\"microseconds\":2},"
               "\"event\":\"SHUTDOWN\"}\r\n");
    });
    Client client(monitor.address());
    CHECK(client.run([&] { return client.version.has_value(); }));
    go.set_value();
    monitor.wait();
    // From outside the loop: the write fails before anything is read.
    client.connection->session().execute("q", Json(),
                                         [](const Result<Json>&) {});
    REQUIRE(client.run_until_closed());
    CHECK(client.events == std::vector<std::string>{"SHUTDOWN"});
    CHECK(told(client) ==
          "the monitor closed the connection and left q unanswered");
  }
  struct sigaction action {};
  sigaction(SIGPIPE, nullptr, &action);
  CHECK((action.sa_handler == SIG_IGN));
}

TEST_CASE("connecting fails with what it means") {
  TempDir directory;
  Address address{Kind::unix_socket, directory.path + "/none", {}, 0};
  Client missing(address);
  CHECK_FALSE(missing.error);
  REQUIRE(missing.run_until_closed());
  CHECK(missing.error->kind == ErrorKind::io);
  CHECK(missing.error->where == "unix:" + address.path);
  CHECK(has(told(missing), "no such file or directory: there is no such "));

  std::ofstream(directory.path + "/file");
  Client stale({Kind::unix_socket, directory.path + "/file", {}, 0});
  REQUIRE(stale.run_until_closed());
  CHECK(has(told(stale), "refused: nothing listens there"));

  std::optional<Address> gone;
  {
    ScriptedMonitor monitor(Kind::tcp, [](Peer&) {});
    gone = monitor.address();
  }
  Client refused(*gone);
  REQUIRE(refused.run_until_closed());
  CHECK(has(told(refused), "refused: nothing listens on that port"));

  Client nameless({Kind::tcp, {}, "no-such-host.invalid", 1});
  REQUIRE(nameless.run_until_closed());
  CHECK(nameless.error->kind == ErrorKind::io);
  CHECK(has(told(nameless), "cannot connect: "));
}

TEST_CASE("a socket that others may not open") {
  if (geteuid() == 0)
    return; // root may open every socket
  TempDir directory;
  std::filesystem::permissions(directory.path, std::filesystem::perms::none);
  Client client({Kind::unix_socket, directory.path + "/qmp", {}, 0});
  REQUIRE(client.run_until_closed());
  CHECK(has(told(client), "this user may not open it"));
  std::filesystem::permissions(directory.path,
                               std::filesystem::perms::owner_all);
}

TEST_CASE("a connection may be destroyed in any of its handlers") {
  for (Kind kind : kKinds)
    for (const char* where : {"line", "event", "ready", "reply", "closed"}) {
      CAPTURE(where);
      ScriptedMonitor monitor(kind, [](Peer& peer) {
        peer.negotiate();
        std::string line = peer.hear();
        peer.say("{\"timestamp\":{\"seconds\":1,\"microseconds\":2},"
                 "\"event\":\"STOP\"}\r\n");
        peer.answer(line, "{}");
        peer.say("garbage\n");
      });
      uv_loop_t loop;
      uv_loop_init(&loop);
      SystemClock clock;
      std::unique_ptr<Connection> connection;
      int calls_after = 0;
      auto step = [&](std::string_view name) {
        if (!connection)
          ++calls_after;
        if (name == where)
          connection.reset();
      };
      Session::Output output;
      output.line = [&](Direction, std::string_view, ClockReading) {
        step("line");
      };
      output.event = [&](const Event&, ClockReading) { step("event"); };
      output.ready = [&](const Version&) { step("ready"); };
      output.closed = [&](const Error&) { step("closed"); };
      connection = std::make_unique<Connection>(&loop, monitor.address(), clock,
                                                std::move(output));
      for (int i = 0; i < 3; ++i)
        connection->session().execute(
            "q", Json(), [&](const Result<Json>&) { step("reply"); });
      uv_run(&loop, UV_RUN_DEFAULT);
      CHECK_FALSE(connection);
      CHECK(calls_after == 0);
      CHECK(uv_loop_close(&loop) == 0);
    }
}

TEST_CASE("a connection may be destroyed before it is made") {
  for (const char* host : {"localhost", "127.0.0.1"}) {
    uv_loop_t loop;
    uv_loop_init(&loop);
    SystemClock clock;
    Address address{Kind::tcp, {}, host, 1};
    auto called = [](const Error&) { FAIL("a handler was called"); };
    auto connection = std::make_unique<Connection>(
        &loop, address, clock, Session::Output{{}, {}, {}, {}, called});
    connection.reset();
    uv_run(&loop, UV_RUN_DEFAULT);
    connection = std::make_unique<Connection>(
        &loop, address, clock, Session::Output{{}, {}, {}, {}, called});
    uv_run(&loop, UV_RUN_NOWAIT); // looking up or connecting now
    connection.reset();
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop) == 0);
  }
}
