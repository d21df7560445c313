#include "analyzer/method.h"

#include "captures/stream/wire.h"
#include "tests/analyzer/events.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using captures::SectionKind;
using captures::wire::Command;
using migscope::testing::mark_ms;
using migscope::testing::sample_ms;
using qmp::MigrationStatus;

namespace {

void play(StreamModel& out, bool with_end) {
  captures::RamBlock block;
  block.name = "pc.ram";
  block.used_length = 1 << 20;
  out.on_ram_blocks({&block, 1}, 4096);
  if (with_end) {
    captures::SectionHeader end{SectionKind::end, 2, "ram", 0, 4, 100};
    out.on_section_begin(end);
  }
  out.on_eof(200);
}

Timeline capability(const char* name) {
  Timeline out;
  out.source_capabilities = qmp::Json::array().add(
      qmp::Json::object().set("capability", name).set("state", true));
  return out;
}

} // namespace

TEST_CASE("nothing but a precopy is nothing special") {
  TaskPool pool{1};
  StreamModel model{pool, Content::hashed};
  play(model, true);
  CHECK(migration_method({}, &model) == Method::precopy);
  CHECK(migration_method({}, nullptr) == Method::precopy);
  CHECK(limits_of(Method::precopy).empty());
}

TEST_CASE("an END that was not read makes no background snapshot") {
  TaskPool pool{1};
  StreamModel model{pool, Content::hashed};
  play(model, false);
  CHECK(migration_method({}, &model) == Method::background);
  CHECK(migration_method(capability("events"), &model) == Method::precopy);
  captures::Damage damage;
  damage.error.offset = 150;
  model.on_damage(damage);
  CHECK(migration_method({}, &model) == Method::precopy);
  CHECK(migration_method(capability("background-snapshot"), &model) ==
        Method::background);
}

TEST_CASE("being able to switch to postcopy is still precopy") {
  TaskPool pool{1};
  StreamModel model{pool, Content::hashed};
  play(model, true);
  captures::CommandItem command;
  command.command = static_cast<uint16_t>(Command::postcopy_advise);
  model.on_command(command);
  CHECK(migration_method(capability("postcopy-ram"), &model) ==
        Method::precopy);
  command.command = static_cast<uint16_t>(Command::postcopy_listen);
  model.on_command(command);
  CHECK(migration_method({}, &model) == Method::postcopy);
}

TEST_CASE("postcopy by what the source says") {
  Timeline events;
  events.source_statuses = {{MigrationStatus::postcopy_active, mark_ms(5)},
                            {MigrationStatus::completed, mark_ms(9)}};
  CHECK(migration_method(events, nullptr) == Method::postcopy);
  Timeline sampled;
  sampled.samples = {sample_ms(5, MigrationStatus::postcopy_active)};
  CHECK(migration_method(sampled, nullptr) == Method::postcopy);
}

TEST_CASE("a background snapshot's stream has no END") {
  TaskPool pool{1};
  StreamModel model{pool, Content::hashed};
  play(model, false);
  CHECK(migration_method({}, &model) == Method::background);
  CHECK(migration_method(capability("background-snapshot"), nullptr) ==
        Method::background);
}

TEST_CASE("multifd by capability or by its channels") {
  TaskPool pool{1};
  StreamModel model{pool, Content::hashed};
  play(model, true);
  CHECK(migration_method(capability("multifd"), &model) == Method::multifd);
  CHECK(migration_method({}, &model, true) == Method::multifd);
  CHECK(to_string(Method::multifd) == std::string("precopy"));
}

TEST_CASE("rounds have pages where all channels of a precopy are there") {
  CHECK(rounds_have_pages(Method::multifd, true));
  CHECK_FALSE(rounds_have_pages(Method::multifd, false));
  CHECK(rounds_have_pages(Method::precopy, false));
  CHECK_FALSE(rounds_have_pages(Method::postcopy, false));
  CHECK_FALSE(rounds_have_pages(Method::mapped, true));
}
