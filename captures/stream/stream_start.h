// Telling what a file or connection is by its first bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace migscope::captures {

enum class StreamStart : uint8_t {
  main,           // a migration's main channel
  multifd,        // a multifd channel
  cpr,            // CPR state channel, 10.0+
  recovered_main, // main channel after a postcopy pause: no header
  preempt,        // postcopy-preempt channel: page words, no hello
  return_path,    // destination to source
  tls,            // encrypted
  libvirt_save,   // libvirt's save image, whole or partial
  gzip,
  zstd,
  xz,
  qcow2,
  unknown, // none of these, or too few bytes
};

// As many of the first bytes as there are; more than kStartBytes add nothing.
[[nodiscard]] StreamStart classify_start(std::span<const std::byte> bytes);

inline constexpr size_t kStartBytes = 16;

// "a multifd channel"
[[nodiscard]] std::string_view describe(StreamStart start);

} // namespace migscope::captures
