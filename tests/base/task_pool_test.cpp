#include "base/task_pool.h"

#include <atomic>
#include <doctest/doctest.h>

using namespace migscope;

TEST_CASE("every task is done once, however many threads there are") {
  for (size_t threads : {1, 2, 7}) {
    TaskPool pool(threads);
    CHECK(pool.threads() == threads);
    std::vector<int> runs(1000);
    std::vector<TaskPool::Handle> tasks;
    for (int& count : runs)
      tasks.push_back(pool.start([&count] { ++count; }));
    for (const auto& task : tasks)
      pool.wait(task);
    CHECK(runs == std::vector<int>(1000, 1));
  }
}

TEST_CASE("a task can be waited for when others are not done") {
  TaskPool pool(2);
  std::atomic<bool> go = false;
  auto slow = pool.start([&go] {
    while (!go)
      std::this_thread::yield();
  });
  bool done = false;
  auto quick = pool.start([&done] { done = true; });
  auto last = pool.start([&go] { go = true; });
  pool.wait(last);
  pool.wait(quick);
  CHECK(done);
  pool.wait(slow);
}

TEST_CASE("a pool goes away with tasks that nobody waits for") {
  auto held = std::make_shared<int>(0);
  {
    TaskPool pool(3);
    for (int i = 0; i < 100; ++i) {
      auto own = std::make_shared<TaskPool::Handle>();
      *own = pool.start([held, own] {});
    }
  }
  CHECK(held.use_count() == 1);
}
