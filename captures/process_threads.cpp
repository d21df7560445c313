#include "captures/process_threads.h"

#include <charconv>
#include <fmt/format.h>
#include <fstream>
#include <unistd.h>

namespace migscope::captures {
namespace {

namespace fs = std::filesystem;

std::string line_of(const fs::path& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

// Takes the first word off.
std::string_view word(std::string_view& text) {
  size_t begin = std::min(text.find_first_not_of(' '), text.size());
  size_t end = std::min(text.find(' ', begin), text.size());
  std::string_view out = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return out;
}

std::optional<int64_t> number(std::string_view word) {
  int64_t value = 0;
  auto [stop, error] =
      std::from_chars(word.data(), word.data() + word.size(), value);
  bool whole = error == std::errc() && stop == word.data() + word.size();
  return whole && value >= 0 ? std::optional(value) : std::nullopt;
}

std::optional<Nanos> ticks(std::string_view word) {
  constexpr int64_t kSecond = 1'000'000'000;
  auto value = number(word);
  int64_t a_second = ::sysconf(_SC_CLK_TCK);
  if (!value || a_second <= 0 || *value > kMaxTimeNs / kSecond)
    return std::nullopt;
  return Nanos(*value * (kSecond / a_second));
}

} // namespace

std::optional<ThreadTimes> parse_thread(int64_t tid, std::string_view stat,
                                        std::string_view schedstat) {
  // The name stands in brackets and may hold any itself.
  size_t open = stat.find('('), close = stat.rfind(')');
  if (open == stat.npos || close == stat.npos || close < open)
    return std::nullopt;
  ThreadTimes out;
  out.tid = tid;
  out.name = stat.substr(open + 1, close - open - 1);
  stat.remove_prefix(close + 1);
  std::string_view state = word(stat);
  constexpr int kBetween = 10; // members between the state and utime
  for (int i = 0; i < kBetween; ++i)
    word(stat);
  auto user = ticks(word(stat)), system = ticks(word(stat));
  if (state.size() != 1 || !user || !system)
    return std::nullopt;
  out.state = state.front();
  out.cpu = *user + *system;
  auto cpu = number(word(schedstat)), queued = number(word(schedstat));
  if (cpu && queued) {
    out.cpu = Nanos(*cpu);
    out.queued = Nanos(*queued);
  }
  return out;
}

Result<std::vector<ThreadTimes>> process_threads(int64_t pid) {
  std::vector<ThreadTimes> out;
  fs::path tasks = fmt::format("/proc/{}/task", pid);
  std::error_code error;
  for (fs::directory_iterator at(tasks, error), end;
       !error && at != end && out.size() < kMaxThreads; at.increment(error)) {
    auto tid = number(at->path().filename().string());
    if (!tid)
      continue;
    auto thread = parse_thread(*tid, line_of(at->path() / "stat"),
                               line_of(at->path() / "schedstat"));
    if (thread)
      out.push_back(std::move(*thread));
  }
  if (out.empty())
    return fail(ErrorKind::io,
                fmt::format("{}: {}", tasks.string(),
                            error ? error.message() : "no thread to be seen"));
  return out;
}

} // namespace migscope::captures
