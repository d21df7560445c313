#include "parse.h"

#include "cpu.h"

// Far above any guest's memory, and far from overflow in what follows.
static const uint64_t kLargest = 1ull << 48;

bool same_text(struct slice text, const char* name) {
  uint32_t i = 0;
  while (i < text.length && name[i] && text.at[i] == name[i])
    ++i;
  return i == text.length && !name[i];
}

bool split(struct slice* rest, char separator, struct slice* piece) {
  if (rest->length == 0)
    return false;
  uint32_t end = 0;
  while (end < rest->length && rest->at[end] != separator)
    ++end;
  *piece = (struct slice){rest->at, end};
  uint32_t used = end < rest->length ? end + 1 : end;
  *rest = (struct slice){rest->at + used, rest->length - used};
  return true;
}

static uint32_t digit_of(char c) {
  if (c >= '0' && c <= '9')
    return (uint32_t)(c - '0');
  if (c >= 'a' && c <= 'f')
    return (uint32_t)(c - 'a' + 10);
  return 99;
}

static bool parse_digits(struct slice text, uint32_t base, uint64_t* value) {
  uint64_t number = 0;
  for (uint32_t i = 0; i < text.length; ++i) {
    uint32_t digit = digit_of(text.at[i]);
    if (digit >= base || number >= kLargest)
      return false;
    number = number * base + digit;
  }
  if (text.length == 0)
    return false;
  *value = number;
  return true;
}

bool parse_number(struct slice text, uint64_t* value) {
  if (text.length > 2 && text.at[0] == '0' && text.at[1] == 'x')
    return parse_digits((struct slice){text.at + 2, text.length - 2}, 16,
                        value);
  return parse_digits(text, 10, value);
}

bool parse_size(struct slice text, uint64_t* value) {
  char suffix = text.length ? text.at[text.length - 1] : 0;
  uint32_t shift = suffix == 'K'   ? 10
                   : suffix == 'M' ? 20
                   : suffix == 'G' ? 30
                                   : 0;
  uint64_t number;
  if (shift)
    --text.length;
  if (!parse_number(text, &number) || number > kLargest >> shift)
    return false;
  *value = number << shift;
  return true;
}

bool parse_duration(struct slice text, uint32_t* value) {
  if (text.length < 2 || text.at[text.length - 1] != 's')
    return false;
  bool milli = text.at[text.length - 2] == 'm';
  text.length -= milli ? 2 : 1;
  uint64_t number;
  if (!parse_number(text, &number) || number == 0 || number > 1000000)
    return false;
  *value = (uint32_t)number * (milli ? 1 : 1000);
  return true;
}

bool parse_fraction(struct slice text, uint32_t* value) {
  struct slice places = text, integer;
  uint64_t whole, part = 0;
  uint32_t scale = 1;
  if (!split(&places, '.', &integer) || !parse_digits(integer, 10, &whole) ||
      whole > 1000 || places.length > 4)
    return false;
  if (places.length && !parse_digits(places, 10, &part))
    return false;
  for (uint32_t i = 0; i < places.length; ++i)
    scale *= 10;
  *value = (uint32_t)(whole << 16) + (uint32_t)divide(part << 16, scale);
  return true;
}

bool parse_choice(struct slice text, const char* const* names, uint32_t count,
                  uint32_t* value) {
  for (uint32_t i = 0; i < count; ++i) {
    if (same_text(text, names[i])) {
      *value = i;
      return true;
    }
  }
  return false;
}
