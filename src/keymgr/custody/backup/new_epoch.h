// What a restored server does before it serves: see R2 and R3 in restore.h. One thread.
#pragma once

#include <map>

#include "keymgr/custody/backup/replay.h"

namespace tapewarden::keymgr::backup {

struct RestoreOptions;

// Keys that some backup calls destroyed or compromised.
class Tombstones {
 public:
  void note(const store::TableSpec& table, const store::SnapshotRow& row);
  // Moves the row on to the state noted, when that is the later one; takes its secret away when it is
  // destroyed. True when the row was changed.
  bool apply(const store::TableSpec& table, store::SnapshotRow& row,
             std::vector<crypto::SecretBytes>& secrets) const;
  std::size_t size() const { return rows_.size(); }

 private:
  struct Noted {
    std::int64_t state = 0;
    std::vector<std::int64_t> times;  // created … destroyed
  };
  std::map<std::pair<std::string_view, Bytes>, Noted> rows_;
};

// Reads what options.tombstones name, and newer files of the same server that lie beside the one that
// options.file names. Errors of files that were named; the others' go into `warnings`.
Result<Tombstones> read_tombstones(Env env, const RestoreOptions& options, const Chain& chain,
                                   std::vector<std::string>& warnings);

struct NewEpoch {
  std::uint64_t epoch = 0;
  std::uint64_t made_read_only = 0;
};
Result<NewEpoch> begin_new_epoch(Env env, store::Keystore& keystore, const FileHeader& newest,
                                 const Replayed& replayed);

}  // namespace tapewarden::keymgr::backup
