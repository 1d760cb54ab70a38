// Everything that the master key does for the keystore: MACs of rows and of the keystore's own notes, the
// chained head, and the sealing of secrets. Each use has its own key, derived by HKDF-SHA-256 without salt
// from the master key; a secret's key is derived for its table, row and column. Immutable; thread-safe.
#pragma once

#include "base/bytes.h"
#include "base/env.h"
#include "crypto/hash.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::store {

class Vault {
 public:
  // REQUIRES: master.size() == 32.
  explicit Vault(const crypto::SecretBytes& master);

  Hash256 row_mac(ByteView canonical) const { return rows_.mac(canonical); }
  // MAC of a note (meta, schema, state); `what` separates their kinds.
  Hash256 note_mac(std::string_view what, ByteView content) const;
  // See store::CommitMark.
  Hash256 head(const Hash256& previous, std::uint64_t sequence, const Hash256& digest,
               const Hash256& chain) const;
  // A value that only this master key gives.
  Hash256 check_value() const;

  // `place` is from secret_place(): it is bound into the key and into the box.
  Bytes seal(ByteView place, const crypto::SecretBytes& secret, Random& random) const;
  // kCorrupt when the box was changed or belongs to another place.
  Result<crypto::SecretBytes> open(ByteView place, ByteView box) const;

 private:
  crypto::SecretBytes place_key(ByteView place) const;

  crypto::MacKey places_;  // HKDF-Expand for secrets' keys
  crypto::MacKey rows_;
  crypto::MacKey notes_;
  crypto::MacKey heads_;
};

}  // namespace tapewarden::store
