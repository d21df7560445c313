// session.json: what a recording is and how it ended. The keys are documented
// in docs/session-format.md.
#pragma once

#include "qmp/json.h"
#include "qmp/message.h"

#include <filesystem>
#include <functional>

namespace migscope::captures {

inline constexpr int kSessionFormat = 1;

// One monitor, as found when it was attached.
struct EndInfo {
  std::string address;
  bool local = false; // certainly on the recording host
  qmp::Version version;
  qmp::Json machine;      // reply to qom-get /machine type
  qmp::Json parameters;   // reply to query-migrate-parameters
  qmp::Json capabilities; // reply to query-migrate-capabilities
};

// One stream connection through the tee (or stdin).
struct ChannelInfo {
  int number = 0;
  uint64_t bytes = 0;        // source to destination
  uint64_t return_bytes = 0; // destination to source
  // Set where storing stopped before the stream did, with the reason.
  std::optional<std::string> store_error;
  // Total time for which the stream had to wait for our storage.
  Nanos stalled{0};
};

struct Manifest {
  std::string tool_version;
  qmp::Json options; // the verb and what it was asked to do
  ClockReading started;
  std::optional<ClockReading> ended; // absent: cut off (killed)
  std::optional<EndInfo> source, destination;
  std::vector<ChannelInfo> channels;
  // "completed", "failed", "cancelled", "interrupted", "disconnected"; empty
  // while running.
  std::string outcome;
  std::string outcome_detail; // QEMU's reason, where there is one
};

// Replaces PATH/session.json as a whole (write, then rename), mode 0600.
[[nodiscard]] Status write_manifest(const std::filesystem::path& session,
                                    const Manifest& manifest);

// The text of a session.json. Fails naming the format version found and the
// newest one readable.
[[nodiscard]] Result<Manifest> parse_manifest(std::string_view text);

// Fails as parse_manifest() does, or says what the path is instead.
[[nodiscard]] Result<Manifest>
read_manifest(const std::filesystem::path& session);

} // namespace migscope::captures
