// What an old key manager's keystore holds, whatever its format. Values; an entry owns its secrets.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "crypto/certificate.h"
#include "crypto/keys.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::keymgr {

inline constexpr std::size_t kMaximumKeystoreEntries = 20'000;
inline constexpr std::size_t kMaximumKeystoreBytes = 16U << 20;
inline constexpr std::size_t kMaximumEntryBytes = 64U << 10;  // one key or certificate as it is stored
inline constexpr std::size_t kMaximumAliasBytes = 256;
inline constexpr std::size_t kMaximumChain = 32;
// Of all entries of a keystore together: about a minute of one processor.
inline constexpr std::uint64_t kMaximumKeystoreIterations = 200'000'000;

enum class EntryKind : std::uint8_t { kSecretKey = 1, kPrivateKey = 2, kCertificate = 3 };
std::string_view to_string(EntryKind kind);  // "data key", "KEK", "certificate"

struct OldKeystoreEntry {
  std::string alias;  // as it stands there; printable
  EntryKind kind = EntryKind::kSecretKey;
  WallTime created{};
  crypto::SecretBytes data_key;           // of a secret key: 32 bytes
  std::optional<crypto::PrivateKey> key;  // of a private key
  crypto::Certificate certificate;        // of a private key or a certificate
  std::string fault;                      // why it cannot be used; empty: it can
};

struct OldKeystore {
  std::string format;  // "JCEKS", "PKCS#12"
  std::vector<OldKeystoreEntry> entries;
};

// By its first bytes: JCEKS or PKCS#12. `key_password`: of the keys in a JCEKS that have another than the
// keystore's, which is tried for each key too; nullptr: none has. An entry that cannot be used has a fault
// and spoils no other. kWrongKey when the password does not fit or the file was changed; kCorrupt when it is
// cut short; kInvalidArgument or kUnsupported for another kind of file; kExhausted beyond a limit.
Result<OldKeystore> read_old_keystore(ByteView file, const crypto::SecretBytes& password,
                                      const crypto::SecretBytes* key_password = nullptr);

}  // namespace tapewarden::keymgr
