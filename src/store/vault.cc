#include "store/vault.h"

#include "base/assert.h"
#include "crypto/aead.h"
#include "crypto/kdf.h"

namespace tapewarden::store {

namespace {

constexpr std::size_t kMasterBytes = 32;
constexpr std::string_view kSealInfo = "tapewarden keystore seal";

crypto::MacKey derive(const crypto::SecretBytes& master, std::string_view info) {
  return crypto::MacKey(crypto::hkdf_sha256(master, {}, as_bytes(info), 32));
}

const crypto::SecretBytes& checked(const crypto::SecretBytes& master) {
  TW_ASSERT(master.size() == kMasterBytes);
  return master;
}

}  // namespace

Vault::Vault(const crypto::SecretBytes& master)
    : master_(checked(master).clone()),
      rows_(derive(master, "tapewarden keystore row")),
      notes_(derive(master, "tapewarden keystore note")),
      heads_(derive(master, "tapewarden keystore head")) {}

Hash256 Vault::note_mac(std::string_view what, ByteView content) const {
  ByteWriter label;
  label.bytes16(as_bytes(what));
  return notes_.mac({label.view(), content});
}

Hash256 Vault::head(const Hash256& previous, std::uint64_t sequence, const Hash256& digest,
                    const Hash256& chain) const {
  ByteWriter number;
  number.u64(sequence);
  return heads_.mac({previous, number.view(), digest, chain});
}

Hash256 Vault::check_value() const {
  return note_mac("check", as_bytes("this is the master key of this keystore"));
}

crypto::SecretBytes Vault::place_key(ByteView place) const {
  ByteWriter info;
  info.text(kSealInfo).u8(0).bytes(place);
  return crypto::hkdf_sha256(master_, {}, info.view(), crypto::kAesKeyBytes);
}

Bytes Vault::seal(ByteView place, const crypto::SecretBytes& secret, Random& random) const {
  return crypto::seal_box(place_key(place), place, secret.reveal(), random);
}

Result<crypto::SecretBytes> Vault::open(ByteView place, ByteView box) const {
  return crypto::open_box(place_key(place), place, box);
}

}  // namespace tapewarden::store
