// What features that QEMU has would have made of the pages that were sent:
// plain data. Bytes are those of page items: page words, names and contents.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace migscope::analyzer {

// xbzrle with a cache of this size.
struct XbzrleCache {
  uint64_t cache_bytes = 0;
  // As QEMU counts in xbzrle-cache: pages, cache-miss, overflow, bytes. A hit
  // is also an overflow, and a page that had not changed and takes no bytes.
  uint64_t hits = 0, misses = 0, overflows = 0, encoded_bytes = 0;
  uint64_t unchanged = 0; // of the hits
  uint64_t ram_bytes = 0; // that would have been sent
};

struct XbzrleSavings {
  std::vector<XbzrleCache> caches = {}; // the smallest first
  // Sends from the second round on whose content, or the one before it, could
  // not be read. They count as sent whole.
  uint64_t unreadable = 0;
};

// multifd with compression. An error is two standard errors of the sample;
// unknown where the sample is too small to tell.
struct PackedSavings {
  std::string method; // "zlib" or "zstd"
  int level = 0;
  uint64_t pages = 0, sampled_pages = 0; // that are not zero
  double ratio = 0;                      // of their bytes to what is sent
  std::optional<double> ratio_error = {};
  double cpu_us_per_page = 0;
  std::optional<double> cpu_us_error = {};
  uint64_t ram_bytes = 0; // that would have been sent, packet headers included
  std::optional<uint64_t> ram_bytes_error = {};
};

// Sends of what the page held already.
struct UnchangedSends {
  uint64_t pages = 0, bytes = 0;
  uint64_t zero_pages = 0, zero_bytes = 0;
};

struct WhatIf {
  uint64_t ram_bytes = 0; // that were sent
  UnchangedSends unchanged = {};
  std::optional<XbzrleSavings> xbzrle = {};
  std::string no_xbzrle = {}; // why not; empty where it is there
  std::vector<PackedSavings> multifd = {};
};

} // namespace migscope::analyzer
