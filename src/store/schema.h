// Tables of the locked database as values. Every row that matters carries a MAC, a version and its origin,
// which the keystore adds by itself: a component only names its own columns. Pure values.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/env.h"
#include "base/error.h"
#include "base/uuid.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::store {

using Value = std::variant<std::monostate, std::int64_t, std::string, Bytes>;

enum class ColumnType : std::uint8_t { kInteger, kText, kBlob };
enum class ColumnRole : std::uint8_t {
  kKey,     // part of the primary key
  kPlain,   // covered by the row's MAC, copied to the peer
  kSecret,  // as kPlain, but sealed: AES-256-GCM under a key derived for this row. In a Row it holds the
            // sealed box; secrets go in by Transaction::seal() and come out by unseal(). Type must be kBlob.
  kLocal,   // this server's own note: covered by the MAC, never copied to the peer (a copied row keeps the
            // local value, or gets 0, "" or an empty blob when new)
};

struct Column {
  std::string_view name;
  ColumnType type = ColumnType::kText;
  ColumnRole role = ColumnRole::kPlain;
};

// What a table's rows are to a backup.
enum class BackupRole : std::uint8_t {
  kContent,  // a change of them wants a backup
  kNote,     // goes along; a change of them alone wants none (progress of replication)
  kNone,     // stays out: what this machine alone knows about its backups
};

// The values of one row, in the order of TableSpec::columns.
using Row = std::vector<Value>;

struct TableSpec;
class Reader;

// Which of two meeting rows something is taken from: `high` is the one with the higher (version, origin).
enum class Side : std::uint8_t { kHigh, kLow, kNone };

// One of two rows with the same key that meet when servers copy their changes to each other. In `row` local
// columns are null, and a secret column holds an empty blob or, where the row has the secret, one of one
// byte.
struct RowOpinion {
  const Row& row;
  const Uuid& origin;
};

struct MergedRow {
  Row row;                     // key and plain columns count
  Side secrets = Side::kHigh;  // kNone: the merged row holds no secret
  bool conflict = false;       // a person should look: something of `low` is not in the merged row
};

// How two live rows with one key become one. Pure, and the same on both servers: it must not depend on which
// row is here. `concurrent`: neither was made in knowledge of the other; else `high` is the later one. What
// the rule makes must be its own fixed point: merging the result with either row gives the result again.
using MergeRule = MergedRow (*)(const TableSpec& table, const RowOpinion& high, const RowOpinion& low,
                                bool concurrent);

// A row that came from another server, before anything is done with it.
struct IncomingRow {
  const Row& row;        // as in RowOpinion; an erased one holds the key alone
  const Row* mine;       // the live row here, as in RowOpinion; nullptr: there is none
  std::int64_t version;  // of the incoming row
  bool erased;
  const Uuid& sender;
  const Uuid& self;
  // The sender was asked for everything (a new server, or one that was restored): rows of every server come,
  // those of this one too.
  bool everything;
  WallTime now;
  Reader& reader;  // what is here, with the rows that were stored before this one
  // Opens a secret of the row. REQUIRES: the row has it.
  std::function<Result<crypto::SecretBytes>(std::size_t column)> secret;
};
// Whether a row of another server may be taken in: states and sizes in range, no word in another's name. The
// error's message says why not, without secrets.
using RowCheck = Status (*)(const TableSpec& table, const IncomingRow& row);

// What another server may do to a table by replication. Whatever goes beyond it is refused, row by row.
struct PeerRights {
  bool may_erase = false;
  // Columns that are written once: in a row that is here nobody else changes them. A secret may be missing in
  // the incoming row, but not be another one.
  std::vector<std::string_view> fixed{};
  RowCheck check = nullptr;
};

struct TableSpec {
  std::string_view name;
  std::vector<Column> columns;
  // The key columns in the order in which the tree of the keys has them: one whose values grow comes first,
  // so that new rows go to one place of it. Empty: as in `columns`; so it must be where rows are replicated.
  std::vector<std::string_view> key_order{};
  // Each entry is a column list for CREATE INDEX, for example "group_name, position". A column that is mostly
  // empty can be left out where it is: "alias WHERE alias <> ''"; queries must then say the same. One for
  // Reader::hints() names every column that is asked for and then row_erased: else SQLite looks at each row
  // for it.
  std::vector<std::string_view> indexes;
  // Column lists for CREATE UNIQUE INDEX over live rows. Not for replicated tables that must not lose a row:
  // one that clashes with a row of the other server would be left out.
  std::vector<std::string_view> unique_indexes;
  // False: rows stay on this server (its own settings); true: each change is copied to the peer.
  bool replicated = true;
  // For small tables that are asked much and changed rarely: what a query found is kept in memory, verified,
  // until a commit changes the table.
  bool remembered = false;
  BackupRole backup = BackupRole::kContent;
  // nullptr: the row with the higher (version, origin) is taken, and a concurrent loser is a conflict.
  MergeRule merge = nullptr;
  PeerRights peer{};
};

// Adjacent helpers for decoding: REQUIRES the column to hold that type (the MAC was checked, so a mismatch is
// a defect).
std::int64_t integer(const Row& row, std::size_t column);
const std::string& text(const Row& row, std::size_t column);
const Bytes& blob(const Row& row, std::size_t column);

}  // namespace tapewarden::store
