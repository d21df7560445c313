// Where a campaign keeps what it has: its plan, and a session for each run.
//
//   plan.json          what is measured; a folder belongs to one plan for ever
//   runs/ID.migscope   a run that is done, whatever came of its migration
//   runs/ID.part.migscope    one that is being made
//   runs/ID.lost-N.migscope  one that was interrupted; it is made again
//   runs/ID.log        what its programs said
//   lock               held while somebody makes runs
//   current            names the run that is being made, until it is restored
//   scratch            names the directory for sockets, while it is there
#pragma once

#include "tools/campaign/plan.h"
#include "tools/temp_dir.h"

#include <filesystem>
#include <memory>

namespace migscope::tools {

class CampaignFolder {
public:
  // Creates it, or goes on with what is there. Fails where it holds another
  // plan, something else, or is in somebody's hands.
  [[nodiscard]] static Result<std::unique_ptr<CampaignFolder>>
  open(const std::filesystem::path& path, const Plan& plan);
  ~CampaignFolder();
  CampaignFolder(const CampaignFolder&) = delete;
  CampaignFolder& operator=(const CampaignFolder&) = delete;

  [[nodiscard]] bool is_done(const std::string& id) const;
  [[nodiscard]] std::filesystem::path session(const std::string& id) const;
  [[nodiscard]] std::filesystem::path part(const std::string& id) const;
  [[nodiscard]] std::filesystem::path log(const std::string& id,
                                          const std::string& suffix = "") const;
  // A run's programs are about to be started, or have all ended.
  [[nodiscard]] Status begin(const std::string& id);
  void end_of_run();
  // The run that a campaign that was killed has not ended; empty: none.
  [[nodiscard]] const std::string& lost() const { return lost_; }
  // The part is the run's session from now on.
  [[nodiscard]] Status keep(const std::string& id);
  // It is not: it stays beside. Nothing where there is none.
  [[nodiscard]] Status put_aside(const std::string& id);
  // For sockets, as their paths must be short.
  [[nodiscard]] const std::filesystem::path& scratch() const {
    return scratch_->path();
  }

private:
  explicit CampaignFolder(std::filesystem::path path)
      : path_(std::move(path)) {}

  [[nodiscard]] Status create();
  [[nodiscard]] Status lock();
  [[nodiscard]] Status claim(const Plan& plan);
  [[nodiscard]] Status clear_up();
  [[nodiscard]] Status make_scratch();

  std::filesystem::path path_;
  std::string lost_;
  std::unique_ptr<TempDir> scratch_;
  int lock_ = -1;
};

// The plan of a campaign that was begun there.
[[nodiscard]] Result<Plan> read_plan_of(const std::filesystem::path& folder);

// The session of a run that is done; it need not be.
[[nodiscard]] std::filesystem::path
session_of(const std::filesystem::path& folder, const std::string& id);

} // namespace migscope::tools
