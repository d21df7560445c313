#include "tools/lab/lab.h"

#include "tools/lab/guest_image.h"
#include "tools/lab/linux_guest.h"

#include <fmt/format.h>
#include <fstream>

namespace migscope::tools {
namespace {

// The bare guest needs a fraction of a second, Linux some ten; a loaded machine
// may need more.
constexpr Nanos kReadyTime = std::chrono::seconds(30);
constexpr Nanos kLinuxReadyTime = std::chrono::seconds(180);
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
  if (auto s = lab->write_guest(options); !s)
    return fail(s.error());
  if (options.network.guest || options.network.link_bits)
    if (auto s = LabNetwork::enter(options.network, lab->directory()); !s)
      return fail(s.error());
  if (auto s = lab->open_consoles(clock); !s)
    return fail(s.error());
  if (auto s = lab->spawn(options); !s)
    return fail(s.error());
  Nanos patience =
      options.guest == LabGuest::bare ? kReadyTime : kLinuxReadyTime;
  if (auto s = lab->wait_until_ready(loop, patience); !s)
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

Status Lab::write_guest(const LabOptions& options) {
  if (options.guest == LabGuest::bare) {
    kernel_ = directory() / "guest.elf";
    return write_file(kernel_, lab_guest_image());
  }
  auto linux_files = find_linux();
  if (!linux_files)
    return fail(linux_files.error());
  kernel_ = linux_files->kernel;
  auto initrd = lab_initrd(*linux_files);
  if (!initrd)
    return fail(initrd.error());
  return write_file(directory() / "initrd", std::as_bytes(std::span(*initrd)));
}

std::vector<std::string> Lab::guest_arguments(const LabOptions& options,
                                              const std::string& name) const {
  // A later word wins.
  std::string words =
      fmt::format("heartbeat={} {}", options.heartbeat_ms, options.workload);
  if (options.guest == LabGuest::bare)
    return {"-kernel", kernel_.string(), "-append", words};
  std::vector<std::string> out{
      "-kernel", kernel_.string(), "-initrd", (directory() / "initrd").string(),
      "-append",
      // pti: each call of the kernel makes QEMU forget its TLB, through which
      // TCG can miss that a page is written (see guest/paging.c).
      fmt::format("quiet panic=-1 pti=on{} -- {}",
                  options.network.guest
                      ? fmt::format(" migscope_address={}",
                                    LabNetwork::kGuestWithPrefix)
                      : "",
                  words)};
  if (options.network.guest)
    for (const std::string& word : LabNetwork::qemu_arguments(name))
      out.push_back(word);
  return out;
}

std::vector<std::string> Lab::command_line(const LabOptions& options,
                                           const std::string& name) const {
  std::string base = (directory() / name).string();
  std::vector<std::string> argv{
      options.qemu,
      "-accel",
      "tcg",
      "-m",
      options.memory,
      "-display",
      "none",
      "-no-user-config",
      "-nodefaults",
      "-debugcon",
      "file:" + base + ".console",
      "-qmp",
      fmt::format("unix:{}.qmp,server=on,wait=off", base)};
  for (const std::string& word : guest_arguments(options, name))
    argv.push_back(word);
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

Status Lab::wait_until_ready(EventLoop& loop, Nanos patience) {
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
      patience, "the lab guest did not get ready");
  if (dead)
    return fail(ErrorKind::io, "QEMU ended at once: " + dead->last_words());
  if (waited && ready_.starts_with("ERROR"))
    return fail(ErrorKind::usage, "the lab guest says: " + ready_);
  return waited;
}

} // namespace migscope::tools
