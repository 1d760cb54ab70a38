// Parsed asymmetric keys, so that a request does not parse them again: private halves of KEKs (at most
// kKekCacheEntries) and public keys. Data keys never come here. A private half is found again only with the
// sealed box that it came from, so a changed or destroyed row finds nothing; drop_stale() takes what nobody
// can find any more out of memory. Beside them the EEDK sets that the ledger was seen to hold: nothing is
// ever taken out of the ledger, so what was there once is there. Thread-safe.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <variant>

#include "base/thread_annotations.h"
#include "crypto/keys.h"
#include "keymgr/keks.h"
#include "keymgr/ledger.h"

namespace tapewarden::keymgr {

class KeyCache {
 public:
  // As Keks::open_private().
  Result<crypto::PrivateKey> private_half(const Keks& keks, store::Reader& reader, const Kek& kek);
  // Lets go of every private half that the keystore no longer has as it was: destroyed, or sealed anew.
  Status drop_stale(const Keks& keks, store::Reader& reader);
  std::size_t private_halves() const;
  Result<crypto::PublicKey> public_half(const Kek& kek);
  // From a DER SubjectPublicKeyInfo.
  Result<crypto::PublicKey> public_key(ByteView spki);
  // As Ledger::holds(), which is asked only for a set that it was not seen to hold before.
  Result<bool> in_ledger(const Ledger& ledger, store::Reader& reader, const eedk::EedkSet& set);
  // To be told when the ledger was seen to hold it durably: within a transaction it may yet be undone.
  void saw_in_ledger(const eedk::EedkSet& set);

 private:
  struct Private {
    Bytes sealed;
    crypto::PrivateKey key;
  };
  // A map that drops what came first when it is full.
  template <typename T>
  struct Bounded {
    std::map<Hash256, T> entries;
    std::deque<Hash256> order;
    void put(const Hash256& id, T value, std::size_t limit);
    void drop(const Hash256& id);
  };

  mutable Mutex mutex_;
  Bounded<Private> private_ TW_GUARDED_BY(mutex_);
  Bounded<crypto::PublicKey> public_ TW_GUARDED_BY(mutex_);
  Bounded<std::monostate> in_ledger_ TW_GUARDED_BY(mutex_);
};

}  // namespace tapewarden::keymgr
