// SQLite 3 behind values and Results: the only place that knows its interface. A Connection and its
// Statements belong to one thread at a time. Statements must not outlive their Connection.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"

struct sqlite3;
struct sqlite3_stmt;

namespace tapewarden::store::sqlite {

enum class StorageClass : std::uint8_t { kNull, kInteger, kReal, kText, kBlob };

// A prepared statement. Parameters are numbered from 1, columns from 0, as in SQLite.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* handle) : handle_(handle) {}
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void bind_null(int parameter);
  void bind_integer(int parameter, std::int64_t value);
  // Text and blobs are borrowed: they must live until reset().
  void bind_text(int parameter, std::string_view value);
  void bind_blob(int parameter, ByteView value);

  // True: a row is there to be read. False: done. Errors as in Connection.
  Result<bool> step();
  // One step of a statement whose rows nobody wants.
  Status run();
  // Forgets the row and all bound values.
  void reset();

  int columns() const;
  StorageClass storage_class(int column) const;
  std::int64_t integer(int column) const;
  // Valid until the next step() or reset().
  std::string_view text(int column) const;
  ByteView blob(int column) const;

 private:
  sqlite3_stmt* handle_;
};

// Resets a cached statement when its use ends, on every way out.
class Use {
 public:
  explicit Use(Statement& statement) : statement_(statement) {}
  ~Use() { statement_.reset(); }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  Statement* operator->() const { return &statement_; }
  Statement& operator*() const { return statement_; }

 private:
  Statement& statement_;
};

// kGathering: as kReadWrite, for the one that commits much and syncs each commit (log_file.h).
enum class Access : std::uint8_t { kRead, kReadWrite, kCreate, kGathering };

// One open database file. Errors of every call: kCorrupt (damaged file), kExhausted (disk full), kConflict
// (locked by another), kAlreadyExists (a unique index; `field` names the columns), kInvalidArgument (another
// constraint), kIo. `detail` holds SQLite's extended result code.
class Connection {
 public:
  static Result<std::unique_ptr<Connection>> open(const std::string& path, Access access);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // One or more statements without parameters and without interest in their rows.
  Status execute(const std::string& sql);
  Result<Statement> prepare(std::string_view sql);
  // The statement kept under `name`, prepared from what make() returns the first time.
  template <typename MakeSql>
  Result<Statement*> cached(const std::string& name, const MakeSql& make) {
    const auto found = statements_.find(name);
    if (found != statements_.end()) return &found->second;
    return keep(name, make());
  }
  // The first column of the first row as text; empty without a row.
  Result<std::string> text_of(std::string_view sql);
  Result<std::int64_t> integer_of(std::string_view sql);
  // False after SQLite itself rolled the transaction back (disk full, I/O error).
  bool in_transaction() const;
  // Pages in the write-ahead log after the last commit of this connection.
  std::uint32_t wal_pages() const { return wal_pages_; }
  // Copies what the write-ahead log holds into the database file and syncs it, as far as readers allow; true:
  // all of it. SQLite does not do it by itself here, because it would swallow an error: after a failed sync a
  // second one that succeeds proves nothing.
  Result<bool> checkpoint();
  // The same, and the log file is cut to nothing. kConflict, at once, while a reader still uses it.
  Status empty_log();
  // Closing leaves the write-ahead log as it is, for the next open to take in full.
  void keep_log();
  // Forgets all kept statements: before a change of the schema.
  void forget_statements() { statements_.clear(); }

 private:
  explicit Connection(sqlite3* handle) : handle_(handle) {}
  static int note_commit(void* connection, sqlite3* handle, const char* name, int pages);
  Result<Statement*> keep(const std::string& name, const std::string& sql);

  sqlite3* handle_;
  std::uint32_t wal_pages_ = 0;
  std::unordered_map<std::string, Statement> statements_;
};

}  // namespace tapewarden::store::sqlite
