#include "crypto/secret_shares.h"

#include <gtest/gtest.h>

#include "base/testing/sim_env.h"

namespace tapewarden::crypto {
namespace {

SecretBytes secret_of(std::string_view text) {
  return SecretBytes::copy_of(as_bytes(text));
}
std::vector<SecretShare> some(const SharedSecret& shared, std::initializer_list<std::size_t> which) {
  std::vector<SecretShare> out;
  for (const std::size_t i : which)
    out.push_back({shared.shares[i].number, shared.shares[i].content.clone()});
  return out;
}

class SecretShares : public ::testing::Test {
 protected:
  SharedSecret make(unsigned needed, unsigned count, std::string_view text = "correct horse") {
    auto made = split_secret(secret_of(text), needed, count, random_);
    if (!made) throw std::runtime_error(made.error().text());
    return std::move(*made);
  }
  tapewarden::testing::SimRandom random_{16};
};

TEST_F(SecretShares, K16_AnyEnoughSharesGiveTheSecret) {
  const auto shared = make(3, 5);
  for (std::size_t a = 0; a < 5; ++a) {
    for (std::size_t b = 0; b < 5; ++b) {
      for (std::size_t c = 0; c < 5; ++c) {
        const auto joined = join_secret(some(shared, {a, b, c}), 3, shared.commitments);
        if (a == b || b == c || a == c) {
          EXPECT_EQ(joined.error().code, ErrorCode::kInvalidArgument) << "the same one twice";
        } else {
          ASSERT_TRUE(joined.has_value()) << joined.error().text();
          EXPECT_TRUE(*joined == secret_of("correct horse"));
        }
      }
    }
  }
  EXPECT_TRUE(*join_secret(some(shared, {0, 1, 2, 3, 4}), 3, shared.commitments) ==
              secret_of("correct horse"));
}

// Seen over many splits, each byte of a share takes every value whatever the secret is.
TEST_F(SecretShares, K16_TooFewSharesSayNothing) {
  std::array<std::array<unsigned, 256>, 2> seen{};
  for (std::size_t text = 0; text < 2; ++text) {
    for (int i = 0; i < 20'000; ++i) {
      const auto shared = make(2, 2, text == 0 ? "A" : "B");
      ++seen[text][shared.shares[0].content.reveal().back()];
    }
  }
  for (const auto& counts : seen) {
    for (const unsigned count : counts) {
      EXPECT_GT(count, 30U);
      EXPECT_LT(count, 140U);
    }
  }
}

TEST_F(SecretShares, K16_AWrongShareIsNamed) {
  const auto shared = make(2, 3);
  auto taken = some(shared, {0, 2});
  taken[1].content.reveal_mutable()[5] ^= 1U;
  const auto joined = join_secret(taken, 2, shared.commitments);
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().code, ErrorCode::kWrongKey);
  EXPECT_NE(joined.error().message.find("share 3"), std::string::npos);
  const auto other = make(2, 3, "another one");
  EXPECT_EQ(join_secret(some(other, {0, 1}), 2, shared.commitments).error().code, ErrorCode::kWrongKey);
  EXPECT_EQ(join_secret(some(shared, {0}), 2, shared.commitments).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(SecretShares, K16_BadNumbersAreRefused) {
  for (const auto& [needed, count] :
       {std::pair(1U, 3U), std::pair(4U, 3U), std::pair(2U, 17U), std::pair(0U, 0U)}) {
    EXPECT_EQ(split_secret(secret_of("x"), needed, count, random_).error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_FALSE(split_secret(SecretBytes(), 2, 3, random_));
  EXPECT_FALSE(split_secret(SecretBytes::zeros(kSharedSecretLimit + 1), 2, 3, random_));
  EXPECT_TRUE(split_secret(SecretBytes::zeros(kSharedSecretLimit), 16, 16, random_));
}

}  // namespace
}  // namespace tapewarden::crypto
