#include "tools/live/live_layout.h"

#include "base/counted.h"
#include "base/units.h"
#include "tools/live/live_chart.h"
#include "tools/render/text_layout.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::tools {

using analyzer::PassCheck;
using analyzer::Verdict;
using qmp::MigrationStatus;

namespace {

constexpr size_t kLabel = 13; // columns of what stands before a value

std::string mib(std::optional<double> bytes) {
  return bytes ? fmt::format("{:.1f}", migscope::mib(*bytes)) : "?";
}

std::string mib(std::optional<uint64_t> bytes) {
  return mib(bytes ? std::optional(static_cast<double>(*bytes)) : std::nullopt);
}

std::string clock(double ms) {
  auto s = static_cast<uint64_t>(ms / 1000);
  return s < 3600
             ? fmt::format("{:02}:{:02}", s / 60, s % 60)
             : fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

LiveStyle style_of(MigrationStatus status) {
  switch (status) {
  case MigrationStatus::completed:
    return LiveStyle::good;
  case MigrationStatus::failed:
  case MigrationStatus::failing:
  case MigrationStatus::cancelled:
  case MigrationStatus::cancelling:
  case MigrationStatus::postcopy_paused:
    return LiveStyle::bad;
  default:
    return LiveStyle::strong;
  }
}

class Layout {
public:
  Layout(const LiveModel& model, ScreenSize size, bool unicode)
      : model_(model), canvas_(size.columns, size.rows), unicode_(unicode) {}

  LiveCanvas draw() && {
    head();
    verdict();
    figures();
    size_t bottom = foot();
    size_t passes = passes_height(bottom);
    charts(bottom - passes);
    pass_rows(bottom - passes, bottom);
    return std::move(canvas_);
  }

private:
  [[nodiscard]] size_t room() const {
    return canvas_.rows() - std::min(row_, canvas_.rows());
  }
  [[nodiscard]] size_t width() const { return canvas_.columns(); }

  // Status, pass and time first: a narrow screen keeps them.
  void head() {
    std::string status =
        model_.status ? std::string(qmp::to_string(*model_.status)) : "waiting";
    size_t at = canvas_.put(row_, 0, status,
                            model_.status ? style_of(*model_.status)
                                          : LiveStyle::strong);
    if (model_.pass > 0)
      at = canvas_.put(row_, at + 2, fmt::format("pass {}", model_.pass),
                       LiveStyle::strong);
    if (model_.status)
      at = canvas_.put(row_, at + 2, clock(model_.elapsed_ms));
    size_t name = model_.name.size();
    if (at + 2 + name <= width())
      canvas_.put(row_, width() - name, model_.name, LiveStyle::dim);
    ++row_;
  }

  // A label and text that may take several lines.
  void words(std::string_view label, const std::string& text, size_t most,
             LiveStyle style) {
    size_t indent = width() > 3 * kLabel ? kLabel : 0;
    auto lines = lines_of(text, width() - indent, width() - indent, 0);
    for (size_t i = 0; i < lines.size() && i < most && room() > 0; ++i) {
      if (i == 0 && indent > 0)
        canvas_.put(row_, 0, label, LiveStyle::dim);
      canvas_.put(row_++, indent, lines[i], style);
    }
  }

  void verdict() {
    size_t most = canvas_.rows() < 16 ? 2 : 4;
    bool asked = model_.status == MigrationStatus::active;
    words(asked ? "why not yet" : "now", why_not_yet(model_), most,
          LiveStyle::strong);
    EndEstimate end = estimate_end(model_);
    if (!end.text.empty() && asked_for_end())
      words("the end", end.text, most,
            asked && !end.earliest_s && !model_.checks.empty() &&
                    model_.sent.value_or(0) > 0
                ? LiveStyle::bad
                : LiveStyle::plain);
  }

  [[nodiscard]] bool asked_for_end() const {
    return model_.status && !qmp::is_final(*model_.status);
  }

  void figures() {
    if (!model_.status || room() < 3)
      return;
    if (canvas_.rows() >= 16)
      ++row_;
    row("left",
        fmt::format("{} of {} MiB", mib(model_.left), mib(model_.total)),
        LiveStyle::left);
    row("sent",
        fmt::format("{} MiB/s, {} MiB in all", mib(model_.sent),
                    mib(model_.transferred)),
        LiveStyle::sent);
    row("dirtied", fmt::format("{} MiB/s{}", mib(model_.dirtied), throttle()),
        LiveStyle::dirtied);
    row("downtime",
        fmt::format("{} ms expected, limit {} ms", figure(model_.expected_ms),
                    figure(model_.limit_ms)),
        expected_is_over() ? LiveStyle::bad : LiveStyle::plain);
    if (model_.postcopy_requests.value_or(0) > 0)
      row("requests",
          counted(*model_.postcopy_requests, "page") +
              " asked for by the destination",
          LiveStyle::plain);
  }

  [[nodiscard]] std::string throttle() const {
    return model_.throttle_percent.value_or(0) > 0
               ? fmt::format(", guest throttled by {} %",
                             *model_.throttle_percent)
               : "";
  }
  [[nodiscard]] bool expected_is_over() const {
    return model_.expected_ms && model_.limit_ms &&
           *model_.expected_ms > *model_.limit_ms;
  }

  void row(std::string_view label, const std::string& text, LiveStyle style) {
    if (room() == 0)
      return;
    canvas_.put(row_, 0, label, style);
    canvas_.put(row_++, kLabel, text);
  }

  // Notices and keys, from the last row up; gives the row that they begin in.
  size_t foot() {
    size_t bottom = canvas_.rows();
    if (room() < 2)
      return bottom;
    canvas_.put(--bottom, 0, "q leaves the view, Ctrl-C " + model_.interrupt,
                LiveStyle::dim);
    size_t most = std::min<size_t>(canvas_.rows() / 8, model_.notices.size());
    for (size_t i = 0; i < most && bottom > row_ + 1; ++i)
      canvas_.put(--bottom, 0, model_.notices[model_.notices.size() - 1 - i]);
    return bottom;
  }

  // With its head; none where a chart would have no room.
  [[nodiscard]] size_t passes_height(size_t bottom) const {
    if (model_.checks.empty() || bottom < row_ + 10 || width() < 50)
      return 0;
    size_t most = (bottom - row_) / 3;
    return std::min(model_.checks.size() + 2, most);
  }

  void charts(size_t bottom) {
    if (model_.points.size() < 2 || bottom < row_ + 2)
      return;
    size_t height = bottom - row_;
    size_t gap = height >= 8 ? 1 : 0;
    row_ += gap;
    height -= gap;
    bool marks = height >= 5;
    size_t each = std::min<size_t>((height - (marks ? 1 : 0)) / 3, 4);
    if (each == 0)
      return chart("left", &LivePoint::left, LiveStyle::left, height,
                   most_left());
    double rate =
        std::max(most_of(&LivePoint::sent), most_of(&LivePoint::dirtied));
    chart("sent", &LivePoint::sent, LiveStyle::sent, each, rate);
    chart("dirtied", &LivePoint::dirtied, LiveStyle::dirtied, each, rate);
    chart("left", &LivePoint::left, LiveStyle::left, each, most_left());
    if (marks)
      pass_marks();
  }

  [[nodiscard]] double most_of(std::optional<double> LivePoint::*value) const {
    double most = 0;
    for (const LivePoint& point : model_.points)
      most = std::max(most, (point.*value).value_or(0));
    return most;
  }

  // The first pass has all of memory before it; those after it are what one
  // looks at.
  [[nodiscard]] double most_left() const {
    if (model_.pass < 3 || model_.pass_starts_ms.size() < 2)
      return most_of(&LivePoint::left);
    double from =
        model_.pass_starts_ms
            [model_.pass_starts_ms.size() == LiveModel::kMostPasses ? 0 : 1];
    double most = 0;
    for (const LivePoint& point : model_.points)
      if (point.t_ms > from)
        most = std::max(most, point.left.value_or(0));
    return most;
  }

  [[nodiscard]] size_t chart_columns() const {
    return width() > kLabel ? width() - kLabel : 0;
  }

  void chart(std::string_view label, std::optional<double> LivePoint::*value,
             LiveStyle style, size_t rows, double most) {
    canvas_.put(row_, 0, label, style);
    if (rows > 1)
      canvas_.put(row_ + 1, 0,
                  fmt::format("{:.0f} MiB{}", migscope::mib(most),
                              value == &LivePoint::left ? "" : "/s"),
                  LiveStyle::dim);
    draw_columns(
        canvas_, {row_, kLabel, rows},
        columns_of(model_.points, value, model_.elapsed_ms, chart_columns()),
        most, style, unicode_);
    row_ += rows;
  }

  // Where passes began.
  void pass_marks() {
    canvas_.put(row_, 0, "passes", LiveStyle::dim);
    for (double start : model_.pass_starts_ms) {
      double part = model_.elapsed_ms > 0 ? start / model_.elapsed_ms : 0;
      auto at = static_cast<size_t>(std::clamp(part, 0.0, 1.0) *
                                    static_cast<double>(chart_columns()));
      canvas_.put(row_, kLabel + at, {unicode_ ? U'╵' : U'\'', LiveStyle::dim});
    }
    ++row_;
  }

  void pass_rows(size_t top, size_t bottom) {
    if (bottom < top + 3)
      return;
    size_t most = bottom - top - 2;
    std::vector<Row> rows{{"pass", "left MiB", "allowed", "MiB/s", "limit ms",
                           "needs ms", "why not yet"}};
    size_t first = model_.checks.size() - std::min(most, model_.checks.size());
    for (size_t i = first; i < model_.checks.size(); ++i)
      rows.push_back(pass_row(model_.checks[i]));
    std::string text = table(rows);
    size_t at = top + 1;
    for (size_t begin = 0; begin < text.size();) {
      size_t end = text.find('\n', begin);
      canvas_.put(at++, 0, text.substr(begin, end - begin),
                  begin == 0 ? LiveStyle::dim : LiveStyle::plain);
      begin = end + 1;
    }
  }

  static Row pass_row(const PassCheck& check) {
    return {fmt::format("{}", check.pass),   mib(check.pending_bytes),
            mib(check.allowed_bytes),        mib(check.bandwidth),
            figure(check.downtime_limit_ms), figure(check.needed_limit_ms),
            to_string(check.verdict)};
  }

  const LiveModel& model_;
  LiveCanvas canvas_;
  bool unicode_;
  size_t row_ = 0;
};

} // namespace

LiveCanvas lay_out(const LiveModel& model, ScreenSize size, bool unicode) {
  return Layout(model, size, unicode).draw();
}

} // namespace migscope::tools
