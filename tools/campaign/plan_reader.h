// One object of a plan: reads its keys, and tells of those that it should not
// have.
#pragma once

#include "qmp/json.h"

#include <set>
#include <vector>

namespace migscope::tools {

class PlanReader {
public:
  // `place` is the object's for errors: "", or "lab".
  PlanReader(qmp::Json object, std::string place)
      : object_(std::move(object)), place_(std::move(place)) {}

  // Each leaves `out` where the key is not there. The first that is not what
  // was expected is the error.
  void text(const char* key, std::string& out);
  void texts(const char* key, std::vector<std::string>& out);
  void flag(const char* key, bool& out);
  void count(const char* key, uint64_t least, uint64_t most, uint64_t& out);
  void count(const char* key, std::optional<uint64_t>& out);
  void number(const char* key, double least, double most, double& out);
  // An object's members by name, or null.
  [[nodiscard]] qmp::Json object(const char* key);

  void refuse(const std::string& key, const std::string& expected);
  // Fails with the first error; else with a key that nobody read.
  [[nodiscard]] Status finish();

private:
  [[nodiscard]] qmp::Json take(const char* key);

  qmp::Json object_;
  std::string place_;
  std::set<std::string> known_;
  std::optional<Error> error_;
};

} // namespace migscope::tools
