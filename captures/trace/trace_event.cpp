#include "captures/trace/trace_event.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>

namespace migscope::captures::trace {
namespace {

// Everything up to the last `end`, which goes too: a name may hold anything.
struct Text {
  std::string& out;
  std::string_view end;
};

bool take(std::string_view& args, std::string_view literal) {
  if (!args.starts_with(literal))
    return false;
  args.remove_prefix(literal.size());
  return true;
}

template <std::integral T>
bool take(std::string_view& args, T& number) {
  auto [stop, error] =
      std::from_chars(args.data(), args.data() + args.size(), number);
  if (error != std::errc())
    return false;
  args.remove_prefix(static_cast<size_t>(stop - args.data()));
  return true;
}

bool take(std::string_view& args, bool& flag) {
  unsigned number = 0;
  if (!take(args, number) || number > 1)
    return false;
  flag = number == 1;
  return true;
}

template <typename T>
bool take(std::string_view& args, std::optional<T>& number) {
  return take(args, number.emplace());
}

bool take(std::string_view& args, const Text& text) {
  size_t size = text.end.empty() ? args.size() : args.rfind(text.end);
  if (size == args.npos || size == 0 || size > kMaxText)
    return false;
  std::string_view found = args.substr(0, size);
  if (!std::all_of(found.begin(), found.end(),
                   [](char c) { return c >= 0x20 && c < 0x7F; }))
    return false;
  text.out = found;
  args.remove_prefix(size + text.end.size());
  return true;
}

// Literals, numbers and texts in turn. QEMU may print more behind them one day.
template <typename... Part>
bool match(std::string_view args, Part&&... parts) {
  return (take(args, parts) && ...) &&
         (args.empty() || args.front() == ' ' || args.front() == ',');
}

using Decoded = std::optional<Event>;

template <typename E>
Decoded if_matched(bool matched, E& event) {
  return matched ? Decoded(std::move(event)) : std::nullopt;
}

template <typename E>
Decoded plain(std::string_view) {
  return E{};
}

// "ret N", as three events have it, "N" and "ret=N".
template <typename E>
Decoded result(std::string_view args) {
  E event;
  if (!take(args, "ret "))
    (void)take(args, "ret=");
  return if_matched(match(args, event.result), event);
}

Decoded checkpoint(std::string_view args) {
  Checkpoint event;
  return if_matched(match(args, Text{event.name, ""}), event);
}

Decoded device_time(std::string_view args, bool load) {
  DeviceTime event;
  event.load = load;
  event.iterable = args.starts_with("type=iterable ");
  return if_matched(
      match(args, event.iterable ? "type=iterable " : "type=non-iterable ",
            "idstr=", Text{event.idstr, " instance_id="}, event.instance_id,
            " downtime=", event.us),
      event);
}

Decoded device_save(std::string_view args) {
  return device_time(args, false);
}

Decoded device_load(std::string_view args) {
  return device_time(args, true);
}

Decoded sync_end(std::string_view args) {
  SyncEnd event;
  return if_matched(match(args, "dirty_pages ", event.dirty_pages), event);
}

Decoded pending_7_2(std::string_view args) {
  Pending event;
  return if_matched(match(args, "pending size ", event.bytes, " max ",
                          event.threshold, " (pre = ", event.precopy,
                          " compat=", event.compatible,
                          " post=", event.postcopy, ")"),
                    event);
}

Decoded pending_8_0(std::string_view args) {
  Pending event;
  event.exact = args.starts_with("exact ");
  return if_matched(match(args, *event.exact ? "exact " : "estimate ",
                          "pending size ", event.bytes, " (pre = ",
                          event.precopy, " post=", event.postcopy, ")"),
                    event);
}

Decoded pending_11_1(std::string_view args) {
  Pending event;
  bool exact = false;
  bool matched =
      match(args, "exact=", exact, ", final=", event.final,
            ", precopy=", event.precopy, ", stopcopy=", event.stopcopy,
            ", postcopy=", event.postcopy, ", total=", event.bytes);
  event.exact = exact;
  return if_matched(matched, event);
}

Decoded transferred(std::string_view args) {
  Transferred event;
  if (!take(args, "transferred ") || !take(args, event.bytes) ||
      !take(args, " time_spent ") || !take(args, event.ms) ||
      !take(args, " bandwidth ") || !take(args, event.bandwidth))
    return {};
  if (take(args, " switchover_bw ") && !take(args, event.switchover_bandwidth))
    return {};
  return if_matched(match(args, " max_size ", event.max_bytes), event);
}

Decoded migration_state(std::string_view args) {
  MigrationState event;
  return if_matched(match(args, "new state ", Text{event.name, ""}), event);
}

Decoded run_state(std::string_view args) {
  RunState event;
  unsigned from = 0, to = 0;
  return if_matched(match(args, "current_run_state ", from, " (",
                          Text{event.from, ") new_state "}, to, " (",
                          Text{event.to, ")"}),
                    event);
}

Decoded section_start(std::string_view args) {
  SectionStart event;
  return if_matched(
      match(args, Text{event.idstr, ", section_id "}, event.section_id), event);
}

Decoded section_end(std::string_view args) {
  SectionEnd event;
  return if_matched(match(args, Text{event.idstr, ", section_id "},
                          event.section_id, " -> ", event.result),
                    event);
}

Decoded load_device(std::string_view args) {
  LoadDevice event;
  return if_matched(match(args, event.section_id, "(", Text{event.idstr, ") "},
                          event.instance_id, " ", event.version),
                    event);
}

struct Known {
  std::string_view name;
  Decoded (*decode)(std::string_view args);
};

constexpr std::array kKnown = {
    Known{"migrate_set_state", migration_state},
    Known{"migration_bitmap_sync_start", plain<SyncStart>},
    Known{"migration_bitmap_sync_end", sync_end},
    Known{"migrate_pending", pending_7_2},
    Known{"migrate_pending_estimate", pending_8_0},
    Known{"migrate_pending_exact", pending_8_0},
    Known{"qemu_savevm_query_pending", pending_11_1},
    Known{"migrate_transferred", transferred},
    Known{"vmstate_downtime_checkpoint", checkpoint},
    Known{"vmstate_downtime_save", device_save},
    Known{"vmstate_downtime_load", device_load},
    Known{"runstate_set", run_state},
    Known{"vm_stop_flush_all", result<DisksFlushed>},
    Known{"savevm_section_start", section_start},
    Known{"savevm_section_end", section_end},
    Known{"qemu_loadvm_state_section_startfull", load_device},
    Known{"qemu_loadvm_state_post_main", result<LoadDone>},
};

constexpr auto kNames = [] {
  std::array<std::string_view, kKnown.size()> names;
  std::transform(kKnown.begin(), kKnown.end(), names.begin(),
                 [](const Known& known) { return known.name; });
  return names;
}();

const Known* find(std::string_view name) {
  auto it = std::find_if(kKnown.begin(), kKnown.end(), [&](const Known& known) {
    return known.name == name;
  });
  return it == kKnown.end() ? nullptr : &*it;
}

} // namespace

std::span<const std::string_view> event_names() {
  return kNames;
}

bool is_known(std::string_view event_name) {
  return find(event_name) != nullptr;
}

std::optional<Event> decode(const Line& line) {
  const Known* known = find(line.event);
  return known ? known->decode(line.args) : std::nullopt;
}

} // namespace migscope::captures::trace
