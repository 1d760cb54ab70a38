// The keystore's notes about itself: what it is (meta), which tables it has (schema), and where it stands
// after its last commit (state). Each is MACed under the master key, all under one version. Values; functions
// belong to the thread of their connection.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "store/commit_log.h"
#include "store/key_ring.h"
#include "store/row_codec.h"
#include "store/sqlite/connection.h"
#include "store/vault.h"

namespace tapewarden::store {

inline constexpr std::uint32_t kKeystoreFormat = 4;
inline constexpr std::string_view kMetaSql =
    "CREATE TABLE tw_meta(name TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL, mac BLOB NOT NULL) STRICT, "
    "WITHOUT ROWID";
inline constexpr std::string_view kSchemaSql =
    "CREATE TABLE tw_schema(name TEXT NOT NULL PRIMARY KEY, columns TEXT NOT NULL, mac BLOB NOT NULL) "
    "STRICT, "
    "WITHOUT ROWID";
inline constexpr std::string_view kStateSql =
    "CREATE TABLE tw_state(id INTEGER PRIMARY KEY, content BLOB NOT NULL, mac BLOB NOT NULL) STRICT";

// What must be true of a table's rows taken together.
struct TableSum {
  MacSum macs;
  std::uint64_t rows = 0;  // tombstones too
  std::uint64_t live = 0;
  bool operator==(const TableSum&) const = default;
};

// After commit mark.sequence. It holds that commit's records in full, so that a log that a crash cut off can
// be completed (I2 of keystore.h).
struct State {
  CommitMark mark;
  Hash256 previous_head{};  // of mark.sequence - 1
  Hash256 chain_before{};   // the log's chain hash before `records`
  std::vector<std::string> records;
  std::map<std::string, TableSum, std::less<>> tables;

  Hash256 digest_of_tables() const;
  Hash256 digest_of_records() const { return digest_of(records); }
  static Hash256 digest_of(std::span<const std::string> records);
  // Sets mark.head from everything else.
  void seal(const Vault& vault);
};

Result<State> read_state(sqlite::Connection& connection, const KeyView& keys);
Status write_state(sqlite::Connection& connection, const Vault& vault, const State& state);

struct Meta {
  std::uint32_t format = kKeystoreFormat;
  Uuid server;
  WallTime created{};
  KeyVersion key = kFirstKeyVersion;  // of the master key: the one that the keystore is written under
};

Status write_meta(sqlite::Connection& connection, const Vault& vault, const Meta& meta);
// kWrongKey when no note fits the master key, or all name a version that is not there; kCorrupt when some do
// and some do not; kUnsupported for a newer format.
Result<Meta> read_meta(sqlite::Connection& connection, const KeyView& keys);

// Table name to its columns as Layout::describe() gives them.
using SchemaNotes = std::map<std::string, std::string, std::less<>>;
Result<SchemaNotes> read_schema(sqlite::Connection& connection, const KeyView& keys);
Status write_schema(sqlite::Connection& connection, const Vault& vault, const std::string& table,
                    const std::string& columns);

// MACs meta and schema anew, under `vault`. Within a transaction; the state follows with its commit.
Status rewrite_notes(sqlite::Connection& connection, const KeyView& keys, const Vault& vault);

std::unexpected<Error> damaged(std::string what);

}  // namespace tapewarden::store
