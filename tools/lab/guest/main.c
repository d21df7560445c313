#include "clock.h"
#include "config.h"
#include "console.h"
#include "content.h"
#include "interrupts.h"
#include "memory.h"
#include "multiboot.h"
#include "paging.h"
#include "workload.h"

extern const char stack_bottom[], stack_top[];

static void require(bool given, const char* what) {
  if (!given)
    die((struct slice){"boot", 4}, what);
}

static void say_ready(const struct config* config, const struct area* cold,
                      const struct area* hot) {
  struct line line = {.length = 0};
  put_ready(&line, cold, hot);
  put_text(&line, " stack=");
  put_hex(&line, (uint32_t)stack_bottom);
  put_text(&line, "-");
  put_hex(&line, (uint32_t)stack_top);
  put_text(&line, " page=");
  put_decimal(&line, kPageSize);
  put_text(&line, " seed=");
  put_decimal(&line, config->seed);
  put_text(&line, " tsc_khz=");
  put_decimal(&line, clock_tsc_khz());
  send_all(&line);
}

_Noreturn void guest_main(uint32_t magic, const struct multiboot_info* info);

_Noreturn void guest_main(uint32_t magic, const struct multiboot_info* info) {
  static struct config config;
  static struct area cold, hot;
  console_init();
  require(magic == kMultibootLoaderMagic, "not started by a multiboot loader");
  require(info->flags & kMultibootHasCommandLine, "no command line");
  require(info->flags & kMultibootHasMemoryMap, "no memory map");
  interrupts_init();
  read_command_line((const char*)info->command_line, &config);
  lay_out_memory(info, &config, &cold, &hot);
  clock_init();
  paging_init();
  content_init(config.seed);
  fill_area(&cold, config.cold_content);
  fill_area(&hot, config.settings.content);
  clock_start();
  say_ready(&config, &cold, &hot);
  run_workload(&config, &hot);
}
