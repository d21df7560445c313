// A monitor for tests: a thread that listens on a real socket, serves one
// client and does what its script says.
#pragma once

#include "base/address.h"

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace migscope::testing {

class ScriptedMonitor {
public:
  // The client's end as the script sees it. Nothing here fails: where the
  // client is gone, hear() gives an empty line.
  class Peer {
  public:
    explicit Peer(int fd) : fd_(fd) {}
    void say(std::string_view text);
    std::string hear(); // one line without its end
    // Greets, hears qmp_capabilities and accepts it.
    void negotiate();
    // Answers the command on `line` with `value`, JSON text.
    void answer(std::string_view line, std::string_view value);

  private:
    int fd_;
    std::string unread_;
  };
  using Script = std::function<void(Peer&)>;

  // The socket listens when this returns. After the script the client's
  // connection is closed.
  ScriptedMonitor(Address::Kind kind, Script script);
  ~ScriptedMonitor();
  ScriptedMonitor(const ScriptedMonitor&) = delete;
  ScriptedMonitor& operator=(const ScriptedMonitor&) = delete;

  const Address& address() const { return address_; }
  // The script has ended, and the client's connection with it.
  void wait() { thread_.join(); }

private:
  void listen_unix();
  void listen_tcp();
  void serve(const Script& script);

  std::filesystem::path directory_;
  Address address_;
  int listener_ = -1;
  std::atomic<int> client_ = -1;
  std::thread thread_;
};

} // namespace migscope::testing
