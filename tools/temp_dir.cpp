#include "tools/temp_dir.h"

#include <cerrno>
#include <cstdlib>

namespace migscope::tools {

Result<std::unique_ptr<TempDir>> TempDir::create() {
  std::error_code error;
  auto root = std::filesystem::temp_directory_path(error);
  if (error)
    return fail(ErrorKind::io,
                "there is no temporary directory: " + error.message());
  std::string path = (root / "migscope-XXXXXX").string();
  if (!mkdtemp(path.data()))
    return fail_errno("create " + path, errno);
  return std::unique_ptr<TempDir>(new TempDir(path));
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path scratch_directory() {
  const char* wanted = std::getenv("TMPDIR");
  return wanted && *wanted ? wanted : "/var/tmp";
}

} // namespace migscope::tools
