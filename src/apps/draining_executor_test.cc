// What stopping a server rests on: an executor that knows what of it is still to be done.
#include "apps/draining_executor.h"

#include <condition_variable>
#include <deque>
#include <gtest/gtest.h>
#include <mutex>
#include <thread>

#include "base/real_env.h"

namespace tapewarden::apps {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLong{30'000};

// Runs tasks when the test says so, on the test's thread.
class HandExecutor final : public Executor {
 public:
  void post(std::function<void()> task) override { tasks.push_back(std::move(task)); }
  void post_after(milliseconds, std::function<void()> task) override { later.push_back(std::move(task)); }

  static void run_one(std::deque<std::function<void()>>& from) {
    const auto task = std::move(from.front());
    from.pop_front();
    task();
  }

  std::deque<std::function<void()>> tasks;
  std::deque<std::function<void()>> later;
};

TEST(DrainingExecutor, IsIdleWhenNothingWasEverPosted) {
  HandExecutor inner;
  DrainingExecutor executor(inner);
  EXPECT_TRUE(executor.wait_idle(milliseconds{0}));
}

TEST(DrainingExecutor, WaitsForWhatIsQueuedAndForWhatThatPosts) {
  HandExecutor inner;
  DrainingExecutor executor(inner);
  int ran = 0;
  executor.post([&] {
    ++ran;
    executor.post([&] { ++ran; });
  });
  EXPECT_FALSE(executor.wait_idle(milliseconds{0}));
  HandExecutor::run_one(inner.tasks);
  EXPECT_FALSE(executor.wait_idle(milliseconds{0})) << "the second task is still to be done";
  HandExecutor::run_one(inner.tasks);
  EXPECT_TRUE(executor.wait_idle(milliseconds{0}));
  EXPECT_EQ(ran, 2);
}

TEST(DrainingExecutor, ATaskThatIsNotDueDoesNotCount) {
  HandExecutor inner;
  DrainingExecutor executor(inner);
  bool idle_inside = true;
  bool ran = false;
  executor.post_after(kLong, [&] {
    ran = true;
    idle_inside = executor.wait_idle(milliseconds{0});
  });
  EXPECT_TRUE(executor.wait_idle(milliseconds{0}));
  HandExecutor::run_one(inner.later);
  EXPECT_TRUE(ran);
  EXPECT_FALSE(idle_inside) << "while it runs it counts";
  EXPECT_TRUE(executor.wait_idle(milliseconds{0}));
}

TEST(DrainingExecutor, WhatATaskHoldsIsGoneBeforeItCountsAsDone) {
  HandExecutor inner;
  DrainingExecutor executor(inner);
  bool idle_when_let_go = true;
  std::shared_ptr<int> held(new int(1), [&](int* value) {
    delete value;
    idle_when_let_go = executor.wait_idle(milliseconds{0});
  });
  executor.post([held = std::move(held)] {});
  HandExecutor::run_one(inner.tasks);
  EXPECT_FALSE(idle_when_let_go);
  EXPECT_TRUE(executor.wait_idle(milliseconds{0}));
}

TEST(DrainingExecutor, WaitsForARunningTaskOfAnotherThread) {
  ThreadPool pool(1);
  DrainingExecutor executor(pool);
  std::mutex mutex;
  std::condition_variable changed;
  bool running = false;
  bool may_end = false;
  executor.post([&] {
    std::unique_lock lock(mutex);
    running = true;
    changed.notify_all();
    changed.wait(lock, [&] { return may_end; });
  });
  {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, kLong, [&] { return running; }));
  }
  EXPECT_FALSE(executor.wait_idle(milliseconds{0}));
  {
    const std::lock_guard lock(mutex);
    may_end = true;
  }
  changed.notify_all();
  EXPECT_TRUE(executor.wait_idle(kLong));
}

TEST(DrainingExecutor, WhatIsLeftMayRunAfterItIsGone) {
  HandExecutor inner;
  bool ran = false;
  {
    DrainingExecutor executor(inner);
    executor.post([&] { ran = true; });
  }
  HandExecutor::run_one(inner.tasks);
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace tapewarden::apps
