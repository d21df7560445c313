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

constexpr const char* kSwitch =
    "link add switch type bridge forward_delay 0 stp_state 0\n"
    "address add {0} dev switch\n"
    "link set switch up\n"
    "tuntap add source mode tap\n"
    "tuntap add destination mode tap\n"
    "link set source master switch up\n"
    "link set destination master switch up\n";

// A burst has to hold the largest packet of the loopback device, which is 64
// KiB; what waits is a switch's buffer.
constexpr const char* kLink =
    "qdisc add dev lo root tbf rate {}bit burst 256kb "
    "limit 2mb\n";

Status run_batch(const char* program, const std::string& commands,
                 const std::filesystem::path& scratch) {
  auto file = scratch / "network";
  std::ofstream(file) << commands;
  auto child = ChildProcess::start({program, "-batch", file.string()},
                                   scratch / "network.log");
  if (!child)
    return fail(child.error());
  while ((*child)->running())
    std::this_thread::sleep_for(kLook);
  if ((*child)->status() != 0)
    return fail(ErrorKind::io,
                fmt::format("{} -batch: {}", program, (*child)->last_words()));
  return {};
}

} // namespace

Status LabNetwork::enter(const LabNetworkOptions& options,
                         const std::filesystem::path& scratch) {
  if (unshare(CLONE_NEWNET) != 0)
    return fail_errno("make a network namespace, which wants root,", errno);
  std::string commands = "link set lo up\n";
  if (options.guest)
    commands += fmt::format(kSwitch, kHost);
  if (auto made = run_batch("ip", commands, scratch); !made)
    return made;
  if (!options.link_bits)
    return {};
  return run_batch("tc", fmt::format(kLink, *options.link_bits), scratch);
}

std::vector<std::string> LabNetwork::qemu_arguments(const std::string& end) {
  return {"-netdev",
          fmt::format("tap,id=net,ifname={},script=no,downscript=no", end),
          "-device",
          "virtio-net-pci,netdev=net,mac=52:54:00:4d:53:01,romfile="};
}

} // namespace migscope::tools
