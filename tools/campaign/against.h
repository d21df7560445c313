// A campaign's results against those of an earlier one: before and after a
// change of the host, of QEMU, or of a setting.
#pragma once

#include "tools/campaign/results.h"

namespace migscope::tools {

// Adds to `results` the comparisons of each cell that both have, and what else
// differs. Cells whose workload or mode is not defined alike are not compared.
// Fails where no cell is left.
[[nodiscard]] Status compare_with(CampaignResults& results,
                                  const CampaignResults& other);

} // namespace migscope::tools
