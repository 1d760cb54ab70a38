#include "base/real_env.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <deque>
#include <dirent.h>
#include <fcntl.h>
#include <mutex>
#include <queue>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace tapewarden {

namespace {

std::unexpected<Error> os_error(const std::string& what, const std::string& path, int number) {
  ErrorCode code = ErrorCode::kIo;
  if (number == ENOENT) code = ErrorCode::kNotFound;
  if (number == EEXIST) code = ErrorCode::kAlreadyExists;
  if (number == ENOSPC || number == EDQUOT) code = ErrorCode::kExhausted;
  if (number == EACCES || number == EPERM) code = ErrorCode::kPermissionDenied;
  return fail(code, "cannot " + what + " " + path + ": " + std::strerror(number));
}

class RealFile final : public File {
 public:
  RealFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  ~RealFile() override { ::close(descriptor_); }
  RealFile(const RealFile&) = delete;
  RealFile& operator=(const RealFile&) = delete;

  Result<std::size_t> read_at(std::uint64_t offset, MutableByteView out) override {
    std::size_t done = 0;
    while (done < out.size()) {
      const MutableByteView rest = out.subspan(done);
      const ssize_t got = ::pread(descriptor_, rest.data(), rest.size(), static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return os_error("read", path_, errno);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  Status write_at(std::uint64_t offset, ByteView data) override {
    std::size_t done = 0;
    while (done < data.size()) {
      const ByteView rest = data.subspan(done);
      const ssize_t put = ::pwrite(descriptor_, rest.data(), rest.size(), static_cast<off_t>(offset + done));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return os_error("write", path_, errno);
      done += static_cast<std::size_t>(put);
    }
    begin_writing_back(data.size());
    return {};
  }

  Result<std::uint64_t> size() override {
    struct stat info{};
    if (::fstat(descriptor_, &info) != 0) return os_error("stat", path_, errno);
    return static_cast<std::uint64_t>(info.st_size);
  }

  Status truncate(std::uint64_t size) override {
    if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) return os_error("truncate", path_, errno);
    return {};
  }

  Status sync() override {
    unstarted_ = 0;
    if (::fdatasync(descriptor_) != 0) return os_error("sync", path_, errno);
    return {};
  }

 private:
  // A long stream of writes goes to the disk while it grows, so that the sync behind it finds little left.
  // Only a hint to the kernel, which may do so at any time; an error comes back from the sync.
  void begin_writing_back(std::size_t written) {
    if (unstarted_.fetch_add(written) + written < kWriteBackBytes) return;
    unstarted_ = 0;
    (void)::sync_file_range(descriptor_, 0, 0, SYNC_FILE_RANGE_WRITE);
  }

  static constexpr std::uint64_t kWriteBackBytes = 8U << 20;
  int descriptor_;
  std::string path_;
  std::atomic<std::uint64_t> unstarted_ = 0;  // bytes written since the kernel was last told to begin
};

int open_flags(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY;
    case OpenMode::kReadWrite:
      return O_RDWR;
    case OpenMode::kCreate:
      return O_RDWR | O_CREAT;
    case OpenMode::kCreateNew:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

}  // namespace

WallTime RealClock::wall_now() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}
SteadyTime RealClock::steady_now() {
  return std::chrono::steady_clock::now();
}

Result<std::unique_ptr<File>> RealDisk::open(const std::string& path, OpenMode mode, unsigned permissions) {
  const int descriptor = ::open(path.c_str(), open_flags(mode) | O_CLOEXEC, static_cast<mode_t>(permissions));
  if (descriptor < 0) return os_error("open", path, errno);
  return std::make_unique<RealFile>(descriptor, path);
}

Status RealDisk::rename(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) return os_error("rename", from, errno);
  return {};
}

Status RealDisk::remove(const std::string& path) {
  if (std::remove(path.c_str()) != 0) return os_error("remove", path, errno);
  return {};
}

Status RealDisk::make_directories(const std::string& path, unsigned permissions) {
  for (std::size_t at = 1; at <= path.size(); ++at) {
    if (at != path.size() && path[at] != '/') continue;
    const std::string part = path.substr(0, at);
    if (::mkdir(part.c_str(), static_cast<mode_t>(permissions)) != 0 && errno != EEXIST) {
      return os_error("make the directory", part, errno);
    }
  }
  return {};
}

Status RealDisk::sync_directory(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return os_error("open", path, errno);
  const int result = ::fsync(descriptor);
  const int number = errno;
  ::close(descriptor);
  if (result != 0) return os_error("sync", path, number);
  return {};
}

Result<std::vector<std::string>> RealDisk::list(const std::string& path) {
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr) return os_error("list", path, errno);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  ::closedir(directory);
  std::ranges::sort(names);
  return names;
}

bool RealDisk::exists(const std::string& path) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0;
}

Result<unsigned> RealDisk::permissions(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return os_error("stat", path, errno);
  return info.st_mode & 0777U;
}

Result<std::uint64_t> RealDisk::file_system(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return os_error("stat", path, errno);
  return static_cast<std::uint64_t>(info.st_dev);
}

Result<std::unique_ptr<File>> RealDisk::lock(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return os_error("open", path, errno);
  auto file = std::make_unique<RealFile>(descriptor, path);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    return fail(ErrorCode::kConflict, path + " is held by another process", {},
                "stop the other process first");
  }
  return file;
}

struct ThreadPool::State {
  struct Timer {
    std::chrono::steady_clock::time_point due;
    std::uint64_t order;
    std::function<void()> task;
    bool operator<(const Timer& other) const {
      return std::tie(other.due, other.order) < std::tie(due, order);
    }
  };
  std::mutex mutex;
  std::condition_variable work;
  std::condition_variable tick;
  std::deque<std::function<void()>> tasks;
  std::priority_queue<Timer> timers;
  std::uint64_t timer_order = 0;
  bool stopping = false;
  std::vector<std::thread> threads;

  void run_tasks() {
    std::unique_lock lock(mutex);
    while (true) {
      work.wait(lock, [this] { return stopping || !tasks.empty(); });
      if (stopping) return;
      auto task = std::move(tasks.front());
      tasks.pop_front();
      lock.unlock();
      task();
      task = nullptr;
      lock.lock();
    }
  }

  void run_timers() {
    std::unique_lock lock(mutex);
    while (!stopping) {
      if (timers.empty()) {
        tick.wait(lock);
        continue;
      }
      const auto due = timers.top().due;
      if (std::chrono::steady_clock::now() < due) {
        tick.wait_until(lock, due);
        continue;
      }
      tasks.push_back(timers.top().task);
      timers.pop();
      work.notify_one();
    }
  }
};

ThreadPool::ThreadPool(unsigned threads) : state_(std::make_unique<State>()) {
  for (unsigned i = 0; i < threads; ++i) state_->threads.emplace_back([this] { state_->run_tasks(); });
  state_->threads.emplace_back([this] { state_->run_timers(); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->work.notify_all();
  state_->tick.notify_all();
  for (auto& thread : state_->threads) thread.join();
}

void ThreadPool::post(std::function<void()> task) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->tasks.push_back(std::move(task));
  }
  state_->work.notify_one();
}

void ThreadPool::post_after(std::chrono::milliseconds delay, std::function<void()> task) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->timers.push({std::chrono::steady_clock::now() + delay, state_->timer_order++, std::move(task)});
  }
  state_->tick.notify_one();
}

}  // namespace tapewarden
