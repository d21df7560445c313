#include "captures/pipe_capture.h"
#include "tools/event_loop.h"
#include "tools/progress.h"
#include "tools/stream_session.h"
#include "tools/verbs/options.h"
#include "tools/verbs/verbs.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

namespace migscope::tools {
namespace {

struct Ending {
  captures::ChannelInfo channel;
  Status status;
};

ExitStatus capture(const std::string& output) {
  if (isatty(STDIN_FILENO))
    return report({ErrorKind::usage, "standard input is a terminal; expected a "
                                     "migration stream"});
  SystemClock clock;
  auto session = StreamSession::create(
      clock, output, qmp::Json::object().set("verb", "capture"));
  if (!session)
    return report(session.error());
  EventLoop loop;
  Progress progress;
  std::optional<Ending> ending;
  auto pipe = captures::PipeCapture::start(
      loop.uv(), STDIN_FILENO, session->path(), clock,
      [&](const captures::ChannelInfo& channel, const Status& status) {
        ending = Ending{channel, status};
      });
  if (!pipe)
    return report(pipe.error());
  auto showing = loop.every(std::chrono::milliseconds(200), [&] {
    progress.show(fmt::format(
        "{:.1f} MiB", static_cast<double>((*pipe)->bytes()) / (1 << 20)));
  });
  Status read = loop.run_until([&] { return ending.has_value(); });
  if (!read) {
    (*pipe)->stop();
    loop.forgive_interrupt();
    (void)loop.run_until([&] { return ending.has_value(); });
  }
  if (!ending)
    return ExitStatus::interrupted;
  if (read && ending->status && ending->channel.bytes == 0) {
    session->remove();
    return report({ErrorKind::truncated, "no stream came on standard input"});
  }
  Status finished =
      session->finish(read ? "completed" : "interrupted", {ending->channel});
  announce_recording(output);
  for (const Status& status : {finished, ending->status, read})
    if (!status)
      return report(status.error());
  return ending->channel.store_error ? ExitStatus::incomplete
                                     : ExitStatus::done;
}

} // namespace

void add_capture(CLI::App& app, Verb& chosen) {
  auto output = std::make_shared<std::string>();
  CLI::App* verb = app.add_subcommand(
      "capture", "Store a migration stream from standard input.\n\n"
                 "Example:\n"
                 "  (qemu) migrate \"exec:migscope capture -o "
                 "/var/tmp/vm.migscope\"\n");
  verb->add_option("-o,--output", *output, "Session directory to create")
      ->required()
      ->type_name("NAME.migscope");
  verb->callback(
      [output, &chosen] { chosen = [output] { return capture(*output); }; });
}

} // namespace migscope::tools
