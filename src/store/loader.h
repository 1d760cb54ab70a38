// Makes a keystore's database out of the rows of a backup, under a new master key: the only way into a
// keystore besides its transactions. The rows keep versions, origins and commits, and the keystore goes on
// after the commit that the backup shows. One thread. When anything fails the file is not usable: remove it.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "store/keystore.h"
#include "store/snapshot.h"

namespace tapewarden::store {

class KeystoreLoader {
 public:
  // Makes options.path, which must not exist. options.server is who the rows belong to.
  static Result<std::unique_ptr<KeystoreLoader>> create(Env env, const KeystoreOptions& options,
                                                        const crypto::SecretBytes& master);
  virtual ~KeystoreLoader() = default;

  // The columns that the rows to come have: names in order. kUnsupported when this program's table does not
  // begin with them; kNotFound for a table that it does not know.
  virtual Result<const TableSpec*> begin_table(std::string_view name,
                                               std::span<const std::string> columns) = 0;
  // The values are checked against the table. `secrets` as in RowsDigest::add(). With `fresh` the row must be
  // new, else it may take the place of one with a smaller version. kCorrupt.
  virtual Status put(const SnapshotRow& row, std::span<const crypto::SecretBytes> secrets, bool fresh) = 0;
  virtual TableTotals totals(std::string_view table) const = 0;

  // Makes the indexes and the keystore's own notes and syncs the file. kCorrupt when a unique index refuses.
  virtual Status finish(const CommitMark& mark) = 0;
};

}  // namespace tapewarden::store
