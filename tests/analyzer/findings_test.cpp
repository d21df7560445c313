#include "analyzer/findings.h"

#include "qmp/json.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;

namespace {

constexpr uint64_t kMiB = 1u << 20;

// A round of one second.
Round round(uint64_t mib, uint64_t resent_mib) {
  Round out;
  out.bytes = mib * kMiB;
  out.pages = mib * kMiB / 4096;
  out.zero_pages = 0;
  out.resent_pages = resent_mib * kMiB / 4096;
  out.duration_ms = 1000;
  return out;
}

Analysis of_rounds(std::vector<Round> rounds) {
  Analysis out;
  out.vm.page_size = 4096;
  out.rounds = std::move(rounds);
  return out;
}

Analysis of_ram(uint64_t normal, uint64_t zero, uint64_t resent, uint64_t same,
                const QemuCounters& qemu, bool complete = true) {
  Analysis out;
  out.input.complete = complete;
  Ram& ram = out.ram.emplace();
  ram.totals.normal = normal;
  ram.totals.zero = zero;
  ram.totals.resent_pages = resent;
  ram.totals.same_content_resends = same;
  ram.qemu = qemu;
  return out;
}

Timeline with_parameters(const char* json) {
  Timeline out;
  out.parameters = {
      {{}, qmp::decode_migration_parameters(*qmp::Json::parse(json))}};
  return out;
}

const Finding* get(const std::vector<Finding>& findings, const char* id) {
  for (const Finding& finding : findings)
    if (finding.id == id)
      return &finding;
  return nullptr;
}

std::string text(const std::vector<Finding>& findings, const char* id) {
  const Finding* finding = get(findings, id);
  return finding ? finding->text : "(none)";
}

} // namespace

TEST_CASE("nothing is found in nothing") {
  CHECK(find({}, {}).empty());
}

TEST_CASE("rounds: how fast they shrank") {
  // 100 MiB/s sent, 25 MiB/s dirtied.
  auto found =
      find(of_rounds({round(100, 0), round(100, 25), round(0, 25)}), {});
  CHECK(text(found, "rounds") ==
        "3: 25.0 MiB/s re-dirtied, 100.0 sent: rounds shrank 4.0x");
  CHECK(get(found, "rounds")->severity == Severity::info);
}

TEST_CASE("rounds that could not shrink are worth a warning") {
  auto found = find(of_rounds({round(100, 0), round(100, 100)}), {});
  CHECK(text(found, "rounds") ==
        "2: 100.0 MiB/s re-dirtied, 100.0 sent: rounds could not shrink");
  CHECK(get(found, "rounds")->severity == Severity::warning);
  found = find(of_rounds({round(100, 0), round(60, 60)}), {});
  CHECK(get(found, "rounds")->severity == Severity::warning);
}

TEST_CASE("an idle guest") {
  auto found = find(of_rounds({round(100, 0), round(0, 0)}), {});
  CHECK(text(found, "rounds") ==
        "2: 0.0 MiB/s re-dirtied, 100.0 sent: little was left after one");
}

TEST_CASE("rounds without times or bytes are counted, and no more") {
  Analysis analysis = of_rounds({Round{}, Round{}, Round{}});
  analysis.rounds_are_lower_bound = true;
  auto found = find(analysis, with_parameters(R"({"downtime-limit":300,
      "max-bandwidth":1000})"));
  REQUIRE(found.size() == 1);
  CHECK(found[0].text == "3 or more");
  CHECK(found[0].evidence == "count of dirty-bitmap syncs");
}

TEST_CASE("a bandwidth limit that was reached") {
  auto rounds = of_rounds({round(100, 0), round(10, 10)});
  CHECK(text(find(rounds, with_parameters(R"({"max-bandwidth":104857600})")),
             "max-bandwidth") == "max-bandwidth held the migration back: "
                                 "100.0 MiB/s sent, about 100.0 allowed");
  CHECK(text(find(rounds, with_parameters(R"({"max-bandwidth":209715200})")),
             "max-bandwidth") == "(none)");
  CHECK(text(find(rounds, with_parameters(R"({"max-bandwidth":0})")),
             "max-bandwidth") == "(none)"); // no limit
  CHECK(text(find(rounds, with_parameters(R"({"max-bandwidth":"x"})")),
             "max-bandwidth") == "(none)");
}

TEST_CASE("what limited the transfer is told once") {
  auto rounds = of_rounds({round(100, 0), round(10, 10)});
  rounds.rounds[0].flow.emplace().limited_by = LimitedBy::max_bandwidth;
  rounds.vm.qemu = "7.2.22";
  auto found = find(rounds, with_parameters(R"({"max-bandwidth":104857600})"));
  CHECK(text(found, "limited-by") == "the transfer was limited by "
                                     "max-bandwidth for 0.0 ms in 1 round");
  CHECK_FALSE(get(found, "max-bandwidth"));
}

TEST_CASE("re-sent pages that had not changed") {
  CHECK(text(find(of_ram(0, 0, 200, 50, {}), {}), "same-content") ==
        "50 of 200 re-sent pages (25 %) had not changed in content");
  CHECK(text(find(of_ram(0, 0, 200, 9, {}), {}), "same-content") == "(none)");
  CHECK(text(find(of_ram(0, 0, 0, 0, {}), {}), "same-content") == "(none)");
}

TEST_CASE("counters of QEMU that differ from the stream") {
  auto said = [](const QemuCounters& qemu, bool complete = true) {
    return text(find(of_ram(10, 20, 0, 0, qemu, complete), {}), "counters");
  };
  CHECK(said({10, 20, {}, {}}) == "(none)");
  CHECK(said({11, {}, {}, {}}) == "(none)");
  CHECK(said({10, 21, {}, {}}) ==
        "QEMU counted 10 normal and 21 zero pages, the stream holds 10 and 20");
  CHECK(said({10, 21, {}, {}}, false) == "(none)"); // it cannot agree
}

TEST_CASE("zero pages and what was encoded count as what they are") {
  // 100 MiB of guest memory that took 10 on the wire, and as many zero pages.
  Round xbzrle = round(100, 50);
  xbzrle.bytes = 10 * kMiB;
  *xbzrle.pages *= 2;
  xbzrle.zero_pages = *xbzrle.pages / 2;
  CHECK(text(find(of_rounds({xbzrle, round(50, 50)}), {}), "rounds") ==
        "2: 50.0 MiB/s re-dirtied, 100.0 sent: rounds shrank 2.0x");
}

TEST_CASE("a round that was cut off says nothing of the rate") {
  Analysis cut = of_rounds({round(100, 0), round(80, 80), round(1, 1)});
  cut.input.complete = false;
  cut.rounds.push_back({}); // told by a monitor, not in the stream
  CHECK(text(find(cut, {}), "rounds") ==
        "4: 80.0 MiB/s re-dirtied, 100.0 sent: rounds shrank 1.2x");
  Analysis nothing;
  nothing.input.complete = false;
  nothing.rounds.push_back({});
  CHECK(text(find(nothing, {}), "rounds") == "1");
}

TEST_CASE("a guest that was slowed down") {
  std::vector<Round> rounds{round(100, 0), round(80, 80), round(60, 60)};
  rounds[1].throttle_percent = 20;
  rounds[2].throttle_percent = 30;
  CHECK(text(find(of_rounds(rounds), {}), "throttle") ==
        "auto-converge slowed the guest down from round 0 on, by 20 to 30 %: "
        "what it re-dirtied is what that left it");
  CHECK(text(find(of_rounds({round(1, 0)}), {}), "throttle") == "(none)");
}

TEST_CASE("why the two downtimes differ is a finding") {
  Analysis analysis;
  analysis.downtime.difference = "QEMU's 9 ms end early";
  CHECK(text(find(analysis, {}), "downtime-difference") ==
        "QEMU's 9 ms end early");
}

TEST_CASE("pages that a complete stream does not hold") {
  Analysis analysis = of_ram(0, 0, 0, 0, {});
  analysis.ram->blocks.resize(2);
  analysis.ram->blocks[0].pages = analysis.ram->blocks[0].unique_pages = 100;
  analysis.ram->blocks[1].pages = 30;
  analysis.ram->blocks[1].unique_pages = 20;
  CHECK(text(find(analysis, {}), "unsent") == "(none)"); // it was cut off
  analysis.outcome.status = "completed";
  CHECK(text(find(analysis, {}), "unsent").starts_with("10 of 130 pages"));
  analysis.ram->blocks[1].unique_pages = 30;
  CHECK(text(find(analysis, {}), "unsent") == "(none)");
}
