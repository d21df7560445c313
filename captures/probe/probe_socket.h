// The socket of a prober: datagrams that only their own echo answers.
#pragma once

#include "captures/probe/probe_target.h"

#include <array>
#include <ctime>
#include <optional>
#include <span>

namespace migscope::captures {

// Payload of a probe, as `ping` has it.
inline constexpr size_t kProbePayload = 56;

struct ProbeAnswer {
  uint64_t sequence = 0;
  // CLOCK_REALTIME as the kernel received it; absent where it does not say.
  std::optional<timespec> received;
};

class ProbeSocket {
public:
  [[nodiscard]] static Result<ProbeSocket> open(const ProbeTarget& target);
  ProbeSocket(ProbeSocket&& other) noexcept;
  ProbeSocket& operator=(ProbeSocket&&) = delete;
  ~ProbeSocket();

  [[nodiscard]] int fd() const { return fd_; }
  // Of a datagram with its headers.
  [[nodiscard]] uint64_t bytes() const;
  // Returns 0 or errno.
  [[nodiscard]] int send(uint64_t sequence);
  // What next() met.
  enum class Got {
    answer,
    other,   // somebody else's datagram, or a damaged one
    nothing, // no more for now
    error,   // the network's, in errno
  };
  [[nodiscard]] Got next(ProbeAnswer& out);

private:
  ProbeSocket(int fd, int family, ProbeTarget::Kind kind, bool raw);

  [[nodiscard]] std::optional<uint64_t>
  sequence_of(std::span<const std::byte> datagram) const;
  [[nodiscard]] size_t write_header(std::span<std::byte> out,
                                    uint64_t sequence) const;

  int fd_;
  int family_;
  ProbeTarget::Kind kind_;
  bool raw_;       // the kernel gives every ICMP message, headers included
  uint16_t id_;    // ICMP's identifier
  uint64_t token_; // ours, against datagrams of others
};

} // namespace migscope::captures
