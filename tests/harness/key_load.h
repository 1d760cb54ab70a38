// Load on one DKX connection: a number of signed requests kept in flight until the connection ends or there
// is nothing more to ask. Every answer's signature is verified before it counts.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "harness/test_drive.h"

namespace tapewarden::testing {

class KeyLoad {
 public:
  // Both are called on a loop thread, one at a time for one load, and must not block.
  using Maker = std::function<std::optional<dkx::KeyRequest>()>;  // nothing: no more
  using Sink = std::function<void(const dkx::KeyRequest&, const dkx::AnswerBody&)>;

  // Begins at once. `depth`: requests in flight, 1 to 16. `drive` and `site` must outlive it.
  static Result<std::unique_ptr<KeyLoad>> start(TestSite& site, Which which, const TestDrive& drive,
                                                unsigned depth, Maker maker, Sink sink);
  // Ends the connection and waits until nothing is called any more.
  ~KeyLoad();
  KeyLoad(const KeyLoad&) = delete;
  KeyLoad& operator=(const KeyLoad&) = delete;

  // The maker has said that there is no more and everything is answered, or the connection has ended.
  bool wait_done(std::chrono::milliseconds deadline);
  // Why it ended before its time: a broken connection is expected when a server is killed, an answer that
  // does not verify never is.
  std::optional<Error> fault() const;

 private:
  class State;
  explicit KeyLoad(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

}  // namespace tapewarden::testing
