// EEDKs and their seal between the wire and the cartridge.
#include "keyproxy/seal_bytes.h"

#include <gtest/gtest.h>

#include "dkx/client/testing/fake_server.h"

namespace tapewarden::keyproxy::test {
namespace {

TEST(SealBytes, K6_ASetComesBackFromWhatTheCartridgeHolds) {
  const Uuid volume = dkx::testing::uuid_of(0x04);
  eedk::EedkSet set = dkx::testing::sample_eedk_set(volume);
  const auto back = to_eedk_set(to_key_info(set), volume);
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(*back, set);
  set.seal.reset();
  const auto unsealed = to_eedk_set(to_key_info(set), volume);
  ASSERT_TRUE(unsealed) << unsealed.error().text();
  EXPECT_EQ(*unsealed, set);
}

TEST(SealBytes, K6_WhatIsNoSetIsRefused) {
  const Uuid volume = dkx::testing::uuid_of(0x04);
  const tape::KeyInfo good = to_key_info(dkx::testing::sample_eedk_set(volume));
  const auto refused = [&](const tape::KeyInfo& info) {
    const auto set = to_eedk_set(info, volume);
    return !set && set.error().code == ErrorCode::kInvalidArgument;
  };
  tape::KeyInfo info = good;
  info.check_value.reset();
  EXPECT_TRUE(refused(info));
  info = good;
  info.eedks.clear();
  EXPECT_TRUE(refused(info));
  info = good;
  info.eedks.push_back(good.eedks.front());
  EXPECT_TRUE(refused(info)) << "three EEDKs";
  info = good;
  info.eedks.front().pop_back();
  EXPECT_TRUE(refused(info));
  // Every cut of the seal: too short for its fixed part, or without a signature.
  for (std::size_t size = 1; size <= 16 + 32; ++size) {
    info = good;
    info.signature.resize(size);
    EXPECT_TRUE(refused(info)) << size;
  }
  info = good;
  info.signature.resize(16 + 32 + eedk::kMaxSignatureBytes + 1);
  EXPECT_TRUE(refused(info));
}

}  // namespace
}  // namespace tapewarden::keyproxy::test
