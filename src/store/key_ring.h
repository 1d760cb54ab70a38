// The versions of the master key that a keystore works with. One, but while a rotation goes on: then two
// (rotation_steps.h). The ring is what is known now; a view is what one session may need.
//
// Invariants
//  R1 A version comes into the ring before anything is written under it, and leaves it after the last row
//     under it is gone. So a view that was made before its snapshot was taken, or was found to be the newest
//     one, opens all that the snapshot shows: what left later is held by the view, what came later is looked
//     up in the ring.
//  R2 A version that has left is destroyed with the last view that holds it.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "base/thread_annotations.h"
#include "store/vault.h"

namespace tapewarden::store {

struct VersionedKey {
  KeyVersion version = kFirstKeyVersion;
  crypto::SecretBytes key;  // 32 bytes
};
using MasterKeys = std::vector<VersionedKey>;  // ascending, at least one

// One key, as version 1.
MasterKeys first_version(const crypto::SecretBytes& key);
MasterKeys copy_of(const MasterKeys& keys);

// "version 1" or "versions 1 and 2", for errors.
std::string versions_text(const std::vector<KeyVersion>& versions);

// Thread-safe.
class KeyRing {
 public:
  using Vaults = std::map<KeyVersion, std::shared_ptr<const Vault>>;

  explicit KeyRing(const MasterKeys& keys);  // REQUIRES: not empty
  std::shared_ptr<const Vaults> now() const TW_EXCLUDES(mutex_);
  void add(const VersionedKey& key) TW_EXCLUDES(mutex_);
  // Keeps `version` and later ones.
  void remove_before(KeyVersion version) TW_EXCLUDES(mutex_);

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const Vaults> vaults_ TW_GUARDED_BY(mutex_);
};

// Belongs to the thread of its session. Make it before the snapshot that it serves (R1). The ring outlives
// it.
class KeyView {
 public:
  explicit KeyView(const KeyRing& ring) : ring_(&ring), held_{ring.now()} {}
  // nullptr: no such version. kFormWithoutVersion finds version 1. Valid while the view lives and is not
  // renewed.
  const Vault* find(KeyVersion version) const;
  std::vector<KeyVersion> versions() const;  // ascending
  // Lets go what has left the ring. REQUIRES: no snapshot is open.
  void renew() { held_ = {ring_->now()}; }

 private:
  const KeyRing* ring_;
  mutable std::vector<std::shared_ptr<const KeyRing::Vaults>> held_;
};

}  // namespace tapewarden::store
