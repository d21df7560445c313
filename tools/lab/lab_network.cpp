#include "tools/lab/lab_network.h"

#include "tools/lab/child_process.h"

#include <cerrno>
#include <chrono>
#include <fmt/format.h>
#include <fstream>
#include <sched.h>
#include <thread>

namespace migscope::tools {
namespace {

constexpr auto kLook = std::chrono::milliseconds(5);

constexpr const char* kCommands =
    "link set lo up\n"
    "link add switch type bridge forward_delay 0 stp_state 0\n"
    "address add {0} dev switch\n"
    "link set switch up\n"
    "tuntap add source mode tap\n"
    "tuntap add destination mode tap\n"
    "link set source master switch up\n"
    "link set destination master switch up\n";

} // namespace

Status LabNetwork::enter(const std::filesystem::path& scratch) {
  if (unshare(CLONE_NEWNET) != 0)
    return fail_errno("make a network namespace, which wants root,", errno);
  auto commands = scratch / "network";
  std::ofstream(commands) << fmt::format(kCommands, kHost);
  auto ip = ChildProcess::start({"ip", "-batch", commands.string()},
                                scratch / "network.log");
  if (!ip)
    return fail(ip.error());
  while ((*ip)->running())
    std::this_thread::sleep_for(kLook);
  if ((*ip)->status() != 0)
    return fail(ErrorKind::io, "ip -batch: " + (*ip)->last_words());
  return {};
}

std::vector<std::string> LabNetwork::qemu_arguments(const std::string& end) {
  return {"-netdev",
          fmt::format("tap,id=net,ifname={},script=no,downscript=no", end),
          "-device",
          "virtio-net-pci,netdev=net,mac=52:54:00:4d:53:01,romfile="};
}

} // namespace migscope::tools
