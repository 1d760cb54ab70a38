// What a catalogue that is put together again must be able to say.
#include <gtest/gtest.h>

#include "engine/catalogue/catalogue_test_kit.h"

namespace tapewarden::engine {
namespace {

using namespace testing;

struct Restoring : ::testing::Test {
  Box box;
  template <typename Work>
  Status change(const Work& work) {
    return box->change([&](CatalogueChange& change) -> Status { return work(change); });
  }
};

TEST_F(Restoring, T12_ContentThatIsNowhereIsToldAsMissing) {
  auto lost = written_volume("LV0001", 4);
  EXPECT_EQ(box.put(lost).error().code, ErrorCode::kConflict);  // by no other way
  ASSERT_TRUE(change([&](auto& now) { return now.put_missing(lost); }));
  EXPECT_EQ(box->volume("LV0001")->residence(), Residence::kMissing);
  EXPECT_EQ(box->volume("LV0001")->generation, 4U);
  EXPECT_EQ(change([&](auto& now) { return now.put_missing(lost); }).error().code, ErrorCode::kAlreadyExists);
  auto scratch = scratch_volume("LV0002");
  EXPECT_EQ(change([&](auto& now) { return now.put_missing(scratch); }).error().code,
            ErrorCode::kInvalidArgument);
  lost.volser = "LV0003";
  lost.storage_group = "NOWHERE";
  EXPECT_EQ(change([&](auto& now) { return now.put_missing(lost); }).error().code, ErrorCode::kNotFound);
  box.expect_sound();
}

TEST_F(Restoring, T12_AWithdrawnVolserGoesOnCounting) {
  ASSERT_TRUE(change([](auto& now) { return now.put_withdrawn("LV0001", 7); }));
  ASSERT_TRUE(box.put(scratch_volume("LV0001")));
  EXPECT_EQ(box->volume("LV0001")->generation, 7U);
  EXPECT_FALSE(box->volume("LV0001")->has_content());
  EXPECT_EQ(change([](auto& now) { return now.put_withdrawn("LV0001", 8); }).error().code,
            ErrorCode::kAlreadyExists);
  EXPECT_EQ(change([](auto& now) { return now.put_withdrawn("LV0002", 0); }).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(change([](auto& now) { return now.put_withdrawn("no volser", 1); }).error().code,
            ErrorCode::kInvalidArgument);
  box.expect_sound();
}

TEST_F(Restoring, T12_WithdrawnVolsersAndDeletionsComeInPages) {
  for (int i = 0; i < 25; ++i) {
    const auto volser = "LV" + std::to_string(1000 + i);
    ASSERT_TRUE(change([&](auto& now) -> Status {
      TRY(now.put_withdrawn(volser, 3));
      return now.put_deletion(volser, 3);
    }));
  }
  std::vector<std::string> withdrawn;
  std::vector<std::string> deleted;
  PageRequest page{.limit = 10};
  do {
    const auto found = box.look([&](CatalogueView& view) { return view.withdrawn_volumes(page); });
    EXPECT_LE(found.items.size(), 10U);
    for (const auto& one : found.items) withdrawn.push_back(one.volser);
    page.after = found.next;
  } while (!page.after.empty());
  std::uint64_t after = 0;
  while (true) {
    const auto found = box.look([&](CatalogueView& view) { return view.deleted_volumes_after(after, 10); });
    if (found.empty()) break;
    for (const auto& one : found) deleted.push_back(one.volser);
    after = found.back().number;
  }
  EXPECT_EQ(withdrawn.size(), 25U);
  EXPECT_EQ(withdrawn.back(), "LV1024");
  EXPECT_EQ(deleted, withdrawn);
  EXPECT_EQ(change([](auto& now) { return now.put_deletion("LV0001", 0); }).error().code,
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace tapewarden::engine
