// A short secret sealed to the holders of certificates as CMS EnvelopedData (RFC 5652): RSAES-OAEP with
// SHA-256 and AES-256-CBC inside, in DER. What `openssl cms -decrypt -inform DER` opens. CBC has no tag of
// its own: only for content whose integrity something else proves, such as the key of an AEAD. Thread-safe.
#pragma once

#include <span>

#include "crypto/certificate.h"

namespace tapewarden::crypto {

inline constexpr std::size_t kEnvelopeRecipientLimit = 64;

// kInvalidArgument naming the certificate when it holds no RSA key; or for none or too many recipients.
Result<Bytes> seal_to_recipients(const SecretBytes& secret, std::span<const Certificate> recipients);
// kWrongKey when it was sealed to nobody with this key; kInvalidArgument when it does not parse. A changed
// envelope may also open to wrong bytes of the right or another length.
Result<SecretBytes> open_as_recipient(ByteView envelope, const PrivateKey& key);

// The same under a key of 32 bytes that both sides have (KEKRecipientInfo, AES-256 key wrap of RFC 3394):
// what `openssl cms -decrypt -inform DER -secretkey HEX -secretkeyid 01` opens. A wrong key is always told
// (kWrongKey).
Bytes seal_to_key(const SecretBytes& secret, const SecretBytes& key);
Result<SecretBytes> open_with_key(ByteView envelope, const SecretBytes& key);

}  // namespace tapewarden::crypto
