// Rows through one connection: what a Reader and a Transaction do. Each object belongs to one thread.
//
// Invariants of WriteSession
//  W1 changes() lists every row change since begin_group() that was not undone, in order.
//  W2 Under Undo::kWork the rows as they were before the running work are kept until it ends.
//  W3 The rows kept of the group are those of its transaction (group_rows.h).
//  W4 What is written is under one version of the master key, MAC and boxes alike: writes_under(). It changes
//     within a group only by begin_version(), and back when that work or its group is undone.
//  W5 Under Undo::kGroup the group has one work: when it fails, no change of it is committed.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/env.h"
#include "store/group_rows.h"
#include "store/key_ring.h"
#include "store/keystore.h"
#include "store/layout.h"
#include "store/row_memory.h"

namespace tapewarden::store {

inline constexpr std::size_t kValueBytesLimit = 16U << 20;  // one text or blob
inline constexpr std::size_t kKeyBytesLimit = 2048;         // a row's key as it is printed
inline constexpr std::size_t kRecordBytesLimit = 1U << 20;  // one audit record

// Whether a secret column's value is a box.
bool holds_secret(const Value& value);

// Reading with verification. The Transaction and the Reader below are thin over it.
class RowAccess {
 public:
  // `memory` may be nullptr.
  RowAccess(sqlite::Connection& connection, const Layouts& layouts, KeyView keys, RowMemory* memory = nullptr)
      : connection_(connection), layouts_(layouts), keys_(std::move(keys)), memory_(memory) {}

  // The commit that the transaction sees, as RowMemory::head() means it; nothing: the memory is left alone.
  void set_seen(std::optional<std::uint64_t> commit) { seen_ = commit; }

  Result<std::optional<Row>> get(const TableSpec& table, std::span<const Value> key);
  Result<std::vector<Row>> query(const TableSpec& table, std::string_view where,
                                 std::span<const Value> parameters);
  Result<std::vector<Row>> query_sound(const TableSpec& table, std::string_view where,
                                       std::span<const Value> parameters, std::vector<DamagedRow>& damaged);
  Result<std::vector<Row>> hints(const TableSpec& table, std::span<const std::size_t> columns,
                                 std::string_view where, std::span<const Value> parameters);
  Result<std::int64_t> aggregate(const TableSpec& table, std::string_view expression, std::string_view where,
                                 std::span<const Value> parameters);
  Result<crypto::SecretBytes> unseal(const TableSpec& table, const Row& row, std::size_t column);

  // The verified row, also when it is a tombstone.
  Result<std::optional<StoredRow>> find(const Layout& layout, std::span<const Value> key);
  // Checks the MAC and gives columns that are younger than the row their default values. Boxes of the form
  // without versions get theirs.
  Status verify(const Layout& layout, StoredRow& stored) const;

  // Live rows with their heads. With `damaged`, rows that do not verify go there and end nothing.
  Result<std::vector<StoredRow>> find_all(const Layout& layout, std::string_view where,
                                          std::span<const Value> parameters,
                                          std::vector<DamagedRow>* damaged = nullptr);
  // Whether the memory is asked for this table now.
  bool remembers(const Layout& layout) const { return memory_ != nullptr && seen_ && layout.spec.remembered; }

  sqlite::Connection& connection() { return connection_; }
  const Layouts& layouts() const { return layouts_; }
  const KeyView& keys() const { return keys_; }
  KeyView& keys() { return keys_; }
  // The secret of a box; kCorrupt.
  Result<crypto::SecretBytes> open_box(ByteView place, ByteView box) const;
  RowMemory* memory() const { return memory_; }

 private:
  Result<std::optional<Row>> read_row(const Layout& layout, std::span<const Value> key);
  Result<std::vector<Row>> read_rows(const Layout& layout, std::string_view where,
                                     std::span<const Value> parameters);
  Result<StoredRow> take_verified(const Layout& layout, const sqlite::Statement& statement) const;
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
  KeyView keys_;
  RowMemory* memory_;
  std::optional<std::uint64_t> seen_;
};

// Keeps the last rows that it was asked for by key: within a snapshot they stay what they are, and one
// request comes back to the same key several times.
class ReadSession final : public Reader {
 public:
  explicit ReadSession(RowAccess access) : access_(std::move(access)) {}
  using Reader::aggregate;
  using Reader::get;
  using Reader::hints;
  using Reader::query;
  using Reader::query_sound;
  Result<std::optional<Row>> get(const TableSpec& table, std::span<const Value> key) override;
  Result<std::vector<Row>> query(const TableSpec& table, std::string_view where,
                                 std::span<const Value> parameters) override {
    return access_.query(table, where, parameters);
  }
  Result<std::vector<Row>> query_sound(const TableSpec& table, std::string_view where,
                                       std::span<const Value> parameters,
                                       std::vector<DamagedRow>& damaged) override {
    return access_.query_sound(table, where, parameters, damaged);
  }
  Result<std::vector<Row>> hints(const TableSpec& table, std::span<const std::size_t> columns,
                                 std::string_view where, std::span<const Value> parameters) override {
    return access_.hints(table, columns, where, parameters);
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
  static constexpr std::size_t kKept = 4;
  struct Kept {
    const TableSpec* table = nullptr;
    Row key;
    std::optional<Row> row;
  };

  RowAccess access_;
  std::array<Kept, kKept> kept_;
  std::size_t next_ = 0;  // the oldest
};

// One row change of a group, enough to follow the table's sum and to name the row in the log.
struct Change {
  std::size_t table = 0;  // Layout::position
  std::string key;        // printable
  RowHead before;         // before.version == 0: there was no row
  RowHead after;
  bool secret_gone = false;  // a sealed box that the row held is no longer in it
  bool resealed = false;     // nothing but the version of the master key is another: no change for the peer
};

class WriteSession final : public Transaction {
 public:
  // `version`: under which it writes.
  WriteSession(RowAccess access, Random& random, const Uuid& server, KeyVersion version)
      : access_(std::move(access)), random_(random), server_(server), version_(version), settled_(version) {}

  using Reader::aggregate;
  using Reader::get;
  using Reader::hints;
  using Reader::query;
  using Reader::query_sound;
  using Transaction::erase;
  Result<std::optional<Row>> get(const TableSpec& table, std::span<const Value> key) override;
  Result<std::vector<Row>> query(const TableSpec& table, std::string_view where,
                                 std::span<const Value> parameters) override;
  Result<std::vector<Row>> query_sound(const TableSpec& table, std::string_view where,
                                       std::span<const Value> parameters,
                                       std::vector<DamagedRow>& damaged) override {
    return access_.query_sound(table, where, parameters, damaged);
  }
  Result<std::vector<Row>> hints(const TableSpec& table, std::span<const std::size_t> columns,
                                 std::string_view where, std::span<const Value> parameters) override {
    return access_.hints(table, columns, where, parameters);
  }
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

  // Puts the row as it is under writes_under(): version, origin and commit stay. False: it was so already, or
  // there is none.
  Result<bool> reseal(const Layout& layout, std::span<const Value> key);
  // From here on everything is written under this version of the master key, the keystore's notes first.
  // REQUIRES: it is in the ring.
  Status begin_version(KeyVersion version);
  const Vault& writes_under() const;

  // How a work is undone that fails after it has changed something: row by row, or, where it is alone, with
  // its group. (For a savepoint SQLite copies every page that the work touches: a sixth of a small work.)
  enum class Undo : std::uint8_t { kWork, kGroup };
  void begin_group(std::uint64_t sequence, Undo undo);
  // The group is committed.
  void settle() { settled_ = version_; }
  // Runs one work. An error undoes its changes and records. Check connection().in_transaction() after an
  // error: the whole group may have been given up.
  Status run(const Keystore::Work& work);
  // Something that the peer must see, or that whoever reads must wait for.
  bool last_run_changed() const { return last_run_changed_; }

  const std::vector<Change>& changes() const { return changes_; }
  const std::vector<std::string>& records() const { return records_; }
  RowAccess& access() { return access_; }
  const Uuid& server() const { return server_; }

 private:
  // What stood in a row's place before the running work changed it; no row: nothing.
  struct Former {
    const Layout* layout;
    Row key;
    std::optional<StoredRow> row;
  };
  // Before each change.
  void keep_former(const Layout& layout, const std::optional<StoredRow>& before, const Row& row);
  // Puts everything back that the running work has changed; when that fails, gives up the whole group.
  Status undo_changes();
  Status put_back(const Former& former);
  Status check_row(const Layout& layout, const Row& row, const std::optional<StoredRow>& before);
  Status write_row(const Layout& layout, const std::optional<StoredRow>& before, const RowHead& head,
                   const Row& row);
  // `there`: over a row with the same key. Nothing of the row is worked out here.
  Status write_whole(const Layout& layout, bool there, const RowHead& head, const Row& row);
  // Puts every box of the row under writes_under().
  Status renew_boxes(const Layout& layout, Row& row);
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
  KeyVersion version_;
  KeyVersion settled_;  // of the last commit
  Undo undo_ = Undo::kWork;
  std::vector<Former> formers_;  // in the order of the changes
  bool notes_changed_ = false;   // the running work has begun another version
  bool last_run_changed_ = false;
};

}  // namespace tapewarden::store
