// How a row looks to everything that protects it: the canonical bytes under its MAC, its key in print, and
// the running sum of MACs. Pure, thread-safe. The layouts are described in docs/formats/keystore.md.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/uuid.h"
#include "store/schema.h"
#include "store/vault.h"

namespace tapewarden::store {

// The hidden columns of a row, in front of the table's own.
struct RowHead {
  std::int64_t version = 0;  // grows by one with each change
  Uuid origin;               // the server that made this version
  std::int64_t commit = 0;   // this server's commit that wrote it
  bool erased = false;       // a tombstone: key columns only
  std::int64_t columns = 0;  // how many of the table's columns existed when it was written
  Hash256 mac{};
  // Of the master key: under it are the MAC and, of a row that was read or is to be stored, every sealed box.
  KeyVersion key = kFormWithoutVersion;
};

struct StoredRow {
  RowHead head;
  Row row;
};

// A running sum modulo 2^256 of row MACs: order does not matter, so it follows each change without a scan.
class MacSum {
 public:
  void add(const Hash256& mac);
  void subtract(const Hash256& mac);
  Hash256 bytes() const;  // big-endian
  static MacSum from(const Hash256& bytes);
  bool operator==(const MacSum&) const = default;

 private:
  std::array<std::uint64_t, 4> limbs_{};  // least significant first
};

// What a row's MAC covers: table name, the first head.columns values with their types, and the head but the
// MAC itself; the boxes as they are stored. REQUIRES: head.columns <= row.size().
Bytes canonical_row(const TableSpec& table, const RowHead& head, const Row& row);
// Table, key and column in one unambiguous sequence: names the place of a secret.
Bytes secret_place(const TableSpec& table, std::span<const Value> key, std::string_view column);
// Key values for people and for the commit log: printable ASCII, distinct for distinct keys of one table.
std::string printable_key(std::span<const Value> key);
// The key back from its print. kCorrupt when it is none of this table's.
Result<Row> parse_printable_key(const TableSpec& table, std::string_view print);

void encode_value(ByteWriter& writer, const Value& value);
// kCorrupt.
Result<Value> decode_value(ByteReader& reader);

// The values of the key columns.
Row key_of(const TableSpec& table, const Row& row);
// 0, "" or an empty blob: what a column holds in rows that are older than it.
Value default_value(ColumnType type);
bool has_type(const Value& value, ColumnType type);

}  // namespace tapewarden::store
