// What a rotation of the master key asks of a keystore, step by step; KeyRotation puts the steps in order.
// Thread-safe; what takes a Transaction runs within a work of that keystore.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/key_ring.h"
#include "store/own_tables.h"

namespace tapewarden::store {

inline constexpr std::size_t kRowsLookedAt = 4000;  // in one next_old()
inline constexpr std::size_t kRowsResealed = 128;   // in one reseal(): what the writer does at a stretch

// Where the search for rows under older versions stands: tables in order, each in the order of its keys.
struct ResealCursor {
  std::size_t table = 0;
  Row after;  // key values in the order of their tree; empty: from the table's beginning
  bool done = false;
};

// Keys of rows of one table that are under an older version.
struct OldRows {
  std::size_t table = 0;
  std::vector<Row> keys;
};

struct ResealReport {
  std::size_t resealed = 0;
  std::size_t damaged = 0;    // they do not verify and stay as they are
  std::string first_damaged;  // in words
};

struct SealCensus {
  std::uint64_t rows = 0;
  std::uint64_t old = 0;  // under another version than the one that is written under
};

class KeySealing {
 public:
  virtual ~KeySealing() = default;
  // The version under which the keystore is written since its last commit.
  virtual Result<KeyVersion> version() = 0;
  // The row about version(); nothing before the first rotation.
  virtual Result<std::optional<KeyVersionRow>> record() = 0;

  // Lets the keystore know a version that is to come.
  virtual void add(const VersionedKey& key) = 0;
  // From this transaction on everything is written under that version. REQUIRES: add().
  virtual Status begin(Transaction& transaction, KeyVersion version, const std::string& started_by,
                       WallTime now) = 0;
  // At most kRowsResealed rows; moves the cursor on behind what was looked at.
  virtual Result<OldRows> next_old(ResealCursor& cursor) = 0;
  virtual Result<ResealReport> reseal(Transaction& transaction, const OldRows& rows) = 0;
  // Looks at every row, without verifying it.
  virtual Result<SealCensus> census() = 0;
  // Notes that no row is left under an older version, and has the write-ahead log emptied of their boxes.
  virtual Status end(Transaction& transaction, WallTime now) = 0;
  // Destroys the versions before this one, as soon as no reader needs them. REQUIRES: census() found none.
  virtual void forget_before(KeyVersion version) = 0;
};

}  // namespace tapewarden::store
