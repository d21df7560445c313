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
  case Boundary::trace:
    return "trace";
  case Boundary::event:
    return "event";
  case Boundary::sampled:
    return "sampled";
  case Boundary::inferred:
    break;
  }
  return "inferred";
}

const char* to_string(Verdict verdict) {
  switch (verdict) {
  case Verdict::switched:
    return "switched";
  case Verdict::too_much:
    return "too-much-left";
  case Verdict::no_bandwidth:
    return "no-bandwidth";
  case Verdict::ack:
    return "switchover-ack";
  case Verdict::close:
    return "close";
  case Verdict::enough:
    return "enough";
  case Verdict::unknown:
    break;
  }
  return "unknown";
}

const char* to_string(LimitedBy limit) {
  switch (limit) {
  case LimitedBy::max_bandwidth:
    return "max-bandwidth";
  case LimitedBy::network:
    return "network";
  case LimitedBy::destination:
    return "destination";
  case LimitedBy::storage:
    return "storage";
  case LimitedBy::tee:
    return "tee";
  case LimitedBy::source_cpu:
    return "source-cpu";
  case LimitedBy::source:
    return "source";
  case LimitedBy::unknown:
    break;
  }
  return "unknown";
}

void add_problem(Input& input, Severity severity, const std::string& channel,
                 const Error& error) {
  std::string text = error.message;
  if (!error.where.empty() && error.where != channel)
    text = error.where + ": " + text;
  input.problems.push_back({severity, channel, error.offset, std::move(text)});
  if (severity == Severity::error)
    input.complete = false;
}

void append(Input& input, const Input& part) {
  input.channels += part.channels;
  input.bytes += part.bytes;
  input.complete &= part.complete;
  input.problems.insert(input.problems.end(), part.problems.begin(),
                        part.problems.end());
}

const char* to_string(Side side) {
  switch (side) {
  case Side::network:
    return "network";
  case Side::destination:
    return "destination";
  case Side::source:
    break;
  }
  return "source";
}

} // namespace migscope::analyzer
