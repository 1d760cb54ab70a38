// A SEDK: a data key wrapped to one drive for one exchange. Values; thread-safe.
#pragma once

#include "crypto/keys.h"
#include "eedk/eedk.h"

namespace tapewarden::eedk {

struct Sedk {
  WrapAlgorithm algorithm = WrapAlgorithm::kRsaOaepSha256;
  Bytes wrapped;
  friend bool operator==(const Sedk&, const Sedk&) = default;
};

// "tapewarden sedk" || volume UUID || request id: a SEDK of another exchange or volume does not open.
Bytes sedk_oaep_label(const Uuid& volume, const Uuid& request);

void write(ttlv::Writer& out, const Sedk& sedk);
Result<Sedk> read_sedk(ttlv::Cursor& in);

// Wrapping and opening, for both ends. wrap_…: kInvalidArgument when the key cannot wrap (no RSA). open_…:
// kUnsupported for an algorithm not known here; every other failure is the one error of PrivateKey::unwrap().
Result<Eedk> wrap_eedk(const crypto::SecretBytes& data_key, const crypto::PublicKey& kek, KekLabel label,
                       const Uuid& volume);
Result<crypto::SecretBytes> open_eedk(const Eedk& eedk, const crypto::PrivateKey& kek, const Uuid& volume);
Result<Sedk> wrap_sedk(const crypto::SecretBytes& data_key, const crypto::PublicKey& drive_wrapping_key,
                       const Uuid& volume, const Uuid& request);
Result<crypto::SecretBytes> open_sedk(const Sedk& sedk, const crypto::PrivateKey& drive_wrapping_key,
                                      const Uuid& volume, const Uuid& request);

}  // namespace tapewarden::eedk
