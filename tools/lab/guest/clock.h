// Time since READY, read from the TSC.
//
// The TSC stands still while QEMU has the guest stopped and its value migrates
// (TCG, 7.2 to 11.1), so a downtime does not show in this time: watch when the
// lines arrive. What shows is a vCPU that was kept from running.
#pragma once

#include <stdint.h>

// Measures the TSC against the timer chip (about 10 ms), then sets the timer
// to tick once a millisecond.
void clock_init(void);

void clock_start(void); // now is zero
uint64_t clock_us(void);
uint32_t clock_tsc_khz(void);
