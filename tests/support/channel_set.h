// The channels of one migration in memory, read in every way that migscope has.
#pragma once

#include "captures/sources.h"
#include "tests/fuzz/memory_file.h"

#include <list>

namespace migscope::test {

// As bytes: for each channel a ChannelKind byte, its length (be32, cut to what
// is there) and its bytes.
enum class ChannelKind : uint8_t {
  stream,      // main, multifd, preempt: told by how it begins
  return_path, // of the channel before it
};

struct ChannelBytes {
  ChannelKind kind = ChannelKind::stream;
  std::span<const std::byte> bytes;
};

// Views of `bytes`. What can be no channel is left out.
[[nodiscard]] std::vector<ChannelBytes>
parse_channel_set(std::span<const std::byte> bytes);

// Files that live as long as this.
class ChannelSet {
public:
  explicit ChannelSet(std::span<const ChannelBytes> channels);

  [[nodiscard]] const captures::Recording& recording() const {
    return recording_;
  }

private:
  std::list<fuzz::MemoryFile> files_;
  captures::Recording recording_;
};

// Analyzes, takes the devices apart and rebuilds the memory: that of the end,
// that of a round by number `pick`, and the history of one page. Returns what
// of the results is not sound; empty where all is.
[[nodiscard]] std::string
read_in_every_way(const captures::Recording& recording, uint64_t pick);

} // namespace migscope::test
