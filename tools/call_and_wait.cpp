#include "tools/call_and_wait.h"

#include <memory>

namespace migscope::tools {

using qmp::Json;

Result<Json> call_and_wait(EventLoop& loop, qmp::Session& session,
                           std::string_view command, const Json& arguments) {
  // Shared: after an interruption the reply still comes, to nobody.
  auto reply = std::make_shared<std::optional<Result<Json>>>();
  session.execute(command, arguments,
                  [reply](Result<Json> value) { *reply = std::move(value); });
  auto waited = loop.run_until([&] { return reply->has_value(); });
  if (!waited)
    return fail(waited.error());
  return **reply;
}

} // namespace migscope::tools
