#include "tools/manual/command_doc.h"
#include "tools/verbs/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <doctest/doctest.h>

using namespace migscope::tools;
using Words = std::vector<std::string>;

namespace {

CommandDoc command() {
  Verb chosen;
  return describe_command(*make_command_line(chosen));
}

VerbDoc verb(std::string_view name) {
  for (VerbDoc& doc : command().verbs)
    if (doc.name == name)
      return doc;
  FAIL("no such verb");
  return {};
}

OptionDoc option(std::string_view of, const std::string& name) {
  for (const OptionDoc& doc : verb(of).options)
    if (doc.names.back() == name)
      return doc;
  FAIL("no such option");
  return {};
}

} // namespace

TEST_CASE("what the command says of itself is what it takes") {
  CHECK(command().name == "migscope");
  CHECK(command().verbs.size() >= 9);
  OptionDoc format = option("memory", "--format");
  CHECK(format.choices == Words{"elf", "physical", "blocks"});
  CHECK(std::find(format.excludes.begin(), format.excludes.end(), "--page") !=
        format.excludes.end());
  OptionDoc interval = option("record", "--interval");
  CHECK(interval.value == "MS");
  CHECK(interval.range == "1 to 60000");
  CHECK(interval.preset == "50");
  CHECK_FALSE(interval.required);
  OptionDoc output = option("record", "--output");
  CHECK(output.names == Words{"-o", "--output"});
  CHECK(output.required);
  CHECK_FALSE(output.repeats);
  CHECK(option("lab", "--capability").repeats);
  CHECK(option("lab", "--trace").value.empty());
}

TEST_CASE("arguments that have no name stand apart") {
  VerbDoc report = verb("report");
  REQUIRE(report.positionals.size() == 1);
  CHECK(report.positionals[0].value == "RUN");
  CHECK(report.positionals[0].repeats);
  CHECK(report.positionals[0].required);
  CHECK(report.brief.find('\n') == std::string::npos);
}
