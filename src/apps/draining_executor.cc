#include "apps/draining_executor.h"

#include <condition_variable>
#include <mutex>

namespace tapewarden::apps {

struct DrainingExecutor::State {
  explicit State(Executor& e) : inner(e) {}

  // leave() must follow.
  void enter() {
    const std::lock_guard lock(mutex);
    ++pending;
  }
  void leave() {
    const std::lock_guard lock(mutex);
    if (--pending == 0) idle.notify_all();
  }
  // What the task holds is let go before it counts as done.
  void run(std::function<void()>& task) {
    task();
    task = nullptr;
    leave();
  }

  Executor& inner;
  std::mutex mutex;
  std::condition_variable idle;
  std::size_t pending = 0;
};

DrainingExecutor::DrainingExecutor(Executor& inner) : state_(std::make_shared<State>(inner)) {}

void DrainingExecutor::post(std::function<void()> task) {
  state_->enter();
  state_->inner.post([state = state_, task = std::move(task)]() mutable { state->run(task); });
}

void DrainingExecutor::post_after(std::chrono::milliseconds delay, std::function<void()> task) {
  state_->inner.post_after(delay, [state = state_, task = std::move(task)]() mutable {
    state->enter();
    state->run(task);
  });
}

bool DrainingExecutor::wait_idle(std::chrono::milliseconds deadline) {
  std::unique_lock lock(state_->mutex);
  return state_->idle.wait_for(lock, deadline, [&] { return state_->pending == 0; });
}

}  // namespace tapewarden::apps
