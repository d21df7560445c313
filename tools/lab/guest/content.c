#include "content.h"

#include "cpu.h"
#include "random.h"

enum {
  kPageWords = kPageSize / 4,
  kHeaderWords = sizeof(struct page_header) / 4,
  kBodyWords = kPageWords - kHeaderWords,
  // A body of text starts at one of kPageWords places of the book.
  kBookWords = 2 * kPageWords,
  kWordsPerLine = 12,
};

static uint32_t seed;
static uint32_t book[kBookWords];

static const char* const kVocabulary[32] = {
    "memory",  "page",   "the",   "of",     "a",     "dirty", "guest", "sends",
    "round",   "copy",   "stops", "state",  "every", "write", "again", "source",
    "network", "while",  "that",  "device", "and",   "then",  "queue", "to",
    "start",   "bitmap", "is",    "in",     "least", "rate",  "host",  "with"};

static void write_book(void) {
  struct random random = {seed};
  char* at = (char*)book;
  char* end = at + sizeof book;
  for (uint32_t count = 1; at < end; ++count) {
    const char* word = kVocabulary[next_random(&random) >> 27];
    while (*word && at < end)
      *at++ = *word++;
    if (at < end)
      *at++ = count % kWordsPerLine ? ' ' : '\n';
  }
}

void content_init(uint32_t value) {
  seed = value;
  write_book();
}

static uint32_t kind_of(enum content content) {
  static const char kLetters[] = {'z', 't', 'r', 'c'};
  return 'L' | 'A' << 8 | 'B' << 16 | (uint32_t)kLetters[content] << 24;
}

static uint32_t key_of(uint32_t frame, uint32_t writes) {
  return scramble(scramble(seed ^ scramble(frame)) + writes);
}

static void write_text(uint32_t* body, uint32_t key) {
  copy_words(body, book + key % kPageWords, kBodyWords);
}

// xorshift32: three shifts a word, against the multiplications of scramble().
static void write_random(uint32_t* body, uint32_t key) {
  uint32_t x = key | 1;
  for (uint32_t i = 0; i < kBodyWords; ++i) {
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    body[i] = x;
  }
}

static void build_page(uint32_t* page, uint32_t frame, uint32_t writes,
                       enum content content) {
  if (content == CONTENT_ZERO) {
    clear_words(page, kPageWords);
    return;
  }
  *(struct page_header*)page =
      (struct page_header){kind_of(content), frame, writes, seed};
  uint32_t* body = page + kHeaderWords;
  if (content == CONTENT_RANDOM)
    write_random(body, key_of(frame, writes));
  else
    write_text(body, key_of(frame, content == CONTENT_TEXT ? writes : 0));
}

void fill_page(uint32_t* page, uint32_t frame, enum content content) {
  build_page(page, frame, 0, content == CONTENT_SAME ? CONTENT_TEXT : content);
}

void write_page(uint32_t* page, uint32_t frame, enum content content) {
  volatile struct page_header* header = (volatile struct page_header*)page;
  if (content == CONTENT_SAME)
    header->writes = header->writes;
  else if (content == CONTENT_COUNTER && header->kind == kind_of(content))
    ++header->writes;
  else
    build_page(page, frame, header->writes + 1, content);
}
