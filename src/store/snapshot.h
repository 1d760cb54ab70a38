// A keystore's whole content on its way into a backup and out of it again: every row of every table with its
// version, origin and commit, tombstones and local columns too, secrets re-sealed so that they do not depend
// on the master key. Values; each call belongs to one thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/uuid.h"
#include "crypto/hash.h"
#include "crypto/secret_bytes.h"
#include "store/commit_log.h"
#include "store/row_codec.h"
#include "store/schema.h"

namespace tapewarden::store {

// One row. kSecret columns hold boxes of the ChangeSealer at hand (empty where there is no secret), never of
// the keystore itself. An erased row has its key columns alone, the others NULL.
struct SnapshotRow {
  Row row;
  std::int64_t version = 0;
  Uuid origin;
  std::int64_t commit = 0;  // of the server whose snapshot it is
  bool erased = false;
};

// What must be true of a table as a whole.
struct TableTotals {
  std::uint64_t rows = 0;  // tombstones too
  std::uint64_t live = 0;
  bool operator==(const TableTotals&) const = default;
};

// The rows that were given, taken together; the order does not matter. A row's digest covers what it means:
// table, columns, secrets in clear, version, origin, commit, erased. So it is the same under every master
// key.
class RowsDigest {
 public:
  // `secrets`: one entry for each column, what the boxes of kSecret columns hold.
  void add(const TableSpec& table, const SnapshotRow& row, std::span<const crypto::SecretBytes> secrets);
  Hash256 bytes() const { return sum_.bytes(); }
  std::uint64_t rows() const { return rows_; }

 private:
  MacSum sum_;
  std::uint64_t rows_ = 0;
};

// Takes a snapshot as it is read, table by table.
class SnapshotSink {
 public:
  virtual ~SnapshotSink() = default;
  // First of all: the commit that the snapshot shows.
  virtual Status begin(const CommitMark& mark) = 0;
  virtual Status begin_table(const TableSpec& table) = 0;
  virtual Status row(const SnapshotRow& row) = 0;
  // `totals` are those of the whole table, `digest` is of the rows that were given.
  virtual Status end_table(const TableTotals& totals, const RowsDigest& digest) = 0;
};

}  // namespace tapewarden::store
