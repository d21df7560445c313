// Option values that several verbs share.
#pragma once

#include "base/address.h"
#include "base/clock.h"
#include "qmp/json.h"

#include <vector>

namespace migscope::tools {

// Addresses given by name in the error ("--source").
[[nodiscard]] Result<Address> address_option(const char* option,
                                             const std::string& text);

// --capability k=on|off (k alone: on) and --parameter k=v, as QEMU's commands
// take them. A value that reads as a number or boolean is sent as one.
[[nodiscard]] Result<qmp::Json>
capability_arguments(const std::vector<std::string>& words);
[[nodiscard]] Result<qmp::Json>
parameter_arguments(const std::vector<std::string>& words);

// "PROGRAM analyze PATH", quoted for a shell where needed; `what` in place of
// "analyze".
[[nodiscard]] std::string analyze_command(const std::string& program,
                                          const std::string& path,
                                          std::string_view what = "analyze");

// Tells on standard error what was recorded and how to go on.
void announce_recording(const std::string& path);

} // namespace migscope::tools
