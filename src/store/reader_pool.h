// Connections for reading, made when needed and kept. Thread-safe. A lease is one consistent snapshot.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/thread_annotations.h"
#include "store/sqlite/connection.h"

namespace tapewarden::store {

inline constexpr std::size_t kReaderLimit = 16;  // reads side by side; further ones wait

class ReaderPool {
 public:
  explicit ReaderPool(std::string path) : path_(std::move(path)) {}

  // Runs work(connection) within a read transaction on the calling thread.
  template <typename Work>
  Status run(const Work& work) {
    std::unique_ptr<sqlite::Connection> connection = TRY(take());
    Status status = begin(*connection);
    if (status) status = work(*connection);
    give_back(std::move(connection));
    return status;
  }

 private:
  Result<std::unique_ptr<sqlite::Connection>> take() TW_EXCLUDES(mutex_);
  void give_back(std::unique_ptr<sqlite::Connection> connection) TW_EXCLUDES(mutex_);
  static Status begin(sqlite::Connection& connection);

  const std::string path_;
  Mutex mutex_;
  CondVar returned_;
  std::vector<std::unique_ptr<sqlite::Connection>> idle_ TW_GUARDED_BY(mutex_);
  std::size_t made_ TW_GUARDED_BY(mutex_) = 0;
};

}  // namespace tapewarden::store
