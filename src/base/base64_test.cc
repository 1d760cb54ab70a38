#include "base/base64.h"

#include <gtest/gtest.h>

namespace tapewarden {
namespace {

TEST(Base64, VectorsOfRfc4648Section10) {
  const std::pair<const char*, const char*> vectors[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  for (const auto& [plain, text] : vectors) {
    EXPECT_EQ(to_base64(as_bytes(plain)), text);
    const auto back = from_base64(text, "f");
    ASSERT_TRUE(back) << text;
    EXPECT_EQ(as_text(*back), plain);
  }
}

TEST(Base64, RefusesEveryOtherForm) {
  for (const char* text :
       {"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zg==Zg==", "Z=g=", "====", "Zm9v\n", "Zm-_", "Zm 8="}) {
    const auto refused = from_base64(text, "file");
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().field, "file");
  }
}

}  // namespace
}  // namespace tapewarden
