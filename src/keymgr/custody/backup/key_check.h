// Proves of each row with a secret that the secret is the right one, before a backup is called restorable: a
// data key by its fingerprint, a KEK's private half by its public one, the server's own keys by their form.
// Stateless but for its counts; one thread.
#pragma once

#include <cstdint>
#include <span>

#include "crypto/secret_bytes.h"
#include "store/snapshot.h"

namespace tapewarden::keymgr::backup {

struct KeyCounts {
  std::uint64_t data_keys = 0;  // opened and compared
  std::uint64_t keks = 0;       // private halves, used once
  std::uint64_t others = 0;     // other secrets, opened
  std::uint64_t destroyed = 0;  // tombstones: keys that hold nothing any more
};

class KeyCheck {
 public:
  // kCorrupt naming the key.
  Status check(const store::TableSpec& table, const store::SnapshotRow& row,
               std::span<const crypto::SecretBytes> secrets);
  const KeyCounts& counts() const { return counts_; }

 private:
  Status check_data_key(const store::SnapshotRow& row, std::span<const crypto::SecretBytes> secrets);
  Status check_kek(const store::SnapshotRow& row, std::span<const crypto::SecretBytes> secrets);

  KeyCounts counts_;
};

}  // namespace tapewarden::keymgr::backup
