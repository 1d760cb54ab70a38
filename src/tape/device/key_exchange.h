// How a system- or library-managed drive takes part in the key exchange without knowing its messages, and
// without giving out its private keys.
//
// The drive (KeyPath) decides: when a key is needed, whether the server is trusted, whether the answer's key
// is the right one. The exchange (DriveExchange, implemented over dkx/ by the key proxy) encodes and decodes.
// What needs a private key it does through DriveKeys, which the drive lends it for one call.
#pragma once

#include <cstdint>
#include <string>

#include "crypto/certificate.h"
#include "scsi/key_path_pages.h"
#include "tape/medium/key_info.h"
#include "tape/medium/superblock.h"

namespace tapewarden::tape {

// Borrowed for the length of one call; thread-safe.
class DriveKeys {
 public:
  virtual ~DriveKeys() = default;
  // ECDSA P-256 with SHA-256 by the drive's identity key.
  virtual Bytes sign(ByteView message) const = 0;
  // RSAES-OAEP by the drive's wrapping key. Every failure is the same kCorrupt error.
  virtual Result<crypto::SecretBytes> unwrap(ByteView wrapped, ByteView oaep_label) const = 0;
  virtual const crypto::Certificate& certificate() const = 0;
  virtual const crypto::PublicKey& wrapping_key() const = 0;
  // By the identity key over eedk::wrapping_key_message(); for enrolment.
  virtual const Bytes& wrapping_key_signature() const = 0;
};

struct DriveFacts {
  std::string serial;  // 12 characters, as in the drive table
  std::uint64_t world_wide_node_name = 0;
  MediumKind kind = MediumKind::kLto;
};

struct CartridgeFacts {
  std::string volser;
  Uuid volume{};
  KeyInfo held{};  // EEDKs and signature, or data key identifier; empty on a clear cartridge
};

struct KeyAsk {
  scsi::KeyIntent intent = scsi::KeyIntent::kNone;
  KeyMethod method = KeyMethod::kWrappedKey;
  Uuid request{};                  // the same on every retry
  scsi::WritePolicyPage policy{};  // for a write from the beginning; of a rekey the new labels
  Uuid confirmed_request{};        // for a confirmation: the request whose key was written with,
  Bytes receipt{};                 // and what its answer gave for this purpose
  std::string partition{};         // of the library, that the drive works for; empty: none
};

// From the server, for one signed request. The drive has already found `server_certificate` trusted.
struct ServerChallenge {
  Bytes nonce{};
  Bytes channel_binding{};
  Uuid server{};
  crypto::Certificate server_certificate{};
};

struct KeyGrant {
  crypto::SecretBytes data_key{};  // empty after a rekey
  // What belongs on the cartridge after a write from the beginning or a rekey; with check_value set for every
  // intent.
  KeyInfo info{};
  bool may_write = false;
  Bytes receipt{};  // opaque, for the confirmation
};

// Stateless towards the drive; thread-safe when its implementation says so. One call at a time per drive.
class DriveExchange {
 public:
  virtual ~DriveExchange() = default;
  // The encoded, signed request. kInvalidArgument when something does not fit a message.
  virtual Result<Bytes> build_signed_request(const ServerChallenge& challenge, const DriveFacts& drive,
                                             const CartridgeFacts& cartridge, const KeyAsk& ask,
                                             const DriveKeys& keys) = 0;
  // Checks that `answer` is the trusted server's answer to exactly `signed_request` (signature, request hash)
  // and opens the key in it. kUnauthenticated, kCorrupt, kInvalidArgument; kPermissionDenied or kNotFound
  // when the answer is an authentic refusal.
  virtual Result<KeyGrant> accept_answer(const ServerChallenge& challenge, ByteView signed_request,
                                         ByteView answer, const CartridgeFacts& cartridge, const KeyAsk& ask,
                                         const DriveKeys& keys) = 0;
  // The same for the answer to a confirmation.
  virtual Status accept_confirmation(const ServerChallenge& challenge, ByteView signed_request,
                                     ByteView answer) = 0;
};

}  // namespace tapewarden::tape
