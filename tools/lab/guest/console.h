// Lines of text out of the guest, on two ports: COM1 (0x3f8), and QEMU's debug
// console (0xe9), which costs one port write per character and no waiting.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// A piece of somebody else's text; not terminated.
struct slice {
  const char* at;
  uint32_t length;
};

// Characters beyond the room are dropped.
struct line {
  char text[640];
  uint32_t length;
};

void put_text(struct line* line, const char* text);
void put_slice(struct line* line, struct slice text);
void put_decimal(struct line* line, uint64_t value);
void put_hex(struct line* line, uint64_t value);

void console_init(void);
void send_debug(struct line* line); // the debug console alone
void send_all(struct line* line);   // the debug console and COM1

// True once for each time that something came in on COM1.
bool console_poked(void);

// `ERROR WORD: REASON` on both, and the end of the guest.
_Noreturn void die(struct slice word, const char* reason);
_Noreturn void halt_forever(void); // interrupts.c
