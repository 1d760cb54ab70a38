#include "keymgr/migration/old_keystore.h"

#include "keymgr/migration/jceks.h"

namespace tapewarden::keymgr {

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
  const auto& of_keys = key_password != nullptr ? *key_password : password;
  const auto magic = ByteReader(file).u32("magic");
  if (magic && *magic == kJceksMagic) return read_jceks(file, password, of_keys);
  if (magic && *magic == kJksMagic)
    return fail(ErrorCode::kUnsupported, "the keystore is a JKS, which holds no data keys", "keystore",
                "convert it: keytool -importkeystore -srcstoretype JKS -deststoretype JCEKS");
  return fail(ErrorCode::kInvalidArgument, "the keystore is neither JCEKS nor PKCS#12", "keystore",
              "give the file that config.keystore.file of the old server's properties names");
}

}  // namespace tapewarden::keymgr
