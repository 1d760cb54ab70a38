// The people of a key exchange, for tests: an authority, a key server, a drive and a proxy, each with real
// keys and certificates; and one good sample of every message. Keys are made once a process.
#pragma once

#include "crypto/certificate.h"
#include "dkx/body.h"
#include "dkx/signing.h"

namespace tapewarden::dkx::testing {

struct Party {
  crypto::PrivateKey key;
  crypto::Certificate certificate;
};

struct Parties {
  Party authority;
  Party server;    // signs answers and seals
  Party other;     // a second server
  Party stranger;  // signed by no authority that anybody trusts
  Party drive;     // identity key
  Party proxy;
  crypto::PrivateKey drive_wrapping;  // RSA 2048
  crypto::PrivateKey kek;             // RSA 2048
};
const Parties& parties();

// A leaf with a new P-256 key; `unit` says what the holder is. REQUIRES: authority is one.
Party issue(const Party& authority, std::string name, crypto::CertificateUse use, std::string unit = {});

inline Uuid uuid_of(std::uint8_t number) {
  Uuid out;
  out.bytes.fill(number);
  return out;
}

KeyRequest sample_key_request(Intent intent);
eedk::EedkSet sample_eedk_set(const Uuid& volume);
Enrolment sample_enrolment();
// Every kind of body, with optional fields present and absent.
std::vector<RequestBody> sample_requests();
std::vector<AnswerBody> sample_answers();

}  // namespace tapewarden::dkx::testing
