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

// Every page of the stream is known to stand in one RAM section of the main
// channel: with one channel, and with multifd that syncs in each section (7.2,
// and machine types up to 8.0).
[[nodiscard]] bool pages_have_sections(Method method, const StreamModel& model,
                                       bool multifd_channels);

// What the report does not tell of it and why; empty for precopy.
[[nodiscard]] std::string limits_of(Method method);

} // namespace migscope::analyzer
