// Cartridges that get other key labels (row K9): the row in the catalogue and the cartridge stay one,
// whatever comes between.
#include "engine/work/rekey_job.h"

#include "engine/work/work_test_kit.h"

namespace tapewarden::engine::test {
namespace {

using Labels = std::array<KeyLabel, 2>;

const std::string kBarcode = "J00001";
const Labels kOld{KeyLabel{"OLD", LabelMode::kClear}, KeyLabel{}};
const Labels kNew{KeyLabel{"NEW", LabelMode::kClear}, KeyLabel{"DR", LabelMode::kHash}};

struct Bench : WorkBench {
  Bench() {
    auto trace = back.trace();
    const auto tape = take(back.enterprise().mount_for_write_from_beginning(
        label_of(kBarcode),
        {.encryption = TapeEncryption::kWrapped, .labels = {{"OLD", scsi::LabelModeCode::kClear}}}, trace));
    EXPECT_TRUE(write_volume(*tape, volume_content(300'000)));
    (void)take(tape->demount());
    add_scratch(kBarcode, 1, MediumKind::k3592);
    edit_cartridge(kBarcode, [](PhysicalVolume& row) {
      row.medium = 1;
      row.state = CartridgeState::kFull;
      row.encryption = MediumEncryption::kWrapped;
      row.labels = kOld;
    });
    edit_cartridge(kBarcode, [](PhysicalVolume& row) { row.rekey.labels = kNew; });
  }
  Result<RekeyReport> rekey() {
    auto trace = back.trace();
    return rekey_cartridge(back.enterprise(), *catalogue, uuid_of(7), kBarcode, trace);
  }
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
  const auto report = take(bench.rekey());
  EXPECT_EQ(report.before, kOld);
  EXPECT_EQ(report.after, kNew);
  EXPECT_FALSE(report.unproven || report.unconfirmed || report.put_away);
  bench.expect_done();
  EXPECT_EQ(bench.rekey().error().code, ErrorCode::kConflict) << "nobody asks any more";
}

TEST(RekeyJob, K9_KeyServersThatAreAwayLeaveTheRequestStanding) {
  Bench bench;
  bench.back.keys.away = true;
  const auto refused = bench.rekey();
  ASSERT_FALSE(refused);
  EXPECT_EQ(fault_of(refused.error()), MountFault::kKeys);
  EXPECT_EQ(bench.cartridge(kBarcode).labels, kOld);
  EXPECT_EQ(bench.cartridge(kBarcode).rekey.labels, kNew);
  bench.back.expect_put_away(BackEnd::k3592Drive);
  bench.back.keys.away = false;
  (void)take(bench.rekey());
  bench.expect_done();
}

// The new EEDKs are on the cartridge, and the answer of the drive that says so is lost.
TEST(RekeyJob, K9_AnAnswerThatWasLostIsMendedByTheNextTry) {
  Bench bench;
  auto& drive = *bench.back.to_drives[BackEnd::k3592Drive];
  unsigned asked = 0;
  drive.meet = [&](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
    // The proof begins with a rewind: everything before it was done.
    if (!is_command(cdb, scsi::Opcode::kSecurityProtocolIn) || ++asked != 5) return std::nullopt;
    return sense_answer(codes::kCommandSequenceError);
  };
  const auto first = bench.rekey();
  drive.meet = {};
  if (bench.back.drives[BackEnd::k3592Drive]->status().state == PhysicalDriveStatus::State::kOffline)
    done(bench.back.drives[BackEnd::k3592Drive]->probe());
  EXPECT_FALSE(first);
  EXPECT_EQ(bench.cartridge(kBarcode).rekey.labels, kNew);
  (void)take(bench.rekey());
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
  EXPECT_TRUE(bench.cartridge(kBarcode).rekey.wanted()) << "the key servers may not have been told";
  (void)take(bench.rekey());
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
  (void)take(bench.rekey());
  EXPECT_EQ(bench.cartridge(kBarcode).labels, kNew);
  EXPECT_EQ(bench.cartridge(kBarcode).rekey.labels, other);
  (void)take(bench.rekey());
  EXPECT_EQ(bench.cartridge(kBarcode).labels, other);
}

TEST(RekeyJob, K9_CartridgesThatCannotBeReadWait) {
  Bench bench;
  for (const auto state : {CartridgeState::kDamaged, CartridgeState::kEjected, CartridgeState::kExported}) {
    bench.edit_cartridge(kBarcode, [&](PhysicalVolume& row) { row.state = state; });
    EXPECT_EQ(bench.rekey().error().field, "state") << to_string(state);
  }
  auto trace = bench.back.trace();
  EXPECT_EQ(
      rekey_cartridge(bench.back.enterprise(), *bench.catalogue, uuid_of(7), "J00009", trace).error().code,
      ErrorCode::kNotFound);
  EXPECT_EQ(trace.steps().size(), 0U);
}

// After each write of drive or catalogue the power goes: the row never names labels that do not open it.
TEST(RekeyJob, K9_PowerLostAtAnyWriteIsMendedByTheNextTry) {
  bool stayed = false;
  bool changed = false;
  for (std::uint64_t writes = 0; writes < 60; ++writes) {
    SCOPED_TRACE(writes);
    Bench bench;
    bench.back.sim.disk.fail_after(writes);
    const auto report = bench.rekey();
    bench.lose_power();
    const auto row = bench.cartridge(kBarcode);
    const bool has_new = bench.reads_without("OLD");
    EXPECT_TRUE(has_new || bench.reads_without("NEW"));
    EXPECT_TRUE(row.labels != kNew || has_new) << "the catalogue is not ahead of the cartridge";
    stayed = stayed || !has_new;
    changed = changed || has_new;
    if (row.rekey.wanted()) (void)take(bench.rekey());
    bench.expect_done();
    if (report && !report->put_away) break;
  }
  EXPECT_TRUE(stayed);
  EXPECT_TRUE(changed);
}

}  // namespace
}  // namespace tapewarden::engine::test
