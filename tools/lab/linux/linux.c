// The lab guest's workload as a program for Linux: what the bare machine gives
// it, this takes from the kernel. It is to be run as root, as the ports of the
// debug console are used directly.
#include "clock.h"
#include "config.h"
#include "console.h"
#include "content.h"
#include "echo.h"
#include "interrupts.h"
#include "paging.h"
#include "syscalls.h"
#include "workload.h"

struct timespec32 {
  int32_t seconds, nanoseconds;
};

static uint64_t started_us;

// The kernel's clock stands still while QEMU has the guest stopped, as the TSC
// does.
static uint64_t monotonic_us(void) {
  enum { kMonotonic = 1 };
  struct timespec32 now;
  system_call(kSysClockGettime, kMonotonic, (long)&now, 0, 0, 0, 0);
  return (uint64_t)(uint32_t)now.seconds * 1000000 +
         (uint32_t)now.nanoseconds / 1000;
}

void clock_start(void) {
  started_us = monotonic_us();
}

uint64_t clock_us(void) {
  return monotonic_us() - started_us;
}

void idle_until_tick(void) {
  struct timespec32 tick = {0, 1000000};
  system_call(kSysNanosleep, (long)&tick, 0, 0, 0, 0, 0);
}

_Noreturn void halt_forever(void) {
  for (;;)
    system_call(kSysPause, 0, 0, 0, 0, 0, 0);
}

uint32_t* map_page(uint64_t address) {
  return (uint32_t*)(uint32_t)address;
}

static void take_memory(uint32_t pages, const char* name, uint32_t length,
                        struct area* area) {
  enum { kReadWrite = 3, kPrivateAnonymous = 0x22, kNoFile = -1 };
  *area = (struct area){.pages = pages};
  if (pages == 0)
    return;
  long at = pages > UINT32_MAX >> kPageShift
                ? -1
                : system_call(kSysMmap2, 0, (long)(pages << kPageShift),
                              kReadWrite, kPrivateAnonymous, kNoFile, 0);
  if (at < 0 && at > -4096)
    die((struct slice){name, length}, "the guest has too little memory");
  uint64_t start = (uint32_t)at;
  area->parts[area->part_count++] =
      (struct range){start, start + ((uint64_t)pages << kPageShift)};
}

// Joined by blanks, as the bare guest's bootloader does.
static const char* join(int count, char** words) {
  static char text[4096];
  uint32_t length = 0;
  for (int i = 0; i < count; ++i) {
    for (const char* at = words[i]; *at && length + 2 < sizeof text; ++at)
      text[length++] = *at;
    text[length++] = ' ';
    if (length + 2 >= sizeof text)
      break;
  }
  return text;
}

static void say_ready(const struct config* config, const struct area* cold,
                      const struct area* hot) {
  struct line line = {.length = 0};
  put_ready(&line, cold, hot);
  put_text(&line, " addresses=virtual page=");
  put_decimal(&line, kPageSize);
  put_text(&line, " seed=");
  put_decimal(&line, config->seed);
  send_debug(&line);
}

_Noreturn void program_main(int count, char** words);

_Noreturn void program_main(int count, char** words) {
  enum { kEverything = 3, kCurrentAndFuture = 3 };
  static struct config config;
  static struct area cold, hot;
  if (system_call(kSysIopl, kEverything, 0, 0, 0, 0, 0) < 0)
    system_call(kSysExit, 1, 0, 0, 0, 0, 0);
  start_echo();
  read_command_line(join(count, words), &config);
  system_call(kSysMlockAll, kCurrentAndFuture, 0, 0, 0, 0, 0);
  take_memory(config.cold_pages, "cold", 4, &cold);
  take_memory(config.hot_pages, "hot", 3, &hot);
  content_init(config.seed);
  fill_area(&cold, config.cold_content);
  fill_area(&hot, config.settings.content);
  clock_start();
  say_ready(&config, &cold, &hot);
  run_workload(&config, &hot);
}

// The kernel leaves the count of words and their addresses on the stack.
__asm__(".globl _start\n"
        "_start:\n"
        "  mov (%esp), %eax\n"
        "  lea 4(%esp), %edx\n"
        "  xor %ebp, %ebp\n"
        "  and $-16, %esp\n"
        "  sub $8, %esp\n"
        "  push %edx\n"
        "  push %eax\n"
        "  call program_main\n");
