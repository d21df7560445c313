// Values by their paths.
#include "analyzer/devices/value_paths.h"
#include "tests/analyzer/devices/streams.h"

using namespace migscope;
using namespace migscope::test;
using namespace migscope::analyzer;

namespace {

DeviceStates states() {
  auto out = read_devices(
      one_device(
          StreamBuilder().u8(1).u8(2).be16(3).be16(4).subsection("d/s").u8(5))
          .description(described(R"("fields": [
      {"name": "s", "array_len": 2, "type": "struct", "struct":
        {"vmsd_name": "i", "version": 1,
         "fields": [{"name": "x", "type": "uint8", "size": 1}]}, "size": 1},
      {"name": "a", "array_len": 2, "type": "uint16", "size": 2}],
      "subsections": [{"vmsd_name": "d/s", "version": 1, "fields":
        [{"name": "x", "type": "uint8", "size": 1}]}])")));
  REQUIRE(out);
  return std::move(*out);
}

std::vector<std::string> paths(const std::vector<PathValue>& values) {
  std::vector<std::string> out;
  for (const PathValue& value : values)
    out.push_back(value.path);
  return out;
}

} // namespace

TEST_CASE("leaves in the order of the wire") {
  DeviceStates all = states();
  auto values = values_of(all.devices[0]);
  CHECK(paths(leaves(values.values)) ==
        std::vector<std::string>{"s[0].x", "s[1].x", "a", "d/s.x"});
}

TEST_CASE("what is wanted by path, by name, as one element, or whole") {
  DeviceStates all = states();
  auto values = values_of(all.devices[0]);
  auto wanted = [&](const std::string& name) {
    return paths(select(values.values,
                        [&](const std::string& it) { return it == name; }));
  };
  using Names = std::vector<std::string>;
  CHECK(wanted("x") == Names{"s[0].x", "s[1].x", "d/s.x"});
  CHECK(wanted("s[1].x") == Names{"s[1].x"});
  CHECK(wanted("s") == Names{"s"});
  CHECK(wanted("a[1]") == Names{"a[1]"});
  CHECK(wanted("d/s") == Names{"d/s"});
  CHECK(wanted("none").empty());
}
