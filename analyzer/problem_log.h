// Keeps what a reader tells of damage and oddities; a base for consumers that
// are after something else.
#pragma once

#include "analyzer/analysis.h"
#include "captures/stream/events.h"

namespace migscope::analyzer {

class ProblemLog : public captures::StreamEvents {
public:
  void on_problem(uint64_t offset, std::string_view message) override;
  void on_damage(const captures::Damage& damage) override;
  void on_channel(size_t channel) override { channel_ = channel; }

  struct Entry {
    size_t channel = 0; // index
    Problem problem;    // its channel's name is left for the caller
  };
  [[nodiscard]] const std::vector<Entry>& problems() const { return problems_; }
  // How many more there were than are kept.
  [[nodiscard]] uint64_t not_kept() const { return not_kept_; }
  // Something could not be read, be it kept or not.
  [[nodiscard]] bool damaged() const { return damaged_; }

protected:
  [[nodiscard]] size_t channel() const { return channel_; }
  void add(Severity severity, uint64_t offset, std::string message);

private:
  size_t channel_ = 0;
  std::vector<Entry> problems_;
  uint64_t not_kept_ = 0;
  bool damaged_ = false;
};

} // namespace migscope::analyzer
