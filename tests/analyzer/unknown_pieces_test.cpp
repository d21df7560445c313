#include "analyzer/unknown_pieces.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;

namespace {

// A precopy recorded with the source's monitor only.
struct Recorded {
  Analysis analysis;
  Timeline timeline;

  Recorded() {
    analysis.input.kind = "session";
    analysis.outcome.status = "completed";
    analysis.downtime.phases = {{"source", 0, 30, ""}};
    timeline.source_version.emplace();
    timeline.stop.emplace();
  }

  [[nodiscard]] std::string told() const {
    auto finding = unknown_pieces_finding(analysis, timeline);
    return finding ? finding->text : "(none)";
  }
};

} // namespace

TEST_CASE("a recording of the source alone says what it cannot know") {
  Recorded it;
  CHECK(it.told() ==
        "not known of the pause: what final sync, last RAM and device state "
        "took of `source`, because its stream is not here; the destination's "
        "part and the total, because without its monitor there is no RESUME");
  it.analysis.input.bytes = 1000; // of a multifd migration
  it.timeline.resume.emplace();
  CHECK(it.told() ==
        "not known of the pause: what final sync, last RAM and device state "
        "took of `source`, because its stream does not tell");
  it.analysis.downtime.phases[0].name = "last RAM";
  CHECK(it.told() == "(none)");
  it.timeline.resume.reset();
  it.timeline.destination_version.emplace();
  CHECK(it.told() == "not known of the pause: the destination's part and the "
                     "total, because the destination said no RESUME");
}

TEST_CASE("without STOP no piece is known") {
  Recorded it;
  it.analysis.downtime.phases.clear();
  it.timeline.stop.reset();
  CHECK(it.told() == "not known of the pause: any of its pieces, because the "
                     "source said no STOP");
  it.timeline.source_version.reset();
  CHECK(it.told() == "not known of the pause: any of its pieces, because "
                     "without the source's monitor there is no STOP");
  it.analysis.downtime.difference = "the guest was stopped before";
  CHECK(it.told() == "(none)"); // that says it
}

TEST_CASE("only a postcopy's package has the pieces of its pause") {
  Recorded it;
  it.timeline.resume.emplace();
  it.analysis.outcome.mode = "postcopy";
  CHECK(it.told() == "(none)");
  it.analysis.downtime.phases.clear();
  CHECK(it.told() == "not known of the pause: any of its pieces, because its "
                     "stream is not here");
}

TEST_CASE("what did not pause has no pieces") {
  Recorded it;
  it.analysis.outcome.status = "failed";
  CHECK(it.told() == "(none)");
  it = {};
  it.analysis.outcome.mode = "background-snapshot";
  CHECK(it.told() == "(none)");
  it = {};
  it.analysis.input.kind = "stream"; // whose report begins with it
  CHECK(it.told() == "(none)");
}
