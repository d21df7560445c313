#include "tools/report/verdict.h"

#include "tests/tools/render/analyses.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using namespace migscope::tools;
using migscope::testing::known_analysis;

TEST_CASE("a migration that went through") {
  VerdictText out = verdict(known_analysis());
  CHECK(out.tone == Tone::good);
  CHECK(out.first == "The migration completed in 700.0 ms; the guest stood "
                     "still for 45.7 ms (QEMU says 21 ms).");
  CHECK(out.second ==
        "The largest piece of the pause was last RAM, 20.0 ms or 44 %; it took "
        "2 rounds: rounds could not shrink.");
}

TEST_CASE("what is unexplained can be the largest piece") {
  Analysis analysis = known_analysis();
  analysis.downtime.phases.resize(1);
  analysis.downtime.unexplained_ms = 42.5;
  CHECK(verdict(analysis).second.starts_with(
      "The largest piece of the pause was unexplained, 42.5 ms or 93 %;"));
}

TEST_CASE("a pause without an end is not taken for none") {
  Analysis analysis = known_analysis();
  analysis.downtime.total_ms.reset();
  CHECK(verdict(analysis).first ==
        "The migration completed in 700.0 ms; QEMU says that the guest stood "
        "still for 21 ms, nothing else tells.");
  analysis.downtime.qemu_ms.reset();
  CHECK(verdict(analysis).first ==
        "The migration completed in 700.0 ms; for how long the guest stood "
        "still is not known.");
}

TEST_CASE("a migration that was cancelled: why it did not switch over") {
  Analysis analysis = known_analysis();
  analysis.downtime = {};
  analysis.outcome.status = "cancelled";
  analysis.findings.push_back(
      {"switchover", Severity::warning, "no pass could switch over", ""});
  VerdictText out = verdict(analysis);
  CHECK(out.tone == Tone::bad);
  CHECK(out.first == "The migration was cancelled after 700.0 ms.");
  CHECK(out.second == "No pass could switch over.");
}

TEST_CASE("a stream alone, whole and cut off") {
  Analysis analysis = known_analysis();
  analysis.downtime = {};
  analysis.vm.qemu.reset();
  analysis.time_series = {};
  CHECK(verdict(analysis).first ==
        "A whole precopy stream of 3.8 MiB; without a monitor nothing tells "
        "how long it took.");
  analysis.outcome.status = "truncated";
  analysis.findings.clear();
  analysis.input.complete = false;
  analysis.input.problems = {
      {Severity::warning, "", {}, "odd"},
      {Severity::error, "", {}, "the stream ends early"}};
  VerdictText out = verdict(analysis);
  CHECK(out.tone == Tone::bad);
  CHECK(out.first == "The precopy stream breaks off after 3.8 MiB.");
  CHECK(out.second == "The stream ends early.");
}
