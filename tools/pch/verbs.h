// See base/pch/std.h.
#include "../../base/pch/std.h"

#include <CLI/CLI.hpp>
