// New EEDKs for the data key that a cartridge has: asked of the drive, which asks the key server.
#include "tape/device/fake_key_server.h"
#include "tape/medium/cartridge.h"

namespace tapewarden::tape::test {
namespace {

using scsi::KeyIntent;
using scsi::KeyPathState;

const std::vector<scsi::KeyLabel> kOld{{"OLD", scsi::LabelModeCode::kClear}};
const std::vector<scsi::KeyLabel> kNew{{"NEW", scsi::LabelModeCode::kClear},
                                       {"DR", scsi::LabelModeCode::kHash}};

// Four blocks under OLD, the cartridge loaded anew and at its beginning.
struct Rekey : ::testing::Test {
  Rekey() { fill(bench); }
  static void fill(ManagedBench& bench) {
    EXPECT_TRUE(bench.policy(true, kOld).good());
    EXPECT_FALSE(bench.write(block(0)).good());
    EXPECT_TRUE(bench.carry().good());
    for (std::uint32_t i = 0; i < 4; ++i) EXPECT_TRUE(bench.write(block(i)).good());
    EXPECT_TRUE(bench.filemarks().good());
    confirm(bench);
    remount(bench);
  }
  static void remount(ManagedBench& bench) {
    EXPECT_TRUE(bench.unload().good());
    EXPECT_TRUE(bench.load().good());
    bench.settle(kHost);
  }
  static void confirm(ManagedBench& bench) {
    const auto due = bench.status();
    EXPECT_TRUE(due.confirm_due);
    EXPECT_TRUE(bench.challenge(bench.server.challenge(due.confirm_request, true)).good());
    const auto message = bench.signed_request();
    EXPECT_TRUE(bench.answer({due.confirm_request, bench.server.confirmation(message.message)}).good());
  }
  scsi::Response ask(const std::vector<scsi::KeyLabel>& labels = kNew) {
    return bench.spout(0xf0, scsi::key_path::kRekey, scsi::RekeyPage{labels}.encode());
  }
  const KeyInfo& held() { return bench.drive->cartridge()->key_info().info; }
  void expect_readable() {
    const auto first = bench.read(1000, false);
    if (!first.good()) {
      EXPECT_SENSE(first, codes::kKeyTranslationNeeded);
      EXPECT_GOOD(bench.carry());
      EXPECT_EQ(bench.read().data_in, block(0));
    }
    for (std::uint32_t i = 1; i < 4; ++i) EXPECT_EQ(bench.read().data_in, block(i));
  }
  ManagedBench bench;
};

TEST_F(Rekey, K9_TheDriveAsksForNewEedksAndPutsThemOnTheCartridge) {
  const auto old = held();
  EXPECT_GOOD(ask());
  EXPECT_EQ(bench.status().state, KeyPathState::kRequested);
  const auto asked = bench.request();
  EXPECT_EQ(asked.intent, KeyIntent::kRekey);
  EXPECT_EQ(asked.policy.labels, kNew);
  EXPECT_EQ(asked.eedks, old.eedks);
  EXPECT_EQ(held(), old);
  EXPECT_GOOD(bench.carry());
  EXPECT_EQ(held().eedks, fake_eedks(asked.volume, kNew));
  EXPECT_EQ(held().check_value, old.check_value);
  for (const auto& copy : bench.drive->cartridge()->key_info().copies) EXPECT_TRUE(copy.good());
  EXPECT_EQ(bench.status().state, KeyPathState::kIdle);

  bench.server.lost_labels = {"OLD"};
  expect_readable();
  EXPECT_GOOD(bench.end_of_data());
  EXPECT_SENSE(bench.write(block(4)), codes::kKeyTranslationNeeded);
  EXPECT_GOOD(bench.carry());
  EXPECT_GOOD(bench.write(block(4)));
  EXPECT_EQ(held().eedks, fake_eedks(asked.volume, kNew));
}

TEST_F(Rekey, K9_TheServerIsToldThatTheCartridgeHasThem) {
  EXPECT_FALSE(bench.status().confirm_due);
  EXPECT_GOOD(ask());
  const auto request = bench.request().request;
  EXPECT_FALSE(bench.status().confirm_due);
  EXPECT_GOOD(bench.carry());
  ASSERT_TRUE(bench.status().confirm_due);
  EXPECT_EQ(bench.status().confirm_request, request);
  EXPECT_GOOD(bench.unload());
  confirm(bench);
  EXPECT_FALSE(bench.status().confirm_due);
}

TEST_F(Rekey, K9_AKeyThatTheDriveHadIsDropped) {
  expect_readable();
  EXPECT_GOOD(bench.rewind());
  EXPECT_GOOD(ask());
  EXPECT_EQ(bench.read().data_in, block(0));  // until the new ones have come
  EXPECT_GOOD(bench.carry());
  EXPECT_GOOD(bench.rewind());
  EXPECT_SENSE(bench.read(), codes::kKeyTranslationNeeded);
}

TEST_F(Rekey, K9_ItIsTakenOnlyWhereThereIsSomethingToRekey) {
  EXPECT_SENSE(bench.spout(0xf0, scsi::key_path::kRekey, scsi::RekeyPage{}.encode()),
               codes::kInvalidFieldInParameters);
  auto truncated = scsi::RekeyPage{kNew}.encode();
  truncated.pop_back();
  EXPECT_SENSE(bench.spout(0xf0, scsi::key_path::kRekey, truncated), codes::kParameterListLengthError);
  expect_readable();
  EXPECT_SENSE(ask(), codes::kCommandSequenceError);
  EXPECT_GOOD(bench.unload());
  EXPECT_SENSE(ask(), codes::kMediumNotPresent);
  EXPECT_EQ(bench.request().intent, KeyIntent::kNone);
  ManagedBench clear(MediumKind::k3592, KeyManagement::kSystem, false);
  EXPECT_GOOD(clear.write(block(0)));
  EXPECT_GOOD(clear.rewind());
  EXPECT_SENSE(clear.spout(0xf0, scsi::key_path::kRekey, scsi::RekeyPage{kNew}.encode()),
               codes::kCommandSequenceError);
  ManagedBench identified(MediumKind::kLto);
  EXPECT_FALSE(identified.write(block(0)).good());
  EXPECT_GOOD(identified.carry());
  EXPECT_GOOD(identified.write(block(0)));
  EXPECT_GOOD(identified.rewind());
  EXPECT_SENSE(identified.spout(0xf0, scsi::key_path::kRekey, scsi::RekeyPage{kNew}.encode()),
               codes::kCommandSequenceError);
}

TEST_F(Rekey, K9_AWriteProtectedCartridgeIsRefusedBeforeAnybodyIsAsked) {
  EXPECT_TRUE(bench.drive->eject());
  EXPECT_TRUE(bench.drive->insert(std::string(kTapePath), true));
  bench.settle(kHost);
  EXPECT_SENSE(ask(), codes::kWriteProtected);
  EXPECT_EQ(bench.request().intent, KeyIntent::kNone);
}

TEST_F(Rekey, K9_AnswersForAnotherKeyAreRefusedAndTheOldEedksStay) {
  const auto old = held();
  EXPECT_GOOD(ask());
  bench.server.other_key = true;
  EXPECT_SENSE(bench.carry(), codes::kKeyAnswerIncorrect);
  EXPECT_EQ(held(), old);
  EXPECT_FALSE(bench.status().confirm_due);
  bench.server.other_key = false;
  EXPECT_GOOD(bench.carry());  // the request stood open
  EXPECT_NE(held(), old);
}

TEST_F(Rekey, K9_ARefusalIsToldToNoHostsCommand) {
  const auto old = held();
  EXPECT_GOOD(ask());
  bench.server.refuse = true;
  EXPECT_GOOD(bench.carry());
  EXPECT_EQ(bench.status().state, KeyPathState::kIdle);
  EXPECT_EQ(bench.status().ekm_code, 0xEE32U);
  EXPECT_EQ(held(), old);
  bench.server.refuse = false;
  expect_readable();
}

TEST_F(Rekey, K9_ItEndsWithTheMount) {
  const auto old = held();
  EXPECT_GOOD(ask());
  remount(bench);
  EXPECT_EQ(bench.status().state, KeyPathState::kIdle);
  EXPECT_EQ(bench.request().intent, KeyIntent::kNone);
  EXPECT_EQ(held(), old);
}

// The cartridge as of each moment of the writing: by the old labels or the new ones, never by neither.
TEST_F(Rekey, K9_APowerLossLeavesTheOldOrTheNewOnes) {
  unsigned stayed = 0;
  unsigned changed = 0;
  for (std::uint64_t point = 0; point < 40; ++point) {
    SCOPED_TRACE(point);
    ManagedBench other;
    fill(other);
    const auto before = other.drive->cartridge()->key_info().info;
    EXPECT_GOOD(other.spout(0xf0, scsi::key_path::kRekey, scsi::RekeyPage{kNew}.encode()));
    other.sim.disk.fail_after(point / 2);
    const bool whole = other.carry().good();
    testing::SimRandom tearing(point);
    other.sim.disk.power_loss(point % 2 == 0 ? nullptr : &tearing);
    other.sim.disk.clear_faults();
    ASSERT_TRUE(other.drive->power_cycle());
    other.settle(kHost);
    const auto& info = other.drive->cartridge()->key_info().info;
    const bool is_old = info == before;
    EXPECT_TRUE(is_old || info.eedks == fake_eedks(other.request().volume, kNew));
    EXPECT_FALSE(whole && is_old);
    other.server.lost_labels = {is_old ? "NEW" : "OLD"};
    EXPECT_SENSE(other.read(), codes::kKeyTranslationNeeded);
    EXPECT_GOOD(other.carry());
    EXPECT_EQ(other.read().data_in, block(0));
    ++(is_old ? stayed : changed);
    if (whole) break;
  }
  EXPECT_GT(stayed, 0U);
  EXPECT_GT(changed, 0U);
}

}  // namespace
}  // namespace tapewarden::tape::test
