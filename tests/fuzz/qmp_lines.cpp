// What a monitor says, from bytes to a dialogue. Options: u8 how to cut; u8, of
// which bit 0 closes the connection at the end and the others let time pass.
#include "qmp/migration.h"
#include "qmp/session.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/support/fake_clock.h"

using namespace migscope;
using namespace migscope::qmp;
using namespace migscope::fuzz;

namespace {

class Dialogue {
public:
  explicit Dialogue(testing::FakeClock& clock)
      : session_("peer", clock, output()) {
    ask("query-version");
    ask("query-migrate");
    ask("query-migrate-capabilities");
  }

  void receive(std::span<const std::byte> bytes) { session_.receive(bytes); }
  void tick() { session_.tick(); }
  void end(bool closed) {
    if (closed)
      session_.peer_closed();
    else
      session_.transport_failed({ErrorKind::io, "gone"});
    require(session_.closed() && ends_ == 1, "a dialogue ends once");
    require(answered_ == asked_, "every command is answered once");
  }
  [[nodiscard]] uint64_t digest() const { return digest_.value(); }

private:
  Session::Output output() {
    return {
        .send = [this](std::string_view bytes) { digest_.add(bytes); },
        .line = [this](Direction, std::string_view line,
                       ClockReading) { digest_.add(line); },
        .event = [this](const Event& event, ClockReading) { take(event); },
        .ready =
            [this](const Version& version) {
              digest_.add(to_string(version));
              ask("query-migrate");
            },
        .closed =
            [this](const Error& error) {
              digest_.add(describe(error));
              ++ends_;
            },
    };
  }

  void ask(std::string_view command) {
    ++asked_;
    session_.execute(command, {}, [this, done = false](auto reply) mutable {
      require(!std::exchange(done, true), "a command is answered once");
      ++answered_;
      take(reply);
    });
  }

  void take(const Result<Json>& reply) {
    if (!reply) {
      digest_.add(describe(reply.error()));
      return;
    }
    ask("query-migrate");
    auto info = decode_query_migrate(*reply);
    require(same_end(info, info), "a reply tells of the same as itself");
    if (info.status)
      digest_.add(to_string(*info.status));
    for (const std::string& name : capabilities_on(*reply))
      require(capability_is_on(*reply, name), "a capability that is on is on");
    (void)decode_version(*reply);
  }

  void take(const Event& event) {
    digest_.add(event.name).add(static_cast<uint64_t>(event.timestamp.ns));
    if (auto status = migration_event_status(event))
      digest_.add(to_string(*status));
    digest_.add(migration_pass(event).value_or(0));
  }

  Digest digest_;
  size_t asked_ = 0, answered_ = 0, ends_ = 0;
  Session session_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  Cutter cutter(input.u8());
  uint8_t flags = input.u8();

  testing::FakeClock clock;
  Dialogue whole(clock);
  whole.receive(input.rest());

  Dialogue pieces(clock);
  for (auto bytes = input.rest(); !bytes.empty();)
    pieces.receive(cutter.next(bytes));
  require(whole.digest() == pieces.digest(), "cuts do not matter");

  clock.advance(std::chrono::seconds(flags >> 1));
  pieces.tick();
  pieces.end((flags & 1) != 0);
  whole.end(true);
  return 0;
}
