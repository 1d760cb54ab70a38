// Shamir's secret sharing over GF(2^8) (A. Shamir, "How to share a secret", CACM 22, 1979), by libgfshare: of
// `count` shares any `needed` give the secret, fewer say nothing about it. Each share can be held against its
// commitment, so that a wrong one is named before shares are joined. One thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/env.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::crypto {

inline constexpr unsigned kMaximumShares = 16;
inline constexpr std::size_t kSharedSecretLimit = 1024;  // bytes

// SHA-256, cut to 16 bytes, of the share's number and content: it binds, and says nothing about the secret,
// because 16 random bytes are shared with it.
using ShareCommitment = std::array<std::uint8_t, 16>;

struct SecretShare {
  unsigned number = 0;  // from 1
  SecretBytes content;
};

struct SharedSecret {
  unsigned needed = 0;
  std::vector<SecretShare> shares;
  std::vector<ShareCommitment> commitments;  // of the shares 1, 2, …
};

// kInvalidArgument unless 2 <= needed <= count <= kMaximumShares and the secret has 1 to kSharedSecretLimit
// bytes.
Result<SharedSecret> split_secret(const SecretBytes& secret, unsigned needed, unsigned count, Random& random);

ShareCommitment commitment_of(const SecretShare& share);

// kInvalidArgument when there are fewer than `needed` different ones, or they differ in size; kWrongKey
// naming the share that does not fit its commitment.
Result<SecretBytes> join_secret(std::span<const SecretShare> shares, unsigned needed,
                                std::span<const ShareCommitment> commitments);

}  // namespace tapewarden::crypto
