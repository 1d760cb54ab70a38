// New EEDKs on mounted cartridges (row K9): step by step, and with a fault at each step the cartridge is
// read by its old labels or by the new ones.
#include <gtest/gtest.h>

#include "engine/physical/physical_test_kit.h"

namespace tapewarden::engine::test {
namespace {

using scsi::LabelModeCode;
using scsi::Opcode;

const std::string kBarcode = "J00001";
const std::vector<scsi::KeyLabel> kOld{{"OLD", LabelModeCode::kClear}};
const std::vector<scsi::KeyLabel> kNew{{"NEW", LabelModeCode::kClear}, {"DR", LabelModeCode::kHash}};

struct WrittenUnderOld {
  WrittenUnderOld() {
    const auto cartridge = take(back.enterprise().mount_for_write_from_beginning(
        label_of(kBarcode), {.encryption = TapeEncryption::kWrapped, .labels = kOld, .alias_or_group = {}},
        trace));
    EXPECT_TRUE(write_volume(*cartridge, volume_content(300'000)));
    (void)take(cartridge->demount());
  }
  auto mount() {
    return take(back.enterprise().mount_for_read(wanted_of(kBarcode, TapeEncryption::kWrapped), trace));
  }
  auto& wire() { return back.to_drives[BackEnd::k3592Drive]->meet; }
  auto& lost() { return back.keys.server.lost_labels; }
  std::string drive() const { return back.drives[BackEnd::k3592Drive]->name(); }
  // Put away whatever came before; by which labels it can be read now.
  bool reads_without(const std::string& label) {
    wire() = {};
    back.keys.away = false;
    lost() = {label};
    MountTrace other(back.sim.clock);
    (void)back.enterprise().demount(other).has_value();  // a drive that lost power does not write its rest
    if (back.drives[BackEnd::k3592Drive]->status().state == PhysicalDriveStatus::State::kOffline)
      done(back.drives[BackEnd::k3592Drive]->probe());
    auto cartridge = back.enterprise().mount_for_read(wanted_of(kBarcode, TapeEncryption::kWrapped), other);
    lost().clear();
    if (!cartridge) return false;
    const bool same = read_volume(**cartridge, 1) == volume_content(300'000);
    EXPECT_TRUE(same);
    (void)take((*cartridge)->demount());
    return same;
  }
  BackEnd back;
  MountTrace trace{back.sim.clock};
};

struct Rekey : WrittenUnderOld, ::testing::Test {};

TEST_F(Rekey, K9_StepByStep) {
  const auto cartridge = mount();
  EXPECT_EQ(take(cartridge->held_labels()).labels, (std::vector<HeldLabel>{{LabelModeCode::kClear, "OLD"}}));
  const auto before = trace.steps().size();
  EXPECT_FALSE(take(cartridge->rekey(kNew)).unproven);
  auto steps = steps_of(trace);
  steps.erase(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(before));
  EXPECT_EQ(steps, (std::vector<std::string>{"R1 engine>" + drive(), "R2 engine>key server",
                                             "R3 key server primary>" + drive(), "R4 " + drive() + ">engine",
                                             "R5 " + drive() + ">engine", "R6 engine>key server",
                                             "R7 key server primary>" + drive(), "R8 engine>" + drive()}));
  const auto held = take(cartridge->held_labels());
  EXPECT_TRUE(held.may_be(kNew));
  EXPECT_FALSE(held.named()) << "one is a hash";
  EXPECT_EQ(held.labels.at(0).text, "NEW");
  EXPECT_EQ(read_volume(*cartridge, 1), volume_content(300'000)) << "the same mount goes on";
  EXPECT_FALSE(take(cartridge->demount()).unconfirmed);
  EXPECT_EQ(back.keys.server.confirmed, 2U) << "the write, and the new EEDKs";
  back.expect_put_away(BackEnd::k3592Drive);
  EXPECT_EQ(back.keys.server.keys.size(), 1U) << "the data key stays";
  EXPECT_TRUE(reads_without("OLD"));
  EXPECT_TRUE(reads_without("DR")) << "the other label opens it alone";
  EXPECT_TRUE(reads_without("NEW"));
}

TEST_F(Rekey, K9_AppendingGoesOnWithTheNewLabels) {
  (void)take(mount()->rekey(kNew));
  lost() = {"OLD"};
  const auto cartridge =
      take(back.enterprise().mount_for_append(wanted_of(kBarcode, TapeEncryption::kWrapped), 2, trace));
  EXPECT_TRUE(write_volume(*cartridge, volume_content(5000, 3)));
  EXPECT_EQ(read_volume(*cartridge, 1), volume_content(300'000));
  EXPECT_EQ(read_volume(*cartridge, 2), volume_content(5000, 3));
  EXPECT_TRUE(take(cartridge->held_labels()).may_be(kNew));
}

TEST_F(Rekey, K9_KeyServersThatAreAwayChangeNothing) {
  const auto cartridge = mount();
  back.keys.away = true;
  const auto refused = cartridge->rekey(kNew);
  ASSERT_FALSE(refused);
  EXPECT_EQ(fault_of(refused.error()), MountFault::kKeys);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(take(cartridge->held_labels()).may_be(kOld));
  back.keys.away = false;
  EXPECT_EQ(read_volume(*cartridge, 1), volume_content(300'000)) << "the mount goes on";
  EXPECT_FALSE(take(cartridge->rekey(kNew)).unproven);
}

TEST_F(Rekey, K9_ARefusalOfTheKeyServerIsNoReasonToWait) {
  const auto cartridge = mount();
  back.keys.server.refuse = true;
  const auto refused = cartridge->rekey(kNew);
  ASSERT_FALSE(refused);
  EXPECT_EQ(fault_of(refused.error()), MountFault::kKeys);
  EXPECT_TRUE(take(cartridge->held_labels()).may_be(kOld));
  back.keys.server.refuse = false;
  EXPECT_TRUE(reads_without("NEW"));
}

// The key servers made EEDKs for KEKs of which they have no private half: said, and not undone.
TEST_F(Rekey, K9_NewLabelsThatOpenNothingHereAreTold) {
  const auto cartridge = mount();
  lost() = {"NEW"};
  const auto outcome = take(cartridge->rekey({{"NEW", LabelModeCode::kClear}}));
  ASSERT_TRUE(outcome.unproven);
  EXPECT_EQ(fault_of(*outcome.unproven), MountFault::kKeys);
  EXPECT_TRUE(take(cartridge->held_labels()).may_be({{"new", LabelModeCode::kClear}}));
  EXPECT_TRUE(reads_without("OLD"));
}

TEST_F(Rekey, K9_ADriveThatCannotIsNoFaultOfTheCartridge) {
  const auto cartridge = mount();
  wire() = fail_from(Opcode::kSecurityProtocolOut, 0, codes::kInvalidFieldInCdb);
  const auto refused = cartridge->rekey(kNew);
  ASSERT_FALSE(refused);
  EXPECT_EQ(fault_of(refused.error()), MountFault::kConfiguration);
  EXPECT_EQ(back.drives[BackEnd::k3592Drive]->status().state, PhysicalDriveStatus::State::kMounted);
  EXPECT_TRUE(reads_without("NEW"));
}

// Every command of the rekeying fails once, before it reaches the drive or after the drive has done it.
TEST_F(Rekey, K9_AFaultAtEachStepLeavesTheOldOrTheNewLabels) {
  bool stayed = false;
  bool changed = false;
  for (unsigned number = 0; number < 40; ++number) {
    SCOPED_TRACE(number);
    WrittenUnderOld other;
    const auto cartridge = other.mount();
    unsigned seen = 0;
    bool met = false;
    other.wire() = [&](ByteView) -> std::optional<Result<tape::TransportAnswer>> {
      if (seen++ != number) return std::nullopt;
      met = true;
      return sense_answer(codes::kInternalTargetFailure);
    };
    const auto outcome = cartridge->rekey(kNew);
    const bool without_old = other.reads_without("OLD");
    const bool without_new = other.reads_without("NEW");
    EXPECT_TRUE(without_old || without_new);
    if (!met) {
      EXPECT_TRUE(outcome && !outcome->unproven && without_old);
      break;
    }
    stayed = stayed || !without_old;
    changed = changed || without_old;
  }
  EXPECT_TRUE(stayed);
  EXPECT_TRUE(changed);
}

TEST_F(Rekey, K9_PowerLostInBetweenLeavesTheOldOrTheNewLabels) {
  bool stayed = false;
  bool changed = false;
  for (std::uint64_t writes = 0; writes < 40; ++writes) {
    SCOPED_TRACE(writes);
    WrittenUnderOld other;
    const auto cartridge = other.mount();
    other.back.sim.disk.fail_after(writes);
    const auto outcome = cartridge->rekey(kNew);
    testing::SimRandom tearing(writes);
    other.back.sim.disk.power_loss(&tearing);
    other.back.sim.disk.clear_faults();
    const bool without_old = other.reads_without("OLD");
    EXPECT_TRUE(without_old || other.reads_without("NEW"));
    stayed = stayed || !without_old;
    changed = changed || without_old;
    if (outcome && !outcome->unproven) {
      EXPECT_TRUE(without_old);
      break;
    }
  }
  EXPECT_TRUE(stayed);
  EXPECT_TRUE(changed);
}

TEST(HeldLabels, K9_WhatEedksSayOfThemselves) {
  const auto eedks = tape::test::fake_eedks(uuid_of(3), kNew);
  const auto held = labels_of(eedks);
  ASSERT_EQ(held.labels.size(), 2U);
  EXPECT_EQ(held.labels[1].text.substr(0, 7), "sha256:");
  EXPECT_TRUE(held.may_be({{"dr 2", LabelModeCode::kHash}, {"new", LabelModeCode::kClear}}));
  EXPECT_FALSE(held.may_be({{"NEW", LabelModeCode::kClear}}));
  EXPECT_FALSE(held.may_be({{"NEW", LabelModeCode::kClear}, {"DR", LabelModeCode::kClear}}));
  const auto junk = labels_of({to_bytes("junk")});
  EXPECT_FALSE(junk.named());
  EXPECT_FALSE(junk.may_be({{"NEW", LabelModeCode::kHash}}));
  EXPECT_EQ(junk.text(), "unknown");
  EXPECT_FALSE(labels_of({}).named());
}

}  // namespace
}  // namespace tapewarden::engine::test
