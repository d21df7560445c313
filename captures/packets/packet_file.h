// Packets of a pcap or pcapng file. packet_file.cpp is the only user of
// libpcap.
#pragma once

#include "base/clock.h"
#include "base/error.h"
#include "captures/packets/link_headers.h"

#include <memory>
#include <optional>
#include <span>
#include <string>

namespace migscope::captures {

struct Packet {
  WallTime time; // of the host that captured it
  // As far as it was captured; valid until the next one is asked for.
  std::span<const std::byte> bytes;
  uint32_t original_bytes = 0; // that it had on the wire
};

class PacketFile {
public:
  // `filter`: an expression of pcap-filter(7), empty for all packets; it may
  // name hosts, which are looked up then. Fails with kind usage where libpcap
  // cannot make sense of it, and with unsupported where the file's link type
  // is none of LinkType, or this is no file but a pipe, say.
  [[nodiscard]] static Result<PacketFile> open(const std::string& path,
                                               const std::string& filter);
  ~PacketFile();
  PacketFile(PacketFile&&) noexcept;
  PacketFile& operator=(PacketFile&&) noexcept;

  // The next packet that the filter lets through; nothing at the end. Fails
  // with truncated where the file ends inside of one, with malformed where it
  // cannot be read on.
  [[nodiscard]] Result<std::optional<Packet>> next();
  [[nodiscard]] LinkType link_type() const;

  // Packets left out as their time is none: before 1970, or after 2116.
  [[nodiscard]] uint64_t without_time() const;

private:
  struct Handle;
  explicit PacketFile(std::unique_ptr<Handle> handle);

  std::unique_ptr<Handle> handle_;
};

} // namespace migscope::captures
