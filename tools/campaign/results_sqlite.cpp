#include "tools/campaign/results_sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <variant>

namespace migscope::tools {

using analyzer::Analysis;

namespace {

constexpr const char* kTables = R"(
CREATE TABLE campaign(name TEXT, folder TEXT, seed INTEGER, plan TEXT,
  migscope TEXT);
CREATE TABLE run(id TEXT PRIMARY KEY, workload TEXT, memory TEXT,
  memory_bytes INTEGER, mode TEXT, bandwidth TEXT, repetition INTEGER,
  run_order INTEGER, outcome TEXT, detail TEXT, actual_mode TEXT,
  complete INTEGER, session TEXT, machine TEXT, qemu TEXT,
  destination_qemu TEXT);
CREATE TABLE measure(run_id TEXT, name TEXT, unit TEXT, value REAL);
CREATE TABLE round(run_id TEXT, number INTEGER, start_ms REAL,
  duration_ms REAL, pages INTEGER, resent_pages INTEGER, bytes INTEGER,
  remaining_bytes INTEGER, transferred_bytes INTEGER,
  dirty_bytes_per_second REAL, throttle_percent INTEGER);
CREATE TABLE sample(run_id TEXT, t_ms REAL, status TEXT,
  remaining_bytes INTEGER, transferred_bytes INTEGER, mbps REAL,
  dirty_bytes_per_second REAL, expected_downtime_ms INTEGER,
  throttle_percent INTEGER);
CREATE TABLE phase(run_id TEXT, position INTEGER, name TEXT, side TEXT,
  start_ms REAL, duration_ms REAL, evidence TEXT);
CREATE TABLE outage(run_id TEXT, start_ms REAL, silent_ms REAL,
  ended INTEGER, probes INTEGER, lost INTEGER, late INTEGER);
CREATE TABLE finding(run_id TEXT, id TEXT, severity TEXT, text TEXT,
  evidence TEXT);
CREATE TABLE summary(workload TEXT, memory TEXT, mode TEXT, bandwidth TEXT,
  measure TEXT, n INTEGER, mean REAL, deviation REAL, median REAL,
  minimum REAL, maximum REAL, mean_low REAL, mean_high REAL, median_low REAL,
  median_high REAL);
CREATE TABLE grade(workload TEXT, memory TEXT, mode TEXT, bandwidth TEXT,
  measure TEXT, category_set TEXT, label TEXT, grade_index REAL, rule TEXT);
CREATE TABLE comparison(measure TEXT, factor TEXT, workload TEXT, memory TEXT,
  mode TEXT, bandwidth TEXT, a TEXT, b TEXT, n_a INTEGER, n_b INTEGER,
  median_a REAL, median_b REAL, shift REAL, cliffs_delta REAL, p REAL,
  adjusted_p REAL, larger_than_noise INTEGER);
)";

// A column's value; nothing is NULL.
class Value {
public:
  Value(std::string text) : value_(std::move(text)) {}
  Value(const char* text) : value_(std::string(text)) {}
  Value(std::string_view text) : value_(std::string(text)) {}
  Value(double number) : value_(number) {}
  Value(bool number) : value_(int64_t{number}) {}
  // SQLite's integers are signed; no count of ours is near their end.
  Value(uint64_t number) : value_(static_cast<int64_t>(number)) {}
  template <typename T>
  Value(const std::optional<T>& value) {
    if (value)
      *this = Value(*value);
  }

  void bind(sqlite3_stmt* statement, int column) const {
    if (auto text = std::get_if<std::string>(&value_))
      sqlite3_bind_text(statement, column, text->data(),
                        static_cast<int>(text->size()), SQLITE_TRANSIENT);
    else if (auto real = std::get_if<double>(&value_))
      sqlite3_bind_double(statement, column, *real);
    else if (auto whole = std::get_if<int64_t>(&value_))
      sqlite3_bind_int64(statement, column, *whole);
    else
      sqlite3_bind_null(statement, column);
  }

private:
  std::variant<std::monostate, int64_t, double, std::string> value_;
};

using Values = std::vector<Value>;

tl::unexpected<Error> failed(sqlite3* db, const std::filesystem::path& path) {
  return fail({ErrorKind::io, sqlite3_errmsg(db), path.string(), {}});
}

// Rows of one table; the first failure is kept.
class Table {
public:
  Table(sqlite3* db, const char* name, size_t columns) {
    std::string places = "?";
    for (size_t i = 1; i < columns; ++i)
      places += ",?";
    std::string sql = fmt::format("INSERT INTO {} VALUES({})", name, places);
    good_ = sqlite3_prepare_v2(db, sql.c_str(), -1, &statement_, nullptr) ==
            SQLITE_OK;
  }
  ~Table() { sqlite3_finalize(statement_); }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  void add(const Values& values) {
    if (!good_)
      return;
    for (size_t i = 0; i < values.size(); ++i)
      values[i].bind(statement_, static_cast<int>(i + 1));
    good_ = sqlite3_step(statement_) == SQLITE_DONE;
    sqlite3_reset(statement_);
  }

  [[nodiscard]] bool good() const { return good_; }

private:
  sqlite3_stmt* statement_ = nullptr;
  bool good_ = false;
};

bool run_sql(sqlite3* db, const char* sql) {
  return sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
}

bool add_rounds(sqlite3* db, const std::string& id, const Analysis& analysis) {
  Table table(db, "round", 11);
  for (const analyzer::Round& round : analysis.rounds)
    table.add({id, round.number, round.start_ms, round.duration_ms, round.pages,
               round.resent_pages, round.bytes, round.remaining_bytes,
               round.transferred_bytes, round.dirty_bytes_per_second,
               round.throttle_percent});
  return table.good();
}

bool add_samples(sqlite3* db, const std::string& id, const Analysis& analysis) {
  Table table(db, "sample", 9);
  for (const analyzer::SamplePoint& point : analysis.time_series.samples)
    table.add({id, point.t_ms, to_string(point.status), point.remaining_bytes,
               point.transferred_bytes, point.mbps,
               point.dirty_bytes_per_second, point.expected_downtime_ms,
               point.throttle_percent});
  return table.good();
}

bool add_phases(sqlite3* db, const std::string& id, const Analysis& analysis) {
  Table table(db, "phase", 7);
  uint64_t position = 0;
  for (const analyzer::Phase& phase : analysis.downtime.phases)
    table.add({id, ++position, phase.name, to_string(phase.side),
               phase.start_ms, phase.duration_ms, phase.evidence});
  return table.good();
}

bool add_outages(sqlite3* db, const std::string& id, const Analysis& analysis) {
  Table table(db, "outage", 7);
  if (analysis.service)
    for (const analyzer::Outage& outage : analysis.service->outages)
      table.add({id, outage.start_ms, outage.silent_ms, outage.ended,
                 outage.probes, outage.lost, outage.late});
  return table.good();
}

bool add_findings(sqlite3* db, const std::string& id,
                  const Analysis& analysis) {
  Table table(db, "finding", 5);
  for (const analyzer::Finding& finding : analysis.findings)
    table.add({id, finding.id, to_string(finding.severity), finding.text,
               finding.evidence});
  return table.good();
}

bool add_run(sqlite3* db, const RunResult& run, const analyzer::Vm& vm) {
  Table runs(db, "run", 16), values(db, "measure", 4);
  runs.add({run.id, run.at[0], run.at[1], parse_size(run.at[1]), run.at[2],
            run.at[3], run.repetition, run.order, run.outcome, run.detail,
            run.mode_of_outcome, run.complete, run.session, vm.machine, vm.qemu,
            vm.destination_qemu});
  for (const MeasureInfo& measure : measures())
    if (auto found = run.measures.find(measure.name);
        found != run.measures.end())
      values.add({run.id, measure.name, measure.unit, found->second});
  return runs.good() && values.good();
}

Value low(const std::optional<analyzer::Interval>& interval) {
  return interval ? std::optional(interval->low) : std::nullopt;
}

Value high(const std::optional<analyzer::Interval>& interval) {
  return interval ? std::optional(interval->high) : std::nullopt;
}

bool add_cells(sqlite3* db, const CampaignResults& results) {
  Table summaries(db, "summary", 15), grades(db, "grade", 9);
  for (const CellResult& cell : results.cells)
    for (const auto& [name, value] : cell.measures) {
      const analyzer::Summary& s = value.summary;
      summaries.add({cell.at[0], cell.at[1], cell.at[2], cell.at[3], name,
                     uint64_t{s.n}, s.mean, s.deviation, s.median, s.minimum,
                     s.maximum, low(s.mean_interval), high(s.mean_interval),
                     low(s.median_interval), high(s.median_interval)});
      for (const MeasuredGrade& one : value.grades)
        grades.add({cell.at[0], cell.at[1], cell.at[2], cell.at[3], name,
                    one.set, one.grade.label, one.grade.index, one.grade.rule});
    }
  return summaries.good() && grades.good();
}

bool add_comparisons(sqlite3* db, const CampaignResults& results) {
  Table table(db, "comparison", 17);
  for (const analyzer::Comparison& one : results.comparisons)
    table.add({one.measure, one.factor, one.at[0], one.at[1], one.at[2],
               one.at[3], one.a, one.b, uint64_t{one.n_a}, uint64_t{one.n_b},
               one.median_a, one.median_b, one.test.shift, one.test.delta,
               one.test.p, one.adjusted_p, one.larger_than_noise});
  return table.good();
}

bool add_campaign(sqlite3* db, const CampaignResults& results) {
  Table table(db, "campaign", 5);
  table.add({results.plan.name, results.folder, results.plan.seed,
             results.plan.given.dump(), MIGSCOPE_VERSION});
  return table.good();
}

std::filesystem::path beside(const std::filesystem::path& path) {
  return path.string() + ".new";
}

} // namespace

Result<std::unique_ptr<ResultsDatabase>>
ResultsDatabase::create(const std::filesystem::path& path) {
  std::error_code ignored;
  std::filesystem::remove(beside(path), ignored);
  sqlite3* db = nullptr;
  bool opened = sqlite3_open(beside(path).c_str(), &db) == SQLITE_OK;
  std::unique_ptr<ResultsDatabase> out(new ResultsDatabase(path, db));
  if (!opened || !run_sql(db, "PRAGMA journal_mode=OFF; BEGIN") ||
      !run_sql(db, kTables))
    return failed(db, path);
  return out;
}

ResultsDatabase::~ResultsDatabase() {
  sqlite3_close(db_);
  std::error_code ignored;
  std::filesystem::remove(beside(path_), ignored);
}

Status ResultsDatabase::add(const RunResult& run, const Analysis& analysis) {
  bool good =
      add_run(db_, run, analysis.vm) && add_rounds(db_, run.id, analysis) &&
      add_samples(db_, run.id, analysis) && add_phases(db_, run.id, analysis) &&
      add_outages(db_, run.id, analysis) && add_findings(db_, run.id, analysis);
  if (!good)
    return failed(db_, path_);
  return {};
}

Status ResultsDatabase::finish(const CampaignResults& results) {
  bool good = add_campaign(db_, results) && add_cells(db_, results) &&
              add_comparisons(db_, results) && run_sql(db_, "COMMIT");
  if (!good)
    return failed(db_, path_);
  std::error_code error;
  std::filesystem::rename(beside(path_), path_, error);
  if (error)
    return fail_errno("rename " + beside(path_).string(), error.value());
  return {};
}

} // namespace migscope::tools
