// A system made of memory, for tests: a clock that the test moves, seeded random bytes, a disk that forgets
// what was not synced when power_loss() is called, and an executor that runs tasks when told. Not
// thread-safe.
#pragma once

#include <map>
#include <queue>
#include <random>

#include "base/env.h"

namespace tapewarden::testing {

class SimClock final : public Clock {
 public:
  WallTime wall_now() override { return now_; }
  SteadyTime steady_now() override { return SteadyTime{steady_}; }
  void advance(std::chrono::milliseconds by) {
    now_ += by;
    steady_ += by;
  }
  void step_wall(std::chrono::milliseconds by) { now_ += by; }  // a clock step: the steady clock stays

 private:
  WallTime now_ = from_millis(1'790'000'000'000);
  std::chrono::nanoseconds steady_{1'000'000'000};
};

class SimRandom final : public Random {
 public:
  explicit SimRandom(std::uint64_t seed) : engine_(seed) {}
  void fill(MutableByteView out) override {
    for (auto& byte : out) byte = static_cast<std::uint8_t>(engine_());
  }
  std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }

 private:
  std::mt19937_64 engine_;
};

class SimDisk final : public Disk {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode, unsigned permissions) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status make_directories(const std::string&, unsigned) override { return {}; }
  Status sync_directory(const std::string&) override { return {}; }
  Result<std::vector<std::string>> list(const std::string& path) override;
  bool exists(const std::string& path) override { return files_.contains(path); }
  Result<std::unique_ptr<File>> lock(const std::string& path) override;

  // Every file goes back to what its last sync() held. With `torn`, a random prefix of each unsynced write
  // survives.
  void power_loss(SimRandom* torn = nullptr);
  // Torn writes end at a multiple of this many bytes of their file; 1 unless set.
  void set_sector_bytes(std::uint64_t bytes) { sector_bytes_ = bytes; }
  // The next `count` writes succeed, then every write and sync fails with kIo until clear_faults().
  void fail_after(std::uint64_t count) {
    writes_left_ = count;
    failing_ = true;
  }
  void clear_faults() { failing_ = false; }
  // The content as a reader sees it now. REQUIRES: the file exists.
  Bytes& content(const std::string& path) { return files_.at(path)->now; }
  std::uint64_t writes() const { return writes_; }

 private:
  friend class SimFile;
  struct Node {
    Bytes now;
    Bytes synced;
    struct Change {
      std::uint64_t offset;
      Bytes data;
      bool truncate;
    };
    std::vector<Change> unsynced;
  };
  Status spend_write();
  ByteView survivor(const Node::Change& change, SimRandom& torn) const;

  std::map<std::string, std::shared_ptr<Node>> files_;
  std::uint64_t sector_bytes_ = 1;
  std::uint64_t writes_ = 0;
  std::uint64_t writes_left_ = 0;
  bool failing_ = false;
};

class SimExecutor final : public Executor {
 public:
  explicit SimExecutor(SimClock& clock) : clock_(clock) {}
  void post(std::function<void()> task) override { ready_.push(std::move(task)); }
  void post_after(std::chrono::milliseconds delay, std::function<void()> task) override {
    timers_.emplace(clock_.steady_now() + delay, std::move(task));
  }
  // Runs ready tasks and due timers until none is left; returns how many ran.
  std::size_t run();
  // Moves the clock to the next timer, then run(). False when there is no timer.
  bool run_next_timer();

 private:
  SimClock& clock_;
  std::queue<std::function<void()>> ready_;
  std::multimap<SteadyTime, std::function<void()>> timers_;
};

struct SimEnv {
  explicit SimEnv(std::uint64_t seed) : random(seed), executor(clock) {}
  SimClock clock;
  SimDisk disk;
  SimRandom random;
  SimExecutor executor;
  Env env() { return {&clock, &disk, &random, &executor}; }
};

}  // namespace tapewarden::testing
