// Known-answer tests of every algorithm that the program uses, run at start: a library that computes wrong
// answers must not touch a key. Thread-safe; takes a few milliseconds.
#pragma once

#include "base/error.h"

namespace tapewarden::crypto {

// kInternal naming the algorithm that failed.
Status run_self_test();

namespace testing {
// Makes the next run_self_test() compare against a wrong answer for the named algorithm ("aes-256-gcm",
// "sha-256", "hmac-sha-256", "hkdf-sha-256", "scrypt", "rsa-oaep", "ecdsa-p256", "random"): shows that the
// test can fail.
void corrupt_known_answer(const char* algorithm);
}  // namespace testing

}  // namespace tapewarden::crypto
