// Figures in the units that people read.
#pragma once

namespace migscope {

template <typename Number>
[[nodiscard]] constexpr double mib(Number bytes) {
  return static_cast<double>(bytes) / (1 << 20);
}

} // namespace migscope
