#include "keymgr/migration/old_keystore.h"

#include "base/text.h"
#include "keymgr/data_keys.h"
#include "keymgr/migration/jceks.h"

namespace tapewarden::keymgr {
namespace {

constexpr std::uint8_t kDerSequence = 0x30;
constexpr std::string_view kAesIdentifier = "2.16.840.1.101.3.4.1";  // and, below it, its modes

bool is_aes(std::string_view identifier) {
  return identifier == kAesIdentifier || identifier.starts_with(std::string(kAesIdentifier) + ".");
}

OldKeystoreEntry entry_of(crypto::Pkcs12Entry from) {
  OldKeystoreEntry entry;
  entry.alias = escape_unprintable(from.friendly_name.substr(0, kMaximumAliasBytes));
  entry.fault = from.fault;
  entry.certificate = std::move(from.certificate);
  entry.kind = from.key                    ? EntryKind::kPrivateKey
               : entry.certificate.empty() ? EntryKind::kSecretKey
                                           : EntryKind::kCertificate;
  entry.key = std::move(from.key);
  if (entry.kind != EntryKind::kSecretKey || !entry.fault.empty()) return entry;
  if (!is_aes(from.secret_algorithm)) {
    entry.fault = "a key for another algorithm than AES";
  } else if (from.secret.size() != kDataKeyBytes) {
    entry.fault = "an AES key of " + std::to_string(8 * from.secret.size()) + " bits: LTO drives take 256";
  } else {
    entry.data_key = std::move(from.secret);
  }
  return entry;
}

Result<OldKeystore> read_pkcs12_keystore(ByteView file, const crypto::SecretBytes& password) {
  OldKeystore out{"PKCS#12", {}};
  for (auto& entry : TRY(crypto::read_pkcs12_entries(file, password, kMaximumKeystoreEntries))) {
    out.entries.push_back(entry_of(std::move(entry)));
  }
  return out;
}

// With the names that the migration's interfaces have for them.
Error named(Error error) {
  if (error.field == "passphrase") error.field = "password";
  if (error.field == "file") error.field = "keystore";
  return error;
}

}  // namespace

std::string_view to_string(EntryKind kind) {
  switch (kind) {
    case EntryKind::kSecretKey:
      return "data key";
    case EntryKind::kPrivateKey:
      return "KEK";
    case EntryKind::kCertificate:
      return "certificate";
  }
  return "unknown";
}

Result<OldKeystore> read_old_keystore(ByteView file, const crypto::SecretBytes& password,
                                      const crypto::SecretBytes* key_password) {
  if (file.size() > kMaximumKeystoreBytes)
    return fail(ErrorCode::kExhausted, "the keystore is larger than 16 MiB", "keystore",
                "import it in parts: copy some entries with keytool -importkeystore -srcalias");
  const auto magic = ByteReader(file).u32("magic");
  if (magic && *magic == kJceksMagic) return read_jceks(file, password, key_password);
  if (magic && *magic == kJksMagic)
    return fail(ErrorCode::kUnsupported, "the keystore is a JKS, which holds no data keys", "keystore",
                "convert it: keytool -importkeystore -srcstoretype JKS -deststoretype JCEKS");
  if (!file.empty() && file.front() == kDerSequence) {
    auto read = read_pkcs12_keystore(file, password);
    if (!read) return std::unexpected(named(read.error()));
    return read;
  }
  return fail(ErrorCode::kInvalidArgument, "the keystore is neither JCEKS nor PKCS#12", "keystore",
              "give the file that config.keystore.file of the old server's properties names");
}

}  // namespace tapewarden::keymgr
