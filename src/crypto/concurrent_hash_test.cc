#include "crypto/concurrent_hash.h"

#include <gtest/gtest.h>

namespace tapewarden::crypto {
namespace {

// As long as a block of a cartridge, and different in each place.
Bytes block(std::uint8_t number) {
  constexpr std::size_t kBytes = 256U << 10;
  Bytes out(kBytes);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(i * 31 + i / 251 + number);
  return out;
}

TEST(ConcurrentSha256, T12_IsTheHashOfWhatWasGivenInItsOrder) {
  ConcurrentSha256 hash;
  for (int round = 0; round < 20; ++round) {
    Sha256 expected;
    const Bytes first = block(1);
    const Bytes second = block(2);
    const std::vector<ByteView> pieces{first, second, ByteView(), ByteView(first).first(7)};
    for (const auto piece : pieces) {
      hash.begin(piece);
      expected.update(piece);
    }
    for (const auto piece : pieces) expected.update(piece);
    hash.begin(pieces);
    EXPECT_EQ(hash.finish(), expected.finish());
  }
}

TEST(ConcurrentSha256, T12_SettledBytesMayChange) {
  ConcurrentSha256 hash;
  Sha256 expected;
  for (std::uint8_t round = 0; round < 50; ++round) {
    Bytes data = block(round);
    expected.update(data);
    hash.begin(data);
    hash.settle();
    data.assign(data.size(), 0);
  }
  EXPECT_EQ(hash.finish(), expected.finish());
}

TEST(ConcurrentSha256, T12_RestartForgets) {
  ConcurrentSha256 hash;
  const Bytes data = block(1);
  hash.begin(data);
  hash.restart();
  EXPECT_EQ(hash.finish(), sha256(ByteView()));
  hash.begin(data);
  EXPECT_EQ(hash.finish(), sha256(data));
}

TEST(ConcurrentSha256, T12_EndsWithBytesUnderWay) {
  const Bytes data = block(3);
  {
    ConcurrentSha256 hash;
    hash.begin(data);
  }
  EXPECT_EQ(data, block(3));
}

}  // namespace
}  // namespace tapewarden::crypto
