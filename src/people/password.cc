#include "people/password.h"

#include "base/text.h"
#include "crypto/new_passphrase.h"
#include "people/person.h"

namespace tapewarden::people {

Status check_new_password(const crypto::SecretBytes& password, std::string_view name) {
  TRY(crypto::check_new_passphrase(password, "the password", "password"));
  if (password.size() > kPasswordLimit) {
    return fail(ErrorCode::kInvalidArgument, "the password is too long", "password",
                "use at most " + std::to_string(kPasswordLimit) + " bytes");
  }
  if (equal_ignoring_case(as_text(password.reveal()), name)) {
    return fail(ErrorCode::kInvalidArgument, "the password is the person's name", "password",
                "use something that others do not know");
  }
  return {};
}

Result<PasswordVerifier> make_verifier(const crypto::SecretBytes& password, crypto::ScryptCost cost,
                                       Random& random) {
  PasswordVerifier verifier;
  verifier.salt.resize(kSaltBytes);
  random.fill(verifier.salt);
  verifier.cost = cost;
  verifier.hash = TRY(crypto::scrypt(password, verifier.salt, cost, kVerifierBytes));
  return verifier;
}

Result<bool> fits(const crypto::SecretBytes& password, const PasswordVerifier& verifier) {
  const auto hash = TRY(crypto::scrypt(password, verifier.salt, verifier.cost, kVerifierBytes));
  return hash == verifier.hash;
}

Status HashingSlots::acquire() {
  const MutexLock lock(mutex_);
  if (free_ == 0) {
    if (waiting_left_ == 0) {
      return fail(ErrorCode::kUnavailable, "too many logins at once", "", "try again in a few seconds");
    }
    --waiting_left_;
    while (free_ == 0) freed_.wait(mutex_);
    ++waiting_left_;
  }
  --free_;
  return {};
}

void HashingSlots::release() {
  const MutexLock lock(mutex_);
  ++free_;
  freed_.notify_one();
}

}  // namespace tapewarden::people
