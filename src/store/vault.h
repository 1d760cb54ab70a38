// Everything that the master key does for the keystore: MACs of rows and of the keystore's own notes, the
// chained head, and the sealing of secrets. Each use has its own key, derived by HKDF-SHA-256 without salt
// from the master key; a secret's key is derived for its table, row and column. A vault is one version of the
// master key; key_ring.h holds those that a keystore works with. Immutable; thread-safe.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/env.h"
#include "crypto/hash.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::store {

// Versions of the master key count from 1. 0 stands for version 1 in the form of keystores that knew no
// versions: what it sealed and MACed names none (docs/formats/keystore.md).
using KeyVersion = std::uint32_t;
inline constexpr KeyVersion kFirstKeyVersion = 1;
inline constexpr KeyVersion kFormWithoutVersion = 0;
inline constexpr std::size_t kKeyVersionBytes = 4;

class Vault {
 public:
  // REQUIRES: master.size() == 32, version > 0.
  explicit Vault(const crypto::SecretBytes& master, KeyVersion version = kFirstKeyVersion);

  KeyVersion version() const { return version_; }

  Hash256 row_mac(ByteView canonical) const { return rows_.mac(canonical); }
  // MAC of a note (meta, schema, state); `what` separates their kinds.
  Hash256 note_mac(std::string_view what, ByteView content) const;
  // See store::CommitMark.
  Hash256 head(const Hash256& previous, std::uint64_t sequence, const Hash256& digest,
               const Hash256& chain) const;
  // The same head, where only the key of a version's heads is left (head_key()).
  static Hash256 head(const crypto::MacKey& heads, const Hash256& previous, std::uint64_t sequence,
                      const Hash256& digest, const Hash256& chain);
  // What a version's heads are made with: kept, sealed, to check them after the version itself is gone.
  crypto::SecretBytes head_key() const { return head_key_.clone(); }
  // A value that only this master key gives.
  Hash256 check_value() const;

  // `place` is from secret_place(): it is bound into the key and into the box. The box begins with the
  // version.
  Bytes seal(ByteView place, const crypto::SecretBytes& secret, Random& random) const;
  // kCorrupt when the box was changed, belongs to another place or to another version.
  Result<crypto::SecretBytes> open(ByteView place, ByteView box) const;

 private:
  crypto::SecretBytes place_key(ByteView place) const;

  KeyVersion version_;
  crypto::MacKey places_;  // HKDF-Expand for secrets' keys
  crypto::MacKey rows_;
  crypto::MacKey notes_;
  crypto::SecretBytes head_key_;
  crypto::MacKey heads_;
};

// The version that a box names; 0 when it is too short for one.
KeyVersion version_of_box(ByteView box);
// A box of the form without versions as one of version 1.
Bytes with_version(ByteView box);
// The same the other way round. REQUIRES: one that with_version() made.
Bytes without_version(ByteView box);
// "MAC" as it is stored: the version, then the MAC; in the form without versions the MAC alone.
Bytes stored_mac(KeyVersion version, const Hash256& mac);
struct StoredMac {
  KeyVersion version = kFormWithoutVersion;
  Hash256 mac{};
};
// kCorrupt when it is neither a stored_mac() nor a MAC of the form without versions.
Result<StoredMac> parse_stored_mac(ByteView bytes);

}  // namespace tapewarden::store
