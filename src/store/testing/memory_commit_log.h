// A commit log in memory, and a keystore in a temporary directory, for tests of what stands on the keystore.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/real_env.h"
#include "crypto/random.h"
#include "store/keystore.h"

namespace tapewarden::store::testing {

// Thread-safe. Survives the keystore that writes to it, so a test can open another on the same file.
class MemoryCommitLog final : public CommitLog {
 public:
  Status ready() const override;
  Status append(const CommitMark& mark, std::span<const std::string> records) override;
  Status note(std::span<const std::string> records) override;
  Status replay(std::uint64_t from, const std::function<Status(const LoggedCommit&)>& visit) override;
  std::optional<CommitMark> last_mark() const override;
  Hash256 chain_hash() const override;

  // The next append or note fails with this error, and so does every later one.
  void fail_with(Error error);
  void clear_fault();
  // As a log that stopped within an append that succeeded: it says so before the next one.
  void stop_after_append(Error error);
  // Forgets the last `count` commits, as if an old copy of the audit file were put back.
  void drop_last(std::size_t count);
  // Becomes a copy of `other`.
  void copy_from(const MemoryCommitLog& other);
  // Every record so far, those of note() too, in order.
  std::vector<std::string> records() const;
  std::size_t notes() const;

 private:
  Status take(std::span<const std::string> records);

  mutable std::mutex mutex_;
  std::vector<LoggedCommit> commits_;
  std::vector<std::string> records_;
  std::size_t notes_ = 0;
  Hash256 chain_{};
  std::optional<Error> fault_;
  std::optional<Error> stopped_;
};

// Where a temporary directory lies: in memory a test that opens a keystore a thousand times need not wait for
// a disk to sync.
enum class Storage : std::uint8_t { kDisk, kMemory };

// A directory that vanishes with the object.
class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(Storage storage = Storage::kDisk);
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// The real disk, clock and random bytes with a pool of two threads.
class RealEnv {
 public:
  Env env() { return {&clock_, &disk_, &random_, &pool_}; }

 private:
  RealClock clock_;
  RealDisk disk_;
  crypto::SystemRandom random_;
  ThreadPool pool_{2};
};

}  // namespace tapewarden::store::testing
