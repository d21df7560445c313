#include "config.h"

#include "parse.h"

static const char* const kContents[] = {"zero", "text", "random", "counter",
                                        "same"};
static const char* const kPatterns[] = {"sequential", "random", "zipf"};
static const char* const kStarts[] = {"ready", "serial"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// A `key=value` as it stands, and its two sides.
struct word {
  struct slice all, key, value;
};

static struct word to_word(struct slice all) {
  struct word word = {all, {0, 0}, {0, 0}};
  struct slice rest = all;
  split(&rest, '=', &word.key);
  word.value = rest;
  return word;
}

static uint32_t choice(struct word word, const char* const* names,
                       uint32_t count, const char* expected) {
  uint32_t value;
  if (!parse_choice(word.value, names, count, &value))
    die(word.all, expected);
  return value;
}

static uint32_t number(struct word word, uint32_t largest) {
  uint64_t value;
  if (!parse_number(word.value, &value) || value > largest)
    die(word.all, "expected a number, and not so large a one");
  return (uint32_t)value;
}

static uint32_t pages(struct word word, struct slice text) {
  uint64_t bytes;
  if (!parse_size(text, &bytes) || bytes % kPageSize != 0 ||
      bytes >> kPageShift > UINT32_MAX)
    die(word.all, "expected a size such as 64M, a multiple of 4K");
  return (uint32_t)(bytes >> kPageShift);
}

static uint32_t rate(struct word word) {
  if (same_text(word.value, "max"))
    return kRateMax;
  return number(word, 1000000000);
}

static uint32_t exponent(struct word word) {
  uint32_t value;
  if (!parse_fraction(word.value, &value) || value > 8 << 16)
    die(word.all, "expected a number from 0 to 8 such as 1.25");
  return value;
}

static enum content content(struct word word) {
  return choice(word, kContents, COUNT(kContents),
                "expected zero, text, random, counter or same");
}

static enum content cold_content(struct word word) {
  return choice(word, kContents, COUNT(kContents) - 1,
                "expected zero, text, random or counter");
}

static bool set_setting(struct settings* settings, struct word word) {
  if (same_text(word.key, "rate"))
    settings->rate = rate(word);
  else if (same_text(word.key, "pattern"))
    settings->pattern = choice(word, kPatterns, COUNT(kPatterns),
                               "expected sequential, random or zipf");
  else if (same_text(word.key, "zipf"))
    settings->exponent = exponent(word);
  else if (same_text(word.key, "content"))
    settings->content = content(word);
  else
    return false;
  return true;
}

static bool set_memory(struct config* config, struct word word) {
  if (same_text(word.key, "base"))
    config->base = (uint64_t)pages(word, word.value) << kPageShift;
  else if (same_text(word.key, "cold"))
    config->cold_pages = pages(word, word.value);
  else if (same_text(word.key, "hot"))
    config->hot_pages = pages(word, word.value);
  else if (same_text(word.key, "cold-content"))
    config->cold_content = cold_content(word);
  else
    return false;
  if (config->base < 16 << 20)
    die(word.all, "below 16M the memory is the guest's own");
  return true;
}

static bool set_reports(struct config* config, struct word word) {
  if (same_text(word.key, "seed"))
    config->seed = number(word, UINT32_MAX);
  else if (same_text(word.key, "heartbeat"))
    config->heartbeat_ms = number(word, 1000000);
  else if (same_text(word.key, "stats"))
    config->stats_ms = number(word, 1000000);
  else if (same_text(word.key, "start"))
    config->wait_for_poke =
        choice(word, kStarts, COUNT(kStarts), "expected ready or serial") == 1;
  else
    return false;
  return true;
}

// SIZE or SIZE@OFFSET, inside the hot memory.
static void set_working_set(struct settings* settings, struct word word,
                            uint32_t hot_pages) {
  struct slice rest = word.value, size = {0, 0};
  split(&rest, '@', &size);
  settings->pages = pages(word, size);
  settings->first = rest.length ? pages(word, rest) : 0;
  if (settings->pages > hot_pages ||
      settings->first > hot_pages - settings->pages)
    die(word.all, "reaches beyond the hot memory");
}

static void read_phase(struct config* config, struct slice text) {
  if (config->phase_count == kMaxPhases)
    die(text, "too many phases");
  struct phase* phase = &config->phases[config->phase_count++];
  struct slice rest = text, piece;
  phase->settings = config->settings;
  if (!split(&rest, ':', &piece) || !parse_duration(piece, &phase->ms))
    die(text, "expected a phase such as 5s:rate=1000");
  while (split(&rest, ',', &piece)) {
    struct word word = to_word(piece);
    if (same_text(word.key, "hot"))
      set_working_set(&phase->settings, word, config->hot_pages);
    else if (!set_setting(&phase->settings, word))
      die(piece, "not a setting of a phase");
  }
}

static void read_phases(struct config* config, struct slice text) {
  struct slice piece;
  while (split(&text, ';', &piece)) {
    if (config->loop)
      die(piece, "nothing may follow loop");
    if (config->phase_count && same_text(piece, "loop"))
      config->loop = true;
    else
      read_phase(config, piece);
  }
}

static struct slice whole(const char* text) {
  struct slice slice = {text, 0};
  while (text[slice.length])
    ++slice.length;
  return slice;
}

void read_command_line(const char* text, struct config* config) {
  struct slice rest = whole(text), piece, phases = {0, 0};
  *config = (struct config){
      .base = 16 << 20,
      .cold_pages = 64 << 8,
      .hot_pages = 16 << 8,
      .cold_content = CONTENT_TEXT,
      .seed = 1,
      .stats_ms = 1000,
      .settings = {.rate = 1000,
                   .exponent = 1 << 16,
                   .content = CONTENT_COUNTER},
  };
  split(&rest, ' ', &piece); // the file name
  while (split(&rest, ' ', &piece)) {
    struct word word = to_word(piece);
    if (piece.length == 0)
      continue;
    if (same_text(word.key, "phases"))
      phases = word.value;
    else if (!set_memory(config, word) && !set_reports(config, word) &&
             !set_setting(&config->settings, word))
      die(piece, "not a word of the lab guest");
  }
  config->settings.pages = config->hot_pages;
  read_phases(config, phases);
}
