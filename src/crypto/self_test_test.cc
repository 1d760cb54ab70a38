#include "crypto/self_test.h"

#include <gtest/gtest.h>

namespace tapewarden::crypto {
namespace {

TEST(SelfTest, Passes) {
  const auto status = run_self_test();
  EXPECT_TRUE(status.has_value()) << status.error().text();
}

class SelfTestFailure : public ::testing::TestWithParam<const char*> {};

TEST_P(SelfTestFailure, IsFoundAndNamedAndThenGone) {
  testing::corrupt_known_answer(GetParam());
  const auto status = run_self_test();
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, ErrorCode::kInternal);
  EXPECT_EQ(status.error().field, GetParam());
  EXPECT_NE(status.error().message.find(GetParam()), std::string::npos);
  EXPECT_TRUE(run_self_test().has_value());
}

INSTANTIATE_TEST_SUITE_P(EveryAlgorithm, SelfTestFailure,
                         ::testing::Values("aes-256-gcm", "sha-256", "hmac-sha-256", "hkdf-sha-256", "scrypt",
                                           "rsa-oaep", "ecdsa-p256", "random"));

}  // namespace
}  // namespace tapewarden::crypto
