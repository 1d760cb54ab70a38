// What a wrapped-key cartridge holds: one or two EEDKs of the same data key with the volume they belong to,
// the key check value, and the seal of the key server that made them (K6). The seal tells EEDKs made here
// from those that anybody can make with a public KEK; a set without a seal that is trusted is read-only (K7).
// Values; thread-safe.
#pragma once

#include <optional>
#include <vector>

#include "crypto/certificate.h"
#include "crypto/key_check.h"
#include "eedk/eedk.h"

namespace tapewarden::eedk {

struct Seal {
  Uuid server;            // the key server that sealed
  Hash256 certificate{};  // fingerprint of its signing certificate
  Bytes signature;        // ECDSA P-256 over seal_message()
  friend bool operator==(const Seal&, const Seal&) = default;
};

struct EedkSet {
  Uuid volume;
  crypto::KeyCheckValue key_check{};
  std::vector<Eedk> eedks;   // 1 or 2
  std::optional<Seal> seal;  // absent: made elsewhere
  friend bool operator==(const EedkSet&, const EedkSet&) = default;
};

// REQUIRES: 1 or 2 EEDKs, each within its limits.
Bytes encode(const EedkSet& set);
// kInvalidArgument naming the field. Does not check the seal.
Result<EedkSet> decode_eedk_set(ByteView bytes);

// A seal alone, for media that keep EEDKs and seal in separate fields.
Bytes encode(const Seal& seal);
Result<Seal> decode_seal(ByteView bytes);

void write(ttlv::Writer& out, const EedkSet& set);
Result<EedkSet> read_eedk_set(ttlv::Cursor& in);

// What a seal signs: "tapewarden eedk seal v1" || 00h || the canonical encoding of everything but the
// signature: volume, key check value, EEDKs, server and certificate fingerprint. REQUIRES: set.seal.
Bytes seal_message(const EedkSet& set);
// Fills in set.seal. REQUIRES: a P-256 key that belongs to the certificate.
void seal(EedkSet& set, const Uuid& server, const crypto::Certificate& certificate,
          const crypto::PrivateKey& key);
// kPermissionDenied with EE29 without a seal, or unless this certificate's key made it (under this or an
// earlier certificate of the key). Whether the certificate is trusted is the caller's question.
Status verify_seal(const EedkSet& set, const crypto::Certificate& certificate);

}  // namespace tapewarden::eedk
