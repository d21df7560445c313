#include "tools/live/live_model.h"

#include "analyzer/switchover.h"

namespace migscope::tools {

using qmp::MigrationStatus;

std::string why_not_yet(const LiveModel& model) {
  if (!model.status)
    return "no migration has begun";
  switch (*model.status) {
  case MigrationStatus::none:
  case MigrationStatus::setup:
    return "the migration is being set up";
  case MigrationStatus::active:
    break;
  case MigrationStatus::pre_switchover:
    return "the guest is stopped; migrate-continue lets it go on";
  case MigrationStatus::device:
    return "the guest is stopped: the last RAM and the devices are sent";
  case MigrationStatus::postcopy_active:
    return "the guest runs at the destination; what is left follows it";
  case MigrationStatus::postcopy_paused:
    return "the connection is lost; migrate-recover and migrate go on";
  default:
    return "the migration is " + std::string(qmp::to_string(*model.status));
  }
  if (model.checks.empty())
    return "the first pass has only begun";
  return analyzer::describe(model.checks.back());
}

} // namespace migscope::tools
