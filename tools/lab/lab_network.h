// Networks for the lab: one for its guest, and a link for the migration.
#pragma once

#include "base/error.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace migscope::tools {

struct LabNetworkOptions {
  // A bridge with a port for each QEMU's guest, as between two hosts on one
  // switch. It learns that the guest has moved when the destination announces
  // it, as a real one does.
  bool guest = false;
  // The migration goes by TCP over a link of so many bits/s (tc-tbf): unlike
  // QEMU's max-bandwidth it holds in the pause, too.
  std::optional<uint64_t> link_bits;
};

class LabNetwork {
public:
  // Moves this process to a network namespace of its own and makes all that
  // there; it goes with the last process in it, however that ends. To be called
  // while there is one thread. Wants root, and `ip` and `tc` of iproute2.
  // `scratch`: a folder for a moment.
  [[nodiscard]] static Status enter(const LabNetworkOptions& options,
                                    const std::filesystem::path& scratch);

  static constexpr const char* kHost = "10.77.0.1/24";
  static constexpr const char* kGuest = "10.77.0.2";
  static constexpr const char* kGuestWithPrefix = "10.77.0.2/24";
  // Where a migration over the link listens, as QEMU takes it.
  static constexpr const char* kMigration = "tcp:127.0.0.1:4444";
  // QEMU's words for the network card at one end ("source", "destination").
  [[nodiscard]] static std::vector<std::string>
  qemu_arguments(const std::string& end);
};

} // namespace migscope::tools
