// Makes the runs of a campaign, one after the other.
#pragma once

#include "tools/campaign/folder.h"
#include "tools/campaign/runs.h"
#include "tools/event_loop.h"

#include <map>

namespace migscope::tools {

// Why each mode that the lab's QEMU refuses cannot be measured.
[[nodiscard]] Result<std::map<std::string, std::string>>
refused_modes(EventLoop& loop, Clock& clock, const Plan& plan,
              const std::filesystem::path& scratch);

struct RunFailure {
  std::string id, reason;
  bool has_session =
      false; // else it is tried again when the campaign is resumed
};

struct CampaignOutcome {
  uint64_t made = 0, found = 0; // runs of this time, and of times before
  std::vector<RunFailure> failures;
  bool interrupted = false;
};

// What is to be shown of it meanwhile.
using ShowProgress = std::function<void(const std::string&)>;

// `program` is migscope's own. Stops at an interruption; the run that was being
// made is put aside.
[[nodiscard]] Result<CampaignOutcome>
make_runs(EventLoop& loop, Clock& clock, CampaignFolder& folder,
          const Plan& plan, const std::vector<RunSpec>& runs,
          const std::string& program, const ShowProgress& show);

} // namespace migscope::tools
