#include "tools/render/heat_json.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using migscope::tools::heat_map_json;

namespace {

constexpr uint64_t kUnit = 0x1000;

// [first_bin, bins, address] of each stretch.
std::string stretches(const std::vector<HeatBin>& bins) {
  HeatMap map;
  map.unit_bytes = kUnit;
  map.bins = bins;
  std::string out;
  for (const qmp::Json& stretch :
       heat_map_json(map).get("stretches").elements())
    out += stretch.get("first_bin").dump() + "+" + stretch.get("bins").dump() +
           " at " + stretch.get("address").dump() + ", " +
           stretch.get("bytes").dump() + "; ";
  return out;
}

std::string runs(const std::vector<HeatCell>& cells) {
  HeatMap map;
  map.cells = cells;
  return heat_map_json(map).get("runs").dump();
}

} // namespace

TEST_CASE("bins that follow each other are one stretch") {
  CHECK(stretches({}) == "");
  CHECK(stretches({{"ram", 0, 0x5000, kUnit, {}},
                   {"ram", 0x1000, 0x6000, kUnit, {}},
                   {"ram", 0x2000, 0x7000, 0x800, {}}}) == "0+3 at 0, 10240; ");
}

TEST_CASE("a stretch ends where block, offset, guest address or size do not "
          "go on") {
  const HeatBin bin{"ram", 0, 0x5000, kUnit, {}};
  const std::string two = "0+1 at 0, 4096; 1+1 at ";
  CHECK(stretches({bin, {"rom", 0x1000, 0x6000, kUnit, {}}}) ==
        two + "4096, 4096; ");
  CHECK(stretches({bin, {"ram", 0x3000, 0x6000, kUnit, {}}}) ==
        two + "12288, 4096; ");
  CHECK(stretches({bin, {"ram", 0x1000, 0x9000, kUnit, {}}}) ==
        two + "4096, 4096; ");
  CHECK(stretches({bin, {"ram", 0x1000, {}, kUnit, {}}}) ==
        two + "4096, 4096; ");
  CHECK(stretches({{"ram", 0, 0x5000, 0x800, {}},
                   {"ram", 0x800, 0x5800, kUnit, {}}}) ==
        "0+1 at 0, 2048; 1+1 at 2048, 4096; ");
  // Where none is known that is the same for all.
  CHECK(stretches({{"ram", 0, {}, kUnit, {}},
                   {"ram", 0x1000, {}, kUnit, {}}}) == "0+2 at 0, 8192; ");
}

TEST_CASE("cells of a column with the same counts are one run") {
  CHECK(runs({{0, 3, 64, 0}, {0, 4, 64, 0}, {0, 5, 64, 0}}) ==
        "[[0,3,3,64,0]]");
  CHECK(runs({{0, 0, 64, 0}, {0, 2, 64, 0}}) == "[[0,0,1,64,0],[0,2,1,64,0]]");
  CHECK(runs({{0, 0, 64, 0}, {0, 1, 63, 0}, {0, 2, 63, 1}, {1, 3, 63, 1}}) ==
        "[[0,0,1,64,0],[0,1,1,63,0],[0,2,1,63,1],[1,3,1,63,1]]");
}
