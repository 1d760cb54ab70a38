// Cartridges that get other key labels (row K9): the row in the catalogue and the cartridge stay one,
// whatever comes between.
#include "engine/work/rekey_job.h"

#include <gmock/gmock.h>

#include "engine/work/work_test_kit.h"

namespace tapewarden::engine::test {
namespace {

using ::testing::ElementsAre;
using Labels = std::array<KeyLabel, 2>;

const std::string kBarcode = "J00001";
const Labels kOld{KeyLabel{"OLD", LabelMode::kClear}, KeyLabel{}};
const Labels kNew{KeyLabel{"NEW", LabelMode::kClear}, KeyLabel{"DR", LabelMode::kHash}};

struct Bench : WorkBench {
  static constexpr std::uint8_t kPool = 3;
  Bench() {
    edit_pool(kPool, [](Pool& pool) {
      pool.media = MediumKind::k3592;
      pool.encryption = PoolEncryption::kWrapped;
      pool.labels = kOld;
    });
    fill(kBarcode, "VOL000");
  }
  // A cartridge with a volume on it, which is to get the new labels.
  void fill(const std::string& barcode, const std::string& volser) {
    add_scratch(barcode, kPool, MediumKind::k3592);
    write(volser, volume_content(300'000), kPool);
    steps();
    EXPECT_EQ(on(volser), barcode + "/1");
    edit_cartridge(barcode, [](PhysicalVolume& row) {
      row.state = CartridgeState::kFull;
      row.rekey.labels = kNew;
    });
  }
  bool asked() { return cartridge(kBarcode).rekey.wanted(); }
  std::string last_fault() { return work->traces().of_cartridge(kBarcode).front()->fault; }
  auto mount() {
    return take(back.enterprise().mount_for_read(wanted_of(kBarcode, TapeEncryption::kWrapped), trace_));
  }
  bool reads_without(const std::string& label) {
    back.keys.server.lost_labels = {label};
    const auto tape = back.enterprise().mount_for_read(wanted_of(kBarcode, TapeEncryption::kWrapped), trace_);
    back.keys.server.lost_labels.clear();
    if (!tape) return false;
    EXPECT_EQ(read_volume(**tape, 1), volume_content(300'000));
    (void)take((*tape)->demount());
    return true;
  }
  void expect_done() {
    EXPECT_EQ(cartridge(kBarcode).labels, kNew);
    EXPECT_EQ(cartridge(kBarcode).rekey, RekeyRequest{});
    EXPECT_TRUE(reads_without("OLD"));
    back.expect_put_away(BackEnd::k3592Drive);
  }
  MountTrace trace_{back.sim.clock};
};

TEST(RekeyJob, K9_TheCartridgeAndItsRowGetTheNewLabels) {
  Bench bench;
  EXPECT_EQ(bench.steps(), 1U) << "nobody asks any more";
  EXPECT_THAT(
      bench.messages(),
      ElementsAre("Key Labels of Physical Tape J00001 changed from OLD (clear) to NEW (clear), DR (hash)"));
  const auto traces = bench.work->traces().of_cartridge(kBarcode);
  ASSERT_EQ(traces.size(), 2U);
  EXPECT_EQ(traces[0]->purpose, "rekey");
  EXPECT_EQ(traces[0]->fault, "");
  EXPECT_EQ(bench.interventions(), std::vector<std::string>());
  bench.expect_done();
}

TEST(RekeyJob, K9_ItWaitsForCopiesAndRecallsAndTakesTurnsWithReclaim) {
  Bench bench;
  const auto step = [&] { EXPECT_TRUE(take(bench.work->step())); };
  for (const std::string number : {"1", "2"}) {
    bench.write("VOL00" + number, volume_content(300'000, 1));
    step();
    ASSERT_EQ(bench.on("VOL00" + number), "A0000" + number + "L9/1") << "a copy that is due comes first";
    bench.edit_cartridge("A0000" + number + "L9",
                         [](PhysicalVolume& row) { row.state = CartridgeState::kClosed; });
  }
  ASSERT_EQ(bench.evict("VOL001"), 1U);
  bench.ask("VOL001");
  step();
  EXPECT_EQ(bench.told, std::vector<std::string>{"VOL001"}) << "and so does a recall";
  bench.add_scratch("A00003L9");
  for (const auto* barcode : {"A00001L9", "A00002L9"})
    bench.edit_cartridge(barcode, [](PhysicalVolume& row) { row.move = {MoveRequest::When::kNow, 2}; });
  step();
  EXPECT_EQ(bench.on("VOL001"), "A00003L9/1");
  EXPECT_TRUE(bench.asked());
  step();
  EXPECT_EQ(bench.on("VOL002"), "A00002L9/1");
  EXPECT_FALSE(bench.asked()) << "its turn, though there is more to reclaim";
  step();
  EXPECT_EQ(bench.on("VOL002"), "A00003L9/2");
  bench.expect_done();
}

TEST(RekeyJob, K9_KeyServersThatAreAwayLeaveTheRequestStanding) {
  Bench bench;
  bench.back.keys.away = true;
  bench.steps();
  EXPECT_EQ(bench.cartridge(kBarcode).labels, kOld);
  EXPECT_EQ(bench.cartridge(kBarcode).rekey.labels, kNew);
  EXPECT_TRUE(bench.raised(NoticeKind::kNoKeyServer, "key servers"));
  bench.back.expect_put_away(BackEnd::k3592Drive);
  bench.back.keys.away = false;
  bench.wait_and_step();
  EXPECT_EQ(bench.interventions(), std::vector<std::string>());
  bench.expect_done();
}

TEST(RekeyJob, K9_ARefusalIsRaisedAndLeavesCartridgeAndDriveInUse) {
  Bench bench;
  bench.back.keys.refuse_rekey = true;
  EXPECT_EQ(bench.steps(), 1U) << "it is not tried on and on";
  EXPECT_TRUE(bench.raised(NoticeKind::kRekeyRefused, kBarcode)) << bench.open_texts();
  EXPECT_TRUE(bench.asked());
  EXPECT_NE(bench.last_fault(), "");
  EXPECT_EQ(bench.cartridge(kBarcode).state, CartridgeState::kFull);
  EXPECT_EQ(bench.cartridge(kBarcode).note, "");
  EXPECT_NE(bench.back.drives[BackEnd::k3592Drive]->status().state, PhysicalDriveStatus::State::kOffline);
  bench.wait_and_step(std::chrono::minutes(50));
  EXPECT_EQ(bench.work->traces().of_cartridge(kBarcode).size(), 2U) << "the write and one try";
  bench.back.keys.refuse_rekey = false;
  bench.wait_and_step(std::chrono::minutes(11));
  EXPECT_EQ(bench.interventions(), std::vector<std::string>());
  bench.expect_done();
}

TEST(RekeyJob, K9_LabelsThatAreRefusedDoNotHaveEveryCartridgeMounted) {
  Bench bench;
  bench.edit_cartridge(kBarcode, [](PhysicalVolume& row) { row.rekey = {}; });
  bench.fill("J00002", "VOL002");
  bench.edit_cartridge(kBarcode, [](PhysicalVolume& row) { row.rekey.labels = kNew; });
  bench.back.keys.refuse_rekey = true;
  EXPECT_EQ(bench.steps(), 1U);
}

TEST(RekeyJob, K9_ARequestThatIsTakenBackEndsItsIntervention) {
  Bench bench;
  bench.back.keys.refuse_rekey = true;
  bench.steps();
  ASSERT_TRUE(bench.raised(NoticeKind::kRekeyRefused, kBarcode));
  bench.edit_cartridge(kBarcode, [](PhysicalVolume& row) { row.rekey = {}; });
  bench.steps();
  EXPECT_EQ(bench.interventions(), std::vector<std::string>());
}

// The new EEDKs are on the cartridge, and the answer of the drive that says so is lost.
TEST(RekeyJob, K9_AnAnswerThatWasLostIsMendedByTheNextTry) {
  Bench bench;
  auto& drive = *bench.back.to_drives[BackEnd::k3592Drive];
  bool lost = false;
  drive.meet = [&](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
    // The drive is asked for its labels when it has taken them.
    if (!bench.back.keys.rekeyed || lost || !is_command(cdb, scsi::Opcode::kSecurityProtocolIn))
      return std::nullopt;
    lost = true;
    return sense_answer(codes::kCommandSequenceError);
  };
  bench.steps();
  EXPECT_TRUE(lost);
  drive.meet = {};
  if (bench.back.drives[BackEnd::k3592Drive]->status().state == PhysicalDriveStatus::State::kOffline)
    done(bench.back.drives[BackEnd::k3592Drive]->probe());
  EXPECT_EQ(bench.cartridge(kBarcode).rekey.labels, kNew);
  bench.wait_and_step();
  bench.expect_done();
}

TEST(RekeyJob, K9_ACrashBeforeTheCatalogueKnowsIsFoundByTheNextMount) {
  Bench bench;
  {
    const auto tape = bench.mount();
    (void)take(tape->rekey({{"NEW", scsi::LabelModeCode::kClear}, {"DR", scsi::LabelModeCode::kHash}}));
    (void)take(tape->demount());
  }
  bench.lose_power();
  EXPECT_EQ(bench.cartridge(kBarcode).labels, kOld);
  {
    const auto tape = bench.mount();
    const auto held = take(tape->held_labels());
    EXPECT_FALSE(take(correct_labels(*bench.catalogue, kBarcode, 2, held))) << "another medium generation";
    EXPECT_TRUE(take(correct_labels(*bench.catalogue, kBarcode, 1, held)));
    EXPECT_FALSE(take(correct_labels(*bench.catalogue, kBarcode, 1, held))) << "the row is right now";
    (void)take(tape->demount());
  }
  EXPECT_EQ(bench.cartridge(kBarcode).labels, kNew);
  EXPECT_TRUE(bench.asked()) << "the key servers may not have been told";
  bench.steps();
  bench.expect_done();
}

TEST(RekeyJob, K9_LabelsThatTheKeyServerChoseAreLearnedFromTheCartridge) {
  Bench bench;
  bench.edit_cartridge(kBarcode, [](PhysicalVolume& row) {
    row.labels = {};
    row.rekey = {};
  });
  const auto tape = bench.mount();
  EXPECT_TRUE(take(correct_labels(*bench.catalogue, kBarcode, 1, take(tape->held_labels()))));
  EXPECT_EQ(bench.cartridge(kBarcode).labels, kOld);
  EXPECT_FALSE(take(correct_labels(*bench.catalogue, kBarcode, 1, labels_of({to_bytes("junk")}))));
  EXPECT_EQ(bench.cartridge(kBarcode).labels, kOld);
}

TEST(RekeyJob, K9_ARequestThatChangedMeanwhileGoesOnStanding) {
  Bench bench;
  const Labels other{KeyLabel{"OTHER", LabelMode::kClear}, KeyLabel{}};
  bool once = false;
  bench.back.to_drives[BackEnd::k3592Drive]->meet =
      [&](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
    if (is_command(cdb, scsi::Opcode::kSecurityProtocolOut) && !std::exchange(once, true))
      bench.edit_cartridge(kBarcode, [&](PhysicalVolume& row) { row.rekey.labels = other; });
    return std::nullopt;
  };
  EXPECT_TRUE(take(bench.work->step()));
  EXPECT_EQ(bench.cartridge(kBarcode).labels, kNew);
  EXPECT_EQ(bench.cartridge(kBarcode).rekey.labels, other);
  bench.steps();
  EXPECT_EQ(bench.cartridge(kBarcode).labels, other);
}

TEST(RekeyJob, K9_CartridgesThatCannotBeReadWait) {
  Bench bench;
  for (const auto state : {CartridgeState::kDamaged, CartridgeState::kEjected, CartridgeState::kExported}) {
    bench.edit_cartridge(kBarcode, [&](PhysicalVolume& row) { row.state = state; });
    EXPECT_EQ(bench.steps(), 0U) << to_string(state);
    EXPECT_TRUE(bench.asked());
  }
}

// After each write of drive or catalogue the power goes: the row never names labels that do not open it.
TEST(RekeyJob, K9_PowerLostAtAnyWriteIsMendedByTheNextTry) {
  bool stayed = false;
  bool changed = false;
  for (std::uint64_t writes = 0; writes < 60; ++writes) {
    SCOPED_TRACE(writes);
    Bench bench;
    bench.back.sim.disk.fail_after(writes);
    for (int i = 0; i < 3; ++i) (void)bench.work->step().has_value();
    const bool whole = bench.back.drives[BackEnd::k3592Drive]->status().barcode.empty() && !bench.asked();
    bench.lose_power();
    const auto row = bench.cartridge(kBarcode);
    const bool has_new = bench.reads_without("OLD");
    EXPECT_TRUE(has_new || bench.reads_without("NEW"));
    EXPECT_TRUE(row.labels != kNew || has_new) << "the catalogue is not ahead of the cartridge";
    stayed = stayed || !has_new;
    changed = changed || has_new;
    bench.steps();
    bench.expect_done();
    if (whole) break;
  }
  EXPECT_TRUE(stayed);
  EXPECT_TRUE(changed);
}

}  // namespace
}  // namespace tapewarden::engine::test
