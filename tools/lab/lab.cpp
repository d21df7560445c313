#include "tools/lab/lab.h"

#include "tools/lab/guest_image.h"

#include <fmt/format.h>
#include <fstream>

namespace migscope::tools {
namespace {

// The guest needs a fraction of a second; a loaded machine may need more.
constexpr Nanos kReadyTime = std::chrono::seconds(30);
constexpr Nanos kLook = std::chrono::milliseconds(20);
// About 60 HB lines; how long they may take on a busy machine.
constexpr uint64_t kWatchedBytes = 1024;
constexpr Nanos kWatchTime = std::chrono::seconds(1);

Status write_file(const std::filesystem::path& path,
                  std::span<const std::byte> bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out)
    return fail(ErrorKind::io, "cannot write " + path.string());
  return {};
}

} // namespace

Result<std::unique_ptr<Lab>> Lab::start(EventLoop& loop, Clock& clock,
                                        const LabOptions& options) {
  std::unique_ptr<Lab> lab(new Lab);
  auto directory = TempDir::create();
  if (!directory)
    return fail(directory.error());
  lab->directory_ = std::move(*directory);
  if (auto s = write_file(lab->directory() / "guest.elf", lab_guest_image());
      !s)
    return fail(s.error());
  if (auto s = lab->open_consoles(clock); !s)
    return fail(s.error());
  if (auto s = lab->spawn(options); !s)
    return fail(s.error());
  if (auto s = lab->wait_until_ready(loop); !s)
    return fail(s.error());
  return lab;
}

const std::filesystem::path& Lab::directory() const {
  return directory_->path();
}

std::filesystem::path Lab::source_monitor() const {
  return directory() / "source.qmp";
}

std::filesystem::path Lab::destination_monitor() const {
  return directory() / "destination.qmp";
}

std::filesystem::path Lab::source_log() const {
  return directory() / "source.trace";
}

std::filesystem::path Lab::destination_log() const {
  return directory() / "destination.trace";
}

std::string Lab::destination_last_words() const {
  return destination_->last_words();
}

std::vector<std::string> Lab::command_line(const LabOptions& options,
                                           const std::string& name) const {
  std::string base = (directory() / name).string();
  std::vector<std::string> argv{
      options.qemu, "-accel", "tcg", "-m", options.memory, "-display", "none",
      "-no-user-config", "-nodefaults", "-kernel",
      (directory() / "guest.elf").string(), "-append",
      // A later word wins.
      fmt::format("heartbeat={} {}", options.heartbeat_ms, options.workload),
      "-debugcon", "file:" + base + ".console", "-qmp",
      fmt::format("unix:{}.qmp,server=on,wait=off", base)};
  if (options.logs)
    argv.insert(argv.end(), {"-msg", "timestamp=on", "-D", base + ".trace"});
  argv.insert(argv.end(), options.qemu_args.begin(), options.qemu_args.end());
  return argv;
}

Status Lab::open_consoles(Clock& clock) {
  for (auto [name, console] :
       {std::pair("source.console", &source_console_),
        std::pair("destination.console", &destination_console_)}) {
    auto opened = Console::create(directory() / name, clock);
    if (!opened)
      return fail(opened.error());
    *console = std::move(*opened);
  }
  return {};
}

Status Lab::store_consoles(const std::filesystem::path& session) {
  Status stored = source_console_->store(session / "guest-source.log.zst");
  if (!stored)
    return stored;
  return destination_console_->store(session / "guest-destination.log.zst");
}

void Lab::watch_guest(EventLoop& loop) {
  auto look = loop.every(kLook, [] {});
  (void)loop.run_until(
      [&] { return destination_console_->bytes() >= kWatchedBytes; },
      kWatchTime, "");
}

Status Lab::end() {
  source_.reset();
  destination_.reset();
  Status first = source_console_->finish();
  Status second = destination_console_->finish();
  return first ? second : first;
}

Status Lab::spawn(const LabOptions& options) {
  auto source = ChildProcess::start(command_line(options, "source"),
                                    directory() / "source.log");
  if (!source)
    return fail(source.error());
  source_ = std::move(*source);
  auto argv = command_line(options, "destination");
  argv.insert(argv.end(), {"-incoming", "defer"});
  auto destination = ChildProcess::start(argv, directory() / "destination.log");
  if (!destination)
    return fail(destination.error());
  destination_ = std::move(*destination);
  return {};
}

Status Lab::wait_until_ready(EventLoop& loop) {
  auto look = loop.every(kLook, [] {});
  ChildProcess* dead = nullptr;
  auto waited = loop.run_until(
      [&] {
        ready_ = source_console_->verdict();
        for (ChildProcess* child : {source_.get(), destination_.get()})
          if (!child->running())
            dead = child;
        return dead || (!ready_.empty() &&
                        std::filesystem::exists(destination_monitor()));
      },
      kReadyTime, "the lab guest did not get ready");
  if (dead)
    return fail(ErrorKind::io, "QEMU ended at once: " + dead->last_words());
  if (waited && ready_.starts_with("ERROR"))
    return fail(ErrorKind::usage, "the lab guest says: " + ready_);
  return waited;
}

} // namespace migscope::tools
