// A probe that runs beside something else: asks the guest, stores what it says.
#pragma once

#include "captures/probe/prober.h"
#include "tools/event_loop.h"

#include <deque>
#include <filesystem>

namespace migscope::tools {

class ProbeRun {
public:
  // Creates the file and begins to probe. `notice` tells what the user should
  // know, in a sentence; all given outlives it.
  [[nodiscard]] static Result<std::unique_ptr<ProbeRun>>
  start(EventLoop& loop, Clock& clock, const captures::ProbePlan& plan,
        const std::filesystem::path& file,
        std::function<void(const std::string&)> notice);
  ~ProbeRun();

  // Until the guest has answered for a second, or has kept silent for long; so
  // that a baseline is there before a migration, and its recovery after it.
  // An interruption ends it, too.
  void watch();
  [[nodiscard]] uint64_t sent() const { return sent_; }
  [[nodiscard]] uint64_t answers() const { return answers_; }
  // Sends no more, waits for what is on its way, closes the file. What
  // interrupted before is forgiven, for a moment's waiting; a further signal
  // ends it. Fails where not all could be stored.
  [[nodiscard]] Status finish();

private:
  ProbeRun(EventLoop& loop, Clock& clock,
           std::function<void(const std::string&)> notice)
      : loop_(loop), clock_(clock), notice_(std::move(notice)) {}

  void drain();
  void take(const captures::ProbeMark& mark);
  void settle(uint64_t sequence);
  // Every probe is answered, or has waited for as long as an answer may take.
  [[nodiscard]] bool is_settled();
  void keep(const Status& stored);

  EventLoop& loop_;
  Clock& clock_;
  std::function<void(const std::string&)> notice_;
  std::unique_ptr<captures::ProbeLogWriter> log_;
  std::unique_ptr<captures::Prober> prober_;
  std::unique_ptr<EventLoop::Timer> draining_, flushing_;
  std::optional<Error> store_failure_;
  std::optional<MonoTime> last_answer_;
  // On their way, by sequence.
  struct Waiting {
    uint64_t sequence = 0;
    MonoTime sent;
    bool answered = false;
  };
  std::deque<Waiting> waiting_;
  uint64_t sent_ = 0, answers_ = 0;
  bool failure_told_ = false;
};

} // namespace migscope::tools
