// What a report shows: plain data, already reduced to what a screen can show.
//
// Texts are as they came, from streams, monitors and sessions: whoever writes
// them into HTML or JSON escapes them (escape.h). An empty optional is unknown,
// never zero.
#pragma once

#include "analyzer/pages/heat_map.h"

#include <optional>
#include <string>
#include <vector>

namespace migscope::tools {

enum class Tone { good, warning, bad };

struct Cell {
  std::string text;
  std::optional<double> share = {}; // 0 to 1: a bar of that length behind it
  std::string change = {};          // against another run; may be empty
  std::optional<Tone> tone = {};    // of the change
};

struct Column {
  std::string title;
  bool number = true; // right-aligned
  bool wide = false;  // sentences
};

struct DataTable {
  std::string caption;
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;
  std::string note = {}; // below it; may be empty
  bool folds = true;     // where it is long
};

// A figure at the top.
struct Fact {
  std::string name, value, detail;
};

struct VerdictText {
  Tone tone = Tone::good;
  std::string first, second; // a sentence each
};

// A curve: values over time, with gaps where nothing is known.
struct Curve {
  std::vector<double> t_ms;
  std::vector<std::optional<double>> values;
};

struct NamedTime {
  double t_ms = 0;
  std::string name;
};

struct TimelineData {
  double begin_ms = 0, end_ms = 0;
  Curve sent, dirtied, max_bandwidth; // MiB/s
  Curve remaining;                    // MiB
  Curve allowed;                      // MiB with which QEMU may switch over
  Curve expected_ms, limit_ms;        // downtime
  Curve throttle;                     // percent; empty where it never was
  std::vector<NamedTime> passes, statuses;
  std::optional<double> stop_ms, resume_ms;
  size_t samples = 0; // that the curves were made of
};

// A piece of the pause, from the source's STOP on.
struct PauseBar {
  std::string name;
  std::string side; // "source", "network", "destination" or "unexplained"
  double start_ms = 0, duration_ms = 0;
  std::string evidence;
};

struct Waterfall {
  std::vector<PauseBar> bars; // in order; what is unexplained is among them
  std::optional<double> total_ms;
};

// A round, or the largest of several that share a bar.
struct RoundBar {
  std::string label;
  double fresh = 0, changed = 0, same = 0; // pages; these make up all
  double zero = 0;                         // of all
};

struct RoundsData {
  std::vector<RoundBar> bars;
  bool same_is_known = false; // else `changed` holds all that was sent again
};

// Values of several groups on one axis, a row each.
struct DotGroup {
  std::string label;
  std::vector<double> values;
  std::optional<double> mean, low, high; // and its interval
};

struct DotChart {
  std::string title, unit;
  std::vector<DotGroup> groups;
};

// Delays of probes in stretches of time.
struct ServiceBar {
  double t_ms = 0, duration_ms = 0;
  std::optional<double> min_ms, max_ms;
  double lost_share = 0; // 0 to 1
};

struct ServiceChart {
  std::vector<ServiceBar> bars; // by time
  std::optional<double> stop_ms, resume_ms;
};

struct FindingText {
  std::string severity, text, evidence;
  std::string run = {}; // whose it is, where there are several
};

struct Section {
  std::string id, title;
  std::string lead;  // a sentence under the title; may be empty
  std::string chart; // "waterfall", "timeline", "rounds", "heat", "overlay" or
                     // none
  std::vector<DataTable> tables;
  std::vector<FindingText> findings;
  std::vector<DotChart> dots = {};
  std::optional<ServiceChart> service = {};
};

// Data of the charts; each is absent where there is none.
struct ChartData {
  std::string name; // of the run
  std::optional<Waterfall> waterfall;
  std::optional<TimelineData> timeline;
  std::optional<RoundsData> rounds;
  std::optional<analyzer::HeatMap> heat;
  std::optional<uint32_t> page_size; // bytes
};

struct ReportData {
  std::string title, subtitle;
  std::vector<VerdictText> verdicts; // of each run
  std::vector<Fact> facts;
  std::vector<Section> sections;
  std::vector<ChartData> charts; // of each run
};

} // namespace migscope::tools
