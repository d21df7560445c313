#include "tests/support/scripted_monitor.h"

#include "qmp/json.h"

#include <arpa/inet.h>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace migscope::testing {
namespace {

constexpr std::string_view kGreeting =
    R"({"QMP": {"version": {"qemu": {"micro": 2, "minor": 0, "major": 10}, )"
    R"("package": "scripted"}, "capabilities": ["oob"]}})"
    "\r\n";

void must(bool done, const char* what) {
  if (!done)
    throw std::runtime_error(what);
}

} // namespace

void ScriptedMonitor::Peer::say(std::string_view text) {
  while (!text.empty()) {
    ssize_t sent = send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0)
      return;
    text.remove_prefix(static_cast<size_t>(sent));
  }
}

std::string ScriptedMonitor::Peer::hear() {
  size_t end;
  while ((end = unread_.find('\n')) == unread_.npos) {
    char buffer[4096];
    ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0)
      return {};
    unread_.append(buffer, static_cast<size_t>(got));
  }
  std::string line = unread_.substr(0, end);
  unread_.erase(0, end + 1);
  return line;
}

void ScriptedMonitor::Peer::negotiate() {
  say(kGreeting);
  answer(hear(), "{}");
}

void ScriptedMonitor::Peer::answer(std::string_view line,
                                   std::string_view value) {
  auto command = qmp::Json::parse(line);
  if (command)
    say("{\"return\": " + std::string(value) +
        ", \"id\": " + command->get("id").dump() + "}\r\n");
}

ScriptedMonitor::ScriptedMonitor(Address::Kind kind, Script script) {
  kind == Address::Kind::unix_socket ? listen_unix() : listen_tcp();
  thread_ = std::thread([this, script = std::move(script)] { serve(script); });
}

ScriptedMonitor::~ScriptedMonitor() {
  shutdown(listener_, SHUT_RDWR); // wakes accept
  if (int client = client_; client >= 0)
    shutdown(client, SHUT_RDWR);
  if (thread_.joinable())
    thread_.join();
  if (int client = client_; client >= 0)
    close(client);
  close(listener_);
  if (!directory_.empty())
    std::filesystem::remove_all(directory_);
}

void ScriptedMonitor::listen_unix() {
  std::string pattern =
      (std::filesystem::temp_directory_path() / "monitor-XXXXXX").string();
  must(mkdtemp(pattern.data()), "mkdtemp");
  directory_ = pattern;
  address_.path = pattern + "/qmp.sock";
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  must(address_.path.size() < sizeof to.sun_path, "path too long");
  std::memcpy(to.sun_path, address_.path.c_str(), address_.path.size());
  listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  must(bind(listener_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0,
       "bind");
  must(listen(listener_, 1) == 0, "listen");
}

void ScriptedMonitor::listen_tcp() {
  sockaddr_in to{};
  socklen_t size = sizeof to;
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto* plain = reinterpret_cast<sockaddr*>(&to);
  must(bind(listener_, plain, size) == 0, "bind");
  must(listen(listener_, 1) == 0, "listen");
  must(getsockname(listener_, plain, &size) == 0, "getsockname");
  address_ = {Address::Kind::tcp, {}, "127.0.0.1", ntohs(to.sin_port)};
}

// The descriptor stays open until the destructor, which may shut it down at
// any time; the client sees the end of the connection all the same.
void ScriptedMonitor::serve(const Script& script) {
  int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  client_ = client;
  if (client >= 0) {
    Peer peer(client);
    script(peer);
    shutdown(client, SHUT_RDWR);
  }
}

} // namespace migscope::testing
