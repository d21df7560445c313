#include "tools/verbs/paths.h"

#include "analyzer/analyze.h"
#include "analyzer/read_recording.h"
#include "tests/support/temp_dir.h"

#include <doctest/doctest.h>
#include <fstream>
#include <set>
#include <sys/stat.h>

using namespace migscope;
using namespace migscope::tools;
using captures::Manifest;

namespace {

Manifest ended(const std::string& outcome) {
  Manifest out;
  out.ended = ClockReading();
  out.outcome = outcome;
  return out;
}

class Sessions {
public:
  std::string add(const std::string& name, const Manifest& manifest) {
    std::filesystem::path path = directory_.path() / name;
    std::filesystem::create_directory(path);
    REQUIRE(captures::write_manifest(path, manifest));
    return path.string();
  }

private:
  migscope::testing::TempDir directory_;
};

using Told = std::vector<std::pair<std::string, std::string>>;

Told problems(const std::vector<std::string>& paths) {
  auto recording = open_paths(paths);
  REQUIRE(recording);
  analyzer::Input input = analyzer::input_of(*recording);
  Told out;
  for (const analyzer::Problem& problem : input.problems)
    out.emplace_back(problem.channel, problem.message);
  CHECK(input.complete == out.empty());
  return out;
}

} // namespace

TEST_CASE("the manifests of all sessions are judged") {
  Sessions sessions;
  Manifest torn = ended("completed");
  torn.channels.push_back({.number = 3, .store_error = "disk full"});
  std::string a = sessions.add("a", Manifest());
  std::string b = sessions.add("b", torn);
  std::string c = sessions.add("c", ended("disconnected"));
  CHECK(problems({a, b, c}) ==
        Told{{a + "/session.json", "the recording was cut off before it ended"},
             {b + "/channel-3.zst",
              "storing stopped before the stream did: disk full"},
             {c + "/session.json",
              "a monitor was lost before the migration ended"}});
  CHECK(problems({a}) ==
        Told{{"session.json", "the recording was cut off before it ended"}});
}

TEST_CASE("the first session with a monitor's log tells of the migration") {
  Sessions sessions;
  std::string a = sessions.add("a", ended("interrupted"));
  std::string b = sessions.add("b", ended("completed"));
  std::ofstream(b + "/monitor.jsonl.zst");
  auto recording = open_paths({a, b});
  REQUIRE(recording);
  CHECK(recording->path == b);
  CHECK(recording->monitor_log == b + "/monitor.jsonl.zst");
  REQUIRE(recording->manifest());
  CHECK(recording->manifest()->outcome == "completed");
  REQUIRE(recording->sessions.size() == 2);
  CHECK(recording->sessions[1].manifest.outcome == "interrupted");
}

TEST_CASE("files of the same name are told apart by their directories") {
  Sessions sessions;
  std::string a = sessions.add("a", ended("completed"));
  std::string b = sessions.add("b", ended("completed"));
  auto names = [](const std::vector<std::string>& paths) {
    auto recording = open_paths(paths);
    REQUIRE(recording);
    std::vector<std::string> out;
    for (const captures::OpenChannel& channel :
         captures::open_channels(*recording))
      out.push_back(channel.name);
    return out;
  };
  using Names = std::vector<std::string>;
  const std::string file = "/channel-0.zst", back = "/channel-0.return.zst";
  for (const std::string& session : {a, b})
    for (const std::string& name : {file, back})
      std::ofstream(session + name);
  CHECK(names({a + file, b + file}) == Names{a + file, b + file});
  CHECK(names({a, b}) == Names{a + file, a + back, b + file, b + back});
  CHECK(names({a}) == Names{file.substr(1), back.substr(1)});
  CHECK(names({a + file}) == Names{file.substr(1)});
}

TEST_CASE("a log of any session is found") {
  Sessions sessions;
  std::string a = sessions.add("a", ended("completed"));
  std::string b = sessions.add("b", ended("completed"));
  for (const char* name : {"monitor.jsonl.zst", "qemu-source.log.zst",
                           "guest-destination.log.zst"})
    std::ofstream(a + "/" + name);
  for (const char* name :
       {"flow.jsonl.zst", "threads.jsonl.zst", "qemu-source.log.zst",
        "qemu-destination.log.zst", "guest-source.log.zst"})
    std::ofstream(b + "/" + name);
  for (const auto& paths : {std::vector{a, b}, std::vector{b, a}}) {
    auto all = open_paths(paths);
    REQUIRE(all);
    CHECK(all->monitor_log == a + "/monitor.jsonl.zst");
    CHECK(all->flow_log == b + "/flow.jsonl.zst");
    CHECK(all->thread_log == b + "/threads.jsonl.zst");
    // Of the session that tells of the migration where both have one.
    CHECK(all->source_log == a + "/qemu-source.log.zst");
    CHECK(all->destination_log == b + "/qemu-destination.log.zst");
    CHECK(all->source_console == b + "/guest-source.log.zst");
    CHECK(all->destination_console == a + "/guest-destination.log.zst");
    CHECK(all->name_of(*all->flow_log) == b + "/flow.jsonl.zst");
  }
}

TEST_CASE("a second session's monitors are not read, which is told") {
  Sessions sessions;
  std::string a = sessions.add("a", ended("completed"));
  std::string b = sessions.add("b", ended("completed"));
  std::string c = sessions.add("c", ended("completed"));
  auto unread = [&](const std::vector<std::string>& paths) {
    auto all = open_paths(paths);
    REQUIRE(all);
    Told out;
    if (auto read = analyzer::analyze(*all))
      for (const analyzer::Problem& problem : read->input.problems)
        if (problem.message.starts_with("not read"))
          out.push_back({problem.channel, problem.message});
    return out;
  };
  const std::string log = "/monitor.jsonl.zst";
  std::ofstream(b + log);
  CHECK(unread({a, b, c}).empty());
  std::ofstream(c + log);
  const std::string why =
      "not read: " + b + log + " tells of the migration, and one recording can";
  CHECK(unread({a, b, c}) == Told{{c + log, why}});
  CHECK(unread({b, a, c}) == Told{{c + log, why}});
}

TEST_CASE("damage of a log says whose it is") {
  Sessions sessions;
  std::string a = sessions.add("a", ended("completed"));
  std::string b = sessions.add("b", ended("completed"));
  for (const char* name : {"/monitor.jsonl.zst", "/qemu-source.log.zst"})
    std::ofstream(a + name) << "no zstd";
  for (const auto& [paths, where] :
       {std::pair(std::vector{a, b}, a + "/"), {{a}, std::string()}}) {
    auto recording = open_paths(paths);
    REQUIRE(recording);
    auto analysis = analyzer::analyze(*recording);
    REQUIRE(analysis);
    std::set<std::string> told;
    for (const analyzer::Problem& problem : analysis->input.problems)
      told.insert(problem.channel);
    CHECK(told == std::set<std::string>{where + "monitor.jsonl.zst",
                                        where + "qemu-source.log.zst"});
  }
}

TEST_CASE("what can be read once is not read twice") {
  migscope::testing::TempDir directory;
  std::string pipe = (directory.path() / "pipe").string();
  std::string file = (directory.path() / "file").string();
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  std::ofstream(file) << "x";
  CHECK(reads_once(pipe));
  CHECK(reads_once("-"));
  CHECK_FALSE(reads_once(file));
  CHECK_FALSE(reads_once(directory.path().string()));
  CHECK_FALSE(reads_once((directory.path() / "missing").string()));
  for (const std::string& path : {pipe, std::string("-")}) {
    auto twice = open_paths({path, file, path});
    REQUIRE_FALSE(twice);
    CHECK(twice.error().kind == ErrorKind::usage);
    CHECK(twice.error().where == path);
    CHECK_FALSE(check_once({path, path}));
    auto once = open_paths({path, file}); // opens nothing yet
    REQUIRE(once);
    CHECK(once->channels[0].name == path);
  }
}
