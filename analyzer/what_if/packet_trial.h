// multifd with zlib and zstd, tried on a sample of the packets that a stream's
// pages would have made.
//
// Of so many clusters of consecutive packets one is chosen, over and over;
// which of them depends on nothing but their numbers. Its first packet only
// fills the compressor's window. A stream of few packets is compressed from end
// to end.
#pragma once

#include "analyzer/what_if/ratio_estimate.h"
#include "analyzer/what_if/savings.h"
#include "analyzer/what_if/tried_send.h"
#include "captures/codec/packet_packer.h"

#include <functional>

namespace migscope::analyzer {

// How the pages would have been put into packets.
struct PacketRules {
  uint32_t page_size = 0;
  // From 9.0 on zero pages stand in packets, too, and are found by the
  // channels; before they stand on the main channel.
  bool zero_in_packets = true;
  // Machine types up to 8.0 send what there is at the end of each RAM section,
  // later ones where the scan of all blocks wraps.
  bool flush_sections = false;
  // The pages come in the order of the scan, so that a wrap can be seen.
  bool scan_order = true;
};

class PacketTrial {
public:
  // Seconds of CPU that this thread has used.
  using CpuClock = std::function<double()>;

  // `pages` is about how many there will be that are not zero; about `most` of
  // them are compressed.
  PacketTrial(const PacketRules& rules, uint64_t pages, uint64_t most,
              CpuClock clock);

  [[nodiscard]] Status take(const TriedSend& send);
  [[nodiscard]] Status end_section();
  // Ends the last packet.
  [[nodiscard]] Result<std::vector<PackedSavings>> finish();

private:
  struct Method {
    const char* name;
    std::unique_ptr<captures::PacketPacker> (*make)(int level,
                                                    size_t page_size);
    std::unique_ptr<captures::PacketPacker> packer = {};
    RatioEstimate bytes = {}, seconds = {};
  };

  [[nodiscard]] Status end_packet();
  [[nodiscard]] Status pack(Method& method, bool counted);
  [[nodiscard]] bool chosen() const;
  [[nodiscard]] bool first_of_cluster() const;
  [[nodiscard]] PackedSavings savings(const Method& method) const;

  PacketRules rules_;
  CpuClock clock_;
  uint64_t every_; // of so many clusters one is compressed
  bool whole_;     // everything is compressed
  std::vector<Method> methods_;
  std::vector<std::byte> packet_; // of the pages that are not zero
  uint64_t slots_ = 0;            // taken in the packet
  uint64_t packets_ = 0, pages_ = 0, sampled_pages_ = 0;
  uint64_t other_bytes_ = 0; // zero pages outside of packets
  std::optional<uint32_t> block_;
  uint64_t address_ = 0; // of the last page
};

} // namespace migscope::analyzer
