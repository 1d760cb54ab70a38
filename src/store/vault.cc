#include "store/vault.h"

#include "base/assert.h"
#include "crypto/aead.h"
#include "crypto/kdf.h"

namespace tapewarden::store {

namespace {

constexpr std::size_t kMasterBytes = 32;
constexpr std::string_view kSealInfo = "tapewarden keystore seal";

crypto::SecretBytes derive(const crypto::SecretBytes& master, std::string_view info) {
  return crypto::hkdf_sha256(master, {}, as_bytes(info), 32);
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

Vault::Vault(const crypto::SecretBytes& master, KeyVersion version)
    : version_(version),
      places_(extract(checked(master))),
      rows_(derive(master, "tapewarden keystore row")),
      notes_(derive(master, "tapewarden keystore note")),
      head_key_(derive(master, "tapewarden keystore head")),
      heads_(head_key_) {
  TW_ASSERT(version != kFormWithoutVersion);
}

Hash256 Vault::note_mac(std::string_view what, ByteView content) const {
  ByteWriter label;
  label.bytes16(as_bytes(what));
  return notes_.mac({label.view(), content});
}

Hash256 Vault::head(const Hash256& previous, std::uint64_t sequence, const Hash256& digest,
                    const Hash256& chain) const {
  return head(heads_, previous, sequence, digest, chain);
}

Hash256 Vault::head(const crypto::MacKey& heads, const Hash256& previous, std::uint64_t sequence,
                    const Hash256& digest, const Hash256& chain) {
  ByteWriter number;
  number.u64(sequence);
  return heads.mac({previous, number.view(), digest, chain});
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
  const Bytes box = crypto::seal_box(place_key(place), place, secret.reveal(), random);
  return ByteWriter().u32(version_).bytes(box).take();
}

Result<crypto::SecretBytes> Vault::open(ByteView place, ByteView box) const {
  if (version_of_box(box) != version_) {
    return fail(ErrorCode::kCorrupt, "the box is of another version of the master key");
  }
  return crypto::open_box(place_key(place), place, box.subspan(kKeyVersionBytes));
}

KeyVersion version_of_box(ByteView box) {
  ByteReader reader(box);
  return reader.u32("version").value_or(kFormWithoutVersion);
}

Bytes with_version(ByteView box) {
  return ByteWriter().u32(kFirstKeyVersion).bytes(box).take();
}

Bytes without_version(ByteView box) {
  TW_ASSERT(version_of_box(box) == kFirstKeyVersion);
  return to_bytes(box.subspan(kKeyVersionBytes));
}

Bytes stored_mac(KeyVersion version, const Hash256& mac) {
  if (version == kFormWithoutVersion) return to_bytes(mac);
  return ByteWriter().u32(version).bytes(mac).take();
}

Result<StoredMac> parse_stored_mac(ByteView bytes) {
  StoredMac out;
  ByteReader reader(bytes);
  if (bytes.size() != out.mac.size()) {
    out.version = TRY(reader.u32("version"));
    if (out.version == kFormWithoutVersion) return fail(ErrorCode::kCorrupt, "a MAC names no version");
  }
  out.mac = TRY(reader.array<32>("MAC"));
  TRY(reader.expect_done("MAC"));
  return out;
}

}  // namespace tapewarden::store
