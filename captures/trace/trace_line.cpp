#include "captures/trace/trace_line.h"

#include <algorithm>
#include <charconv>

namespace migscope::captures::trace {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr size_t kMicroDigits = 6;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Exactly `digits` digits from the front, which go.
std::optional<int> take_digits(std::string_view& text, size_t digits) {
  if (text.size() < digits ||
      !std::all_of(text.begin(), text.begin() + digits, is_digit))
    return {};
  int value = 0;
  std::from_chars(text.data(), text.data() + digits, value);
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c)
    return false;
  text.remove_prefix(1);
  return true;
}

std::optional<WallTime> wall_time(int64_t seconds, int micros) {
  if (seconds < 0 || seconds >= kMaxTimeNs / kNsPerSecond)
    return {};
  return WallTime{seconds * kNsPerSecond + int64_t{micros} * 1000};
}

// TID@SECONDS.MICROSECONDS: from the front.
std::optional<WallTime> take_epoch_time(std::string_view& line) {
  std::string_view text = line;
  size_t at = text.find_first_not_of("0123456789");
  if (at == 0 || at == text.npos || text[at] != '@')
    return {};
  text.remove_prefix(at + 1);
  int64_t seconds = -1;
  auto [stop, error] =
      std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc())
    return {};
  text.remove_prefix(static_cast<size_t>(stop - text.data()));
  std::optional<int> micros;
  if (!take(text, '.') || !(micros = take_digits(text, kMicroDigits)) ||
      !take(text, ':'))
    return {};
  auto time = wall_time(seconds, *micros);
  if (time)
    line = text;
  return time;
}

// YYYY-MM-DDTHH:MM:SS.uuuuuuZ and a blank from the front.
std::optional<WallTime> take_iso_time(std::string_view& line) {
  struct Field {
    size_t digits;
    char end;
  };
  constexpr Field kFields[] = {{4, '-'}, {2, '-'}, {2, 'T'},           {2, ':'},
                               {2, ':'}, {2, '.'}, {kMicroDigits, 'Z'}};
  std::string_view text = line;
  int values[std::size(kFields)];
  for (size_t i = 0; i < std::size(kFields); ++i) {
    auto value = take_digits(text, kFields[i].digits);
    if (!value || !take(text, kFields[i].end))
      return {};
    values[i] = *value;
  }
  auto [year, month, day, hour, minute, second, micros] = values;
  std::chrono::year_month_day date{std::chrono::year(year),
                                   std::chrono::month(unsigned(month)),
                                   std::chrono::day(unsigned(day))};
  // A leap second may be 60.
  if (!date.ok() || hour > 23 || minute > 59 || second > 60 || !take(text, ' '))
    return {};
  int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  auto time =
      wall_time(((days * 24 + hour) * 60 + minute) * 60 + second, micros);
  if (time)
    line = text;
  return time;
}

bool is_event_name(std::string_view word) {
  bool all = std::all_of(word.begin(), word.end(), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || c == '_';
  });
  return all && word.find('_') != word.npos && !is_digit(word.front());
}

std::string_view without_blanks(std::string_view text) {
  size_t first = text.find_first_not_of(' ');
  if (first == text.npos)
    return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

} // namespace

std::optional<Line> parse_line(std::string_view line) {
  Line out;
  out.emitted = take_epoch_time(line);
  if (!out.emitted)
    out.emitted = take_iso_time(line);
  size_t blank = std::min(line.find(' '), line.size());
  out.event = line.substr(0, blank);
  out.args = without_blanks(line.substr(blank));
  if (!is_event_name(out.event))
    return {};
  return out;
}

} // namespace migscope::captures::trace
