#include "tools/migration_words.h"
#include "tools/verbs/options.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::tools;

namespace {

std::string capabilities(std::vector<std::string> words) {
  auto out = capability_arguments(words);
  return out ? out->dump() : describe(out.error());
}

std::string parameters(std::vector<std::string> words) {
  auto out = parameter_arguments(words);
  return out ? out->dump() : describe(out.error());
}

} // namespace

TEST_CASE("capabilities as QEMU takes them") {
  CHECK(capabilities({}) == R"({"capabilities":[]})");
  CHECK(capabilities({"xbzrle", "auto-converge=on", "multifd=off"}) ==
        R"({"capabilities":[{"capability":"xbzrle","state":true},)"
        R"({"capability":"auto-converge","state":true},)"
        R"({"capability":"multifd","state":false}]})");
}

TEST_CASE("a capability is on or off") {
  CHECK(capabilities({"xbzrle=1"}) ==
        "--capability \"xbzrle=1\": expected xbzrle=on or xbzrle=off");
  CHECK(capabilities({"xbzrle="}) ==
        "--capability \"xbzrle=\": expected NAME=VALUE");
  CHECK(capabilities({"=on"}) == "--capability \"=on\": expected NAME=VALUE");
  CHECK(capabilities({""}) == "--capability \"\": expected NAME=VALUE");
  CHECK(capability_arguments({"x=1"}).error().kind == ErrorKind::usage);
}

TEST_CASE("parameters keep the type they read as") {
  CHECK(parameters({}) == "{}");
  CHECK(parameters({"downtime-limit=100", "max-bandwidth=0"}) ==
        R"({"downtime-limit":100,"max-bandwidth":0})");
  CHECK(parameters({"cpu-throttle-tailslow=on", "direct-io=false"}) ==
        R"({"cpu-throttle-tailslow":true,"direct-io":false})");
  CHECK(parameters({"multifd-compression=zstd", "tls-creds=a=b"}) ==
        R"({"multifd-compression":"zstd","tls-creds":"a=b"})");
  // What is no scalar of JSON is text.
  CHECK(parameters({"a=null", "b=[1]", "c={}", "d=007"}) ==
        R"({"a":"null","b":"[1]","c":"{}","d":"007"})");
  CHECK(parameters({"a=18446744073709551616"}) ==
        R"({"a":"18446744073709551616"})");
}

TEST_CASE("a parameter has a name and a value") {
  CHECK(parameters({"downtime-limit"}) ==
        "--parameter \"downtime-limit\": expected NAME=VALUE");
  CHECK(parameters({"=1"}) == "--parameter \"=1\": expected NAME=VALUE");
}

TEST_CASE("an address that cannot be read is told with its option") {
  CHECK(address_option("--source", "unix:/run/a.qmp")->path == "/run/a.qmp");
  auto bad = address_option("--source", "tcp:nowhere");
  REQUIRE_FALSE(bad);
  CHECK(bad.error().where == "--source");
  CHECK(bad.error().kind == ErrorKind::usage);
}

TEST_CASE("the command to go on with can be pasted into a shell") {
  auto command = [](const char* path) {
    return analyze_command("migscope", path);
  };
  CHECK(command("run-1.migscope") == "migscope analyze run-1.migscope");
  CHECK(command("/tmp/a b") == "migscope analyze '/tmp/a b'");
  CHECK(command("it's") == R"(migscope analyze 'it'\''s')");
  CHECK(command("$(x);`y`") == "migscope analyze '$(x);`y`'");
  CHECK(command("~/x") == "migscope analyze '~/x'");
  CHECK(command("") == "migscope analyze ''");
  CHECK(analyze_command("my tools/migscope", "x") ==
        "'my tools/migscope' analyze x");
}
