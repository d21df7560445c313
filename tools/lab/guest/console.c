#include "console.h"

#include "cpu.h"

enum {
  kDebugPort = 0xe9,
  kCom1 = 0x3f8,
  kCom1LineControl = kCom1 + 3,
  kCom1LineStatus = kCom1 + 5,
  kDataReady = 0x01,
  kTransmitEmpty = 0x20,
  kNoDevice = 0xff, // what a port that nobody answers reads as
};

static void put_char(struct line* line, char c) {
  if (line->length < sizeof line->text)
    line->text[line->length++] = c;
}

void put_text(struct line* line, const char* text) {
  while (*text)
    put_char(line, *text++);
}

void put_slice(struct line* line, struct slice text) {
  for (uint32_t i = 0; i < text.length; ++i)
    put_char(line, text.at[i]);
}

void put_decimal(struct line* line, uint64_t value) {
  char digits[20];
  uint32_t count = 0;
  do {
    uint64_t rest = divide(value, 10);
    digits[count++] = (char)('0' + (uint32_t)(value - rest * 10));
    value = rest;
  } while (value);
  while (count)
    put_char(line, digits[--count]);
}

void put_hex(struct line* line, uint64_t value) {
  put_text(line, "0x");
  int shift = 60;
  while (shift > 0 && (value >> shift) == 0)
    shift -= 4;
  for (; shift >= 0; shift -= 4)
    put_char(line, "0123456789abcdef"[(value >> shift) & 15]);
}

void console_init(void) {
  outb(kCom1 + 1, 0); // no interrupts
  outb(kCom1LineControl, 0x80);
  outb(kCom1, 1); // 115200 baud
  outb(kCom1 + 1, 0);
  outb(kCom1LineControl, 0x03); // 8 bits, no parity, 1 stop bit
  outb(kCom1 + 2, 0x07);        // FIFOs on and empty
}

static void send_serial(const struct line* line) {
  for (uint32_t i = 0; i < line->length; ++i) {
    // Bounded, so that a port which nobody reads cannot stop the guest.
    for (int wait = 0; wait < 100000; ++wait)
      if (inb(kCom1LineStatus) & kTransmitEmpty)
        break;
    outb(kCom1, (uint8_t)line->text[i]);
  }
}

void send_debug(struct line* line) {
  put_char(line, '\n');
  for (uint32_t i = 0; i < line->length; ++i)
    outb(kDebugPort, (uint8_t)line->text[i]);
}

void send_all(struct line* line) {
  send_debug(line);
  send_serial(line);
}

bool console_poked(void) {
  uint8_t status = inb(kCom1LineStatus);
  if (status == kNoDevice || !(status & kDataReady))
    return false;
  inb(kCom1);
  return true;
}

_Noreturn void die(struct slice word, const char* reason) {
  struct line line = {.length = 0};
  put_text(&line, "ERROR ");
  put_slice(&line, word);
  put_text(&line, ": ");
  put_text(&line, reason);
  send_all(&line);
  halt_forever();
}
