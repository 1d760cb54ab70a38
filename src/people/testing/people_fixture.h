// People over a keystore in a temporary directory, with one account of each role, for tests of what stands on
// people/. The clock is the test's own. Not thread-safe beyond what People is.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/real_env.h"
#include "base/testing/sim_env.h"
#include "crypto/random.h"
#include "people/people.h"
#include "store/testing/memory_commit_log.h"

namespace tapewarden::people::testing {

// The accounts' names are "officer", "operator" and "auditor"; this is the password of each.
inline constexpr std::string_view kPassword = "a password for tests";

class PeopleFixture {
 public:
  // `others`: the tables of other components that share the keystore. Aborts the test program on failure.
  explicit PeopleFixture(std::vector<const store::TableSpec*> others = {});
  ~PeopleFixture();

  Env env() { return {&clock_, &disk_, &random_, &executor_}; }
  tapewarden::testing::SimClock& clock() { return clock_; }
  store::testing::MemoryCommitLog& log() { return log_; }
  store::Keystore& keystore() { return *keystore_; }
  const Uuid& server() const { return server_; }
  People& people() { return *people_; }
  static std::string name_of(Role role);
  // A session's token as text.
  std::string log_in(Role role) { return log_in(name_of(role)); }
  std::string log_in(const std::string& name);

 private:
  tapewarden::testing::SimClock clock_;
  RealDisk disk_;
  crypto::SystemRandom random_;
  ThreadPool executor_{2};
  store::testing::MemoryCommitLog log_;
  store::testing::TemporaryDirectory directory_;
  Uuid server_;
  std::unique_ptr<store::Keystore> keystore_;
  std::unique_ptr<People> people_;
};

}  // namespace tapewarden::people::testing
