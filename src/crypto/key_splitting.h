// Keys split into parts as KMIP has it (Specification 1.4 section 2.2.5, 2.1 section 2.8): by XOR of all
// parts, or by polynomials (A. Shamir, "How to share a secret", CACM 22, 1979) over GF(2^8) and GF(2^16),
// byte by byte and pair by pair of bytes, or over a prime field, as one number. For the project's own shares,
// with commitments and printed pages, see secret_shares.h. Pure; thread-safe.
#pragma once

#include <span>
#include <vector>

#include "base/env.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::crypto {

enum class SplitMethod : std::uint8_t { kXor, kGf8, kGf16, kPrimeField };

struct SplitTerms {
  SplitMethod method = SplitMethod::kXor;
  unsigned parts = 0;
  unsigned threshold = 0;  // how many parts give the key
  Bytes prime;             // of kPrimeField: unsigned, big-endian
};

struct KeyPart {
  unsigned number = 0;  // from 1: where its polynomials are taken
  SecretBytes content;
};

inline constexpr unsigned kMostKeyParts = 64;
inline constexpr std::size_t kMostSplitBytes = 16U << 10;
inline constexpr std::size_t kMostPrimeBytes = 136;  // whether a larger one is a prime takes long to tell

// What cannot be: 2 to all of the parts are needed, of XOR all; at most kMostKeyParts; a prime field's size
// is a prime, of kMostPrimeBytes at most. kInvalidArgument naming the field.
Status check_split_terms(const SplitTerms& terms);

// The parts 1, 2 and so on. kInvalidArgument: as check_split_terms(); a key of no or too many bytes, of an
// odd number of them (kGf16), or one that the prime is not larger than 2 to the power of its bits.
Result<std::vector<KeyPart>> split_key(const SecretBytes& key, const SplitTerms& terms, Random& random);

// A key of `bytes` bytes. Parts beyond those that are needed must fit. kInvalidArgument: too few different
// parts, or parts of different lengths; kCorrupt: they are not of one key.
Result<SecretBytes> join_key(std::span<const KeyPart> parts, const SplitTerms& terms, std::size_t bytes);

}  // namespace tapewarden::crypto
