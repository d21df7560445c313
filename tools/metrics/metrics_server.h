// Serves text over HTTP, by libmicrohttpd; the only place that knows of it.
#pragma once

#include "base/address.h"
#include "tools/event_loop.h"

namespace migscope::tools {

class MetricsServer {
public:
  // Answers GET and HEAD of /metrics with what `text` gives then, which is
  // called in the loop. Slow, many and hostile clients are held off: neither
  // they nor a port that is taken later harm the owner. Fails where it cannot
  // listen at `address`, a TCP one; an empty host is every one of this host.
  [[nodiscard]] static Result<std::unique_ptr<MetricsServer>>
  listen(EventLoop& loop, const Address& address,
         std::function<std::string()> text);
  virtual ~MetricsServer() = default; // closes all connections
};

} // namespace migscope::tools
