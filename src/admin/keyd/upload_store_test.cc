// Files in parts: their order, their owner, their end.
#include "admin/keyd/upload_store.h"

#include <gtest/gtest.h>

#include "crypto/random.h"

namespace tapewarden::admin {
namespace {

struct Uploads : ::testing::Test {
  std::string begin(std::uint64_t size) { return store.begin("anna", size, random, now).value(); }

  crypto::SystemRandom random;
  UploadStore store;
  WallTime now = from_millis(1'700'000'000'000);
};

TEST_F(Uploads, K18_PartsFollowEachOtherAndMakeTheWhole) {
  const std::string id = begin(5);
  EXPECT_EQ(store.add(id, "anna", 0, as_bytes("abc"), now).value(), 3U);
  EXPECT_EQ(store.add(id, "anna", 0, as_bytes("abc"), now).error().code, ErrorCode::kConflict);
  EXPECT_EQ(store.add(id, "anna", 4, as_bytes("e"), now).error().code, ErrorCode::kConflict);
  EXPECT_EQ(store.add(id, "anna", 3, as_bytes("def"), now).error().code, ErrorCode::kConflict) << "too much";
  EXPECT_EQ(store.file(id, "anna", now).error().code, ErrorCode::kConflict);
  ASSERT_TRUE(store.add(id, "anna", 3, as_bytes("de"), now));
  EXPECT_EQ(as_text(**store.file(id, "anna", now)), "abcde");
  EXPECT_EQ(store.file(id, "otto", now).error().code, ErrorCode::kNotFound);
  store.forget(id, "otto");
  EXPECT_TRUE(store.file(id, "anna", now));
  store.forget(id, "anna");
  EXPECT_EQ(store.file(id, "anna", now).error().code, ErrorCode::kNotFound);
}

TEST_F(Uploads, K18_FewAtOnceAndNoneForEver) {
  EXPECT_EQ(store.begin("anna", 0, random, now).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(store.begin("anna", kUploadBytes + 1, random, now).error().code, ErrorCode::kInvalidArgument);
  const std::string first = begin(5);
  for (std::size_t i = 1; i < kUploads; ++i) (void)begin(5);
  EXPECT_EQ(store.begin("anna", 5, random, now).error().code, ErrorCode::kExhausted);
  now += kUploadPatience;
  ASSERT_TRUE(store.add(first, "anna", 0, as_bytes("a"), now)) << "which is still worked on";
  now += std::chrono::seconds(1);
  EXPECT_TRUE(store.begin("anna", 5, random, now)) << "the others were forgotten";
  EXPECT_TRUE(store.add(first, "anna", 1, as_bytes("b"), now));
}

}  // namespace
}  // namespace tapewarden::admin
