#include "captures/trace/trace_event.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <random>

using namespace migscope;
using namespace migscope::captures;

namespace {

std::optional<trace::Event> event_of(std::string_view text) {
  auto line = trace::parse_line(text);
  return line ? trace::decode(*line) : std::nullopt;
}

template <typename E>
E decoded(std::string_view text) {
  auto event = event_of(text);
  REQUIRE_MESSAGE(event, text);
  auto* typed = std::get_if<E>(&*event);
  REQUIRE_MESSAGE(typed, text);
  return *typed;
}

// One of each event, and of each version's text of it.
const std::vector<std::string> kExamples = {
    "migrate_set_state new state active",
    "migration_bitmap_sync_start ",
    "migration_bitmap_sync_end dirty_pages 1253",
    "migrate_pending pending size 239013888 max 40271784 (pre = 239013888 "
    "compat=0 post=0)",
    "migrate_pending_estimate estimate pending size 7 (pre = 4 post=3)",
    "migrate_pending_exact exact pending size 7827456 (pre = 7827456 post=0)",
    "qemu_savevm_query_pending exact=1, final=0, precopy=5, stopcopy=2, "
    "postcopy=3, total=10, collected switchover ack pending=0, total "
    "switchover ack pending=0",
    "migrate_transferred transferred 13423928 time_spent 100 bandwidth 134239 "
    "max_size 40271784",
    "migrate_transferred transferred 8893135 time_spent 113 bandwidth 629 "
    "switchover_bw 78700 max_size 23610092",
    "vmstate_downtime_checkpoint src-vm-stopped",
    "vmstate_downtime_save type=iterable idstr=ram instance_id=0 "
    "downtime=11013",
    "vmstate_downtime_load type=non-iterable idstr=dma instance_id=1 "
    "downtime=8",
    "runstate_set current_run_state 9 (running) new_state 7 (finish-migrate)",
    "vm_stop_flush_all ret 0",
    "savevm_section_start 0000:00:01.1/ide, section_id 28",
    "savevm_section_end ram, section_id 2 -> -1",
    "qemu_loadvm_state_section_startfull 13(dma) 1 2",
    "qemu_loadvm_state_post_main -22",
};

} // namespace

TEST_CASE("every event is decoded, with and without time") {
  std::vector<std::string_view> seen;
  for (const std::string& text : kExamples) {
    CHECK_MESSAGE(event_of(text), text);
    CHECK_MESSAGE(event_of("2026-11-25T23:03:18.816898Z " + text), text);
    CHECK_MESSAGE(event_of("7@1795647798.816898:" + text), text);
    seen.push_back(std::string_view(text).substr(0, text.find(' ')));
  }
  for (std::string_view name : trace::event_names()) {
    CHECK_MESSAGE(std::count(seen.begin(), seen.end(), name) > 0, name);
    CHECK(trace::is_known(name));
  }
  CHECK_FALSE(trace::is_known("ram_save_page"));
  CHECK_FALSE(event_of("ram_save_page pc.ram: offset: 0x0 host: 0x0"));
}

TEST_CASE("what is pending, in three versions' words") {
  auto old = decoded<trace::Pending>(kExamples[3]);
  CHECK_FALSE(old.exact);
  CHECK(old.bytes == 239013888);
  CHECK(old.threshold == 40271784);
  CHECK(old.compatible == 0);
  auto estimate = decoded<trace::Pending>(kExamples[4]);
  CHECK(estimate.exact == false);
  CHECK(estimate.precopy == 4);
  CHECK(estimate.postcopy == 3);
  CHECK_FALSE(estimate.threshold);
  CHECK(decoded<trace::Pending>(kExamples[5]).exact == true);
  auto query = decoded<trace::Pending>(kExamples[6]);
  CHECK(query.exact == true);
  CHECK_FALSE(query.final);
  CHECK(query.stopcopy == 2);
  CHECK(query.bytes == 10);
}

TEST_CASE("the bandwidth is kept as QEMU prints it") {
  auto old = decoded<trace::Transferred>(kExamples[7]);
  CHECK(old.bytes == 13423928);
  CHECK(old.ms == 100);
  CHECK(old.bandwidth == 134239);
  CHECK_FALSE(old.switchover_bandwidth);
  CHECK(old.max_bytes == 40271784);
  auto now = decoded<trace::Transferred>(kExamples[8]);
  CHECK(now.bandwidth == 629);
  CHECK(now.switchover_bandwidth == 78700);
}

TEST_CASE("devices and sections") {
  auto save = decoded<trace::DeviceTime>(kExamples[10]);
  CHECK_FALSE(save.load);
  CHECK(save.iterable);
  CHECK(save.idstr == "ram");
  CHECK(save.us == 11013);
  auto load = decoded<trace::DeviceTime>(kExamples[11]);
  CHECK(load.load);
  CHECK_FALSE(load.iterable);
  CHECK(load.instance_id == 1);
  auto start = decoded<trace::SectionStart>(kExamples[14]);
  CHECK(start.idstr == "0000:00:01.1/ide");
  CHECK(start.section_id == 28);
  CHECK(decoded<trace::SectionEnd>(kExamples[15]).result == -1);
  auto device = decoded<trace::LoadDevice>(kExamples[16]);
  CHECK(device.section_id == 13);
  CHECK(device.idstr == "dma");
  CHECK(device.instance_id == 1);
  CHECK(device.version == 2);
  auto run = decoded<trace::RunState>(kExamples[12]);
  CHECK(run.from == "running");
  CHECK(run.to == "finish-migrate");
  CHECK(decoded<trace::LoadDone>(kExamples[17]).result == -22);
}

TEST_CASE("a name may hold what stands behind names") {
  auto start = decoded<trace::SectionStart>(
      "savevm_section_start a, section_id 1, section_id 2");
  CHECK(start.idstr == "a, section_id 1");
  CHECK(start.section_id == 2);
}

TEST_CASE("arguments that cannot be are not decoded") {
  for (const std::string& text :
       {std::string("migration_bitmap_sync_end dirty_pages -1"),
        std::string("migration_bitmap_sync_end dirty_pages "
                    "99999999999999999999999"),
        std::string("migration_bitmap_sync_end dirty_pages 12x"),
        std::string("migration_bitmap_sync_end"),
        std::string("vmstate_downtime_save type=other idstr=ram instance_id=0 "
                    "downtime=1"),
        std::string("vmstate_downtime_save type=iterable idstr=ram "
                    "instance_id=4294967296 downtime=1"),
        std::string("qemu_savevm_query_pending exact=2, final=0, precopy=0, "
                    "stopcopy=0, postcopy=0, total=0"),
        std::string("savevm_section_start \x1b[2J, section_id 1"),
        std::string("savevm_section_start , section_id 1"),
        "savevm_section_start " + std::string(256, 'a') + ", section_id 1",
        std::string("vmstate_downtime_checkpoint ")})
    CHECK_FALSE_MESSAGE(event_of(text), text);
}

TEST_CASE("any bytes are taken") {
  std::mt19937 random(5);
  auto below = [&](size_t n) { return random() % n; };
  for (int i = 0; i < 200'000; ++i) {
    std::string text = kExamples[below(kExamples.size())];
    if (below(2))
      text = "2026-11-25T23:03:18.816898Z " + text;
    else if (below(2))
      text = "7@1795647798.816898:" + text;
    for (size_t changes = below(4); changes > 0 && !text.empty(); --changes)
      switch (size_t at = below(text.size()); below(3)) {
      case 0:
        text[at] = static_cast<char>(random());
        break;
      case 1:
        text.erase(at, 1 + below(8));
        break;
      default:
        text.insert(at, 1 + below(30), "0 9=(\xff,"[below(7)]);
      }
    // A copy of exactly this size, so that a read beyond it shows.
    std::vector<char> exact(text.begin(), text.end());
    auto event = event_of({exact.data(), exact.size()});
    if (auto* section =
            event ? std::get_if<trace::SectionStart>(&*event) : nullptr)
      CHECK(section->idstr.size() <= trace::kMaxText);
  }
}
