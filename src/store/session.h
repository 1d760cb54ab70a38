// Rows through one connection: what a Reader and a Transaction do. Each object belongs to one thread.
//
// Invariants of WriteSession
//  W1 changes() lists every row change since begin_group() that was not undone, in order.
//  W2 A savepoint is open exactly when the running work has changed something.
//  W3 The rows kept of the group are those of its transaction (group_rows.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/env.h"
#include "store/group_rows.h"
#include "store/keystore.h"
#include "store/layout.h"
#include "store/row_memory.h"
#include "store/vault.h"

namespace tapewarden::store {

inline constexpr std::size_t kValueBytesLimit = 16U << 20;  // one text or blob
inline constexpr std::size_t kKeyBytesLimit = 2048;         // a row's key as it is printed
inline constexpr std::size_t kRecordBytesLimit = 1U << 20;  // one audit record

// Reading with verification. The Transaction and the Reader below are thin over it.
class RowAccess {
 public:
  // `memory` may be nullptr.
  RowAccess(sqlite::Connection& connection, const Layouts& layouts, const Vault& vault,
            RowMemory* memory = nullptr)
      : connection_(connection), layouts_(layouts), vault_(vault), memory_(memory) {}

  // Begins the snapshot of a read transaction, so that it can use the memory.
  Status begin_snapshot();
  // The commit that the transaction sees; nothing: the memory is left alone.
  void set_seen(std::optional<std::uint64_t> commit) { seen_ = commit; }

  Result<std::optional<Row>> get(const TableSpec& table, std::span<const Value> key);
  Result<std::vector<Row>> query(const TableSpec& table, std::string_view where,
                                 std::span<const Value> parameters);
  Result<std::int64_t> aggregate(const TableSpec& table, std::string_view expression, std::string_view where,
                                 std::span<const Value> parameters);
  Result<crypto::SecretBytes> unseal(const TableSpec& table, const Row& row, std::size_t column);

  // The verified row, also when it is a tombstone.
  Result<std::optional<StoredRow>> find(const Layout& layout, std::span<const Value> key);
  // Checks the MAC and gives columns that are younger than the row their default values.
  Status verify(const Layout& layout, StoredRow& stored) const;

  // Live rows with their heads.
  Result<std::vector<StoredRow>> find_all(const Layout& layout, std::string_view where,
                                          std::span<const Value> parameters);
  // Whether the memory is asked for this table now.
  bool remembers(const Layout& layout) const { return memory_ != nullptr && seen_ && layout.spec.remembered; }

  sqlite::Connection& connection() { return connection_; }
  const Layouts& layouts() const { return layouts_; }
  const Vault& vault() const { return vault_; }
  RowMemory* memory() const { return memory_; }

 private:
  Result<std::optional<Row>> read_row(const Layout& layout, std::span<const Value> key);
  Result<std::vector<Row>> read_rows(const Layout& layout, std::string_view where,
                                     std::span<const Value> parameters);
  // What read() gives, or the memory of it.
  template <typename Read>
  Result<std::vector<Row>> remembered(const Layout& layout, std::string question, const Read& read) {
    if (const auto known = memory_->find(layout.position, question, *seen_)) return *known;
    std::vector<Row> rows = TRY(read());
    memory_->keep(layout.position, std::move(question), *seen_, rows);
    return rows;
  }

  sqlite::Connection& connection_;
  const Layouts& layouts_;
  const Vault& vault_;
  RowMemory* memory_;
  std::optional<std::uint64_t> seen_;
};

class ReadSession final : public Reader {
 public:
  explicit ReadSession(RowAccess access) : access_(access) {}
  using Reader::aggregate;
  using Reader::get;
  using Reader::query;
  Result<std::optional<Row>> get(const TableSpec& table, std::span<const Value> key) override {
    return access_.get(table, key);
  }
  Result<std::vector<Row>> query(const TableSpec& table, std::string_view where,
                                 std::span<const Value> parameters) override {
    return access_.query(table, where, parameters);
  }
  Result<std::int64_t> aggregate(const TableSpec& table, std::string_view expression, std::string_view where,
                                 std::span<const Value> parameters) override {
    return access_.aggregate(table, expression, where, parameters);
  }
  Result<crypto::SecretBytes> unseal(const TableSpec& table, const Row& row, std::size_t column) override {
    return access_.unseal(table, row, column);
  }
  RowAccess& access() { return access_; }

 private:
  RowAccess access_;
};

// One row change of a group, enough to follow the table's sum and to name the row in the log.
struct Change {
  std::size_t table = 0;  // Layout::position
  std::string key;        // printable
  RowHead before;         // before.version == 0: there was no row
  RowHead after;
  bool secret_gone = false;  // a sealed box that the row held is no longer in it
};

class WriteSession final : public Transaction {
 public:
  WriteSession(RowAccess access, Random& random, const Uuid& server)
      : access_(access), random_(random), server_(server) {}

  using Reader::aggregate;
  using Reader::get;
  using Reader::query;
  using Transaction::erase;
  Result<std::optional<Row>> get(const TableSpec& table, std::span<const Value> key) override;
  Result<std::vector<Row>> query(const TableSpec& table, std::string_view where,
                                 std::span<const Value> parameters) override;
  Result<std::int64_t> aggregate(const TableSpec& table, std::string_view expression, std::string_view where,
                                 std::span<const Value> parameters) override {
    return access_.aggregate(table, expression, where, parameters);
  }
  Result<crypto::SecretBytes> unseal(const TableSpec& table, const Row& row, std::size_t column) override {
    return access_.unseal(table, row, column);
  }
  Status put(const TableSpec& table, const Row& row) override;
  Status erase(const TableSpec& table, std::span<const Value> key) override;
  Bytes seal(const TableSpec& table, std::span<const Value> key, std::string_view column,
             const crypto::SecretBytes& secret) override;
  void record(std::string json) override;
  std::uint64_t sequence() const override { return sequence_; }

  // The verified row as the group sees it, also when it is a tombstone.
  Result<std::optional<StoredRow>> find(const Layout& layout, std::span<const Value> key);
  // Stores `row` as it is with the given head; commit, columns and MAC are set here. `before` is the row that
  // find() gave.
  Status store(const Layout& layout, const std::optional<StoredRow>& before, RowHead head, Row row);

  void begin_group(std::uint64_t sequence);
  // Runs one work. An error undoes its changes and records. Check connection().in_transaction() after an
  // error: SQLite may have given up the whole group.
  Status run(const Keystore::Work& work);
  bool last_run_changed() const { return last_run_changed_; }

  const std::vector<Change>& changes() const { return changes_; }
  const std::vector<std::string>& records() const { return records_; }
  RowAccess& access() { return access_; }
  const Uuid& server() const { return server_; }

 private:
  Status open_savepoint();
  Status close_savepoint(bool keep);
  Status check_row(const Layout& layout, const Row& row, const std::optional<StoredRow>& before);
  Status write_row(const Layout& layout, const std::optional<StoredRow>& before, const RowHead& head,
                   const Row& row);
  Status write_columns(const Layout& layout, const RowHead& head, const Row& row,
                       std::span<const std::size_t> columns);

  RowAccess access_;
  Random& random_;
  Uuid server_;
  std::uint64_t sequence_ = 0;
  GroupRows rows_;
  std::vector<Change> changes_;
  std::vector<std::string> records_;
  std::string bad_record_;
  bool savepoint_open_ = false;
  bool last_run_changed_ = false;
};

}  // namespace tapewarden::store
