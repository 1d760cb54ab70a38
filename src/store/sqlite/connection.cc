#include "store/sqlite/connection.h"

#include <sqlite3.h>
#include <utility>

#include "base/assert.h"
#include "store/sqlite/log_file.h"

namespace tapewarden::store::sqlite {

namespace {

// A cache that reached this many statements is emptied: callers use a small, fixed set of texts.
constexpr std::size_t kStatementLimit = 512;
// Waiting for another connection of this process, for example a checkpoint behind a reader.
constexpr int kBusyTimeoutMs = 10'000;

ErrorCode code_of(int extended) {
  switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
      return ErrorCode::kAlreadyExists;
    case SQLITE_IOERR_SHORT_READ:
    case SQLITE_IOERR_CORRUPTFS:
      return ErrorCode::kCorrupt;
    default:
      break;
  }
  switch (extended & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
      return ErrorCode::kCorrupt;
    case SQLITE_FULL:
      return ErrorCode::kExhausted;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::kConflict;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
      return ErrorCode::kInvalidArgument;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return ErrorCode::kPermissionDenied;
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
      return ErrorCode::kInternal;
    default:
      return ErrorCode::kIo;
  }
}

// "UNIQUE constraint failed: data_key.dki, data_key.owner" names the columns after the tables.
std::string columns_in(std::string_view message) {
  std::string columns;
  std::size_t at = message.find(": ");
  while (at != std::string_view::npos) {
    const std::size_t end = message.find(", ", at + 2);
    std::string_view name = message.substr(at + 2, end == std::string_view::npos ? end : end - at - 2);
    if (const std::size_t dot = name.find('.'); dot != std::string_view::npos) name.remove_prefix(dot + 1);
    if (!columns.empty()) columns += ", ";
    columns += name;
    at = end;
  }
  return columns;
}

std::unexpected<Error> error_of(sqlite3* handle, int result) {
  int extended = result;
  std::string message = "SQLite: ";
  if (handle != nullptr) {
    extended = sqlite3_extended_errcode(handle);
    if ((extended & 0xFF) != (result & 0xFF)) extended = result;
    message += sqlite3_errmsg(handle);
  } else {
    message += sqlite3_errstr(result);
  }
  const ErrorCode code = code_of(extended);
  std::string field;
  if (code == ErrorCode::kAlreadyExists) field = columns_in(message.substr(8));
  return fail(code, std::move(message), std::move(field), {}, static_cast<std::uint32_t>(extended));
}

// SQLite counts its memory under one lock for the whole process unless told not to, before its first use:
// every allocation of every connection would wait there.
void configure_once() {
  static const int result = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  TW_ASSERT(result == SQLITE_OK);
}

}  // namespace

Statement::~Statement() {
  sqlite3_finalize(handle_);
}
Statement::Statement(Statement&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(handle_, other.handle_);
  return *this;
}

// Binding fails only for a parameter that the statement does not have or a value beyond SQLite's size limit:
// both are defects of the caller, who checks sizes before.
void Statement::bind_null(int parameter) {
  TW_ASSERT(sqlite3_bind_null(handle_, parameter) == SQLITE_OK);
}
void Statement::bind_integer(int parameter, std::int64_t value) {
  TW_ASSERT(sqlite3_bind_int64(handle_, parameter, value) == SQLITE_OK);
}
void Statement::bind_text(int parameter, std::string_view value) {
  // A null pointer would bind NULL; an empty text is not NULL.
  const char* data = value.empty() ? "" : value.data();
  TW_ASSERT(sqlite3_bind_text64(handle_, parameter, data, value.size(), SQLITE_STATIC, SQLITE_UTF8) ==
            SQLITE_OK);
}
void Statement::bind_blob(int parameter, ByteView value) {
  const void* data = value.empty() ? static_cast<const void*>("") : value.data();
  TW_ASSERT(sqlite3_bind_blob64(handle_, parameter, data, value.size(), SQLITE_STATIC) == SQLITE_OK);
}

Result<bool> Statement::step() {
  const int result = sqlite3_step(handle_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  return error_of(sqlite3_db_handle(handle_), result);
}

Status Statement::run() {
  const Result<bool> stepped = step();
  if (!stepped) return std::unexpected(stepped.error());
  return {};
}

void Statement::reset() {
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
}

int Statement::columns() const {
  return sqlite3_column_count(handle_);
}

StorageClass Statement::storage_class(int column) const {
  switch (sqlite3_column_type(handle_, column)) {
    case SQLITE_INTEGER:
      return StorageClass::kInteger;
    case SQLITE_FLOAT:
      return StorageClass::kReal;
    case SQLITE_TEXT:
      return StorageClass::kText;
    case SQLITE_BLOB:
      return StorageClass::kBlob;
    default:
      return StorageClass::kNull;
  }
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(handle_, column);
}

std::string_view Statement::text(int column) const {
  const ByteView bytes = blob(column);
  return as_text(bytes);
}

ByteView Statement::blob(int column) const {
  const void* data = sqlite3_column_blob(handle_, column);
  const int size = sqlite3_column_bytes(handle_, column);
  if (data == nullptr || size <= 0) return {};
  return {static_cast<const std::uint8_t*>(data), static_cast<std::size_t>(size)};
}

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, Access access) {
  configure_once();
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  flags |= access == Access::kRead ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (access == Access::kCreate) flags |= SQLITE_OPEN_CREATE;
  sqlite3* handle = nullptr;
  const int result =
      sqlite3_open_v2(path.c_str(), &handle, flags, access == Access::kGathering ? gathering_vfs() : nullptr);
  std::unique_ptr<Connection> connection(new Connection(handle));
  if (result != SQLITE_OK) return error_of(handle, result);
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  // Takes the place of automatic checkpoints.
  sqlite3_wal_hook(handle, note_commit, connection.get());
  return connection;
}

int Connection::note_commit(void* connection, sqlite3*, const char*, int pages) {
  static_cast<Connection*>(connection)->wal_pages_ = static_cast<std::uint32_t>(pages);
  return SQLITE_OK;
}

Result<bool> Connection::checkpoint() {
  int held = 0;
  int moved = 0;
  const int result = sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_PASSIVE, &held, &moved);
  if (result != SQLITE_OK) return error_of(handle_, result);
  return moved == held;
}

Status Connection::empty_log() {
  sqlite3_busy_timeout(handle_, 0);
  const int result =
      sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  sqlite3_busy_timeout(handle_, kBusyTimeoutMs);
  if (result == SQLITE_OK) {
    wal_pages_ = 0;
    return {};
  }
  return error_of(handle_, result);
}

void Connection::keep_log() {
  (void)sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

Connection::~Connection() {
  statements_.clear();
  sqlite3_close_v2(handle_);
}

Status Connection::execute(const std::string& sql) {
  const int result = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) return error_of(handle_, result);
  return {};
}

Result<Statement> Connection::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (result != SQLITE_OK) return error_of(handle_, result);
  return Statement(statement);
}

Result<Statement*> Connection::keep(const std::string& name, const std::string& sql) {
  if (statements_.size() >= kStatementLimit) statements_.clear();
  Statement statement = TRY(prepare(sql));
  return &statements_.emplace(name, std::move(statement)).first->second;
}

Result<std::string> Connection::text_of(std::string_view sql) {
  Statement statement = TRY(prepare(sql));
  if (!TRY(statement.step())) return std::string();
  return std::string(statement.text(0));
}

Result<std::int64_t> Connection::integer_of(std::string_view sql) {
  Statement statement = TRY(prepare(sql));
  if (!TRY(statement.step())) return std::int64_t{0};
  return statement.integer(0);
}

bool Connection::in_transaction() const {
  return sqlite3_get_autocommit(handle_) == 0;
}

}  // namespace tapewarden::store::sqlite
