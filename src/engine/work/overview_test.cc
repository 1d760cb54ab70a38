// The overview "TS7700 encryption", sections "Operations", "Changing storage pool encryption settings" and
// "EKM connections", paragraph by paragraph (docs/overview-scenarios.md), over the work with tape alone.
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

TEST(Overview, T4_Operations_WritingPhysicalTapes) {
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

TEST(Overview, T4_Operations_AppendingUsesTheCurrentEncryptionOfTheVolume) {
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

TEST(Overview, T4_Operations_AppendingInClear) {
  WorkBench bench;
  for (unsigned i = 1; i <= 2; ++i) {
    bench.write("VOL00" + std::to_string(i), volume_content(300'000, static_cast<std::uint8_t>(i)));
    bench.steps();
    EXPECT_EQ(last_steps(bench, "A00001L9"), (Steps{"1", "3a", "3b", "4"}));
  }
  EXPECT_EQ(bench.on("VOL002"), "A00001L9/2");
  EXPECT_EQ(bench.work->traces().of_cartridge("A00001L9").front()->purpose, "append");
  EXPECT_EQ(bench.back.keys.served, 0U);
  bench.expect_everything_readable();
}

TEST(Overview, T4_Operations_TheTapeTellsWhetherItIsEncrypted) {
  WorkBench bench;
  bench.encrypt_pool(1);
  bench.write("VOL001", volume_content(300'000, 1), 1);
  bench.write("VOL002", volume_content(300'000, 2), 2);
  bench.steps();
  bench.edit_pool(1, [](Pool& pool) { pool.encryption = PoolEncryption::kOff; });
  bench.encrypt_pool(2);
  const auto served = bench.back.keys.served;
  for (const auto* volser : {"VOL001", "VOL002"}) {
    ASSERT_EQ(bench.evict(volser), 1U);
    bench.ask(volser);
    bench.steps();
    EXPECT_EQ(bench.cached_content(volser), bench.contents[volser]) << "whatever its pool is set to now";
  }
  EXPECT_EQ(bench.back.keys.served, served + 1) << "for the encrypted one alone";
}

TEST(Overview, T4_Operations_ReadingPhysicalTapes) {
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

TEST(Overview, T3_ChangingSettings_ThePoolOverTime) {
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

TEST(Overview, T3_ChangingSettings_AtThePaceOfReuse) {
  WorkBench bench;
  bench.add_scratch("J00001", 1, MediumKind::k3592);
  bench.add_scratch("J00002", 1, MediumKind::k3592);
  bench.edit_pool(1, [](Pool& pool) { pool.media = MediumKind::k3592; });
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  label_pool(bench, "KEK 1");
  bench.write("VOL002", volume_content(300'000, 2));
  bench.steps();
  label_pool(bench, "KEK 2");
  const auto mounts = bench.work->traces().of_cartridge("J00001").size();
  bench.wait_and_step(std::chrono::hours(24 * 400));
  EXPECT_EQ(bench.work->traces().of_cartridge("J00001").size(), mounts)
      << "the change by itself moves nothing";
  EXPECT_EQ(bench.on("VOL001"), "J00001/1");
  std::vector<std::string> mix;
  done(bench.catalogue->read([&](CatalogueView& view) -> Status {
    for (const auto& one : TRY(view.cartridges({.pool = 1}, {})).items)
      mix.push_back(std::string(to_string(one.encryption)) + " " + one.labels[0].text);
    return {};
  }));
  EXPECT_EQ(mix, (Steps{"clear ", "wrapped KEK 1"}));
  bench.expect_everything_readable();
}

TEST(Overview, T8_EkmConnections_LostWhileAKeyIsOnItsWayCallsHome) {
  WorkBench bench;
  bench.encrypt_pool(1);
  bench.back.to_drives[BackEnd::kLtoDrive]->meet =
      [&](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
    if (is_command(cdb, scsi::Opcode::kWrite6)) bench.back.keys.away = true;  // the cartridge is mounted
    return std::nullopt;
  };
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  EXPECT_TRUE(bench.raised(NoticeKind::kNoKeyServer, "key servers"));
  EXPECT_EQ(bench.on("VOL001"), "nowhere");
  EXPECT_EQ(bench.volume("VOL001").residence(), Residence::kCached) << "and lost nothing";
  bench.back.to_drives[BackEnd::kLtoDrive]->meet = nullptr;
  bench.back.keys.away = false;
  bench.work->try_again();
  bench.steps();
  EXPECT_EQ(bench.interventions(), Steps());
  bench.expect_everything_readable();
}

TEST(Overview, T8_EkmConnections_NoneWhenAKeyIsNeededCallsHome) {
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
