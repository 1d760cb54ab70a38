// Password verifiers: scrypt output with its salt and cost. Thread-safe; each call takes the time and memory
// of its cost (about 0.1 s and 32 MiB by default), so at most a few run at once (see HashingSlots).
#pragma once

#include "base/env.h"
#include "base/thread_annotations.h"
#include "crypto/kdf.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::people {

inline constexpr std::size_t kSaltBytes = 16;
inline constexpr std::size_t kVerifierBytes = 32;

struct PasswordVerifier {
  Bytes salt;
  crypto::ScryptCost cost;
  crypto::SecretBytes hash;
};

// kInvalidArgument naming field "password" when it is too short (crypto/new_passphrase.h), longer
// than kPasswordLimit or equal to the name.
Status check_new_password(const crypto::SecretBytes& password, std::string_view name);

Result<PasswordVerifier> make_verifier(const crypto::SecretBytes& password, crypto::ScryptCost cost,
                                       Random& random);
// Constant time in the content. A stored cost that is out of bounds is an error, not a mismatch.
Result<bool> fits(const crypto::SecretBytes& password, const PasswordVerifier& verifier);

// Bounds how many hashes run and wait at once, so that a flood of logins takes neither all memory nor all
// processors.
class HashingSlots {
 public:
  HashingSlots(unsigned running, unsigned waiting) : free_(running), waiting_left_(waiting) {}
  // Waits for a slot; kUnavailable at once when too many wait already.
  Status acquire();
  void release();

 private:
  Mutex mutex_;
  CondVar freed_;
  unsigned free_ TW_GUARDED_BY(mutex_);
  unsigned waiting_left_ TW_GUARDED_BY(mutex_);
};

}  // namespace tapewarden::people
