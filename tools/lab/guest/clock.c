#include "clock.h"

#include "cpu.h"

enum {
  kTimerData = 0x40, // 8254, counter 0
  kTimerCommand = 0x43,
  kLatch = 0x00,
  kRateGenerator = 0x34, // both bytes of the count, mode 2
  kTimerHz = 1193182,
  kTicksHz = 1000,
  kWindows = 5,
  kWindowCounts = kTimerHz / 500, // 2 ms
};

static uint32_t tsc_khz;
static uint64_t tsc_start;

static void set_timer(uint32_t count) {
  outb(kTimerCommand, kRateGenerator);
  outb(kTimerData, (uint8_t)count);
  outb(kTimerData, (uint8_t)(count >> 8));
}

struct sample {
  uint64_t tsc;
  uint16_t count; // falls
};

static struct sample take_sample(void) {
  outb(kTimerCommand, kLatch);
  struct sample sample = {.tsc = rdtsc()};
  uint32_t low = inb(kTimerData);
  sample.count = (uint16_t)(low | (uint32_t)inb(kTimerData) << 8);
  return sample;
}

static uint32_t measure_khz(void) {
  struct sample first = take_sample(), last;
  uint16_t counts;
  do {
    last = take_sample();
    counts = (uint16_t)(first.count - last.count);
  } while (counts < kWindowCounts);
  return (uint32_t)divide((last.tsc - first.tsc) * kTimerHz, counts * 1000u);
}

// The host may take the processor away between latching the count and reading
// the TSC; the median forgets such windows.
static uint32_t median_khz(void) {
  uint32_t sorted[kWindows];
  for (uint32_t i = 0; i < kWindows; ++i) {
    uint32_t khz = measure_khz(), at = i;
    for (; at > 0 && sorted[at - 1] > khz; --at)
      sorted[at] = sorted[at - 1];
    sorted[at] = khz;
  }
  return sorted[kWindows / 2];
}

void clock_init(void) {
  set_timer(0); // 65536: wraps every 55 ms
  tsc_khz = median_khz();
  set_timer(kTimerHz / kTicksHz);
}

void clock_start(void) {
  tsc_start = rdtsc();
}

uint64_t clock_us(void) {
  return divide((rdtsc() - tsc_start) * 1000, tsc_khz);
}

uint32_t clock_tsc_khz(void) {
  return tsc_khz;
}
