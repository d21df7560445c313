// See base/pch/std.h.
#include "../../base/pch/std.h"

#include <doctest/doctest.h>
