// Rules that say why a migration went as it did. Each states a sentence, its
// numbers and its evidence; a rule without numbers says nothing.
#pragma once

#include "analyzer/analysis.h"
#include "analyzer/timeline.h"

namespace migscope::analyzer {

[[nodiscard]] std::vector<Finding> find(const Analysis& analysis,
                                        const Timeline& timeline);

} // namespace migscope::analyzer
