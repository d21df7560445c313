// How much the transit time of packets varies, by the two figures that the
// field calls jitter.
#pragma once

#include <cstdint>
#include <optional>

namespace migscope::analyzer {

class Jitter {
public:
  // The transit of the next packet, in ms, by arrival: its arrival minus its
  // sending. The two clocks may be any constant apart.
  void add(double transit_ms);

  // The estimate of RFC 3550, 6.4.1: J += (|D| - J) / 16 for every packet but
  // the first. Unknown before the second packet.
  [[nodiscard]] std::optional<double> rfc3550_ms() const; // after the last one
  [[nodiscard]] std::optional<double> rfc3550_mean_ms() const;
  [[nodiscard]] std::optional<double> rfc3550_max_ms() const;
  // The mean of |D|, the absolute difference of two transits that follow on
  // each other.
  [[nodiscard]] std::optional<double> mean_difference_ms() const;

private:
  std::optional<double> before_;
  uint64_t differences_ = 0;
  double now_ = 0, sum_ = 0, max_ = 0, difference_sum_ = 0;
};

} // namespace migscope::analyzer
