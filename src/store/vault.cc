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

crypto::SecretBytes as_secret(Hash256 hash) {
  crypto::SecretBytes secret = crypto::SecretBytes::copy_of(hash);
  crypto::wipe(hash);
  return secret;
}

// HKDF-Extract without salt (RFC 5869, section 2.2): done once, because every sealing and opening needs it.
crypto::MacKey extract(const crypto::SecretBytes& master) {
  const crypto::MacKey no_salt(crypto::SecretBytes::zeros(Hash256{}.size()));
  return crypto::MacKey(as_secret(no_salt.mac(master.reveal())));
}

// Used within one expression only.
const crypto::SecretBytes& checked(const crypto::SecretBytes& master) {
  TW_ASSERT(master.size() == kMasterBytes);
  return master;  // NOLINT(bugprone-return-const-ref-from-parameter)
}

}  // namespace

Vault::Vault(const crypto::SecretBytes& master)
    : places_(extract(checked(master))),
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
  // HKDF-Expand (section 2.3): 32 bytes are its first block, HMAC(PRK, info || 01h).
  ByteWriter info;
  info.text(kSealInfo).u8(0).bytes(place).u8(1);
  return as_secret(places_.mac(info.view()));
}

Bytes Vault::seal(ByteView place, const crypto::SecretBytes& secret, Random& random) const {
  return crypto::seal_box(place_key(place), place, secret.reveal(), random);
}

Result<crypto::SecretBytes> Vault::open(ByteView place, ByteView box) const {
  return crypto::open_box(place_key(place), place, box);
}

}  // namespace tapewarden::store
