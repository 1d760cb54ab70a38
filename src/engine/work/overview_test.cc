// The overview "TS7700 encryption", paragraph by paragraph: what an engine with these drives, pools and key
// servers does. Tests are named after the paragraphs.
#include <algorithm>

#include "engine/work/work_test_kit.h"

namespace tapewarden::engine::test {
namespace {

std::vector<std::string> steps_of(const KeptTrace& trace) {
  std::vector<std::string> out;
  for (const auto& step : trace.steps) {
    if (out.empty() || out.back() != step.step) out.push_back(step.step);
  }
  return out;
}
std::vector<std::string> last_steps(WorkBench& bench, const std::string& barcode) {
  return steps_of(*bench.work->traces().of_cartridge(barcode).front());
}
using Steps = std::vector<std::string>;

TEST(Overview, T4_WritingPhysicalTapes) {
  for (const bool encrypted : {true, false}) {
    WorkBench bench;
    if (encrypted) bench.encrypt_pool(1);
    bench.write("VOL001", volume_content(300'000, 1));
    bench.steps();
    EXPECT_EQ(last_steps(bench, "A00001L9"),
              encrypted ? (Steps{"1", "2a", "2b", "2c", "2d", "2e", "4"}) : (Steps{"1", "3a", "3b", "4"}));
    EXPECT_EQ(bench.back.file_of("A00001L9").contains("plaintext-of-the-volume"), !encrypted);
  }
}

TEST(Overview, T4_AppendingUsesTheCurrentEncryptionOfTheVolume) {
  WorkBench bench;
  bench.encrypt_pool(1);
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  bench.edit_pool(1, [](Pool& pool) { pool.encryption = PoolEncryption::kOff; });
  bench.write("VOL002", volume_content(300'000, 2));
  bench.steps();
  EXPECT_EQ(bench.on("VOL002"), "A00001L9/2");
  const auto steps = last_steps(bench, "A00001L9");
  for (const auto* step : {"2b", "2c", "2d", "2e", "2f"})
    EXPECT_NE(std::ranges::find(steps, step), steps.end()) << step;
  EXPECT_EQ(bench.cartridge("A00001L9").encryption, MediumEncryption::kIdentified);
  EXPECT_FALSE(bench.back.file_of("A00001L9").contains("plaintext-of-the-volume"));
}

TEST(Overview, T4_ReadingPhysicalTapes) {
  for (const bool encrypted : {true, false}) {
    WorkBench bench;
    if (encrypted) bench.encrypt_pool(1);
    bench.write("VOL001", volume_content(300'000, 1));
    bench.steps();
    ASSERT_EQ(bench.evict("VOL001"), 1U);
    bench.ask("VOL001");
    bench.steps();
    EXPECT_EQ(last_steps(bench, "A00001L9"),
              encrypted ? (Steps{"1", "2a", "2b", "2c", "2d", "2e", "4"}) : (Steps{"1", "3a", "4"}));
    EXPECT_EQ(bench.cached_content("VOL001"), bench.contents["VOL001"]);
  }
}

void label_pool(WorkBench& bench, const std::string& label) {
  bench.edit_pool(1, [&](Pool& pool) {
    pool.encryption = PoolEncryption::kWrapped;
    pool.labels[0] = {label, LabelMode::kClear};
  });
}

TEST(Overview, T3_ChangingStoragePoolEncryptionSettings) {
  WorkBench bench;
  bench.add_scratch("J00001", 1, MediumKind::k3592);
  bench.add_scratch("J00002", 1, MediumKind::k3592);
  bench.edit_pool(1, [](Pool& pool) { pool.media = MediumKind::k3592; });
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  EXPECT_EQ(bench.cartridge("J00001").encryption, MediumEncryption::kClear);

  label_pool(bench, "KEK 1");
  bench.write("VOL002", volume_content(300'000, 2));
  bench.steps();
  EXPECT_EQ(bench.cartridge("J00002").encryption, MediumEncryption::kWrapped);
  EXPECT_EQ(bench.cartridge("J00002").labels[0].text, "KEK 1");
  EXPECT_EQ(bench.cartridge("J00001").encryption, MediumEncryption::kClear) << "a mix for a while";

  label_pool(bench, "KEK 2");
  bench.write("VOL003", volume_content(300'000, 3));
  bench.steps();
  EXPECT_EQ(bench.on("VOL003"), "J00002/2");
  EXPECT_EQ(bench.cartridge("J00002").labels[0].text, "KEK 1") << "settings count from the beginning of tape";

  // The clear one is emptied, and written from its beginning when it is used again.
  bench.write("VOL001", volume_content(300'000, 4));
  bench.edit_cartridge("J00002", [](PhysicalVolume& cartridge) { cartridge.state = CartridgeState::kFull; });
  bench.steps();
  EXPECT_EQ(bench.on("VOL001"), "J00001/1");
  EXPECT_EQ(bench.cartridge("J00001").medium, 2U);
  EXPECT_EQ(bench.cartridge("J00001").encryption, MediumEncryption::kWrapped);
  EXPECT_EQ(bench.cartridge("J00001").labels[0].text, "KEK 2");
  EXPECT_FALSE(bench.back.file_of("J00001").contains("plaintext-of-the-volume"));
  bench.expect_everything_readable();
}

// Old data in the clear pool 1, which is reclaimed to the new, encrypting pool 2 and returns what it
// borrowed.
struct Moving : ::testing::Test {
  WorkBench bench;
  void SetUp() override {
    bench.add_scratch("A00003L9");
    bench.write("VOL001", volume_content(300'000, 1));
    bench.back.sim.clock.advance(std::chrono::seconds(1));
    bench.write("VOL002", volume_content(300'000, 2));
    bench.steps();
    for (const auto* volser : {"VOL001", "VOL002"}) ASSERT_EQ(bench.evict(volser), 1U);
    bench.encrypt_pool(2);
    bench.edit_pool(1, [](Pool& pool) {
      pool.reclaim_pool = 2;
      pool.borrow = Borrow::kBorrowAndReturn;
    });
  }
  void expect_moved() {
    for (const auto& [volser, content] : bench.contents) {
      const auto volume = bench.volume(volser);
      ASSERT_TRUE(volume.active(CopyNumber::kPrimary)) << volser;
      const auto cartridge = bench.cartridge(volume.primary->cartridge);
      EXPECT_EQ(cartridge.pool, 2) << volser;
      EXPECT_EQ(cartridge.encryption, MediumEncryption::kIdentified) << volser;
    }
    const auto old = bench.cartridge("A00001L9");
    EXPECT_EQ(old.state, CartridgeState::kScratch);
    EXPECT_EQ(old.pool, kCommonPool);
    bench.expect_everything_readable();
  }
};

TEST_F(Moving, T7_RecallDataMethod) {
  for (const auto* volser : {"VOL001", "VOL002"}) bench.ask(volser);
  bench.steps();
  EXPECT_EQ(bench.work->traces().of_volume("VOL001").front()->volumes,
            (std::vector<std::string>{"VOL001", "VOL002"}))
      << "in the order in which they lie on tape";
  // As when hosts unmount them, and their storage group names the new pool.
  for (const auto* volser : {"VOL001", "VOL002"})
    bench.edit_volume(volser, [](LogicalVolume& volume) {
      volume.primary_due = true;
      volume.primary_pool = 2;
    });
  bench.edit_cartridge("A00001L9",
                       [](PhysicalVolume& cartridge) { cartridge.state = CartridgeState::kFull; });
  bench.steps();
  expect_moved();
}

TEST_F(Moving, T7_MoveLogicalVolumesMethod) {
  bench.edit_cartridge("A00001L9", [](PhysicalVolume& cartridge) {
    cartridge.move = {.when = MoveRequest::When::kNow, .target_pool = 2};
  });
  bench.steps();
  EXPECT_FALSE(bench.volume("VOL001").cached) << "from tape to tape, so no cache space is needed";
  expect_moved();
}

TEST_F(Moving, T7_ReclamationProcessingMethod) {
  bench.edit_cartridge("A00001L9",
                       [](PhysicalVolume& cartridge) { cartridge.state = CartridgeState::kFull; });
  bench.edit_pool(1, [](Pool& pool) { pool.reclaim.days_since_written = 30; });
  bench.steps();
  EXPECT_EQ(bench.on("VOL001"), "A00001L9/1");
  bench.back.sim.clock.advance(std::chrono::hours(24 * 30));
  bench.steps();
  expect_moved();
}

TEST_F(Moving, T7_CleanUp) {
  // Partially filled when the migration began: not considered for reclamation, so it is moved.
  bench.edit_pool(1, [](Pool& pool) { pool.reclaim.days_since_written = 1; });
  bench.back.sim.clock.advance(std::chrono::hours(48));
  bench.steps();
  EXPECT_EQ(bench.on("VOL001"), "A00001L9/1");
  bench.edit_cartridge("A00001L9", [](PhysicalVolume& cartridge) {
    cartridge.move = {.when = MoveRequest::When::kNow, .target_pool = 2};
  });
  bench.steps();
  expect_moved();
}

TEST(Overview, T8_WithNoKeyServerACallHomeIsGeneratedAndTheMountResumes) {
  WorkBench bench;
  bench.encrypt_pool(1);
  bench.back.keys.away = true;
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  ASSERT_TRUE(bench.raised(NoticeKind::kNoKeyServer, "key servers"));
  EXPECT_EQ(class_of(NoticeKind::kNoKeyServer), NoticeClass::kCallHome);
  bench.back.keys.away = false;
  bench.work->try_again();  // as the watch over key servers does
  bench.steps();
  EXPECT_EQ(bench.interventions(), Steps());
  EXPECT_EQ(bench.volume("VOL001").residence(), Residence::kPremigrated);
}

}  // namespace
}  // namespace tapewarden::engine::test
