// The threads of a process on this host, as /proc shows them.
#pragma once

#include "captures/session/thread_log.h"

namespace migscope::captures {

// In no order, kMaxThreads at the most. Fails where the process is gone, or
// /proc does not show it. A thread that ends meanwhile is left out.
//
// Times are to the nanosecond where the kernel keeps them
// (/proc/PID/task/TID/schedstat); else `cpu` is to the clock tick and `queued`
// is 0.
[[nodiscard]] Result<std::vector<ThreadTimes>> process_threads(int64_t pid);

// One thread's, from the text of its `stat` and its `schedstat`, which may be
// empty. Nothing where `stat` is not what proc(5) says.
[[nodiscard]] std::optional<ThreadTimes>
parse_thread(int64_t tid, std::string_view stat, std::string_view schedstat);

} // namespace migscope::captures
