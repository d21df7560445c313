#include "analyzer/convergence.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;

namespace {

constexpr uint64_t kMiB = 1u << 20;

// Rounds of a second that sent so many MiB again, an empty one as QEMU syncs
// twice before it stops the guest, and one in the pause.
Analysis resending(const std::vector<uint64_t>& mib) {
  Analysis out;
  out.vm.page_size = 4096;
  out.stop_and_copy.emplace();
  out.rounds.resize(mib.size() + 2);
  for (size_t i = 0; i < out.rounds.size(); ++i) {
    Round& round = out.rounds[i];
    round.number = i + 1;
    round.duration_ms = 1000;
    bool empty = i == mib.size();
    round.resent_pages = empty ? 0 : i < mib.size() ? mib[i] * kMiB / 4096 : 1;
    round.pages = empty ? 0 : 1000;
    round.bytes = 50 * kMiB;
    round.throttle_percent = 0;
    if (i > 0)
      round.dirty_bytes_per_second =
          static_cast<double>(*round.resent_pages * 4096);
  }
  return out;
}

std::string text(const Analysis& analysis, const char* id,
                 const Timeline& timeline = {}) {
  for (const Finding& finding : convergence_findings(analysis, timeline))
    if (finding.id == id)
      return finding.text;
  return "(none)";
}

} // namespace

TEST_CASE("nothing to tell of rounds that shrank from the first on") {
  CHECK(convergence_findings({}, {}).empty());
  CHECK(convergence_findings(resending({0, 40, 20, 10, 5}), {}).empty());
  CHECK(convergence_findings(resending({0, 40}), {}).empty());
}

TEST_CASE("rounds that never shrank") {
  CHECK(text(resending({0, 40, 40, 41, 40}), "not-shrinking") ==
        "from round 2 on rounds did not shrink: 40.0 MiB sent again there, "
        "40.0 in round 5; as much is dirtied in a round as it sends");
  CHECK(text(resending({0, 80, 40, 41, 40}), "not-shrinking")
            .starts_with("from round 3 on rounds did not shrink: 40.0 MiB"));
  // Two are no trend.
  CHECK(text(resending({0, 40, 40}), "not-shrinking") == "(none)");
}

TEST_CASE("the round that turned, and what changed there") {
  Analysis analysis = resending({0, 40, 40, 20, 10});
  for (size_t i = 3; i < 6; ++i)
    analysis.rounds[i].throttle_percent = 20;
  CHECK(text(analysis, "turn") ==
        "round 3 was the last that did not shrink, with 40.0 MiB sent again; "
        "after it rounds shrank 2.0x each, to 10.0 MiB");
  analysis.rounds[2].throttle_percent = 0;
  for (size_t i = 2; i < 6; ++i)
    analysis.rounds[i].throttle_percent = i == 2 ? 0 : 20;
  // What round 4 sent again was dirtied in round 3, and so on.
  analysis.rounds[2].throttle_percent = 20;
  analysis.rounds[1].throttle_percent = 0;
  CHECK(
      text(analysis, "turn").ends_with(": auto-converge went from 0 to 20 %"));
}

TEST_CASE("what throttling did to the dirty rate") {
  Analysis analysis = resending({0, 40, 40, 20, 10});
  CHECK(text(analysis, "throttle-effect") == "(none)");
  for (size_t i = 2; i < 5; ++i)
    analysis.rounds[i].throttle_percent = 20;
  CHECK(text(analysis, "throttle-effect") ==
        "MiB/s dirtied by how much the guest was throttled: 0 %: 40.0, "
        "20 %: 15.0");
  analysis = resending({0, 40, 40, 40, 38});
  for (size_t i = 2; i < 5; ++i)
    analysis.rounds[i].throttle_percent = 99;
  CHECK(
      text(analysis, "throttle-effect").ends_with("; throttling hardly helps"));
}

TEST_CASE("pages that every round sent again") {
  Analysis analysis = resending({0, 40, 20, 10});
  analysis.pages.emplace();
  analysis.pages->resending_rounds = 4;
  analysis.pages->always_resent_pages = 512;
  CHECK(text(analysis, "never-cools") ==
        "512 pages (2.0 MiB) never cooled: each of the 4 rounds after the "
        "first sent them again");
  analysis.pages->always_resent_pages = 1;
  CHECK(text(analysis, "never-cools") ==
        "1 page (0.0 MiB) never cooled: each of the 4 rounds after the first "
        "sent it again");
  analysis.pages->always_resent_pages = 512;
  analysis.passes.emplace_back().allowed_bytes = kMiB;
  CHECK(text(analysis, "never-cools")
            .ends_with("; they alone are more than the 1.0 MiB with which QEMU "
                       "may switch "
                       "over"));
  analysis.pages->resending_rounds = 2; // whatever is sent twice
  CHECK(text(analysis, "never-cools") == "(none)");
}

TEST_CASE("what xbzrle saved") {
  Analysis analysis = resending({0});
  Ram ram;
  ram.totals.xbzrle = 1024;
  ram.totals.xbzrle_bytes = kMiB / 2;
  analysis.ram = ram;
  CHECK(text(analysis, "xbzrle") ==
        "xbzrle sent 1024 pages in 512.0 KiB instead of 4096.0");
  Timeline timeline;
  Sample& sample = timeline.samples.emplace_back();
  sample.info.status = qmp::MigrationStatus::active;
  sample.info.xbzrle = qmp::XbzrleStats{{}, {}, 1500, 500, 20, {}, {}};
  CHECK(text(analysis, "xbzrle", timeline)
            .ends_with("; 75 % of pages were in its cache (500 misses, 20 had "
                       "changed too "
                       "much)"));
}
