#include "crypto/key_splitting.h"

#include <algorithm>
#include <array>
#include <gtest/gtest.h>

#include "base/testing/sim_env.h"
#include "crypto/random.h"

namespace tapewarden::crypto {
namespace {

KeyPart part(unsigned number, Bytes content) {
  return {number, SecretBytes::copy_of(content)};
}
std::vector<KeyPart> parts_of(std::initializer_list<std::pair<unsigned, Bytes>> all) {
  std::vector<KeyPart> out;
  for (const auto& [number, content] : all) out.push_back(part(number, content));
  return out;
}
std::string joined(const std::vector<KeyPart>& parts, const SplitTerms& terms, std::size_t bytes) {
  const auto key = join_key(parts, terms, bytes);
  return key ? to_hex(key->reveal()) : std::string(to_string(key.error().code));
}

// 2^127 - 1, 2^256 + 297 and 2^128 + 51.
const Bytes kMersenne = [] {
  Bytes out(16, 0xFF);
  out[0] = 0x7F;
  return out;
}();
const Bytes kAbove256 = [] {
  Bytes out(33, 0);
  out[0] = 1;
  out[31] = 1;
  out[32] = 41;
  return out;
}();

// R. Campbell's examples for the fields of KMIP (github.com/Robert-Campbell-256/KMIP-SplitKey).
TEST(KeySplitting, K21_PartsGiveTheKeyThatAnotherImplementationHas) {
  const SplitTerms gf8{SplitMethod::kGf8, 4, 3, {}};
  EXPECT_EQ(joined(parts_of({{1, {0x45}}, {2, {0x41}}, {3, {0xc3}}}), gf8, 1), "c7");
  EXPECT_EQ(joined(parts_of({{1, {0x45}}, {3, {0xc3}}, {4, {0x82}}}), gf8, 1), "c7");
  EXPECT_EQ(joined(parts_of({{1, {0x45}}, {2, {0x41}}, {3, {0xc3}}, {4, {0x82}}}), gf8, 1), "c7");
  const SplitTerms gf16{SplitMethod::kGf16, 5, 3, {}};
  EXPECT_EQ(joined(parts_of({{1, {0xcd, 0xab}}, {2, {0xab, 0x11}}, {5, {0x2b, 0x1a}}}), gf16, 2), "34ab");
  EXPECT_EQ(joined(parts_of({{3, {0x52, 0x11}}, {4, {0xd2, 0x1a}}, {5, {0x2b, 0x1a}}}), gf16, 2), "34ab");
  // Over GF(257), whose numbers take two bytes: 7 + 200 x + 13 x^2 at 1, 2 and 3.
  const SplitTerms prime{SplitMethod::kPrimeField, 5, 3, {0x01, 0x01}};
  EXPECT_EQ(joined(parts_of({{1, {0, 220}}, {2, {0, 202}}, {3, {0, 210}}}), prime, 1), "07");
}

TEST(KeySplitting, K21_EverySubsetThatIsLargeEnoughGivesTheKey) {
  SystemRandom random;
  const auto key = random_secret(random, 32);
  for (const auto method : {SplitMethod::kGf8, SplitMethod::kGf16, SplitMethod::kPrimeField}) {
    for (unsigned threshold = 2; threshold <= 5; ++threshold) {
      const SplitTerms terms{method, 5, threshold, method == SplitMethod::kPrimeField ? kAbove256 : Bytes()};
      const auto made = split_key(key, terms, random);
      ASSERT_TRUE(made) << made.error().text();
      for (unsigned mask = 1; mask < 32; ++mask) {
        std::vector<KeyPart> some;
        for (const auto& one : *made) {
          if ((mask >> (one.number - 1) & 1U) != 0) some.push_back({one.number, one.content.clone()});
        }
        const bool enough = some.size() >= threshold;
        EXPECT_EQ(joined(some, terms, 32),
                  enough ? to_hex(key.reveal()) : std::string(to_string(ErrorCode::kInvalidArgument)));
      }
    }
  }
}

TEST(KeySplitting, K21_FewerPartsSayNothingOfTheKey) {
  // Whatever the key is, two parts of three that are needed can be the same.
  SystemRandom random;
  const SplitTerms terms{SplitMethod::kGf8, 3, 3, {}};
  std::array<std::array<int, 256>, 2> seen{};
  for (int i = 0; i < 20'000; ++i) {
    for (const std::uint8_t key : {std::uint8_t{0x00}, std::uint8_t{0xFF}}) {
      const auto made = split_key(SecretBytes::copy_of(Bytes{key}), terms, random).value();
      ++seen[key == 0 ? 0 : 1]
            [static_cast<std::size_t>(made[0].content.reveal()[0] ^ made[1].content.reveal()[0])];
    }
  }
  for (const auto& counts : seen) EXPECT_GT(*std::ranges::min_element(counts), 20);
}

TEST(KeySplitting, K21_XorTakesAllParts) {
  SystemRandom random;
  const auto key = random_secret(random, 24);
  const SplitTerms terms{SplitMethod::kXor, 4, 4, {}};
  auto made = split_key(key, terms, random).value();
  EXPECT_EQ(joined(made, terms, 24), to_hex(key.reveal()));
  made.pop_back();
  EXPECT_FALSE(join_key(made, terms, 24));
}

TEST(KeySplitting, K21_PartsThatDoNotFitAreToldApart) {
  SystemRandom random;
  const auto key = random_secret(random, 16);
  const SplitTerms terms{SplitMethod::kGf8, 4, 2, {}};
  const auto again = [&](unsigned flipped) {
    auto made = split_key(key, terms, random).value();
    made[flipped].content.reveal_mutable()[3] ^= 1U;
    return made;
  };
  EXPECT_EQ(joined(again(3), terms, 16), to_string(ErrorCode::kCorrupt)) << "one more than needed is checked";
  auto twice = split_key(key, terms, random).value();
  twice[1].number = 1;
  EXPECT_EQ(joined(twice, terms, 16), to_string(ErrorCode::kInvalidArgument));
  auto shorter = split_key(key, terms, random).value();
  shorter[1].content = SecretBytes::copy_of(shorter[1].content.reveal().first(15));
  EXPECT_EQ(joined(shorter, terms, 16), to_string(ErrorCode::kInvalidArgument));
  const SplitTerms prime{SplitMethod::kPrimeField, 3, 2, kAbove256};
  auto large = split_key(random_secret(random, 32), prime, random).value();
  EXPECT_EQ(joined(large, prime, 16), to_string(ErrorCode::kCorrupt)) << "a key of fewer bits";
}

TEST(KeySplitting, K21_TermsThatCannotBeAreRefused) {
  SystemRandom random;
  const auto key = random_secret(random, 16);
  const auto refused = [&](const SplitTerms& terms, const SecretBytes& of) {
    const auto made = split_key(of, terms, random);
    return !made && made.error().code == ErrorCode::kInvalidArgument && !made.error().field.empty();
  };
  EXPECT_TRUE(refused({SplitMethod::kGf8, 1, 1, {}}, key));
  EXPECT_TRUE(refused({SplitMethod::kGf8, 3, 4, {}}, key));
  EXPECT_TRUE(refused({SplitMethod::kGf8, 3, 1, {}}, key)) << "a part would be the key";
  EXPECT_TRUE(refused({SplitMethod::kGf8, kMostKeyParts + 1, 2, {}}, key));
  EXPECT_TRUE(refused({SplitMethod::kXor, 3, 2, {}}, key));
  EXPECT_TRUE(refused({SplitMethod::kGf16, 3, 2, {}}, random_secret(random, 15)));
  EXPECT_TRUE(refused({SplitMethod::kGf8, 3, 2, {}}, SecretBytes()));
  EXPECT_TRUE(refused({SplitMethod::kPrimeField, 3, 2, {}}, key));
  EXPECT_TRUE(refused({SplitMethod::kPrimeField, 3, 2, kMersenne}, key)) << "smaller than some keys";
  auto even = kAbove256;
  even.back() = 40;
  EXPECT_TRUE(refused({SplitMethod::kPrimeField, 3, 2, even}, key));
  EXPECT_TRUE(refused({SplitMethod::kPrimeField, 3, 2, Bytes(200, 0xFF)}, key));
  EXPECT_FALSE(refused({SplitMethod::kPrimeField, 3, 2, kAbove256}, random_secret(random, 32)));
}

}  // namespace
}  // namespace tapewarden::crypto
