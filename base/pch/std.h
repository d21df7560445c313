// What nearly every file includes, compiled once for each target (precompiled
// header). Files still include what they use: `-Db_pch=false` builds, too.
#include <algorithm>
#include <array>
#include <cstdint>
#include <fmt/format.h>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>
