#include "workload.h"

#include "clock.h"
#include "content.h"
#include "cpu.h"
#include "interrupts.h"
#include "paging.h"
#include "picker.h"

enum {
  kPageCost = 1000000, // credit; a rate of 1 earns 1 a microsecond
  kDebtUs = 10000,     // work that stayed undone for longer is forgotten
  kBatch = 16,         // pages between two looks at the clock
};

struct workload {
  const struct config* config;
  const struct area* hot;
  struct settings settings;
  struct picker picker;
  struct random random;
  bool running;
  uint32_t phase;
  uint64_t phase_end_us;
  uint64_t credit_us; // when credit was last earned
  uint64_t credit;
  uint64_t dirtied;
};

// A line that is due every so often. Turns that were missed are skipped.
struct report {
  uint32_t period_us; // 0: never
  uint64_t next_us;
};

static bool is_due(struct report* report, uint64_t now) {
  if (report->period_us == 0 || now < report->next_us)
    return false;
  report->next_us = (divide(now, report->period_us) + 1) * report->period_us;
  return true;
}

static void report(const char* name, const uint64_t* values, uint32_t count) {
  struct line line = {.length = 0};
  put_text(&line, name);
  for (uint32_t i = 0; i < count; ++i) {
    put_text(&line, " ");
    put_decimal(&line, values[i]);
  }
  send_debug(&line);
}

#define REPORT(name, ...)                                                      \
  report(name, (const uint64_t[]){__VA_ARGS__},                                \
         sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static void apply(struct workload* work, const struct settings* settings,
                  uint64_t now) {
  work->settings = *settings;
  work->credit = 0;
  work->credit_us = now;
  picker_init(&work->picker, settings);
}

static void enter_phase(struct workload* work, uint32_t phase, uint64_t now) {
  const struct phase* entered = &work->config->phases[phase];
  work->phase = phase;
  work->phase_end_us = now + entered->ms * 1000ull;
  apply(work, &entered->settings, now);
  REPORT("PHASE", phase, now, work->dirtied);
}

static void start(struct workload* work, uint64_t now) {
  work->running = true;
  apply(work, &work->config->settings, now);
  REPORT("START", now, work->dirtied);
  if (work->config->phase_count)
    enter_phase(work, 0, now);
}

static void advance_phase(struct workload* work, uint64_t now) {
  const struct config* config = work->config;
  if (config->phase_count == 0 || now < work->phase_end_us)
    return;
  if (work->phase + 1 < config->phase_count)
    enter_phase(work, work->phase + 1, now);
  else if (config->loop)
    enter_phase(work, 0, now);
}

static void earn_credit(struct workload* work, uint64_t now) {
  uint64_t rate = work->settings.rate, limit = rate * kDebtUs;
  work->credit += (now - work->credit_us) * rate;
  work->credit_us = now;
  if (limit < kPageCost)
    limit = kPageCost;
  if (work->credit > limit)
    work->credit = limit;
}

static bool may_write(struct workload* work) {
  if (work->settings.rate == kRateMax)
    return true;
  if (work->credit < kPageCost)
    return false;
  work->credit -= kPageCost;
  return true;
}

static void dirty_one(struct workload* work) {
  uint32_t page = pick_page(&work->picker, &work->random);
  uint64_t address = page_address(work->hot, work->settings.first + page);
  write_page(map_page(address), (uint32_t)(address >> kPageShift),
             work->settings.content);
  ++work->dirtied;
}

// False when nothing is left to do for now.
static bool dirty_batch(struct workload* work, uint64_t now) {
  if (!work->running || work->settings.pages == 0)
    return false;
  earn_credit(work, now);
  for (uint32_t i = 0; i < kBatch; ++i) {
    if (!may_write(work))
      return false;
    dirty_one(work);
  }
  return true;
}

static struct report every(uint32_t ms) {
  return (struct report){ms * 1000, ms * 1000};
}

_Noreturn void run_workload(const struct config* config,
                            const struct area* hot) {
  struct workload work = {
      .config = config, .hot = hot, .random = {scramble(config->seed)}};
  struct report heartbeat = every(config->heartbeat_ms);
  struct report stats = every(config->stats_ms);
  uint64_t beats = 0;
  for (;;) {
    uint64_t now = clock_us();
    if (is_due(&heartbeat, now))
      REPORT("HB", ++beats, now);
    if (is_due(&stats, now))
      REPORT("STATS", now, work.dirtied);
    if (!work.running && (!config->wait_for_poke || console_poked()))
      start(&work, now);
    if (work.running)
      advance_phase(&work, now);
    if (!dirty_batch(&work, now))
      idle_until_tick();
  }
}
