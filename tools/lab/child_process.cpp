#include "tools/lab/child_process.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace migscope::tools {
namespace {

constexpr size_t kLastWords = 1000; // bytes

// In the child: nothing here may allocate. The exec error goes to `report`,
// which closes by itself when exec succeeds.
[[noreturn]] void become(char* const* argv, int log, int report, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent)
    _exit(127);
  // A terminal's Ctrl-C is for us: we end the child when we are ready, and its
  // own children with it.
  setpgid(0, 0);
  std::signal(SIGPIPE, SIG_DFL);
  std::signal(SIGXFSZ, SIG_DFL);
  int null = open("/dev/null", O_RDONLY);
  dup2(null, STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execvp(argv[0], argv);
  int error = errno;
  (void)!write(report, &error, sizeof error);
  _exit(127);
}

} // namespace

Result<std::unique_ptr<ChildProcess>>
ChildProcess::start(const std::vector<std::string>& argv,
                    const std::filesystem::path& log) {
  std::vector<char*> pointers;
  for (const std::string& word : argv)
    pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  int log_fd =
      open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (log_fd < 0)
    return fail_errno("create " + log.string(), errno);
  std::array<int, 2> report{};
  if (pipe2(report.data(), O_CLOEXEC) != 0) {
    int error = errno;
    close(log_fd);
    return fail_errno("create a pipe", error);
  }
  pid_t parent = getpid();
  pid_t pid = fork();
  if (pid == 0)
    become(pointers.data(), log_fd, report[1], parent);
  int fork_error = errno;
  close(log_fd);
  close(report[1]);
  int exec_error = 0;
  bool failed = pid > 0 && read(report[0], &exec_error, sizeof exec_error) ==
                               sizeof exec_error;
  close(report[0]);
  if (pid < 0)
    return fail_errno("start " + argv[0], fork_error);
  if (failed) {
    waitpid(pid, nullptr, 0);
    return fail_errno("start " + argv[0], exec_error);
  }
  return std::unique_ptr<ChildProcess>(new ChildProcess(pid, log));
}

bool ChildProcess::running() {
  int status = 0;
  if (pid_ > 0 && waitpid(pid_, &status, WNOHANG) == pid_) {
    pid_ = -1;
    status_ =
        WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  return pid_ > 0;
}

void ChildProcess::ask_to_end() {
  if (running())
    kill(-pid_, SIGTERM);
}

ChildProcess::~ChildProcess() {
  if (!running())
    return;
  kill(-pid_, SIGTERM);
  for (int i = 0; i < 100 && running(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  if (!running())
    return;
  kill(-pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::string ChildProcess::last_words() const {
  std::ifstream in(log_, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  while (!text.empty() && text.back() == '\n')
    text.pop_back();
  return text.size() <= kLastWords ? text
                                   : text.substr(text.size() - kLastWords);
}

} // namespace migscope::tools
