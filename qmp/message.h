// The four kinds of line that a QMP server sends (QEMU docs/interop/qmp-spec,
// 7.2 to 11.1).
#pragma once

#include "base/clock.h"
#include "qmp/json.h"

#include <variant>

namespace migscope::qmp {

struct Version {
  int major = 0;
  int minor = 0;
  int micro = 0;
  std::string package; // distributor's text, may be empty
};

struct Greeting {
  Version version;
};

struct Reply {
  uint64_t id = 0;
  Json value;
};

struct ErrorReply {
  std::optional<uint64_t> id; // absent where QEMU could not read the command
  std::string error_class;    // "GenericError", "CommandNotFound", ...
  std::string description;
};

struct Event {
  std::string name; // "STOP", "MIGRATION_PASS", ...
  // QEMU's host, microsecond resolution, taken at emission; 0 where QEMU could
  // not read its clock.
  WallTime timestamp;
  Json data; // null where the event carries none
};

using Message = std::variant<Greeting, Reply, ErrorReply, Event>;

// Fails with kind protocol where the line is no JSON object or none of the
// four kinds, quoting the start of the line.
[[nodiscard]] Result<Message> parse_message(std::string_view line);

// "7.2.22 (Debian 1:7.2+dfsg-7)"
[[nodiscard]] std::string to_string(const Version& version);

// Reads {major, minor, micro} under "qemu" and "package", as in the greeting
// and in query-version.
[[nodiscard]] std::optional<Version> decode_version(const Json& value);

} // namespace migscope::qmp
