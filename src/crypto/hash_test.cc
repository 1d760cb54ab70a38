#include "crypto/hash.h"

#include <gtest/gtest.h>
#include <string>
#include <thread>
#include <vector>

namespace tapewarden::crypto {
namespace {

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}
SecretBytes filled(std::size_t size, std::uint8_t value) {
  return SecretBytes::copy_of(Bytes(size, value));
}

Bytes message(std::uint8_t number) {
  return Bytes(std::size_t{number} * 37, number);
}

struct HashVector {
  std::string message;
  std::string_view hash;
};

// FIPS 180-4 examples and NIST's CAVP short messages.
std::vector<HashVector> hash_vectors() {
  return {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {"\xd3", "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"},
      {std::string(1'000'000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
}

TEST(Sha256, KnownAnswers) {
  for (const auto& vector : hash_vectors())
    EXPECT_EQ(to_hex(sha256(as_bytes(vector.message))), vector.hash) << vector.message.size();
}

TEST(Sha256, PartsAreOneMessage) {
  const auto whole = sha256(as_bytes("tapewarden"));
  EXPECT_EQ(sha256({as_bytes("tape"), {}, as_bytes("warden")}), whole);
  EXPECT_EQ(sha256({}), sha256(ByteView()));
}

TEST(Sha256, RunningHashStartsAgainAfterFinish) {
  Sha256 running;
  running.update(as_bytes("a"));
  running.update({});
  running.update(as_bytes("bc"));
  EXPECT_EQ(running.finish(), sha256(as_bytes("abc")));
  EXPECT_EQ(running.finish(), sha256(ByteView()));
  running.update(as_bytes("abc"));
  auto moved = std::move(running);
  EXPECT_EQ(moved.finish(), sha256(as_bytes("abc")));
}

struct MacVector {
  Bytes key;
  Bytes message;
  std::string_view mac;
};

// RFC 4231 section 4.
std::vector<MacVector> mac_vectors() {
  return {
      {Bytes(20, 0x0b), to_bytes("Hi There"),
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {to_bytes("Jefe"), to_bytes("what do ya want for nothing?"),
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {Bytes(20, 0xaa), Bytes(50, 0xdd), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {hex("0102030405060708090a0b0c0d0e0f10111213141516171819"), Bytes(50, 0xcd),
       "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      {Bytes(131, 0xaa), to_bytes("Test Using Larger Than Block-Size Key - Hash Key First"),
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {Bytes(131, 0xaa),
       to_bytes(
           "This is a test using a larger than block-size key and a larger than block-size data. The key "
           "needs to be hashed before being used by the HMAC algorithm."),
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
  };
}

TEST(MacKey, KnownAnswers) {
  for (const auto& vector : mac_vectors()) {
    const MacKey key(SecretBytes::copy_of(vector.key));
    EXPECT_EQ(to_hex(key.mac(vector.message)), vector.mac);
    EXPECT_EQ(to_hex(key.mac(vector.message)), vector.mac) << "a second time";
    const auto view = ByteView(vector.message);
    EXPECT_EQ(to_hex(key.mac({view.first(3), view.subspan(3)})), vector.mac) << "in parts";
  }
}

TEST(MacKey, EmptyKeyAndEmptyMessage) {
  EXPECT_EQ(to_hex(MacKey(SecretBytes()).mac(ByteView())),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(MacKey, EveryKeyBitCounts) {
  const auto reference = MacKey(filled(32, 0)).mac(as_bytes("row"));
  for (std::size_t bit = 0; bit < 256; ++bit) {
    auto key = filled(32, 0);
    key.reveal_mutable()[bit / 8] = static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_NE(MacKey(key).mac(as_bytes("row")), reference) << bit;
  }
}

TEST(MacKey, ManyThreadsShareOneKey) {
  const MacKey key(filled(32, 7));
  std::vector<Hash256> expected;
  for (std::uint8_t i = 0; i < 16; ++i) expected.push_back(key.mac(message(i)));
  std::vector<int> wrong(4, 0);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < wrong.size(); ++t) {
      threads.emplace_back([&, t] {
        for (std::size_t round = 0; round < 2000; ++round) {
          const auto i = static_cast<std::uint8_t>((round + t) % 16);
          if (key.mac(message(i)) != expected[i]) ++wrong[t];
        }
      });
    }
  }
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace tapewarden::crypto
