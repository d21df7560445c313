#include "base/task_pool.h"

#include <system_error>

namespace migscope {

struct TaskPool::Task {
  std::function<void()> work;
  bool done = false; // guarded by the pool's mutex
};

TaskPool::TaskPool(size_t threads) {
  try {
    for (size_t i = 1; i < threads; ++i)
      workers_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    // No more can be had: with those there are it only takes longer.
  }
}

TaskPool::~TaskPool() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
    // What a task holds may hold the task.
    for (const Handle& task : waiting_)
      task->work = nullptr;
    waiting_.clear();
  }
  started_.notify_all();
  for (std::thread& worker : workers_)
    worker.join();
}

TaskPool::Handle TaskPool::start(std::function<void()> work) {
  auto task = std::make_shared<Task>(Task{std::move(work)});
  {
    std::lock_guard lock(mutex_);
    waiting_.push_back(task);
  }
  started_.notify_one();
  return task;
}

void TaskPool::wait(const Handle& task) {
  std::unique_lock lock(mutex_);
  while (!task->done) {
    if (waiting_.empty())
      finished_.wait(lock);
    else
      run(lock);
  }
}

void TaskPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    started_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
    if (closing_)
      return;
    run(lock);
  }
}

void TaskPool::run(std::unique_lock<std::mutex>& lock) {
  Handle task = std::move(waiting_.front());
  waiting_.pop_front();
  lock.unlock();
  task->work();
  task->work = nullptr; // and what it holds
  lock.lock();
  task->done = true;
  finished_.notify_all();
}

} // namespace migscope
