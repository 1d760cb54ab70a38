// A certificate whose time runs out is issued again. Thread-safe.
#pragma once

#include "crypto/certificate.h"

namespace tapewarden::crypto {

// The same certificate again for another time: subject, key, names and uses stay. kInvalidArgument when
// `authority` did not issue it, and as issue_certificate().
Result<Certificate> renew_certificate(const Certificate& certificate, WallTime not_before, WallTime not_after,
                                      const Certificate& authority, const PrivateKey& authority_key,
                                      Random& random);

}  // namespace tapewarden::crypto
