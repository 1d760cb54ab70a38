// Backups of the catalogue before a cartridge is filled, and pools whose settings are not known.
#include <gmock/gmock.h>

#include "engine/work/work_test_kit.h"

namespace tapewarden::engine::test {
namespace {

using std::chrono::minutes;
using ::testing::Contains;
using ::testing::HasSubstr;

TEST(EarlyBackup, T12_AnOrderedOneGoesBehindTheLastImageOfACartridgeThatTakesMore) {
  WorkBench bench;
  bench.encrypt_pool(1);
  bench.write("VOL001", volume_content(100'000, 1));
  bench.steps();
  ASSERT_EQ(bench.backup.made, 0U);
  done(bench.work->order_backup());
  bench.steps();
  EXPECT_EQ(bench.backup.made, 1U);
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kFilling);
  EXPECT_EQ(bench.cartridge("A00001L9").next_file, 3U);
  EXPECT_THAT(bench.messages(), Contains("Database Backup written to Encrypted Physical Tape A00001L9"));
  bench.write("VOL002", volume_content(100'000, 2));
  bench.steps();
  EXPECT_EQ(bench.on("VOL002"), "A00001L9/3");
  EXPECT_EQ(bench.backup.made, 1U) << "ordered once";
  bench.expect_everything_readable();
}

TEST(EarlyBackup, T12_OfANewSiteItBeginsAScratchCartridgeOfAPoolThatEncrypts) {
  WorkBench bench;
  bench.encrypt_pool(4);
  done(bench.work->order_backup());
  bench.steps();
  EXPECT_EQ(bench.backup.made, 1U);
  EXPECT_EQ(bench.cartridge("A00001L9").pool, 4);
  EXPECT_EQ(bench.cartridge("A00001L9").encryption, MediumEncryption::kIdentified);
}

TEST(EarlyBackup, T12_ByItselfItFollowsAChangeOfSettingsAndComesDaily) {
  WorkBench bench({.early_backups = true});
  bench.write("VOL001", volume_content(100'000, 1));
  bench.steps();
  EXPECT_EQ(bench.backup.made, 0U) << "more may be changed and written soon";
  bench.wait_and_step(minutes(11));
  EXPECT_EQ(bench.backup.made, 1U);
  bench.wait_and_step(minutes(60));
  EXPECT_EQ(bench.backup.made, 1U);
  bench.encrypt_pool(7);
  bench.steps();
  bench.wait_and_step(minutes(11));
  EXPECT_EQ(bench.backup.made, 2U);
  bench.wait_and_step(std::chrono::hours(25));
  bench.wait_and_step(minutes(11));
  EXPECT_EQ(bench.backup.made, 3U);
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kFilling);
  bench.expect_everything_readable();
}

TEST(EarlyBackup, T12_OneThatCannotBeMadeIsTriedAgain) {
  WorkBench bench;
  bench.write("VOL001", volume_content(100'000, 1));
  bench.steps();
  bench.backup.broken = true;
  done(bench.work->order_backup());
  (void)bench.work->step();
  bench.backup.broken = false;
  bench.wait_and_step();
  EXPECT_THAT(bench.messages(), Contains(HasSubstr("Database Backup written")));
  bench.expect_everything_readable();
}

// The backup is made on the engine's own disk first.
TEST(EarlyBackup, T12_AFullDiskOfTheEngineFillsNoCartridge) {
  WorkBench bench;
  bench.write("VOL001", volume_content(100'000, 1));
  bench.steps();
  bench.backup.broken = true;
  bench.backup.broken_as = ErrorCode::kExhausted;
  done(bench.work->order_backup());
  const auto stepped = bench.work->step();
  ASSERT_FALSE(stepped) << "whoever asks for it is told";
  EXPECT_THAT(stepped.error().text(), HasSubstr("a backup of the catalogue for cartridge A00001L9"));
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kFilling);
  EXPECT_EQ(bench.cartridge("A00002L9").state, CartridgeState::kScratch);
  bench.backup.broken = false;
  bench.wait_and_step();
  EXPECT_EQ(bench.backup.made, 2U);
  EXPECT_EQ(bench.cartridge("A00001L9").next_file, 3U);
  bench.expect_everything_readable();
}

TEST(EarlyBackup, T12_ARestartDoesNotForgetAnOrder) {
  WorkBench bench;
  bench.write("VOL001", volume_content(100'000, 1));
  bench.steps();
  done(bench.work->order_backup());
  bench.lose_power();
  bench.steps();
  EXPECT_EQ(bench.backup.made, 1U);
  bench.lose_power();
  bench.steps();
  EXPECT_EQ(bench.backup.made, 1U) << "it was carried out";
}

TEST(EarlyBackup, T12_OneThatWasBegunBeforeTheOrderIsNotTheOneThatWasOrdered) {
  WorkBench bench;
  bench.write("VOL001", volume_content(100'000, 1));
  bench.steps();
  done(bench.work->order_backup());
  bench.back.sim.clock.advance(std::chrono::seconds(1));
  bench.backup.meanwhile = [&] { done(bench.work->order_backup()); };
  bench.steps();
  EXPECT_EQ(bench.backup.made, 2U);
}

TEST(EarlyBackup, T12_ByItselfItBeginsNoScratchCartridge) {
  WorkBench bench({.early_backups = true});
  bench.write("VOL001", volume_content(100'000, 1));
  bench.steps();
  {
    const auto busy = bench.work->claim_cartridge("A00001L9");
    ASSERT_TRUE(busy);
    bench.wait_and_step(minutes(11));
    bench.wait_and_step(minutes(11));
    EXPECT_EQ(bench.backup.made, 0U);
    EXPECT_EQ(bench.cartridge("A00002L9").state, CartridgeState::kScratch);
    EXPECT_EQ(bench.interventions(), std::vector<std::string>());
  }
  bench.wait_and_step(minutes(11));
  EXPECT_EQ(bench.backup.made, 1U);
  EXPECT_EQ(bench.cartridge("A00001L9").next_file, 3U);
}

TEST(EarlyBackup, T12_WhenItsCartridgeWasEmptiedAnotherOneIsWritten) {
  WorkBench bench({.early_backups = true});
  bench.write("VOL001", volume_content(100'000, 1));
  bench.steps();
  bench.wait_and_step(minutes(11));
  ASSERT_EQ(bench.backup.made, 1U);
  bench.edit_cartridge("A00001L9",
                       [](PhysicalVolume& cartridge) { cartridge.state = CartridgeState::kClosed; });
  bench.write("VOL001", volume_content(100'000, 2));
  bench.steps();
  ASSERT_EQ(bench.on("VOL001"), "A00002L9/1");
  ASSERT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kScratch);
  bench.wait_and_step(minutes(11));
  bench.wait_and_step(minutes(11));
  EXPECT_EQ(bench.backup.made, 2U);
  EXPECT_EQ(bench.cartridge("A00002L9").next_file, 3U);
}

TEST(HeldPool, T12_NothingIsWrittenForAPoolUntilItIsSet) {
  WorkBench bench;
  bench.write("VOL001", volume_content(100'000, 1));
  bench.steps();
  ASSERT_EQ(bench.on("VOL001"), "A00001L9/1");
  bench.edit_pool(1, [](Pool& pool) { pool.encryption = PoolEncryption::kHeld; });
  bench.write("VOL002", volume_content(100'000, 2));
  bench.write("VOL003", volume_content(100'000, 3), 2);
  bench.wait_and_step();
  EXPECT_EQ(bench.on("VOL002"), "nowhere");
  EXPECT_TRUE(bench.volume("VOL002").cached);
  EXPECT_EQ(bench.on("VOL003"), "A00002L9/1") << "others go on";
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kFilling);
  EXPECT_TRUE(bench.raised(NoticeKind::kPoolsHeld, "pools"));
  EXPECT_THAT(bench.open_texts(), HasSubstr("nothing is written for them: 1."));
  bench.add_scratch("A00003L9");
  bench.encrypt_pool(1);
  bench.wait_and_step();
  EXPECT_EQ(bench.on("VOL002"), "A00003L9/1") << "not behind what was written in clear";
  EXPECT_EQ(bench.cartridge("A00003L9").encryption, MediumEncryption::kIdentified);
  EXPECT_FALSE(bench.raised(NoticeKind::kPoolsHeld, "pools"));
  bench.expect_everything_readable();
}

TEST(HeldPool, T12_NothingIsReclaimedOrMovedIntoIt) {
  for (const bool pair : {true, false}) {
    WorkBench bench;
    bench.write("VOL001", volume_content(100'000, 1));
    bench.steps();
    ASSERT_EQ(bench.evict("VOL001"), 1U);
    bench.edit_pool(5, [](Pool& pool) { pool.encryption = PoolEncryption::kHeld; });
    bench.edit_cartridge("A00001L9", [](PhysicalVolume& cartridge) {
      cartridge.state = CartridgeState::kClosed;
      cartridge.move = {MoveRequest::When::kNow, 5};
    });
    if (!pair) bench.start_work({BackEnd::kOtherLtoDrive});
    bench.wait_and_step();
    EXPECT_EQ(bench.on("VOL001"), "A00001L9/1");
    EXPECT_FALSE(bench.volume("VOL001").cached);
    EXPECT_EQ(bench.cartridge("A00002L9").state, CartridgeState::kScratch);
  }
}

}  // namespace
}  // namespace tapewarden::engine::test
