#include "analyzer/method.h"

#include <algorithm>

namespace migscope::analyzer {

using qmp::MigrationStatus;

namespace {

bool seen(const Timeline& timeline, MigrationStatus status) {
  return std::ranges::any_of(
             timeline.source_statuses,
             [&](const StatusMark& mark) { return mark.status == status; }) ||
         std::ranges::any_of(own_samples(timeline), [&](const Sample& sample) {
           return sample.info.status == status;
         });
}

} // namespace

Method migration_method(const Timeline& timeline, const StreamModel* model,
                        bool multifd_channels) {
  StreamMarks marks = model ? model->marks() : StreamMarks{};
  if (marks.postcopy || seen(timeline, MigrationStatus::postcopy_active))
    return Method::postcopy;
  // A background snapshot's RAM has no END section; nor has damage left one.
  bool told = !timeline.source_capabilities.is_null();
  if (told ? qmp::capability_is_on(timeline.source_capabilities,
                                   "background-snapshot")
           : model && model->has_ram() && marks.eof && !marks.ram_end_begin &&
                 !model->damaged())
    return Method::background;
  if (marks.mapped)
    return Method::mapped;
  if (qmp::capability_is_on(timeline.source_capabilities, "multifd") ||
      marks.multifd || multifd_channels)
    return Method::multifd;
  return Method::precopy;
}

const char* to_string(Method method) {
  switch (method) {
  case Method::postcopy:
    return "postcopy";
  case Method::background:
    return "background-snapshot";
  case Method::precopy:
  case Method::multifd:
  case Method::mapped:
    break;
  }
  return "precopy";
}

bool rounds_have_pages(Method method, bool multifd_channels) {
  return method == Method::precopy ||
         (method == Method::multifd && multifd_channels);
}

std::string limits_of(Method method) {
  switch (method) {
  case Method::multifd:
    return "a multifd migration without its channels: the rounds are without "
           "pages";
  case Method::mapped:
    return "a mapped-ram file: a page that is sent again overwrites itself, so "
           "only the last sends are there, and the rounds are without pages";
  case Method::postcopy:
    return "a postcopy migration: rounds and stop-and-copy are told of precopy "
           "only";
  case Method::background:
    return "a background snapshot: rounds, stop-and-copy and the pieces of the "
           "downtime are told of precopy only";
  case Method::precopy:
    break;
  }
  return "";
}

} // namespace migscope::analyzer
