#include "analyzer/analysis.h"

namespace migscope::analyzer {

const char* to_string(Severity severity) {
  switch (severity) {
  case Severity::info:
    return "info";
  case Severity::warning:
    return "warning";
  case Severity::error:
    break;
  }
  return "error";
}

const char* to_string(Boundary boundary) {
  switch (boundary) {
  case Boundary::exact:
    return "exact";
  case Boundary::event:
    return "event";
  case Boundary::sampled:
    return "sampled";
  case Boundary::inferred:
    break;
  }
  return "inferred";
}

} // namespace migscope::analyzer
