// The devices of a migration, each with its state and what describes it.
#pragma once

#include "analyzer/analysis.h"
#include "captures/sources.h"
#include "captures/stream/forwarded_events.h"
#include "captures/vmstate/values.h"

#include <memory>

namespace migscope::analyzer {

struct SavedDevice {
  std::string name; // idstr, "0000:00:02.0/virtio-net"
  uint32_t instance_id = 0;
  uint32_t version = 0; // of its section
  std::string channel;  // it came on
  uint64_t offset = 0;  // of its state in the channel
  std::vector<std::byte> body;
  // Nothing where nothing describes it, or what does is of another vmstate.
  std::shared_ptr<const captures::DescribedDevice> described = {};
};

// Where the descriptions of devices come from.
enum class DescribedBy { nothing, stream, other_capture, dump_vmstate };

// "stream"
[[nodiscard]] const char* to_string(DescribedBy by);

struct DeviceStates {
  Input input;
  std::optional<std::string> machine;
  DescribedBy described_by = DescribedBy::nothing;
  std::vector<SavedDevice> devices; // in wire order
};

// The name of the device's vmstate: "virtio-net".
[[nodiscard]] std::string_view vmsd_name(const SavedDevice& device);

// Of a device that nothing describes: all of it as bytes.
[[nodiscard]] captures::DeviceValues values_of(const SavedDevice& device);
// As `described` says, wherever that is from; nothing: as bytes.
[[nodiscard]] captures::DeviceValues
values_of(const SavedDevice& device,
          const captures::DescribedDevice* described);

// Takes the devices from what is told of a stream, and passes it on.
class DeviceCollector final : public captures::ForwardedEvents {
public:
  // `channels`: names, as on_channel counts them. `next` outlives this.
  DeviceCollector(std::vector<std::string> channels,
                  captures::StreamEvents& next);

  void on_configuration(const captures::Configuration&) override;
  void on_device_body(const captures::SectionHeader&,
                      std::span<const std::byte> body) override;
  void on_description(std::string_view json, uint64_t offset) override;
  void on_channel(size_t channel) override;

  // Joins the devices with the stream's description, or where it had none with
  // `borrowed`: that of another capture, or what -dump-vmstate wrote. Fails
  // where that is neither.
  [[nodiscard]] Result<DeviceStates>
  finish(const std::optional<std::string>& borrowed);

private:
  void add(Severity severity, const std::string& channel,
           std::optional<uint64_t> offset, std::string message);
  void add_error(uint64_t offset, std::string message);
  void keep(const captures::SectionHeader& section,
            std::span<const std::byte> body);
  // Of a device's section and its entry in the description.
  void add_mismatch(const SavedDevice& device, Severity severity,
                    const std::string& message);
  // Gives the devices that are in the description alone: "cpu/0".
  [[nodiscard]] std::vector<std::string>
  describe(captures::Description description, DescribedBy by);
  [[nodiscard]] Status borrow(const std::string& json);

  std::vector<std::string> channels_;
  size_t channel_ = 0;
  uint64_t kept_ = 0;     // bytes of devices
  bool full_ = false;     // a limit is reached: no further ones are kept
  uint64_t not_told_ = 0; // problems
  DeviceStates out_;
};

// An error for each field that cannot be what it claims to be, with the device,
// its path and its offset; of more than kMaxProblems the number.
[[nodiscard]] std::vector<Problem> value_problems(const DeviceStates& states);

// Reads the channels of one migration. `description`: see finish().
[[nodiscard]] Result<DeviceStates>
read_device_states(const captures::Recording& recording,
                   const std::optional<std::string>& description);

// Whether a recording has the main channel of a migration, by itself.
[[nodiscard]] bool is_whole(const captures::Recording& recording);

} // namespace migscope::analyzer
