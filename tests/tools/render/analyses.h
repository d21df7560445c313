// Analyses for the renderers to print.
#pragma once

#include "analyzer/analysis.h"

namespace migscope::testing {

// A precopy migration of which everything is known.
analyzer::Analysis known_analysis();

// Everything a hostile recording decides is as bad as it can be.
analyzer::Analysis hostile_analysis(const std::string& name);

// Of a postcopy.
analyzer::PageRequests known_requests();

} // namespace migscope::testing
