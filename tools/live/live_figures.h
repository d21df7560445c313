// Follows the monitors' dialogue as it is recorded, in bounded memory.
#pragma once

#include "analyzer/timeline.h"
#include "tools/live/live_model.h"

namespace migscope::tools {

class LiveFigures {
public:
  // See LiveModel.
  LiveFigures(std::string name, std::string interrupt) {
    model_.name = std::move(name);
    model_.interrupt = std::move(interrupt);
  }

  // Every line of both monitors, in order.
  void add(const captures::MonitorLine& line);
  void add_notice(const std::string& text);
  [[nodiscard]] const LiveModel& model() const { return model_; }

private:
  void take(const analyzer::Timeline& news);
  void take_sample(const analyzer::Sample& sample);
  void take_status(qmp::MigrationStatus status, MonoTime time);
  void take_pass(uint64_t pass, MonoTime earliest, MonoTime latest);
  void check_pass(const analyzer::Sample& sample);
  void add_point(const analyzer::Sample& sample);
  [[nodiscard]] double since_start(MonoTime time) const;

  analyzer::TimelineBuilder builder_;
  LiveModel model_;
  std::optional<MonoTime> start_;
  // What a pass's verdict is made of: the newest sample, parameters and more.
  analyzer::Timeline known_;
  std::optional<MonoTime> pass_earliest_, pass_latest_; // of the newest sync
  bool pass_by_event_ = false;
};

} // namespace migscope::tools
