// The target's side of CHAP within a login (RFC 7143 section 12.1.3): the initiator proves that it knows the
// secret of one of the accounts, and if it asks, the target proves itself with another secret.
//
//   kMethod ──CHAP_A──► kChallenged ──right CHAP_N, CHAP_R──► kDone
//
// Invariants
//  1. A challenge is used once; a second answer to it ends the login.
//  2. An initiator that sends our own challenge back gets no answer to it.
#pragma once

#include "base/env.h"
#include "crypto/chap.h"
#include "iscsi/server.h"
#include "iscsi/text.h"

namespace tapewarden::iscsi {

class Chap {
 public:
  // Both must outlive this.
  Chap(const Authentication& authentication, Random& random);

  bool done() const { return state_ == State::kDone; }
  // Who proved himself; once done.
  const std::string& name() const { return name_; }

  // Takes the CHAP keys of one request and adds the answer. kUnauthenticated when the initiator did not prove
  // who it is, kInvalidArgument when a key is missing or wrong in form: the login fails either way.
  Status step(const Text& in, Text& out);

 private:
  enum class State : std::uint8_t { kMethod, kChallenged, kDone };
  Status challenge(const std::string& algorithms, Text& out);
  Status verify(const Text& in, Text& out);
  Status prove(const Text& in, Text& out) const;

  const Authentication& authentication_;
  Random& random_;
  State state_ = State::kMethod;
  crypto::ChapDigest digest_ = crypto::ChapDigest::kMd5;
  std::uint8_t identifier_ = 0;
  Bytes challenge_;
  std::string name_;
};

// What is wrong with accounts in a configuration: kInvalidArgument naming the field under `where`.
Status check_authentication(const Authentication& authentication, const std::string& where);

}  // namespace tapewarden::iscsi
