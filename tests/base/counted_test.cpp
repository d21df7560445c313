#include "base/counted.h"

#include <doctest/doctest.h>

using migscope::counted;

TEST_CASE("a count stands with its word") {
  CHECK(counted(0, "page") == "0 pages");
  CHECK(counted(1, "page") == "1 page");
  CHECK(counted(2, "page") == "2 pages");
  CHECK(counted(1, "pass", "passes") == "1 pass");
  CHECK(counted(2, "pass", "passes") == "2 passes");
}
