#include "crypto/new_passphrase.h"

#include <gtest/gtest.h>

namespace tapewarden::crypto {
namespace {

SecretBytes secret(std::string_view text) {
  return SecretBytes::copy_of(as_bytes(text));
}

TEST(NewPassphrase, K22_CharactersAreCountedNotBytes) {
  EXPECT_EQ(characters_of(secret("")), 0U);
  EXPECT_EQ(characters_of(secret("eleven char")), 11U);
  EXPECT_EQ(characters_of(secret("äöüäöüäöüäö")), 11U);  // 22 bytes
  EXPECT_EQ(characters_of(secret("鍵鍵鍵鍵")), 4U);      // 12 bytes
  EXPECT_EQ(characters_of(secret("🔑🔑🔑")), 3U);        // 12 bytes
}

TEST(NewPassphrase, K22_AShortOneIsRefusedWithItsFieldAndARemedy) {
  for (const std::string_view enough : {"twelve chars", "äöüäöüäöüäöü", "鍵鍵鍵鍵鍵鍵鍵鍵鍵鍵鍵鍵"}) {
    EXPECT_TRUE(check_new_passphrase(secret(enough), "the passphrase", "passphrase")) << enough;
  }
  for (const std::string_view few : {"", "eleven char", "äöüäöüäöüäö", "鍵鍵鍵鍵", "🔑🔑🔑"}) {
    const auto refused = check_new_passphrase(secret(few), "the passphrase of a backup", "passphrase");
    ASSERT_FALSE(refused) << few;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(refused.error().field, "passphrase");
    EXPECT_EQ(refused.error().message, "the passphrase of a backup has fewer than 12 characters");
    EXPECT_FALSE(refused.error().remedy.empty());
  }
}

}  // namespace
}  // namespace tapewarden::crypto
