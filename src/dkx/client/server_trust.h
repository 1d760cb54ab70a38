// Whether a hello comes from a key server of the site. Pure, thread-safe.
#pragma once

#include <optional>

#include "crypto/certificate.h"
#include "dkx/client/client.h"

namespace tapewarden::dkx {

// What a verified hello told.
struct Greeting {
  HelloAnswer hello;
  crypto::Certificate certificate;
};

// Checks that the signing certificate was issued by an authority of the site to a key server, is the pinned
// one where there is a pin, and signed this answer to this request. Its validity time is not looked at: an
// expired certificate never blocks a read. kUnauthenticated; kUnavailable for a refusal that may pass;
// kInvalidArgument when it is no hello.
Result<Greeting> check_greeting(const AnswerEnvelope& answer, const RequestEnvelope& request,
                                const ServerTrust& trust, const std::optional<Hash256>& pin);

}  // namespace tapewarden::dkx
