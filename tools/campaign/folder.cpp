#include "tools/campaign/folder.h"

#include "captures/session/file.h"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace migscope::tools {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPart = ".part.migscope";

Result<std::string> read_text(const fs::path& path) {
  // A plan's own text has 1 MiB at the most; with what names stand for it
  // grows.
  constexpr uint64_t kMostBytes = 64 << 20;
  return captures::read_file(path, kMostBytes);
}

Status move(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error)
    return fail_errno("rename " + from.string(), error.value());
  return {};
}

Status make_directory(const fs::path& path) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return fail_errno("create " + path.string(), errno);
  return {};
}

// The first key in which two plans differ.
std::string difference(const qmp::Json& one, const qmp::Json& other) {
  for (const qmp::Json* json : {&one, &other})
    for (const std::string& key : json->keys())
      if (one.get(key.c_str()).dump() != other.get(key.c_str()).dump())
        return key;
  return "the order of its keys";
}

} // namespace

Result<std::unique_ptr<CampaignFolder>>
CampaignFolder::open(const fs::path& path, const Plan& plan) {
  std::unique_ptr<CampaignFolder> folder(new CampaignFolder(path));
  for (auto step : {&CampaignFolder::create, &CampaignFolder::lock})
    if (auto done = (folder.get()->*step)(); !done)
      return fail(done.error());
  if (auto claimed = folder->claim(plan); !claimed)
    return fail(claimed.error());
  if (auto cleared = folder->clear_up(); !cleared)
    return fail(cleared.error());
  if (auto made = folder->make_scratch(); !made)
    return fail(made.error());
  return folder;
}

CampaignFolder::~CampaignFolder() {
  std::error_code ignored;
  if (scratch_) {
    scratch_.reset();
    fs::remove(path_ / "scratch", ignored);
  }
  if (lock_ >= 0)
    close(lock_);
}

Status CampaignFolder::create() {
  std::error_code ignored;
  if (fs::exists(path_, ignored) && !fs::exists(path_ / "plan.json", ignored) &&
      !fs::exists(path_ / "lock", ignored) && !fs::is_empty(path_, ignored))
    return fail({ErrorKind::usage,
                 "expected a new name, or the folder of a campaign: there is "
                 "something else in it",
                 path_.string(),
                 {}});
  return make_directory(path_);
}

Status CampaignFolder::lock() {
  fs::path file = path_ / "lock";
  lock_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0)
    return fail_errno("open " + file.string(), errno);
  if (flock(lock_, LOCK_EX | LOCK_NB) != 0)
    return fail({ErrorKind::refused,
                 "another migscope is making the runs of this campaign",
                 path_.string(),
                 {}});
  return {};
}

Status CampaignFolder::claim(const Plan& plan) {
  if (auto made = make_directory(path_ / "runs"); !made)
    return made;
  fs::path file = path_ / "plan.json";
  std::error_code ignored;
  if (!fs::exists(file, ignored))
    return captures::replace_file(file, plan.given.dump_pretty() + "\n");
  auto text = read_text(file);
  if (!text)
    return fail(text.error());
  auto there = qmp::Json::parse(*text);
  if (!there)
    return fail({there.error().kind, there.error().message, file.string(), {}});
  if (there->dump() == plan.given.dump())
    return {};
  return fail({ErrorKind::usage,
               fmt::format("it belongs to another plan, which differs in {}: "
                           "give the new plan a folder of its own",
                           difference(*there, plan.given)),
               path_.string(),
               {}});
}

Status CampaignFolder::clear_up() {
  if (auto id = read_text(path_ / "current"))
    lost_ = *std::move(id);
  if (auto old = read_text(path_ / "scratch"); old && !old->empty()) {
    std::error_code ignored;
    // Only what make_scratch() made: the file may be anybody's.
    fs::path place(*old);
    if (place.parent_path() == fs::temp_directory_path(ignored) &&
        place.filename().string().starts_with("migscope-"))
      fs::remove_all(place, ignored);
  }
  std::vector<std::string> parts;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path_ / "runs", ignored)) {
    std::string name = entry.path().filename().string();
    if (name.ends_with(kPart))
      parts.push_back(name.substr(0, name.size() - kPart.size()));
  }
  for (const std::string& id : parts)
    if (auto aside = put_aside(id); !aside)
      return aside;
  return {};
}

// $TMPDIR is where the runs' own programs put theirs.
Status CampaignFolder::make_scratch() {
  auto made = TempDir::create();
  if (!made)
    return fail(made.error());
  scratch_ = std::move(*made);
  return captures::replace_file(path_ / "scratch", scratch().string());
}

Status CampaignFolder::begin(const std::string& id) {
  return captures::replace_file(path_ / "current", id);
}

void CampaignFolder::end_of_run() {
  std::error_code ignored;
  fs::remove(path_ / "current", ignored);
}

bool CampaignFolder::is_done(const std::string& id) const {
  std::error_code ignored;
  return fs::exists(session(id), ignored);
}

fs::path CampaignFolder::session(const std::string& id) const {
  return session_of(path_, id);
}

fs::path CampaignFolder::part(const std::string& id) const {
  return path_ / "runs" / (id + std::string(kPart));
}

fs::path CampaignFolder::log(const std::string& id,
                             const std::string& suffix) const {
  return path_ / "runs" / (id + suffix + ".log");
}

Status CampaignFolder::keep(const std::string& id) {
  return move(part(id), session(id));
}

Status CampaignFolder::put_aside(const std::string& id) {
  std::error_code ignored;
  if (!fs::exists(part(id), ignored))
    return {};
  for (int n = 1;; ++n) {
    fs::path name = path_ / "runs" / fmt::format("{}.lost-{}.migscope", id, n);
    if (!fs::exists(name, ignored))
      return move(part(id), name);
  }
}

Result<Plan> read_plan_of(const fs::path& folder) {
  fs::path file = folder / "plan.json";
  std::error_code ignored;
  if (!fs::exists(file, ignored))
    return fail({ErrorKind::usage,
                 "expected the folder of a campaign: it has no plan.json",
                 folder.string(),
                 {}});
  auto text = read_text(file);
  if (!text)
    return fail(text.error());
  return parse_plan(*text, file.string());
}

fs::path session_of(const fs::path& folder, const std::string& id) {
  return folder / "runs" / (id + ".migscope");
}

} // namespace migscope::tools
