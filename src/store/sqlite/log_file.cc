#include "store/sqlite/log_file.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <sqlite3.h>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"

namespace tapewarden::store::sqlite {

namespace {

constexpr const char* kName = "tapewarden";
constexpr std::size_t kMostHeldBack = 1U << 20;
// The system's xWrite takes less than 128 KiB at once: it never gets more than a page from SQLite.
constexpr std::size_t kMostWritten = 1U << 16;

// The system's file and what is held back from it.
class Log {
 public:
  explicit Log(const sqlite3_vfs& system)
      : memory_(static_cast<std::size_t>(system.szOsFile) / sizeof(std::max_align_t) + 1) {}

  sqlite3_file* file() {
    void* const memory = memory_.data();  // raw memory that the system's VFS lays its own structure into
    return static_cast<sqlite3_file*>(memory);
  }
  const sqlite3_io_methods& system() { return *file()->pMethods; }

  int write(ByteView data, sqlite3_int64 offset) {
    if (offset != start_ + static_cast<sqlite3_int64>(held_back_.size())) {
      if (const int result = flush(); result != SQLITE_OK) return result;
      start_ = offset;
    }
    held_back_.insert(held_back_.end(), data.begin(), data.end());
    return held_back_.size() < kMostHeldBack ? SQLITE_OK : flush();
  }

  int flush() {
    int result = SQLITE_OK;
    for (ByteView rest = held_back_; !rest.empty() && result == SQLITE_OK;) {
      const ByteView part = rest.first(std::min(rest.size(), kMostWritten));
      result = system().xWrite(file(), part.data(), static_cast<int>(part.size()), start_);
      start_ += static_cast<sqlite3_int64>(part.size());
      rest = rest.subspan(part.size());
    }
    held_back_.clear();
    return result;
  }

 private:
  std::vector<std::max_align_t> memory_;  // of the system's file
  Bytes held_back_;
  sqlite3_int64 start_ = 0;  // where the first byte held back belongs
};

// What SQLite sees; it gives the memory and never copies it.
struct LogFile : sqlite3_file {
  Log* log;
};

Log& log_of(sqlite3_file* file) {
  return *static_cast<LogFile*>(file)->log;
}

int close_log(sqlite3_file* file) {
  const std::unique_ptr<Log> log(&log_of(file));
  const int flushed = log->flush();
  const int closed = log->system().xClose(log->file());
  file->pMethods = nullptr;
  return flushed != SQLITE_OK ? flushed : closed;
}
int read_log(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) {
  Log& log = log_of(file);
  if (const int result = log.flush(); result != SQLITE_OK) return result;
  return log.system().xRead(log.file(), out, size, offset);
}
int write_log(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  return log_of(file).write({static_cast<const std::uint8_t*>(data), static_cast<std::size_t>(size)}, offset);
}
int truncate_log(sqlite3_file* file, sqlite3_int64 size) {
  Log& log = log_of(file);
  if (const int result = log.flush(); result != SQLITE_OK) return result;
  return log.system().xTruncate(log.file(), size);
}
int sync_log(sqlite3_file* file, int flags) {
  Log& log = log_of(file);
  if (const int result = log.flush(); result != SQLITE_OK) return result;
  return log.system().xSync(log.file(), flags);
}
int size_of_log(sqlite3_file* file, sqlite3_int64* size) {
  Log& log = log_of(file);
  if (const int result = log.flush(); result != SQLITE_OK) return result;
  return log.system().xFileSize(log.file(), size);
}
int lock_log(sqlite3_file* file, int level) {
  Log& log = log_of(file);
  return log.system().xLock(log.file(), level);
}
int unlock_log(sqlite3_file* file, int level) {
  Log& log = log_of(file);
  return log.system().xUnlock(log.file(), level);
}
int check_reserved_lock(sqlite3_file* file, int* out) {
  Log& log = log_of(file);
  return log.system().xCheckReservedLock(log.file(), out);
}
int control_log(sqlite3_file* file, int operation, void* argument) {
  Log& log = log_of(file);
  return log.system().xFileControl(log.file(), operation, argument);
}
int sector_size(sqlite3_file* file) {
  Log& log = log_of(file);
  return log.system().xSectorSize(log.file());
}
int device_characteristics(sqlite3_file* file) {
  Log& log = log_of(file);
  return log.system().xDeviceCharacteristics(log.file());
}

// Version 1: without shared memory and mapping, which SQLite wants of the database file only.
constexpr sqlite3_io_methods kMethods{1,
                                      close_log,
                                      read_log,
                                      write_log,
                                      truncate_log,
                                      sync_log,
                                      size_of_log,
                                      lock_log,
                                      unlock_log,
                                      check_reserved_lock,
                                      control_log,
                                      sector_size,
                                      device_characteristics,
                                      nullptr,
                                      nullptr,
                                      nullptr,
                                      nullptr,
                                      nullptr,
                                      nullptr};

const sqlite3_vfs& system_of(sqlite3_vfs* vfs) {
  return *static_cast<const sqlite3_vfs*>(vfs->pAppData);
}

// Files other than the log are the system's own.
int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* flags_out) {
  const sqlite3_vfs& system = system_of(vfs);
  auto* self = static_cast<sqlite3_vfs*>(vfs->pAppData);
  if ((flags & SQLITE_OPEN_WAL) == 0) return system.xOpen(self, name, file, flags, flags_out);
  file->pMethods = nullptr;
  auto log = std::make_unique<Log>(system);
  const int result = system.xOpen(self, name, log->file(), flags, flags_out);
  if (result != SQLITE_OK) {
    if (log->file()->pMethods != nullptr) log->system().xClose(log->file());
    return result;
  }
  static_cast<LogFile*>(file)->log = log.release();
  file->pMethods = &kMethods;
  return SQLITE_OK;
}

// The system's VFS with another xOpen; none of its other functions looks at which VFS it was called for.
sqlite3_vfs* make_vfs() {
  sqlite3_vfs* system = sqlite3_vfs_find(nullptr);
  TW_ASSERT(system != nullptr);
  static sqlite3_vfs vfs = *system;
  vfs.zName = kName;
  vfs.pNext = nullptr;
  vfs.pAppData = system;
  vfs.szOsFile = std::max(system->szOsFile, static_cast<int>(sizeof(LogFile)));
  vfs.xOpen = open_file;
  return &vfs;
}

}  // namespace

const char* gathering_vfs() {
  static const int registered = sqlite3_vfs_register(make_vfs(), 0);
  TW_ASSERT(registered == SQLITE_OK);
  return kName;
}

}  // namespace tapewarden::store::sqlite
