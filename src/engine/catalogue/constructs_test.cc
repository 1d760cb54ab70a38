#include "engine/catalogue/constructs.h"

#include <functional>
#include <gtest/gtest.h>

#include "engine/catalogue/limits.h"
#include "engine/catalogue/volume.h"

namespace tapewarden::engine {
namespace {

Pool sound_pool() {
  Pool pool = default_pools()[5];
  pool.encryption = PoolEncryption::kWrapped;
  pool.labels[0] = {"Finance Dept GL Key 1", LabelMode::kClear};
  return pool;
}

TEST(Constructs, T2_HostsThatNameNoneHaveTheirDefaults) {
  EXPECT_EQ(default_storage_group().pool, 1);
  EXPECT_EQ(default_management_class().pool, 0);
  EXPECT_TRUE(check(default_storage_group()));
  EXPECT_TRUE(check(default_management_class()));
  const auto pools = default_pools();
  ASSERT_EQ(pools.size(), 33U);
  for (const Pool& pool : pools) {
    EXPECT_TRUE(check(pool)) << int{pool.number};
    EXPECT_EQ(pool.encryption, PoolEncryption::kOff);
    EXPECT_EQ(pool.reclaim_pool, pool.number);
  }
}

TEST(Constructs, T2_NamesAreThoseOfConstructs) {
  for (const auto* name : {"A", "BACKUP01", "SG$@#9", "--------"})
    EXPECT_TRUE(check_construct_name(name, "storage group")) << name;
  for (const auto* name : {"", "lower", "NINECHARS", "A B", "-------", "A-B", "GR\xC3\x9C"}) {
    const auto refused = check_construct_name(name, "storage group");
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(refused.error().field, "storage group");
    EXPECT_FALSE(refused.error().remedy.empty());
  }
}

TEST(Constructs, T2_PrimaryCopiesNeedAPoolSecondaryOnesDoNot) {
  EXPECT_EQ(check(StorageGroup{"A", 0, ""}).error().field, "pool");
  EXPECT_EQ(check(StorageGroup{"A", 33, ""}).error().field, "pool");
  EXPECT_TRUE(check(StorageGroup{"A", 32, ""}));
  EXPECT_TRUE(check(ManagementClass{"A", 0, ""}));
  EXPECT_EQ(check(ManagementClass{"A", 33, ""}).error().field, "pool");
  EXPECT_EQ(check(ManagementClass{"A", 1, "a\nb"}).error().field, "description");
  EXPECT_EQ(check(StorageGroup{"A", 1, std::string(257, 'x')}).error().field, "description");
}

// What is done to a sound pool, and the field that the error names.
struct Wrong {
  std::string field;
  std::function<void(Pool&)> spoil;
};

TEST(Constructs, T3_EverySettingOutOfItsRangeIsNamed) {
  const std::vector<Wrong> wrong{
      {"pool", [](Pool& p) { p.number = 33; }},
      {"name", [](Pool& p) { p.name = std::string(65, 'x'); }},
      {"name", [](Pool& p) { p.name = "tab\t"; }},
      {"label 1", [](Pool& p) { p.labels[0].text.clear(); }},
      {"label 1", [](Pool& p) { p.labels[0].text = std::string(65, 'x'); }},
      {"label 1", [](Pool& p) { p.labels[0].text = " blank"; }},
      {"label 2", [](Pool& p) { p.labels[1].text = "blank "; }},
      {"label 2", [](Pool& p) { p.labels[1].text = "\x1b[2J"; }},
      {"key group", [](Pool& p) { p.encryption = PoolEncryption::kIdentified; }},
      {"key group", [](Pool& p) { p.key_group = std::string(65, 'x'); }},
      {"secure erase days", [](Pool& p) { p.secure_erase_days = 366; }},
      {"reclaim pool", [](Pool& p) { p.reclaim_pool = 0; }},
      {"reclaim pool", [](Pool& p) { p.reclaim_pool = 33; }},
      {"maximum drives", [](Pool& p) { p.max_drives = 65; }},
      {"threshold percent", [](Pool& p) { p.reclaim.threshold_percent = 4; }},
      {"threshold percent", [](Pool& p) { p.reclaim.threshold_percent = 96; }},
      {"maximum active percent", [](Pool& p) { p.reclaim.max_active_percent = 0; }},
      {"maximum active percent", [](Pool& p) { p.reclaim.max_active_percent = 96; }},
      {"days without access", [](Pool& p) { p.reclaim.days_without_access = 366; }},
      {"days since written", [](Pool& p) { p.reclaim.days_since_written = 366; }},
      {"days without inactivation", [](Pool& p) { p.reclaim.days_without_inactivation = 366; }},
  };
  for (const auto& [field, spoil] : wrong) {
    Pool pool = sound_pool();
    ASSERT_TRUE(check(pool));
    spoil(pool);
    const auto refused = check(pool);
    ASSERT_FALSE(refused) << field;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(refused.error().field, field);
  }
}

TEST(Constructs, T3_TheCommonPoolLendsAndIsNotEncrypted) {
  Pool common = default_pools()[0];
  common.borrow = Borrow::kBorrowAndKeep;
  EXPECT_EQ(check(common).error().field, "borrow");
  common = default_pools()[0];
  common.encryption = PoolEncryption::kWrapped;
  common.labels[0].text = "A";
  EXPECT_EQ(check(common).error().field, "encryption");
}

TEST(Constructs, T3_ThresholdsAtTheirEndsAndOff) {
  Pool pool = sound_pool();
  for (const int percent : {0, 5, 95}) {
    pool.reclaim.threshold_percent = static_cast<std::uint8_t>(percent);
    EXPECT_TRUE(check(pool)) << percent;
  }
  pool.reclaim = {0, 365, 365, 365, 95};
  EXPECT_TRUE(check(pool));
}

TEST(Constructs, T3_ABorrowedCartridgeGoesBackUnlessItsPoolKeepsItNow) {
  Pool pool = default_pools()[3];
  PhysicalVolume cartridge;
  cartridge.barcode = "P00001";
  lend(cartridge, pool);
  EXPECT_EQ(cartridge.pool, 3);
  EXPECT_TRUE(cartridge.borrowed);
  cartridge.state = CartridgeState::kFull;
  pool.borrow = Borrow::kBorrowAndKeep;
  give_back(cartridge, pool);
  EXPECT_EQ(cartridge.pool, 3);
  EXPECT_EQ(cartridge.state, CartridgeState::kScratch);
  // Redefined to return, the pool also returns what it borrowed before.
  pool.borrow = Borrow::kBorrowAndReturn;
  lend(cartridge, pool);
  give_back(cartridge, pool);
  EXPECT_EQ(cartridge.pool, kCommonPool);
  EXPECT_FALSE(cartridge.borrowed);
}

TEST(Constructs, T3_APoolsOwnCartridgeStays) {
  const Pool pool = default_pools()[3];
  PhysicalVolume cartridge;
  cartridge.pool = cartridge.home_pool = 3;
  lend(cartridge, pool);
  EXPECT_FALSE(cartridge.borrowed);
  cartridge.state = CartridgeState::kFull;
  cartridge.move = {MoveRequest::When::kNow, 4};
  give_back(cartridge, pool);
  EXPECT_EQ(cartridge.pool, 3);
  EXPECT_EQ(cartridge.move, MoveRequest{});
}

TEST(Constructs, T1_VolsersAndBarcodes) {
  for (const auto* name : {"A", "VOL001L9", "000001"}) EXPECT_TRUE(check_volser(name)) << name;
  for (const auto* name : {"", "vol001", "VOL001L9X", "A B", "../A"})
    EXPECT_EQ(check_volser(name).error().field, "volser") << name;
  EXPECT_TRUE(check_barcode(std::string(32, 'Z')));
  EXPECT_FALSE(check_barcode(std::string(33, 'Z')));
}

}  // namespace
}  // namespace tapewarden::engine
