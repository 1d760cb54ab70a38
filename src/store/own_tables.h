// The keystore's own table among those of its components: the versions of the master key. It stays on its
// server and out of backups.
#pragma once

#include <string>
#include <vector>

#include "store/keystore.h"
#include "store/vault.h"

namespace tapewarden::store {

extern const TableSpec kKeyVersionTable;
inline constexpr std::size_t kHeadKeyColumn = 5;  // the secret: what this version's heads are made with

// A row of it. There are none before the first rotation.
struct KeyVersionRow {
  KeyVersion version = kFirstKeyVersion;
  std::uint64_t first_commit = 0;  // that was made under it; 0 of the version that came first
  WallTime began{};                // 0 of the version that came first
  WallTime ended{};                // when no row was left under the one before; 0: not yet
  std::string started_by;

  static KeyVersionRow from_row(const Row& row);
  Row to_row(Bytes sealed_head_key) const;
};

// `tables` and the keystore's own.
std::vector<const TableSpec*> with_own_tables(std::vector<const TableSpec*> tables);

}  // namespace tapewarden::store
