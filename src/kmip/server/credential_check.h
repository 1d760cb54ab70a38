// The user and password that a client may have to give besides its certificate: Credential of the request
// header's Authentication (Specification 1.4 sections 2.1.2 and 6.6, 2.1 sections 7.6 and 8.2), in every
// message. A password is proved once in a process by its verifier, which is slow on purpose, and then known
// by a keyed hash of it, so that messages are not slow. Thread-safe.
//
// Invariants
//  C1 Nothing is checked slowly on the keystore's writer thread, nor while a snapshot is open: prove() before
//     a message is carried out, check_proved() within its transaction.
//  C2 A password that was changed, or a client that was registered anew, is proved anew: the salt is in the
//     hash.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/thread_annotations.h"
#include "crypto/secret_bytes.h"
#include "keymgr/objects/kmip_clients.h"
#include "people/login_throttle.h"
#include "people/password.h"
#include "ttlv/item.h"

namespace tapewarden::kmip {

class CredentialCheck {
 public:
  explicit CredentialCheck(const Env& env);

  // Waits a tenth of a second where the password was not proved before. Authentication Not Successful: it is
  // wrong, missing, or tried too often from `address`; kUnavailable when too many are proved at once.
  Status prove(const keymgr::KmipClient& client, const people::PasswordVerifier& verifier,
               const std::vector<ttlv::Item>& credentials, const std::string& address);
  // Quick. Authentication Not Successful: prove() was not called for it, or not with success.
  Status check_proved(const keymgr::KmipClient& client, const std::vector<ttlv::Item>& credentials);

 private:
  struct Given {
    std::string user;
    crypto::SecretBytes password;
  };
  static Result<Given> given_in(const std::vector<ttlv::Item>& credentials);
  crypto::SecretBytes mark_of(const keymgr::KmipClient& client, const Given& given) const;
  bool is_known(const keymgr::KmipClient& client, const crypto::SecretBytes& mark);

  const crypto::SecretBytes key_;  // of the marks; of this process
  people::LoginThrottle throttle_;
  people::HashingSlots slots_;
  Mutex mutex_;
  std::map<std::string, crypto::SecretBytes> proved_ TW_GUARDED_BY(mutex_);  // by the client's name; one each
};

}  // namespace tapewarden::kmip
