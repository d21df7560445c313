#include "captures/tee.h"
#include "tools/event_loop.h"
#include "tools/progress.h"
#include "tools/stream_session.h"
#include "tools/verbs/options.h"
#include "tools/verbs/verbs.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace migscope::tools {
namespace {

// Further channels of the same migration come within moments of the first.
constexpr Nanos kLinger = std::chrono::seconds(1);

struct TeeOptions {
  std::string listen, connect, output;
};

std::string tee_line(const captures::Tee& tee) {
  uint64_t bytes = 0;
  for (const captures::ChannelInfo& channel : tee.channels())
    bytes += channel.bytes;
  return fmt::format("{} connections  {:.1f} MiB", tee.open_connections(),
                     static_cast<double>(bytes) / (1 << 20));
}

// Until all connections that were there are over, refused ones too, and none
// has come since.
Status serve(EventLoop& loop, Clock& clock, const captures::Tee& tee,
             const bool& troubled) {
  MonoTime last_busy = clock.now().mono;
  return loop.run_until([&] {
    MonoTime now = clock.now().mono;
    bool none_yet = tee.channels().empty() && !troubled;
    if (tee.open_connections() > 0 || none_yet)
      last_busy = now;
    return now - last_busy >= kLinger;
  });
}

bool all_stored(const captures::Tee& tee) {
  for (const captures::ChannelInfo& channel : tee.channels())
    if (channel.store_error)
      return false;
  return true;
}

ExitStatus tee(const TeeOptions& options) {
  auto listen = address_option("--listen", options.listen);
  if (!listen)
    return report(listen.error());
  auto connect = address_option("--connect", options.connect);
  if (!connect)
    return report(connect.error());
  SystemClock clock;
  auto session =
      StreamSession::create(clock, options.output,
                            qmp::Json::object()
                                .set("verb", "tee")
                                .set("listen", to_string(*listen))
                                .set("connect", to_string(*connect)));
  if (!session)
    return report(session.error());
  EventLoop loop;
  Progress progress;
  captures::Tee::Events events;
  bool troubled = false;
  events.problem = [&](const Error& error) {
    troubled = true;
    progress.notice("tee: " + describe(error));
  };
  auto tee = captures::Tee::listen(loop.uv(), *listen, *connect,
                                   session->path(), clock, std::move(events));
  if (!tee) {
    session->remove();
    return report(tee.error());
  }
  progress.notice("listening at " + to_string((*tee)->address()));
  auto showing = loop.every(std::chrono::milliseconds(200),
                            [&] { progress.show(tee_line(**tee)); });
  Status served = serve(loop, clock, **tee, troubled);
  (*tee)->close();
  Status finished =
      session->finish(served ? "completed" : "interrupted", (*tee)->channels());
  announce_recording(options.output);
  if (!finished)
    return report(finished.error());
  if (!served)
    return report(served.error());
  if (troubled && (*tee)->channels().empty())
    return ExitStatus::failed;
  return all_stored(**tee) ? ExitStatus::done : ExitStatus::incomplete;
}

} // namespace

void add_tee(CLI::App& app, Verb& chosen) {
  auto options = std::make_shared<TeeOptions>();
  CLI::App* verb = app.add_subcommand(
      "tee", "Stand in the path of a migration and store its stream.\n"
             "Ends when all connections are over.\n\n"
             "Example:\n"
             "  migscope tee --listen tcp::4444 --connect tcp:node2:4444 -o "
             "run.migscope\n"
             "  (qemu) migrate -d tcp:localhost:4444\n");
  verb->add_option("--listen", options->listen, "Where the source will connect")
      ->required()
      ->type_name("ADDR");
  verb->add_option("--connect", options->connect,
                   "Where the destination listens")
      ->required()
      ->type_name("ADDR");
  verb->add_option("-o,--output", options->output,
                   "Session directory to create")
      ->required()
      ->type_name("NAME.migscope");
  verb->callback(
      [options, &chosen] { chosen = [options] { return tee(*options); }; });
}

} // namespace migscope::tools
