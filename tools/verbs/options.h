// Option values that several verbs share.
#pragma once

#include "base/address.h"
#include "base/clock.h"

#include <string>

namespace migscope::tools {

// Addresses given by name in the error ("--source").
[[nodiscard]] Result<Address> address_option(const char* option,
                                             const std::string& text);

// "PROGRAM analyze PATH", quoted for a shell where needed; `what` in place of
// "analyze".
[[nodiscard]] std::string analyze_command(const std::string& program,
                                          const std::string& path,
                                          std::string_view what = "analyze");

// Tells on standard error what was recorded and how to go on.
void announce_recording(const std::string& path);

} // namespace migscope::tools
