// The operating system behind Env. Random is not here: production uses crypto::SystemRandom.
#pragma once

#include <memory>

#include "base/env.h"

namespace tapewarden {

class RealClock final : public Clock {
 public:
  WallTime wall_now() override;
  SteadyTime steady_now() override;
};

// POSIX files; sync() is fdatasync(2), sync_directory() fsync(2) on the directory.
class RealDisk final : public Disk {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode, unsigned permissions) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status make_directories(const std::string& path, unsigned permissions) override;
  Status sync_directory(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  bool exists(const std::string& path) override;
  Result<unsigned> permissions(const std::string& path) override;
  Result<std::uint64_t> file_system(const std::string& path) override;
  Result<std::unique_ptr<File>> lock(const std::string& path) override;
};

// A fixed set of threads and one timer thread. The destructor drops what has not started and joins.
class ThreadPool final : public Executor {
 public:
  explicit ThreadPool(unsigned threads);
  ~ThreadPool() override;
  void post(std::function<void()> task) override;
  void post_after(std::chrono::milliseconds delay, std::function<void()> task) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tapewarden
