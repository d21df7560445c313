// A network for the lab's guest: a bridge with a port for each QEMU, as between
// two hosts on one switch. The switch learns that the guest has moved when the
// destination announces it, as a real one does.
#pragma once

#include "base/error.h"

#include <filesystem>
#include <string>
#include <vector>

namespace migscope::tools {

class LabNetwork {
public:
  // Moves this process to a network namespace of its own and makes bridge and
  // ports there; they go with the last process in it, however it ends. To be
  // called while there is one thread. Wants root and `ip` of iproute2.
  // `scratch`: a folder for a moment.
  [[nodiscard]] static Status enter(const std::filesystem::path& scratch);

  static constexpr const char* kHost = "10.77.0.1/24";
  static constexpr const char* kGuest = "10.77.0.2";
  static constexpr const char* kGuestWithPrefix = "10.77.0.2/24";
  // QEMU's words for the network card at one end ("source", "destination").
  [[nodiscard]] static std::vector<std::string>
  qemu_arguments(const std::string& end);
};

} // namespace migscope::tools
