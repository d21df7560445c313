// Two QEMUs of our own with the lab guest in the source, ready to migrate.
#pragma once

#include "tools/event_loop.h"
#include "tools/lab/child_process.h"
#include "tools/lab/console.h"
#include "tools/lab/lab_network.h"
#include "tools/temp_dir.h"

namespace migscope::tools {

enum class LabGuest { bare, linux_kernel };

struct LabOptions {
  LabGuest guest = LabGuest::bare;
  LabNetworkOptions network; // of the guest with the Linux one alone
  std::string qemu = "qemu-system-x86_64";
  std::vector<std::string> qemu_args; // added to both command lines
  std::string memory = "256M";        // QEMU's -m
  // The guest's workload; tools/lab/guest/README.md has the words.
  std::string workload = "cold=64M hot=16M rate=2000 content=text";
  // Both QEMUs write logs, with times, for their trace.
  bool logs = false;
  // Milliseconds between HB lines, unless the workload says; 0 is none.
  int heartbeat_ms = 2;
};

class Lab {
public:
  // Starts both and waits until the guest says that it is ready. With a network
  // this process is in a namespace of its own from then on.
  // `clock` outlives it.
  [[nodiscard]] static Result<std::unique_ptr<Lab>>
  start(EventLoop& loop, Clock& clock, const LabOptions& options);

  // From now on the guests' consoles, from their first byte on, are stored in
  // `session`.
  [[nodiscard]] Status store_consoles(const std::filesystem::path& session);
  // Lets the guest go on after its migration until some of its heartbeats have
  // come from the destination; not for long where none do.
  void watch_guest(EventLoop& loop);
  // Ends both QEMUs, stores what they still wrote. Returns the first failure
  // to store.
  [[nodiscard]] Status end();

  [[nodiscard]] std::filesystem::path source_monitor() const;
  [[nodiscard]] std::filesystem::path destination_monitor() const;
  // Where LabOptions::logs go.
  [[nodiscard]] std::filesystem::path source_log() const;
  [[nodiscard]] std::filesystem::path destination_log() const;
  // A directory for further sockets, gone with the lab.
  [[nodiscard]] const std::filesystem::path& directory() const;
  // What the destination said last on its standard error: why it refused.
  [[nodiscard]] std::string destination_last_words() const;
  // The guest's own account of its memory: "READY cold=... hot=...".
  [[nodiscard]] const std::string& ready_line() const { return ready_; }

private:
  Lab() = default;

  [[nodiscard]] Status write_guest(const LabOptions& options);
  [[nodiscard]] Status open_consoles(Clock& clock);
  [[nodiscard]] Status spawn(const LabOptions& options);
  [[nodiscard]] Status wait_until_ready(EventLoop& loop, Nanos patience);
  [[nodiscard]] std::vector<std::string>
  guest_arguments(const LabOptions& options, const std::string& name) const;
  [[nodiscard]] std::vector<std::string>
  command_line(const LabOptions& options, const std::string& name) const;

  // Destroyed last to first: the QEMUs end before nobody reads what their
  // guests write, and before their directory goes.
  std::unique_ptr<TempDir> directory_;
  std::unique_ptr<Console> source_console_, destination_console_;
  std::unique_ptr<ChildProcess> source_, destination_;
  std::string ready_;
  std::filesystem::path kernel_; // of the guest
};

} // namespace migscope::tools
