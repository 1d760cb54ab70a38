// Everything that the system gives to the program: time, disk, random bytes, threads. Nothing else in src/
// touches the system (SQLite's own file access and the sockets in net/ are the two stated exceptions), so
// that a seeded simulation can run the real code. Implementations: base/real_env.h, base/testing/sim_env.h.
// All four are thread-safe unless said otherwise.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace tapewarden {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  // The calendar. May step back; no security decision rests on it alone.
  virtual WallTime wall_now() = 0;
  // Never steps back; meaningless across processes.
  virtual SteadyTime steady_now() = 0;
};

class Random {
 public:
  virtual ~Random() = default;
  // Fills `out` with unpredictable bytes; aborts the program when the generator fails.
  virtual void fill(MutableByteView out) = 0;
};

// One open file. Not thread-safe for overlapping writes; reads may run side by side.
class File {
 public:
  virtual ~File() = default;
  // Bytes read, short only at the end of the file. kIo.
  virtual Result<std::size_t> read_at(std::uint64_t offset, MutableByteView out) = 0;
  // All or an error (kIo; kExhausted when the disk is full). Not durable before sync().
  virtual Status write_at(std::uint64_t offset, ByteView data) = 0;
  virtual Result<std::uint64_t> size() = 0;
  virtual Status truncate(std::uint64_t size) = 0;
  // Data and length are on stable storage when this returns. After an error the file must not be trusted: the
  // kernel may have dropped the dirty pages, so a second sync that succeeds proves nothing.
  virtual Status sync() = 0;
};

enum class OpenMode : std::uint8_t {
  kRead,       // must exist
  kReadWrite,  // must exist
  kCreate,     // read and write, made when missing
  kCreateNew,  // read and write, kAlreadyExists when present
};

class Disk {
 public:
  virtual ~Disk() = default;
  // `permissions` apply when the file is made. kNotFound, kAlreadyExists, kIo.
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode,
                                             unsigned permissions = 0600) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  virtual Status remove(const std::string& path) = 0;
  virtual Status make_directories(const std::string& path, unsigned permissions = 0700) = 0;
  // Makes creations, renames and removals in the directory durable.
  virtual Status sync_directory(const std::string& path) = 0;
  // Names (not paths) of the entries, sorted.
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  virtual bool exists(const std::string& path) = 0;
  // The permission bits (0777). A disk without owners says 0600.
  virtual Result<unsigned> permissions(const std::string& path) {
    if (!exists(path)) return fail(ErrorCode::kNotFound, path + " is missing");
    return 0600U;
  }
  // A number that two paths on one file system share; 0 where that is not known.
  virtual Result<std::uint64_t> file_system(const std::string& path) {
    if (!exists(path)) return fail(ErrorCode::kNotFound, path + " is missing");
    return 0U;
  }
  // Advisory exclusive lock held as long as the returned file lives; kConflict when another process holds it.
  virtual Result<std::unique_ptr<File>> lock(const std::string& path) = 0;
};

class Executor {
 public:
  virtual ~Executor() = default;
  // Runs the task soon, on any thread. Tasks must not block for long.
  virtual void post(std::function<void()> task) = 0;
  virtual void post_after(std::chrono::milliseconds delay, std::function<void()> task) = 0;
};

// Borrowed pointers; whoever makes the Env outlives all its users.
struct Env {
  Clock* clock = nullptr;
  Disk* disk = nullptr;
  Random* random = nullptr;
  Executor* executor = nullptr;
};

// 2026-11-21T02:40:32.123Z
std::string format_utc(WallTime time);
inline std::int64_t to_millis(WallTime time) {
  return time.time_since_epoch().count();
}
inline WallTime from_millis(std::int64_t millis) {
  return WallTime{std::chrono::milliseconds{millis}};
}

// Whole-file helpers over Disk.
Result<Bytes> read_file(Disk& disk, const std::string& path, std::size_t limit);
// Writes PATH.new, syncs it, renames it over PATH and syncs the directory: old or new content, never a
// mixture.
Status write_file_atomically(Disk& disk, const std::string& path, ByteView content,
                             unsigned permissions = 0600);
// The part before the last '/', or "." without one.
std::string parent_directory(const std::string& path);

}  // namespace tapewarden
