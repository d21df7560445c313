#include "analyzer/devices/device_states.h"

#include "analyzer/problem_log.h"
#include "captures/stream/limits.h"
#include "captures/stream/window.h"
#include "captures/vmstate/dump_vmstate.h"

#include <fmt/format.h>
#include <map>

namespace migscope::analyzer {

using captures::DescribedDevice;
using Described = std::shared_ptr<const DescribedDevice>;

namespace {

// QEMU makes idstr of the device's path, a slash and the name of its vmstate,
// and gives the section the version of the vmstate (migration/savevm.c,
// vmstate_register_with_alias_id; 7.2 to 11.1).
bool ends_with_name(std::string_view idstr, std::string_view vmsd_name) {
  if (!idstr.ends_with(vmsd_name))
    return false;
  idstr.remove_suffix(vmsd_name.size());
  return idstr.empty() || idstr.ends_with('/');
}

// Where the section says that the description is of something else.
std::optional<std::string> mismatch(const SavedDevice& device,
                                    const captures::DescribedState& state) {
  if (state.vmsd_name.empty()) // a handler without a vmstate
    return {};
  if (!ends_with_name(device.name, state.vmsd_name))
    return fmt::format("the description has the vmstate {} for it",
                       captures::quoted(state.vmsd_name));
  if (state.version != device.version)
    return fmt::format("its section has version {}, the description version {}",
                       device.version, state.version);
  return {};
}

// Of devices, where they are more than are kept.
Problem more_problems(uint64_t count) {
  return {Severity::error,
          "",
          {},
          fmt::format("{} more problems of devices, not told", count)};
}

} // namespace

const char* to_string(DescribedBy by) {
  switch (by) {
  case DescribedBy::nothing:
    break;
  case DescribedBy::stream:
    return "stream";
  case DescribedBy::other_capture:
    return "other-capture";
  case DescribedBy::dump_vmstate:
    return "dump-vmstate";
  }
  return "nothing";
}

std::string_view vmsd_name(const SavedDevice& device) {
  if (device.described && !device.described->state.vmsd_name.empty())
    return device.described->state.vmsd_name;
  std::string_view name = device.name;
  return name.substr(name.rfind('/') + 1); // npos + 1 is 0
}

captures::DeviceValues values_of(const SavedDevice& device) {
  return values_of(device, device.described.get());
}

captures::DeviceValues values_of(const SavedDevice& device,
                                 const DescribedDevice* described) {
  if (described)
    return decode_values(*described, device.body, device.offset);
  captures::DeviceValues out;
  if (device.body.empty())
    return out;
  captures::Value& whole = out.values.emplace_back();
  whole.offset = device.offset;
  whole.bytes = device.body;
  return out;
}

DeviceCollector::DeviceCollector(std::vector<std::string> channels,
                                 captures::StreamEvents& next)
    : ForwardedEvents(next), channels_(std::move(channels)) {}

void DeviceCollector::add(Severity severity, const std::string& channel,
                          std::optional<uint64_t> offset, std::string message) {
  if (out_.input.problems.size() < captures::limits::kMaxProblems) {
    add_problem(out_.input, severity, channel,
                {ErrorKind::malformed, std::move(message), {}, offset});
    return;
  }
  ++not_told_;
  out_.input.complete &= severity != Severity::error;
}

void DeviceCollector::add_error(uint64_t offset, std::string message) {
  add(Severity::error, channels_.at(channel_), offset, std::move(message));
}

void DeviceCollector::add_mismatch(const SavedDevice& device, Severity severity,
                                   const std::string& message) {
  // A description from elsewhere may well be of another machine.
  bool own = out_.described_by == DescribedBy::stream;
  add(own ? severity : Severity::warning, device.channel, device.offset,
      fmt::format("device {}/{}: {}", device.name, device.instance_id,
                  message));
}

void DeviceCollector::on_channel(size_t channel) {
  channel_ = channel;
  next().on_channel(channel);
}

void DeviceCollector::on_configuration(
    const captures::Configuration& configuration) {
  out_.machine = configuration.machine;
  next().on_configuration(configuration);
}

void DeviceCollector::on_device_body(const captures::SectionHeader& section,
                                     std::span<const std::byte> body) {
  if (!full_)
    keep(section, body);
  next().on_device_body(section, body);
}

void DeviceCollector::keep(const captures::SectionHeader& section,
                           std::span<const std::byte> body) {
  // Before the body: type, id, counted name, instance, version.
  uint64_t offset = section.offset + 1 + 4 + 1 + section.idstr.size() + 4 + 4;
  const std::string& channel = channels_.at(channel_);
  kept_ +=
      sizeof(SavedDevice) + section.idstr.size() + channel.size() + body.size();
  full_ = out_.devices.size() >= captures::limits::kMaxDevices ||
          kept_ > captures::limits::kMaxDeviceStates;
  if (full_) {
    add_error(offset,
              fmt::format("the state of {} and of all behind it is left out: "
                          "expected at most {} devices of {} bytes together",
                          section.idstr, captures::limits::kMaxDevices,
                          captures::limits::kMaxDeviceStates));
    return;
  }
  SavedDevice& device = out_.devices.emplace_back();
  device.name = section.idstr;
  device.instance_id = section.instance_id;
  device.version = section.version_id;
  device.channel = channel;
  device.offset = offset;
  device.body.assign(body.begin(), body.end());
}

void DeviceCollector::on_description(std::string_view json, uint64_t offset) {
  auto description = captures::parse_description(json);
  if (!description)
    add_error(offset, description.error().message);
  else
    for (const std::string& device :
         describe(std::move(*description), DescribedBy::stream))
      add_error(offset, fmt::format("the description names device {}, which "
                                    "the stream does not have",
                                    device));
  next().on_description(json, offset);
}

std::vector<std::string>
DeviceCollector::describe(captures::Description description, DescribedBy by) {
  struct Entry {
    Described device;
    bool in_stream = false;
  };
  std::map<std::pair<std::string, uint32_t>, Entry> known;
  for (DescribedDevice& device : description.devices) {
    std::pair key(device.name, device.instance_id);
    known.try_emplace(std::move(key), Entry{std::make_shared<DescribedDevice>(
                                          std::move(device))});
  }
  out_.described_by = by;
  for (SavedDevice& device : out_.devices) {
    auto at = known.find({device.name, device.instance_id});
    if (at == known.end()) {
      add_mismatch(device, Severity::warning,
                   "the description does not name it");
      continue;
    }
    at->second.in_stream = true;
    if (auto found = mismatch(device, at->second.device->state))
      add_mismatch(device, Severity::error, *found + "; it is not taken apart");
    else
      device.described = at->second.device;
  }
  std::vector<std::string> lacking;
  if (full_)
    return lacking;
  for (const auto& [key, entry] : known)
    if (!entry.in_stream)
      lacking.push_back(fmt::format("{}/{}", key.first, key.second));
  return lacking;
}

Status DeviceCollector::borrow(const std::string& json) {
  auto other = captures::parse_description(json);
  if (other) {
    // What that machine has more does not matter.
    (void)describe(std::move(*other), DescribedBy::other_capture);
    return {};
  }
  auto dump = captures::DumpVmstate::parse(json);
  if (!dump)
    return fail(ErrorKind::malformed,
                "expected a description or what -dump-vmstate writes, found "
                "neither: " +
                    other.error().message + "; " + dump.error().message);
  out_.described_by = DescribedBy::dump_vmstate;
  for (SavedDevice& device : out_.devices) {
    auto fitting = dump->fit(vmsd_name(device), device.version, device.body);
    if (fitting) {
      device.described = std::make_shared<DescribedDevice>(std::move(*fitting));
    } else {
      add(Severity::info, device.channel, device.offset,
          fitting.error().message);
    }
  }
  return {};
}

Result<DeviceStates>
DeviceCollector::finish(const std::optional<std::string>& borrowed) {
  if (out_.described_by == DescribedBy::nothing && borrowed)
    if (Status done = borrow(*borrowed); !done)
      return fail(done.error());
  if (out_.described_by == DescribedBy::nothing)
    add(Severity::info, "", {},
        "nothing describes the devices; --description takes another capture "
        "of the same machine");
  if (not_told_ > 0)
    out_.input.problems.push_back(more_problems(not_told_));
  return std::move(out_);
}

std::vector<Problem> value_problems(const DeviceStates& states) {
  std::vector<Problem> out;
  uint64_t not_told = 0;
  for (const SavedDevice& device : states.devices)
    for (const captures::ValueProblem& problem : values_of(device).problems) {
      if (out.size() >= captures::limits::kMaxProblems) {
        ++not_told;
        continue;
      }
      out.push_back(
          {Severity::error, device.channel, problem.offset,
           fmt::format("device {}/{}{}{}: {}", device.name, device.instance_id,
                       problem.path.empty() ? "" : ", field ", problem.path,
                       problem.message)});
    }
  if (not_told > 0)
    out.push_back(more_problems(not_told));
  return out;
}

} // namespace migscope::analyzer
