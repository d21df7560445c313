// `migscope probe --pcap`: the service figures of traffic that somebody
// captured.
#pragma once

#include "tools/exit_status.h"

#include <optional>
#include <string>

namespace migscope::tools {

struct PcapOptions {
  std::string file;             // pcap or pcapng
  std::string filter;           // of pcap-filter(7); empty: all packets
  bool json = false;            // instead of text
  std::optional<int> rtp_clock; // Hz, of dynamic payload types; above 0
  // A recording that was made on the host of the capture; its pause is told in
  // the silences. Empty: none.
  std::string session;
};

// Prints the figures, or the error. `incomplete` where the file is damaged.
[[nodiscard]] ExitStatus run_probe_pcap(const PcapOptions& options);

} // namespace migscope::tools
