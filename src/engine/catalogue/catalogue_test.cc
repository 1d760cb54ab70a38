#include "engine/catalogue/catalogue.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "engine/catalogue/catalogue_test_kit.h"
#include "engine/catalogue/limits.h"
#include "store/testing/outside_change.h"

namespace tapewarden::engine::testing {
namespace {

using Names = std::vector<std::string>;

TEST(Catalogue, T2_DefaultsAreThereFromTheBeginningAndStay) {
  Box box;
  EXPECT_EQ(box.look([](auto& view) { return view.pools(); }), default_pools());
  EXPECT_EQ(box.look([](auto& view) { return view.storage_group(kDefaultConstruct); }),
            default_storage_group());
  EXPECT_EQ(box.look([](auto& view) { return view.management_class(kDefaultConstruct); }),
            default_management_class());
  Pool changed = default_pools()[4];
  changed.name = "new media";
  ASSERT_TRUE(box.put(changed));
  ASSERT_TRUE(box.open());
  EXPECT_EQ(box.look([](auto& view) { return view.pool(4); }), changed);
  EXPECT_EQ(
      box->change([](auto& change) { return change.remove_storage_group(kDefaultConstruct); }).error().code,
      ErrorCode::kConflict);
}

TEST(Catalogue, T2_AConstructThatVolumesHaveStaysUntilTheyHaveAnother) {
  Box box;
  LogicalVolume volume = scratch_volume("VOL001");
  volume.storage_group = "SG1";
  volume.management_class = "MC1";
  const auto unknown = box.put(volume);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(unknown.error().field, "storage group");
  ASSERT_TRUE(box.put(StorageGroup{"SG1", 2, ""}, ManagementClass{"MC1", 3, ""}, volume));
  const auto remove = [&] {
    return box->change([](CatalogueChange& change) -> Status {
      TRY(change.remove_storage_group("SG1"));
      return change.remove_management_class("MC1");
    });
  };
  const auto refused = remove();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  ASSERT_TRUE(box.put(scratch_volume("VOL001")));
  EXPECT_TRUE(remove());
  EXPECT_EQ(box->change([](auto& change) { return change.remove_storage_group("SG1"); }).error().code,
            ErrorCode::kNotFound);
}

TEST(Catalogue, T2_NoMoreConstructsThanTheLimit) {
  Box box;
  for (std::size_t i = 1; i < kMaximumConstructs; ++i)
    ASSERT_TRUE(box.put(StorageGroup{"SG" + std::to_string(i), 1, ""})) << i;
  EXPECT_EQ(box.put(StorageGroup{"ONEMORE", 1, ""}).error().code, ErrorCode::kExhausted);
  EXPECT_TRUE(box.put(StorageGroup{"SG1", 2, ""}));
}

TEST(Catalogue, T1_AVolumeIsWhatWasPutAlsoAfterAStart) {
  Box box;
  LogicalVolume volume = written_volume("VOL001", 7);
  volume.deleted_generation = 3;
  volume.volume = Uuid::from(Bytes(16, 5));
  volume.stamp = {1, 2, 3};
  volume.mounted = "TW9R7K0Y01";
  volume.capacity_bytes = 800ULL << 20;
  volume.preference = 0;
  volume.secondary_pool = 9;
  volume.inserted = from_millis(1);
  volume.written = from_millis(2);
  volume.accessed = from_millis(3);
  volume.scratched = from_millis(4);
  volume.delete_after = from_millis(5);
  volume.primary = copy_on("P00001", 4, 77, 7);
  volume.secondary = Copy{"P00002", 1, 9, 1U << 31, 1ULL << 40, 6};
  ASSERT_TRUE(box.put(cartridge("P00001"), cartridge("P00002", 2)));
  ASSERT_TRUE(box.put_cached(volume));
  volume.cached = true;
  volume.has_cache_key = true;
  ASSERT_TRUE(box.open());
  EXPECT_EQ(box->volume("VOL001").value(), volume);
  EXPECT_EQ(box->volume("VOL002").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(box->volume("vol002").error().field, "volser");
  box.expect_sound();
}

TEST(Catalogue, T3_ACartridgeIsWhatWasPutButForTheSums) {
  Box box;
  PhysicalVolume put = cartridge("P00001", 7, CartridgeState::kFull);
  put.volume = Uuid::from(Bytes(16, 6));
  put.kind = MediumKind::k3592;
  put.home_pool = 0;
  put.borrowed = true;
  put.medium = 12;
  put.encryption = MediumEncryption::kWrapped;
  put.labels = {KeyLabel{"June 2007 Key", LabelMode::kClear}, KeyLabel{"DR", LabelMode::kHash}};
  put.alias = "TWK000000000000000001";
  put.written_bytes = 1ULL << 40;
  put.active_bytes = 55;
  put.active_volumes = 66;
  put.next_file = 77;
  put.library = "east";
  put.first_written = from_millis(1);
  put.last_written = from_millis(2);
  put.last_accessed = from_millis(3);
  put.last_inactivated = from_millis(4);
  put.full_since = from_millis(5);
  put.move = {MoveRequest::When::kWhenEligible, 8};
  put.rekey = {{KeyLabel{"June 2027 Key", LabelMode::kClear}, KeyLabel{"DR 2", LabelMode::kHash}}};
  put.note = "a note";
  ASSERT_TRUE(box.put(put));
  put.active_bytes = 0;
  put.active_volumes = 0;
  put.last_inactivated.reset();
  EXPECT_EQ(box->cartridge("P00001").value(), put);
  EXPECT_EQ(box->cartridge("P00002").error().code, ErrorCode::kNotFound);
  put.note = "a\nb";
  EXPECT_EQ(box.put(put).error().field, "note");
}

TEST(Catalogue, T1_TheVolumeThatHasBeenScratchForLongestComesFirst) {
  Box box;
  for (const int age : {3, 1, 2}) {
    LogicalVolume volume = scratch_volume("VOL00" + std::to_string(age));
    volume.scratched = from_millis(1000 - age);
    ASSERT_TRUE(box.put(volume));
  }
  LogicalVolume mounted = scratch_volume("VOL009");
  mounted.mounted = "DRIVE1";
  ASSERT_TRUE(box.put(mounted));
  ASSERT_TRUE(box.put_cached(written_volume("VOL008")));
  const auto found = box.look([](auto& view) { return view.scratch_volumes(2); });
  EXPECT_EQ(names(found), (Names{"VOL003", "VOL002"}));
  EXPECT_EQ(names(box.look([](auto& view) { return view.mounted(10); })), Names{"VOL009"});
}

TEST(Catalogue, T1_ExpiredContentIsFoundWhenItsTimeHasCome) {
  Box box;
  for (const int hour : {2, 1, 9}) {
    LogicalVolume volume = scratch_volume("VOL00" + std::to_string(hour));
    volume.delete_after = box.now() + hours(hour);
    ASSERT_TRUE(box.put(volume));
  }
  const auto expired = [&] {
    return names(box.look([&](auto& view) { return view.expired(box.now(), 10); }));
  };
  EXPECT_EQ(expired(), Names());
  box.clock().advance(hours(2));
  EXPECT_EQ(expired(), (Names{"VOL001", "VOL002"}));
}

TEST(Catalogue, T1_PrivateContentIsNotDeletedAndGenerationsNeverGoBack) {
  Box box;
  LogicalVolume volume = written_volume("VOL001", 5);
  ASSERT_TRUE(box.put_cached(volume));
  volume.deleted_generation = 5;
  const auto deleted = box.put(volume);
  ASSERT_FALSE(deleted);
  EXPECT_EQ(deleted.error().field, "deleted generation");
  volume.category = Category::kScratch;
  EXPECT_FALSE(box.put(volume)) << "scratch and deleted at once is no return to scratch";
  volume.deleted_generation = 0;
  volume.cached = true;
  ASSERT_TRUE(box.put(volume));
  volume.deleted_generation = 5;
  ASSERT_TRUE(box.put(volume));
  volume.generation = 4;
  volume.deleted_generation = 4;
  EXPECT_EQ(box.put(volume).error().field, "generation");
}

TEST(Catalogue, T1_AVolserThatComesBackGoesOnCounting) {
  Box box;
  LogicalVolume volume = written_volume("VOL001", 5);
  ASSERT_TRUE(box.put_cached(volume));
  const auto withdraw = [&] {
    return box->change([](auto& change) { return change.withdraw_volume("VOL001"); });
  };
  EXPECT_EQ(withdraw().error().field, "category");
  volume.category = Category::kScratch;
  volume.cached = true;
  volume.mounted = "DRIVE1";
  ASSERT_TRUE(box.put(volume));
  EXPECT_EQ(withdraw().error().field, "mounted");
  volume.mounted.clear();
  ASSERT_TRUE(box.put(volume));
  ASSERT_TRUE(withdraw());
  EXPECT_EQ(withdraw().error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(box.put(scratch_volume("VOL001")));
  const LogicalVolume again = box->volume("VOL001").value();
  EXPECT_EQ(again.generation, 5U);
  EXPECT_FALSE(again.has_content());
  EXPECT_FALSE(again.has_cache_key);
  box.expect_sound();
}

TEST(Catalogue, T5_NumbersOfCacheFilesGoOnWithAVolserThatComesBack) {
  Box box;
  const auto withdraw = [&](const std::string& volser) {
    return box->change([&](auto& change) { return change.withdraw_volume(volser); });
  };
  // VOL002 was never written: its blank file did not come whole.
  for (const auto* volser : {"VOL001", "VOL002"}) {
    auto volume = scratch_volume(volser);
    if (volume.volser == "VOL001") volume.generation = volume.deleted_generation = 5;
    volume.cache_file = 7;
    ASSERT_TRUE(box.put(volume));
    ASSERT_TRUE(withdraw(volser));
    ASSERT_TRUE(box.put(scratch_volume(volser)));
    EXPECT_EQ(box->volume(volser)->cache_file, 7U) << volser;
    EXPECT_EQ(box->volume(volser)->generation, volume.generation) << volser;
  }
  ASSERT_TRUE(withdraw("VOL002"));
  std::vector<WithdrawnVolume> told;
  ASSERT_TRUE(box->read([&](CatalogueView& view) -> Status {
    told = TRY(view.withdrawn_volumes({})).items;
    return {};
  }));
  EXPECT_EQ(told, (std::vector<WithdrawnVolume>{{"VOL001", 5}})) << "of the other there is nothing to tell";
  box.expect_sound();
}

TEST(Catalogue, T12_DeletionsAreKeptUntilATrailerTellsThem) {
  Box box;
  for (const auto* volser : {"VOL001", "VOL002", "VOL003"}) {
    LogicalVolume volume = written_volume(volser, 4);
    volume.category = Category::kScratch;
    ASSERT_TRUE(box.put_cached(volume));
    volume.cached = true;
    volume.deleted_generation = 4;
    ASSERT_TRUE(box.put(volume));
  }
  auto deleted = box.look([](auto& view) { return view.deleted_volumes(2); });
  ASSERT_EQ(deleted.size(), 2U);
  EXPECT_EQ(deleted[0].volser, "VOL001");
  EXPECT_EQ(deleted[1].generation, 4U);
  const auto drop = [&](std::uint64_t through) {
    ASSERT_TRUE(box->change([&](auto& change) { return change.drop_deleted(through); }));
  };
  drop(deleted[1].number);
  deleted = box.look([](auto& view) { return view.deleted_volumes(10); });
  ASSERT_EQ(deleted.size(), 1U);
  EXPECT_EQ(deleted[0].volser, "VOL003");
  // What comes later has a higher number, in a place that is used again.
  const std::uint64_t told = deleted[0].number;
  drop(told);
  ASSERT_TRUE(box->change([](auto& change) { return change.withdraw_volume("VOL002"); }));
  drop(told);
  deleted = box.look([](auto& view) { return view.deleted_volumes(10); });
  ASSERT_EQ(deleted.size(), 1U);
  EXPECT_EQ(deleted[0].volser, "VOL002");
}

TEST(Catalogue, T10_StatisticsAreKeptForNinetyDays) {
  Box box;
  const WallTime first = box.now();
  const auto record = [&](int interval) {
    return StatisticsRecord{first + interval * kStatisticsInterval,
                            "{\"mounts\":" + std::to_string(interval) + "}"};
  };
  const int places = static_cast<int>(kStatisticsPlaces);
  for (const int interval : {0, 1, 2, places - 1}) ASSERT_TRUE(box.put(record(interval)));
  const auto kept = [&](WallTime from) {
    return box.look([&](auto& view) { return view.statistics(from, record(places + 1).began, 1000); });
  };
  EXPECT_EQ(kept(first), (std::vector{record(0), record(1), record(2), record(places - 1)}));
  EXPECT_EQ(kept(record(2).began), (std::vector{record(2), record(places - 1)}));
  ASSERT_TRUE(box.put(record(places)));
  EXPECT_EQ(kept(first), (std::vector{record(1), record(2), record(places - 1), record(places)}));
  const StatisticsRecord long_one{first, std::string(kMaximumStatisticsBytes + 1, 'x')};
  EXPECT_EQ(box.put(long_one).error().field, "statistics");
}

// Changes of several threads share commits, and none of them is lost.
TEST(Catalogue, T10_SumsStayTrueWhenThreadsChangeOneCartridge) {
  Box box;
  ASSERT_TRUE(box.put(cartridge("P00001")));
  constexpr std::uint32_t kThreads = 4;
  constexpr std::uint32_t kEach = 25;
  std::vector<std::thread> threads;
  std::atomic<int> refused = 0;
  for (std::uint32_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::uint32_t i = 0; i < kEach; ++i) {
        LogicalVolume volume = written_volume("V" + std::to_string(100 * thread + i));
        volume.primary = copy_on("P00001", 100 * thread + i, 7);
        if (!box.put(volume)) ++refused;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(refused, 0);
  EXPECT_EQ(box->cartridge("P00001")->active_volumes, kThreads * kEach);
  EXPECT_EQ(box->cartridge("P00001")->active_bytes, 7U * kThreads * kEach);
  box.expect_sound();
}

TEST(Catalogue, T1_AnErrorUndoesTheWholeChange) {
  Box box;
  const auto failed = box->change([](CatalogueChange& change) -> Status {
    TRY(change.put(scratch_volume("VOL001")));
    TRY(change.put(cartridge("P00001")));
    return change.put(written_volume("VOL002"));
  });
  EXPECT_EQ(failed.error().code, ErrorCode::kConflict);
  EXPECT_FALSE(box->volume("VOL001"));
  EXPECT_FALSE(box->cartridge("P00001"));
  EXPECT_TRUE(box.look([](auto& view) { return view.volume_totals(); }).empty());
  box.expect_sound();
}

TEST(Catalogue, T10_ADamagedRowIsNamedAndTheOthersAreRead) {
  Box box;
  ASSERT_TRUE(box.put(scratch_volume("VOL001"), scratch_volume("VOL002"), cartridge("P00001")));
  ASSERT_TRUE(store::testing::change_outside(
      box.path(), "UPDATE logical_volume SET capacity_bytes = 1 WHERE volser = 'VOL001'"));
  const auto damaged = box->volume("VOL001");
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(damaged.error().message.find("logical_volume VOL001"), std::string::npos);
  EXPECT_TRUE(box->volume("VOL002"));
  const auto faults = box->check().value();
  ASSERT_FALSE(faults.empty());
  EXPECT_NE(faults.front().find("VOL001"), std::string::npos);
  const auto reopened = box.open();
  ASSERT_FALSE(reopened);
  EXPECT_NE(reopened.error().message.find("VOL001"), std::string::npos);
}

// One commit after another, with copies of both files as they stood before and after each.
class Copies {
 public:
  explicit Copies(Box& box) : box_(box) {}
  void keep(const std::string& name) {
    box_.close();
    std::filesystem::create_directory(box_.folder() + "/" + name);
    for (const auto* part : {".heads", ""}) copy(box_.path() + part, kept(name, part));
    EXPECT_TRUE(box_.open());
  }
  void bring_back(const std::string& name, const char* part) {
    box_.close();
    copy(kept(name, part), box_.path() + part);
  }

 private:
  std::string kept(const std::string& name, const std::string& part) const {
    return box_.folder() + "/" + name + "/catalogue.db" + part;
  }
  static void copy(const std::string& from, const std::string& to) {
    std::filesystem::copy_file(from, to, std::filesystem::copy_options::overwrite_existing);
  }
  Box& box_;
};

TEST(Catalogue, T1_PowerLossBetweenDatabaseAndMarkIsGoneOnWith) {
  Box box;
  Copies copies(box);
  copies.keep("before");
  ASSERT_TRUE(box.put(scratch_volume("VOL001")));
  copies.bring_back("before", ".heads");
  ASSERT_TRUE(box.open());
  EXPECT_TRUE(box->volume("VOL001"));
  ASSERT_TRUE(box.put(scratch_volume("VOL002")));
  ASSERT_TRUE(box.open());
  box.expect_sound();
}

TEST(Catalogue, T1_AnOlderCopyOfEitherFileIsRefused) {
  Box box;
  Copies copies(box);
  copies.keep("before");
  ASSERT_TRUE(box.put(scratch_volume("VOL001")));
  ASSERT_TRUE(box.put(scratch_volume("VOL002")));
  copies.keep("after");
  copies.bring_back("before", "");
  const auto old_database = box.open();
  ASSERT_FALSE(old_database);
  EXPECT_EQ(old_database.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(old_database.error().message.find("lacks commits"), std::string::npos);
  copies.bring_back("after", "");
  copies.bring_back("before", ".heads");
  const auto old_marks = box.open();
  ASSERT_FALSE(old_marks);
  EXPECT_EQ(old_marks.error().code, ErrorCode::kCorrupt);
  std::filesystem::remove(box.path() + ".heads");
  const auto no_marks = box.open();
  EXPECT_EQ(no_marks.error().code, ErrorCode::kCorrupt) << "and so are missing marks";
  EXPECT_NE(no_marks.error().remedy.find("catalogue rebuild"), std::string::npos) << no_marks.error().text();
  EXPECT_NE(old_marks.error().remedy.find("catalogue rebuild"), std::string::npos)
      << old_marks.error().text();
  EXPECT_FALSE(std::filesystem::exists(box.path() + ".heads")) << "a start that is refused makes none";
  copies.bring_back("after", ".heads");
  EXPECT_TRUE(box.open());
}

}  // namespace
}  // namespace tapewarden::engine::testing
