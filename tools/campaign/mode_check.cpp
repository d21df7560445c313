#include "qmp/connection.h"
#include "tools/call_and_wait.h"
#include "tools/campaign/executor.h"
#include "tools/lab/child_process.h"
#include "tools/migration_words.h"

namespace migscope::tools {

using qmp::Json;

namespace {

constexpr Nanos kStartTime = std::chrono::seconds(20);
constexpr Nanos kLook = std::chrono::milliseconds(10);

// A QEMU without a machine, to ask what it knows.
class Asked {
public:
  Asked(EventLoop& loop, Clock& clock) : loop_(loop), clock_(clock) {}

  Status start(const std::string& qemu, const std::filesystem::path& scratch) {
    Address monitor;
    monitor.path = scratch / "asked.qmp";
    auto child = ChildProcess::start(
        {qemu, "-machine", "none", "-display", "none", "-nodefaults", "-qmp",
         to_string(monitor) + ",server=on,wait=off"},
        scratch / "asked.log");
    if (!child)
      return fail(child.error());
    qemu_ = std::move(*child);
    auto look = loop_.every(kLook, [] {});
    // Its socket may be there before anybody listens.
    auto there = loop_.run_until(
        [&] {
          if (!connection_ || lost_)
            connect(monitor);
          return ready_ || !qemu_->running();
        },
        kStartTime, qemu + " made no monitor");
    if (there && !ready_)
      return fail(ErrorKind::io, qemu + ": " + qemu_->last_words());
    return there;
  }

  Status call(std::string_view command, const Json& arguments) {
    auto reply =
        call_and_wait(loop_, connection_->session(), command, arguments);
    return reply ? Status{} : fail(reply.error());
  }

private:
  void connect(const Address& monitor) {
    if (!std::filesystem::exists(monitor.path))
      return;
    lost_.reset();
    qmp::Session::Output output;
    output.ready = [this](const qmp::Version&) { ready_ = true; };
    output.closed = [this](const Error& error) { lost_ = error; };
    connection_ = std::make_unique<qmp::Connection>(loop_.uv(), monitor, clock_,
                                                    std::move(output));
  }

  EventLoop& loop_;
  Clock& clock_;
  std::unique_ptr<ChildProcess> qemu_;
  std::unique_ptr<qmp::Connection> connection_;
  std::optional<Error> lost_;
  bool ready_ = false;
};

// Fails with kind refused where QEMU says no.
Status try_mode(EventLoop& loop, Clock& clock, const std::string& qemu,
                const Mode& mode, const std::filesystem::path& scratch) {
  std::vector<std::string> words = mode.capabilities;
  if (mode.postcopy_after)
    words.emplace_back("postcopy-ram=on");
  auto capabilities = capability_arguments(words);
  auto parameters = parameter_arguments(mode.parameters);
  if (!capabilities)
    return fail(capabilities.error());
  if (!parameters)
    return fail(parameters.error());
  Asked asked(loop, clock);
  if (auto started = asked.start(qemu, scratch); !started)
    return started;
  if (auto set = asked.call("migrate-set-capabilities", *capabilities); !set)
    return set;
  if (parameters->keys().empty())
    return {};
  return asked.call("migrate-set-parameters", *parameters);
}

} // namespace

Result<std::map<std::string, std::string>>
refused_modes(EventLoop& loop, Clock& clock, const Plan& plan,
              const std::filesystem::path& scratch) {
  std::map<std::string, std::string> out;
  for (const Mode& mode : plan.modes) {
    Status tried = try_mode(loop, clock, plan.lab.qemu, mode, scratch);
    if (tried)
      continue;
    if (tried.error().kind != ErrorKind::refused)
      return fail(tried.error());
    out[mode.name] = tried.error().message;
  }
  return out;
}

} // namespace migscope::tools
