// What is known to be in backups, as the choice of a key for writing needs it (serve = after-backup). The
// backup service implements it. Implementations must be thread-safe and quick: called within transactions.
#pragma once

#include <cstdint>
#include <string_view>

namespace tapewarden::keymgr {

class BackupView {
 public:
  virtual ~BackupView() = default;
  // Every commit of this server up to here is in a finished backup at that target; with `verified`, in one
  // that was proved restorable. 0: none, or no such target. A target that is no failure domain of its own
  // counts like any other here: see counts().
  virtual std::uint64_t backed_up_commit(std::string_view target, bool verified) const = 0;
  // The same for the best of all targets that count: those whose files do not lie with the keystore.
  virtual std::uint64_t backed_up_commit(bool verified) const = 0;
  // Begins a run soon at every target that backs up after each change; several kicks make one run.
  virtual void kick() = 0;
  // There is a target that counts, whether it holds a backup already or not.
  virtual bool has_counted_target() const = 0;
  // A key of this commit is wanted in a backup that counts: soon a run begins at the targets that back up
  // after each change, or, where none of them counts, at all that do. Many calls make one run; a target that
  // has just failed is left alone for a while, so ask again as long as it is wanted.
  virtual void want(std::uint64_t commit) = 0;
};

}  // namespace tapewarden::keymgr
