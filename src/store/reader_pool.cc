#include "store/reader_pool.h"

#include "store/database.h"

namespace tapewarden::store {

namespace {
Status run_kept(sqlite::Connection& connection, const char* sql) {
  sqlite::Statement* statement = TRY(connection.cached(sql, [&] { return std::string(sql); }));
  const sqlite::Use use(*statement);
  return use->run();
}
}  // namespace

Result<std::unique_ptr<sqlite::Connection>> ReaderPool::take() {
  {
    const MutexLock lock(mutex_);
    while (idle_.empty() && made_ >= kReaderLimit) returned_.wait(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<sqlite::Connection> connection = std::move(idle_.back());
      idle_.pop_back();
      return connection;
    }
    ++made_;
  }
  auto connection = open_reader(path_);
  if (connection) return connection;
  {
    const MutexLock lock(mutex_);
    --made_;
  }
  returned_.notify_one();
  return connection;
}

Status ReaderPool::begin(sqlite::Connection& connection) {
  return run_kept(connection, "BEGIN");
}

void ReaderPool::give_back(std::unique_ptr<sqlite::Connection> connection) {
  const bool clean = !connection->in_transaction() || run_kept(*connection, "ROLLBACK").has_value();
  {
    const MutexLock lock(mutex_);
    if (clean) {
      idle_.push_back(std::move(connection));
    } else {
      --made_;
    }
  }
  returned_.notify_one();
}

}  // namespace tapewarden::store
