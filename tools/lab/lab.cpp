#include "tools/lab/lab.h"

#include "tools/lab/guest_image.h"

#include <fmt/format.h>
#include <fstream>

namespace migscope::tools {
namespace {

// The guest needs a fraction of a second; a loaded machine may need more.
constexpr Nanos kReadyTime = std::chrono::seconds(30);
constexpr Nanos kLook = std::chrono::milliseconds(20);

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

// The first whole line that begins with READY or ERROR; empty before.
std::string verdict(const std::filesystem::path& console) {
  std::ifstream in(console);
  std::string line;
  while (std::getline(in, line))
    if (!in.eof() && (line.starts_with("READY") || line.starts_with("ERROR")))
      return line;
  return "";
}

} // namespace

Result<std::unique_ptr<Lab>> Lab::start(EventLoop& loop,
                                        const LabOptions& options) {
  std::unique_ptr<Lab> lab(new Lab);
  auto directory = TempDir::create();
  if (!directory)
    return fail(directory.error());
  lab->directory_ = std::move(*directory);
  if (auto s = write_file(lab->directory() / "guest.elf", lab_guest_image());
      !s)
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
      options.qemu,
      "-accel",
      "tcg",
      "-m",
      options.memory,
      "-display",
      "none",
      "-no-user-config",
      "-nodefaults",
      "-kernel",
      (directory() / "guest.elf").string(),
      "-append",
      options.workload,
      "-debugcon",
      "file:" + base + ".console",
      "-qmp",
      fmt::format("unix:{}.qmp,server=on,wait=off", base)};
  if (options.logs)
    argv.insert(argv.end(), {"-msg", "timestamp=on", "-D", base + ".trace"});
  argv.insert(argv.end(), options.qemu_args.begin(), options.qemu_args.end());
  return argv;
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
        ready_ = verdict(directory() / "source.console");
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
