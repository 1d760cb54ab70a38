#include "tape/medium/data_key.h"

#include "base/assert.h"
#include "crypto/kdf.h"

namespace tapewarden::tape {

namespace {

Bytes purpose(std::string_view name, const Uuid& volume, std::uint8_t partition = 0) {
  ByteWriter info;
  info.text(name).bytes(volume.view());
  if (partition != 0) info.u8(partition);
  return info.take();
}

}  // namespace

DataKey::DataKey(crypto::SecretBytes key) : key_(std::move(key)) {
  TW_ASSERT(key_.size() == kDataKeyBytes);
}

KeyCheckValue DataKey::check_value(const Uuid& volume) const {
  KeyCheckValue value{};
  const auto derived = crypto::hkdf_sha256(key_, {}, purpose("kcv", volume), value.size());
  copy_bytes(value,
             derived.reveal());  // public by design: HKDF's outputs for other purposes do not follow from it
  return value;
}

crypto::SecretBytes DataKey::session_key(const SessionSalt& salt, const Uuid& volume,
                                         std::uint8_t partition) const {
  return crypto::hkdf_sha256(key_, salt, purpose("tapewarden record", volume, partition), kDataKeyBytes);
}

}  // namespace tapewarden::tape
