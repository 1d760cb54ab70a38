// Files of a catalogue set aside and brought into place, also when that is cut off in between.
#include "apps/catalogue_files.h"

#include <gmock/gmock.h>
#include <limits>

#include "base/real_env.h"
#include "store/testing/memory_commit_log.h"

namespace tapewarden::apps {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::vector<std::string> kFiles{"catalogue.db", "catalogue.db-wal", "catalogue.db.heads"};

// The real disk, on which only so many renames succeed.
class CutOffDisk final : public Disk {
 public:
  std::size_t renames_left = std::numeric_limits<std::size_t>::max();
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode, unsigned permissions) override {
    return disk_.open(path, mode, permissions);
  }
  Status rename(const std::string& from, const std::string& to) override {
    if (renames_left == 0) return fail(ErrorCode::kIo, "cut off");
    --renames_left;
    return disk_.rename(from, to);
  }
  Status remove(const std::string& path) override { return disk_.remove(path); }
  Status make_directories(const std::string& path, unsigned permissions) override {
    return disk_.make_directories(path, permissions);
  }
  Status sync_directory(const std::string& path) override { return disk_.sync_directory(path); }
  Result<std::vector<std::string>> list(const std::string& path) override { return disk_.list(path); }
  bool exists(const std::string& path) override { return disk_.exists(path); }
  Result<std::unique_ptr<File>> lock(const std::string& path) override { return disk_.lock(path); }

 private:
  RealDisk disk_;
};

// DATA/rebuild holds a new catalogue beside what was examined.
struct Folders {
  store::testing::TemporaryDirectory directory;
  CutOffDisk disk;
  const std::string data = directory.file("data");
  const std::string rebuild = data + "/rebuild";

  Folders() {
    EXPECT_TRUE(disk.make_directories(rebuild, 0700));
    for (const auto& name : kFiles) put(rebuild + "/" + name, "new " + name);
    put(data + "/engine-id", "the id");
    put(rebuild + "/examined-1", "left alone");
  }
  void put(const std::string& path, const std::string& text) {
    EXPECT_TRUE(write_file_atomically(disk, path, as_bytes(text)));
  }
  void with_old() {
    for (const auto& name : kFiles) put(data + "/" + name, "old " + name);
  }
  std::vector<std::string> files(const std::string& folder) { return catalogue_files(disk, folder).value(); }
  std::string content(const std::string& path) {
    const auto bytes = read_file(disk, path, 100);
    return bytes ? std::string(as_text(*bytes)) : "none";
  }
};

TEST(CatalogueFiles, T12_TheDatabaseComesFirstAndOthersDoNotCount) {
  Folders test;
  EXPECT_THAT(test.files(test.rebuild),
              ElementsAre(test.rebuild + "/catalogue.db", test.rebuild + "/catalogue.db-wal",
                          test.rebuild + "/catalogue.db.heads"));
  EXPECT_THAT(test.files(test.data), IsEmpty());
  EXPECT_THAT(test.files(test.data + "/nowhere"), IsEmpty());
}

TEST(CatalogueFiles, T12_WhatIsSetAsideIsWholeAndUnderItsNames) {
  Folders test;
  test.with_old();
  const auto now = from_millis(1'789'500'000'123);
  const auto aside = set_catalogue_aside(test.disk, test.data, now, {test.data + "/engine-id"});
  ASSERT_TRUE(aside) << aside.error().text();
  EXPECT_EQ(aside->substr(test.data.size()).find(':'), std::string::npos);
  for (const auto& name : kFiles) EXPECT_EQ(test.content(*aside + "/" + name), "old " + name);
  EXPECT_EQ(test.content(*aside + "/engine-id"), "the id");
  EXPECT_THAT(test.files(test.data), IsEmpty());
  const auto again = set_catalogue_aside(test.disk, test.data, now, {});
  ASSERT_FALSE(again) << "nothing is put over what was set aside";
  EXPECT_EQ(again.error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(test.content(*aside + "/catalogue.db"), "old catalogue.db");
}

TEST(CatalogueFiles, T12_PlacedItIsWholeAndItsFolderKeepsTheRest) {
  Folders test;
  ASSERT_TRUE(place_catalogue(test.disk, test.rebuild, test.data));
  for (const auto& name : kFiles) EXPECT_EQ(test.content(test.data + "/" + name), "new " + name);
  EXPECT_THAT(test.files(test.rebuild), IsEmpty());
  EXPECT_EQ(test.content(test.rebuild + "/examined-1"), "left alone");
}

TEST(CatalogueFiles, T12_CutOffAtAnyRenameNoDatabaseLiesWithoutItsMarks) {
  for (std::size_t renames = 0; renames <= kFiles.size(); ++renames) {
    Folders test;
    test.disk.renames_left = renames;
    const auto placed = place_catalogue(test.disk, test.rebuild, test.data);
    EXPECT_EQ(placed.has_value(), renames == kFiles.size());
    EXPECT_EQ(test.disk.exists(test.data + "/catalogue.db"), renames == kFiles.size()) << "the last of them";
    EXPECT_EQ(test.files(test.data).size(), renames);
    EXPECT_EQ(test.files(test.rebuild).size(), kFiles.size() - renames) << "nothing is lost of it";
    for (const auto& name : kFiles) {
      const auto& there = test.disk.exists(test.data + "/" + name) ? test.data : test.rebuild;
      EXPECT_EQ(test.content(there + "/" + name), "new " + name);
    }
  }
}

TEST(CatalogueFiles, T12_CutOffWhileSettingAsideNothingIsLost) {
  for (std::size_t renames = 0; renames <= kFiles.size(); ++renames) {
    Folders test;
    test.with_old();
    test.disk.renames_left = renames;
    (void)set_catalogue_aside(test.disk, test.data, from_millis(1'789'500'000'123), {});
    std::size_t found = test.files(test.data).size();
    const auto names = test.disk.list(test.data).value();
    for (const auto& name : names)
      if (name.starts_with("set-aside-")) found += test.files(test.data + "/" + name).size();
    EXPECT_EQ(found, kFiles.size());
  }
}

TEST(CatalogueFiles, T12_AnUnfinishedOneIsRemovedAndNothingElse) {
  Folders test;
  test.with_old();
  ASSERT_TRUE(remove_catalogue(test.disk, test.rebuild));
  EXPECT_THAT(test.files(test.rebuild), IsEmpty());
  EXPECT_EQ(test.content(test.rebuild + "/examined-1"), "left alone");
  EXPECT_EQ(test.files(test.data).size(), kFiles.size());
  EXPECT_TRUE(remove_catalogue(test.disk, test.data + "/nowhere"));
}

}  // namespace
}  // namespace tapewarden::apps
