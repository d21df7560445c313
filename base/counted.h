// Counts in sentences.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace migscope {

// "1 page", "2 pages"; `many` where that is more than `one` with an s.
[[nodiscard]] std::string counted(uint64_t count, std::string_view one,
                                  std::string_view many = {});

} // namespace migscope
