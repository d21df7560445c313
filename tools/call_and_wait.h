// A command of a monitor as one step of a verb.
#pragma once

#include "qmp/session.h"
#include "tools/event_loop.h"

namespace migscope::tools {

// Runs the loop until the reply is there. Fails as the command does (a QMP
// error is kind refused), with the session's own failure, or where somebody
// interrupts.
[[nodiscard]] Result<qmp::Json> call_and_wait(EventLoop& loop,
                                              qmp::Session& session,
                                              std::string_view command,
                                              const qmp::Json& arguments);

} // namespace migscope::tools
