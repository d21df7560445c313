#include "analyzer/traced_rounds.h"

#include "tests/analyzer/events.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using captures::SectionKind;
using migscope::testing::at_ms;

namespace {

std::vector<RamSection> parts_and_end(size_t parts) {
  std::vector<RamSection> out(parts + 1);
  for (RamSection& section : out)
    section.pages = 10;
  out.back().kind = SectionKind::end;
  return out;
}

// A source's trace: 'S' a sync, 'P' a PART section, 'E' END with a sync in it,
// "(" and ")" a sync that starts and ends elsewhere. One line a millisecond.
TraceMarks traced(std::string_view what, bool from_setup = true) {
  TraceMarksBuilder builder(captures::End::source);
  double now = 0;
  auto add = [&](const trace::Event& event) {
    builder.add(event, {{}, at_ms(++now)});
  };
  if (from_setup)
    add(trace::MigrationState{"setup"});
  for (char c : what) {
    if (c == 'E')
      add(trace::RunState{"running", "finish-migrate"});
    if (c == 'P' || c == 'E' || c == '<')
      add(trace::SectionStart{"ram", 2});
    if (c == 'S' || c == 'E' || c == '(')
      add(trace::SyncStart{});
    if (c == 'S' || c == 'E' || c == ')')
      add(trace::SyncEnd{7});
    if (c == 'P' || c == 'E' || c == '>')
      add(trace::SectionEnd{"ram", 2, 0});
    if (c == 'd')
      add(trace::SectionStart{"dma", 3});
  }
  return builder.take();
}

std::vector<size_t> places(const std::vector<RamSection>& sections,
                           const TraceMarks& trace) {
  std::vector<size_t> out;
  if (auto starts = traced_rounds(sections, trace, {}))
    for (const RoundStart& start : *starts)
      out.push_back(start.section);
  return out;
}

using Places = std::vector<size_t>;

} // namespace

TEST_CASE("a trace tells between which sections each sync lies") {
  auto sections = parts_and_end(3);
  // 7.2 and 10.0 sync inside of END, 11.1 before it.
  CHECK(places(sections, traced("SPPSPSEd")) == Places{0, 2, 3, 3});
  auto starts = traced_rounds(sections, traced("SPPSPSE"), {});
  REQUIRE(starts);
  CHECK((*starts)[0].how == Boundary::exact);
  CHECK((*starts)[1].how == Boundary::trace);
  CHECK((*starts)[1].mark->number == 2);
  CHECK((*starts)[1].mark->latest == at_ms(9)); // the sync's end
  CHECK((*starts)[3].how == Boundary::exact);
  CHECK((*starts)[3].mark->final);
}

TEST_CASE("a sync beside an open section places nothing") {
  // Auto-converge's timer syncs beside the migration thread (9.2 and later):
  // what the section sent may have been taken before or after.
  auto sections = parts_and_end(3);
  for (const char* lines : {"SP<(>)PSE", "SP(<)>PSE", "SP<()>PSE", "SP(<>)PSE"})
    CHECK(places(sections, traced(lines)).empty());
}

TEST_CASE("a trace that does not fit its stream is not used") {
  auto sections = parts_and_end(3);
  CHECK(places(sections, traced("SPPSSE")).empty());
  CHECK(places(sections, traced("SPPPPSSE")).empty());
  CHECK(places(sections, traced("SPPSPSE", false)).empty());
  CHECK(places(sections, traced("PPSPSE")).empty());
  CHECK(places({}, traced("S")).empty());
  TraceMarks forgetful = traced("SPPSPSE");
  forgetful.forgotten = 1;
  CHECK(places(sections, forgetful).empty());
}

TEST_CASE("a round that would hold a page twice shows that they do not fit") {
  auto sections = parts_and_end(3);
  sections[2].repeats = 2; // of the second section
  CHECK(places(sections, traced("SPPSPSE")) == Places{0, 2, 3, 3});
  CHECK(places(sections, traced("SPSPPSE")).empty());
  sections[3].repeats = 3;
  CHECK(places(sections, traced("SPPSPSE")) == Places{0, 2, 3, 3});
}

TEST_CASE("a migration that was cut off has a trace, too") {
  std::vector<RamSection> sections(3);
  CHECK(places(sections, traced("SPPSP")) == Places{0, 2});
  auto starts = traced_rounds(sections, traced("SPPSP"), {});
  CHECK(starts->back().how == Boundary::trace);
}
