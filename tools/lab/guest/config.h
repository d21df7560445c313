// What the command line asks for; README.md tells its grammar.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { kPageShift = 12, kPageSize = 1 << kPageShift, kMaxPhases = 32 };

enum content {
  CONTENT_ZERO,
  CONTENT_TEXT,
  CONTENT_RANDOM,
  CONTENT_COUNTER,
  CONTENT_SAME,
};

enum pattern { PATTERN_SEQUENTIAL, PATTERN_RANDOM, PATTERN_ZIPF };

static const uint32_t kRateMax = UINT32_MAX;

// What may differ between phases.
struct settings {
  uint32_t rate; // pages a second, or kRateMax
  enum pattern pattern;
  uint32_t exponent; // of the zipf pattern, in 1/65536
  enum content content;
  uint32_t first; // the working set, in pages of the hot memory
  uint32_t pages;
};

struct phase {
  uint32_t ms;
  struct settings settings;
};

struct config {
  uint64_t base; // lowest address of the workload's memory
  uint32_t cold_pages;
  uint32_t hot_pages;
  enum content cold_content;
  uint32_t seed;
  uint32_t heartbeat_ms; // 0: none
  uint32_t stats_ms;     // 0: none
  bool wait_for_poke;
  struct settings settings;
  struct phase phases[kMaxPhases];
  uint32_t phase_count;
  bool loop;
};

// `text` is as QEMU hands it over: the kernel's file name, then the words of
// -append. Ends the guest with an ERROR line where a word makes no sense.
void read_command_line(const char* text, struct config* config);
