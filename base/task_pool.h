// Work spread over the machine's cores, waited for by who handed it out.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace migscope {

// One thread hands tasks out and waits for them; while it waits it works on
// them, too. Tasks neither throw nor wait for others.
class TaskPool {
public:
  struct Task;
  using Handle = std::shared_ptr<Task>;

  // `threads` with that of the caller, or as many as can be had: with 1 the
  // tasks are done when they are waited for.
  explicit TaskPool(size_t threads);
  // Drops the tasks that nobody has begun.
  ~TaskPool();
  TaskPool(const TaskPool&) = delete;
  TaskPool& operator=(const TaskPool&) = delete;

  [[nodiscard]] size_t threads() const { return workers_.size() + 1; }
  // Begun in the order of the calls.
  [[nodiscard]] Handle start(std::function<void()> work);
  void wait(const Handle& task);

private:
  void work();
  void run(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_; // guards all below but workers_
  std::condition_variable started_, finished_;
  std::deque<Handle> waiting_;
  bool closing_ = false;
  std::vector<std::thread> workers_;
};

} // namespace migscope
