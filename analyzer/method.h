// What kind of migration it was, and so what its stream can be asked for.
#pragma once

#include "analyzer/stream_model.h"
#include "analyzer/timeline.h"

namespace migscope::analyzer {

enum class Method {
  precopy,
  multifd,    // precopy whose pages went over several channels
  postcopy,   // switched over to it, that is; being able to is still precopy
  background, // a snapshot of a guest that runs on
  mapped,     // precopy to a mapped-ram file
};

// `model` is the main channel's, null without a stream.
[[nodiscard]] Method migration_method(const Timeline& timeline,
                                      const StreamModel* model,
                                      bool multifd_channels = false);

// As outcome.mode says it: multifd and mapped-ram are ways of precopy.
[[nodiscard]] const char* to_string(Method method);

// The order in which pages were sent is known, and so what each round sent.
[[nodiscard]] bool rounds_have_pages(Method method, bool multifd_channels);

// What the report does not tell of it and why; empty for precopy.
[[nodiscard]] std::string limits_of(Method method);

} // namespace migscope::analyzer
