#include "tools/migration.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::tools {

using captures::End;
using captures::Outcome;
using qmp::Json;

namespace {

Status step(RecordingRun& run, End end, const char* command,
            const Json& arguments) {
  auto reply = run.call(end, command, arguments);
  if (reply)
    return {};
  Error error = reply.error();
  error.message = fmt::format("{}: {}: {}", captures::to_string(end), command,
                              error.message);
  return fail(error);
}

Status configure(RecordingRun& run, End end, const MigrationPlan& plan) {
  if (auto s = step(run, end, "migrate-set-capabilities", plan.capabilities);
      !s)
    return s;
  if (plan.parameters.keys().empty())
    return {};
  return step(run, end, "migrate-set-parameters", plan.parameters);
}

// A destination that was started with -incoming ADDR listens already and
// refuses a second time; a wrong address shows when the source connects.
Status listen(RecordingRun& run, const MigrationPlan& plan) {
  auto state = run.call(End::destination, "query-migrate");
  if (state && state->get("socket-address").is_array())
    return {};
  return step(run, End::destination, "migrate-incoming",
              Json::object().set("uri", plan.uri));
}

Result<std::string> source_uri(RecordingRun& run, const MigrationPlan& plan) {
  if (!plan.tee_listen)
    return plan.uri;
  auto connect = parse_address(plan.uri);
  if (!connect)
    return fail(connect.error());
  if (auto s = run.start_tee(*plan.tee_listen, *connect); !s)
    return fail(s.error());
  return to_string(run.tee_address());
}

// It may end, or be interrupted, before its passes are over: then there is
// nothing to switch.
Status switch_to_postcopy(RecordingRun& run, const MigrationPlan& plan) {
  if (!plan.postcopy_after ||
      !run.wait_for_pass(*plan.postcopy_after, plan.limit))
    return {};
  return step(run, End::source, "migrate-start-postcopy", {});
}

} // namespace

Result<Outcome> run_migration(RecordingRun& run, const MigrationPlan& plan) {
  if (auto s = configure(run, End::destination, plan); !s)
    return fail(s.error());
  if (auto s = listen(run, plan); !s)
    return fail(s.error());
  if (auto s = configure(run, End::source, plan); !s)
    return fail(s.error());
  auto uri = source_uri(run, plan);
  if (!uri)
    return fail(uri.error());
  run.watch_service();
  if (auto s =
          step(run, End::source, "migrate", Json::object().set("uri", *uri));
      !s)
    return fail(s.error());
  MonoTime started = run.now();
  if (auto s = switch_to_postcopy(run, plan); !s)
    return fail(s.error());
  std::optional<Nanos> left;
  if (plan.limit)
    left = std::max(Nanos(0), *plan.limit - (run.now() - started));
  return run.follow_or_cancel(left);
}

} // namespace migscope::tools
