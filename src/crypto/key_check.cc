#include "crypto/key_check.h"

#include "crypto/kdf.h"

namespace tapewarden::crypto {

KeyCheckValue key_check_value(const SecretBytes& data_key, const Uuid& volume) {
  ByteWriter info;
  info.text("kcv").bytes(volume.view());
  const SecretBytes derived = hkdf_sha256(data_key, {}, info.view(), kKeyCheckBytes);
  KeyCheckValue out;
  copy_bytes(out, derived.reveal());
  return out;
}

}  // namespace tapewarden::crypto
