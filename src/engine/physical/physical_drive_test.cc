#include "engine/physical/physical_drive.h"

#include <gtest/gtest.h>

#include "engine/physical/break_pauses.h"
#include "engine/physical/physical_test_kit.h"

namespace tapewarden::engine::test {
namespace {

using State = PhysicalDriveStatus::State;

TEST(PhysicalDrive, T9_WhatItIsAndWhatItCan) {
  BackEnd back;
  const auto lto = back.drives[BackEnd::kLtoDrive]->status();
  EXPECT_EQ(lto.state, State::kIdle);
  EXPECT_EQ(lto.facts.product, "VIRTUAL LTO");
  EXPECT_EQ(lto.facts.method, TapeEncryption::kIdentified);
  EXPECT_TRUE(lto.can_encrypt());
  EXPECT_EQ(back.drives[BackEnd::k3592Drive]->status().facts.method, TapeEncryption::kWrapped);
  done(back.drives[BackEnd::kLtoDrive]->require(TapeEncryption::kIdentified));
}

TEST(PhysicalDrive, T9_ADriveWhoseKeysAreNotTheEnginesGoesOffline) {
  struct Case {
    tape::KeyManagement management;
    const char* words;
  };
  for (const auto& tried : {Case{tape::KeyManagement::kApplication, "application-managed"},
                            Case{tape::KeyManagement::kNone, "switched off"},
                            Case{tape::KeyManagement::kLibrary, "library-managed"}}) {
    BackEnd back(tried.management);
    auto& drive = *back.drives[BackEnd::kLtoDrive];
    EXPECT_EQ(drive.status().state, State::kIdle);  // good for pools that do not encrypt
    EXPECT_FALSE(drive.can_encrypt());
    auto trace = back.trace();
    const auto mounted = back.lto().mount_for_write_from_beginning(
        label_of("A00001L9"), policy_of(TapeEncryption::kIdentified), trace);
    ASSERT_FALSE(mounted) << tried.words;
    EXPECT_EQ(fault_of(mounted.error()), MountFault::kConfiguration);
    EXPECT_EQ(mounted.error().field, "encryption method");
    EXPECT_EQ(drive.status().state, State::kOffline);
    EXPECT_NE(drive.status().reason.find(tried.words), std::string::npos) << drive.status().reason;
    EXPECT_TRUE(trace.steps().empty());  // nothing was moved for it
    done(drive.probe());                 // varied online: for clear pools
    EXPECT_EQ(drive.status().state, State::kIdle);
  }
}

// For pools in clear any drive will do; a key that a host left in it does not get onto the cartridge.
TEST(PhysicalDrive, T4_ClearMeansClearWhateverAHostLeftInTheDrive) {
  for (const auto management : {tape::KeyManagement::kApplication, tape::KeyManagement::kNone}) {
    BackEnd back(management);
    if (management == tape::KeyManagement::kApplication) {
      const auto key_material = tape::test::key_bytes(3);
      const auto key = tape::test::encrypting(key_material);
      Bytes list(key.encoded_size());
      key.encode_into(list);
      const auto cdb =
          scsi::SecurityProtocolOut{0x20, 0x0010, static_cast<std::uint32_t>(list.size())}.encode();
      auto& bay = *back.robot->bays()[BackEnd::kLtoDrive];
      const scsi::Command command{.cdb = cdb, .nexus = scsi::NexusId{5}, .data_out = list};
      (void)bay.execute(command);  // power on
      ASSERT_TRUE(bay.execute(command).good());
    }
    auto trace = back.trace();
    auto cartridge = take(back.lto().mount_for_write_from_beginning(
        label_of("A00001L9"), policy_of(TapeEncryption::kClear), trace));
    EXPECT_TRUE(write_volume(*cartridge, volume_content(5000)));
    (void)take(cartridge->demount());
    EXPECT_NE(back.file_of("A00001L9").find("plaintext-of-the-volume"), std::string_view::npos);
    const auto wanted = wanted_of("A00001L9", TapeEncryption::kClear);
    cartridge = take(back.lto().mount_for_append(wanted, 2, trace));
    EXPECT_TRUE(write_volume(*cartridge, volume_content(6000, 2)));
    (void)take(cartridge->demount());
    cartridge = take(back.lto().mount_for_read(wanted, trace));
    EXPECT_EQ(read_volume(*cartridge, 2), volume_content(6000, 2));
    (void)take(cartridge->demount());
    EXPECT_EQ(back.keys.served, 0U);
  }
}

// What a drive would do by itself after a load does not count: the pool's setting does, or the cartridge.
TEST(PhysicalDrive, T4_TheDrivesOwnDefaultDoesNotCount) {
  BackEnd back(tape::KeyManagement::kSystem, 64U << 20, 0, true);
  auto trace = back.trace();
  auto cartridge = take(back.lto().mount_for_write_from_beginning(label_of("A00001L9"),
                                                                  policy_of(TapeEncryption::kClear), trace));
  EXPECT_TRUE(write_volume(*cartridge, volume_content(5000)));
  (void)take(cartridge->demount());
  cartridge = take(back.lto().mount_for_append(wanted_of("A00001L9", TapeEncryption::kClear), 2, trace));
  EXPECT_TRUE(write_volume(*cartridge, volume_content(6000, 2)));
  (void)take(cartridge->demount());
  EXPECT_EQ(back.keys.served, 0U);
}

// The operator changes the drive while the engine runs: asked anew before each encrypted mount.
TEST(PhysicalDrive, T9_TheSettingIsLookedAtBeforeEachMount) {
  BackEnd back;
  auto& drive = *back.drives[BackEnd::kLtoDrive];
  back.to_drives[BackEnd::kLtoDrive]->meet =
      fail_from(scsi::Opcode::kSecurityProtocolIn, 0, codes::kInvalidFieldInCdb);
  auto trace = back.trace();
  const auto mounted =
      back.lto().mount_for_append(wanted_of("A00001L9", TapeEncryption::kIdentified), 1, trace);
  ASSERT_FALSE(mounted);
  EXPECT_EQ(mounted.error().field, "key path");
  EXPECT_EQ(drive.status().state, State::kOffline);
  // As long as it is offline it is not touched.
  back.to_drives[BackEnd::kLtoDrive]->meet = nullptr;
  const auto again = back.lto().mount_for_read(wanted_of("A00001L9", TapeEncryption::kClear), trace);
  EXPECT_EQ(fault_of(again.error()), MountFault::kDrive);
  EXPECT_NE(again.error().message.find("is offline: it does not tell the engine"), std::string::npos);
}

// A pool's method is not the drive's: the pool's setting is wrong, the drive is not.
TEST(PhysicalDrive, T9_AnotherMethodIsRefusedAndTheDriveStays) {
  BackEnd back;
  auto trace = back.trace();
  const auto mounted = back.lto().mount_for_write_from_beginning(label_of("A00001L9"),
                                                                 policy_of(TapeEncryption::kWrapped), trace);
  ASSERT_FALSE(mounted);
  EXPECT_EQ(mounted.error().message,
            "drive 1000000001 encrypts by the method identified key, not wrapped key");
  EXPECT_EQ(back.drives[BackEnd::kLtoDrive]->status().state, State::kIdle);
}

TEST(PhysicalDrive, T9_AnotherDriveAtTheAddressIsNotUsed) {
  BackEnd back;
  PhysicalDrive drive("1000000009", *back.to_drives[BackEnd::kLtoDrive]);
  EXPECT_EQ(drive.status().reason, "it was not asked yet");
  const auto probed = drive.probe();
  EXPECT_EQ(fault_of(probed.error()), MountFault::kConfiguration);
  EXPECT_EQ(drive.status().reason, "another drive answers there: 1000000001");
}

TEST(PhysicalDrive, T9_ADriveThatDoesNotAnswerIsOffline) {
  BackEnd back;
  auto& drive = *back.drives[BackEnd::kLtoDrive];
  back.to_drives[BackEnd::kLtoDrive]->meet = [](ByteView) -> std::optional<Result<tape::TransportAnswer>> {
    return fail(ErrorCode::kTimeout, "no answer");
  };
  EXPECT_EQ(fault_of(drive.probe().error()), MountFault::kDrive);
  EXPECT_EQ(drive.status().state, State::kOffline);
}

bool switched_off_and_offline(const PhysicalDrive& drive) {
  const auto status = drive.status();
  return status.state == State::kOffline && status.switched_off;
}

// It says "not ready" as one without a cartridge does, but waiting for it helps nothing.
TEST(PhysicalDrive, T9_ADriveThatIsSwitchedOffIsOfflineAtOnce) {
  for (const auto encryption : {TapeEncryption::kIdentified, TapeEncryption::kClear}) {
    BackEnd back;
    auto& drive = *back.drives[BackEnd::kLtoDrive];
    auto& bay = *back.robot->bays()[BackEnd::kLtoDrive];
    done(bay.switch_off());
    auto trace = back.trace();
    const auto mounted =
        back.lto().mount_for_write_from_beginning(label_of("A00001L9"), policy_of(encryption), trace);
    ASSERT_FALSE(mounted);
    EXPECT_EQ(fault_of(mounted.error()), MountFault::kDrive);
    EXPECT_TRUE(trace.steps().empty());  // no cartridge was moved for it
    EXPECT_TRUE(switched_off_and_offline(drive)) << drive.status().reason;
    EXPECT_EQ(fault_of(drive.probe().error()), MountFault::kDrive);
    EXPECT_TRUE(switched_off_and_offline(drive)) << drive.status().reason;
    EXPECT_NE(drive.status().reason.find("04/12"), std::string::npos) << drive.status().reason;

    done(bay.switch_on());
    done(drive.probe());
    EXPECT_FALSE(drive.status().switched_off);
    EXPECT_TRUE(
        back.lto().mount_for_write_from_beginning(label_of("A00001L9"), policy_of(encryption), trace));
  }
}

// In the middle of its work: the robot takes the cartridge, and another drive goes on with it.
TEST(PhysicalDrive, T9_TheCartridgeOfADriveThatIsSwitchedOffIsTakenOut) {
  BackEnd back;
  auto& drive = *back.drives[BackEnd::kLtoDrive];
  auto trace = back.trace();
  auto cartridge = take(back.lto().mount_for_write_from_beginning(
      label_of("A00001L9"), policy_of(TapeEncryption::kIdentified), trace));
  EXPECT_TRUE(write_volume(*cartridge, volume_content(5000)));
  done(back.robot->bays()[BackEnd::kLtoDrive]->switch_off());
  EXPECT_FALSE(cartridge->begin_image(sample_header(10)));
  EXPECT_TRUE(switched_off_and_offline(drive)) << drive.status().reason;
  EXPECT_EQ(fault_of(cartridge->demount().error()), MountFault::kDrive);
  EXPECT_TRUE(switched_off_and_offline(drive)) << drive.status().reason;
  EXPECT_FALSE(back.library->in_drive("1000000001"));
  const auto elsewhere = take(back.stations[BackEnd::kOtherLtoDrive]->mount_for_read(
      wanted_of("A00001L9", TapeEncryption::kIdentified), trace));
  EXPECT_EQ(read_volume(*elsewhere, 1), volume_content(5000));
}

bool waits_for_an_operator(const PhysicalDrive& drive) {
  const auto status = drive.status();
  return status.state == State::kOffline && !status.asked_again && !status.refused;
}

// What a connection that broke says, whatever is asked.
void break_connection(FaultyTransport& transport) {
  transport.meet = [](ByteView) -> std::optional<Result<tape::TransportAnswer>> {
    return fail(ErrorCode::kIo, "the connection to the drive was lost");
  };
}

TEST(PhysicalDrive, T9_ADriveWhoseConnectionBrokeIsAskedAgainUntilItAnswers) {
  BackEnd back;
  auto& drive = *back.drives[BackEnd::kLtoDrive];
  auto trace = back.trace();
  auto cartridge = take(back.lto().mount_for_write_from_beginning(
      label_of("A00001L9"), policy_of(TapeEncryption::kIdentified), trace));
  break_connection(*back.to_drives[BackEnd::kLtoDrive]);
  EXPECT_FALSE(cartridge->begin_image(sample_header(10)));
  EXPECT_EQ(fault_of(cartridge->demount().error()), MountFault::kDrive);
  EXPECT_TRUE(drive.status().asked_again) << drive.status().reason;
  EXPECT_FALSE(drive.probe());
  EXPECT_TRUE(drive.status().asked_again) << drive.status().reason;
  EXPECT_EQ(drive.status().state, State::kOffline);

  back.to_drives[BackEnd::kLtoDrive]->meet = nullptr;
  done(drive.probe());
  EXPECT_FALSE(drive.status().asked_again);
  EXPECT_EQ(drive.status().state, State::kMounted);
  (void)take(back.lto().demount(trace));
  back.expect_put_away(BackEnd::kLtoDrive);
}

// It answers when it is asked, and breaks as soon as it has a cartridge.
TEST(PhysicalDrive, T9_ADriveThatBreaksAtEveryMountIsLeftAloneForLongerAndLonger) {
  BackEnd back;
  auto& drive = *back.drives[BackEnd::kLtoDrive];
  auto& wire = *back.to_drives[BackEnd::kLtoDrive];
  auto trace = back.trace();
  const auto mount = [&] {
    return back.lto().mount_for_write_from_beginning(label_of("A00001L9"),
                                                     policy_of(TapeEncryption::kIdentified), trace);
  };
  BreakPauses pauses;
  const auto rounds_until_asked = [&] {
    unsigned rounds = 1;
    for (; !pauses.its_turn(drive.status().breaks) && rounds < 1000; ++rounds) {
    }
    return rounds;
  };
  const auto come_back = [&] {
    wire.meet = nullptr;
    done(drive.probe());
    (void)take(back.lto().demount(trace));
  };
  std::vector<unsigned> waited;
  for (int time = 0; time < 8; ++time) {
    break_connection(wire);
    EXPECT_FALSE(mount());
    EXPECT_FALSE(drive.probe());  // its own tries are no breaks
    waited.push_back(rounds_until_asked());
    EXPECT_EQ(rounds_until_asked(), 1U) << "from then on as before, until it answers";
    come_back();  // the cartridge is put away: no work went well with it
  }
  EXPECT_EQ(waited, (std::vector<unsigned>{1, 2, 4, 8, 16, 32, 32, 32}));
  {
    const auto mounted = take(mount());
    (void)take(mounted->demount());
  }
  EXPECT_EQ(drive.status().breaks, 0U) << "a mount went well";
  break_connection(wire);
  EXPECT_FALSE(mount());
  EXPECT_EQ(rounds_until_asked(), 1U);
  drive.forget_breaks();
  EXPECT_EQ(drive.status().breaks, 0U);
}

// What an operator said stays, and what a drive says of itself that he has to mend.
TEST(PhysicalDrive, T9_AHardwareErrorAndAnOperatorsWordWaitForAnOperator) {
  BackEnd back;
  auto& drive = *back.drives[BackEnd::kLtoDrive];
  auto& wire = *back.to_drives[BackEnd::kLtoDrive];
  wire.meet = fail_from(scsi::Opcode::kRewind, 0, {scsi::SenseKey::kHardwareError, 0x44, 0});
  auto trace = back.trace();
  const auto mounted = back.lto().mount_for_write_from_beginning(
      label_of("A00001L9"), policy_of(TapeEncryption::kIdentified), trace);
  EXPECT_EQ(fault_of(mounted.error()), MountFault::kDrive);
  EXPECT_TRUE(waits_for_an_operator(drive)) << drive.status().reason;
  wire.meet = fail_from(scsi::Opcode::kInquiry, 0, {scsi::SenseKey::kHardwareError, 0x44, 0});
  EXPECT_FALSE(drive.probe());
  EXPECT_TRUE(waits_for_an_operator(drive)) << drive.status().reason;

  break_connection(wire);
  EXPECT_FALSE(drive.probe());
  EXPECT_TRUE(drive.status().asked_again);
  drive.take_offline("taken offline by an operator");
  EXPECT_TRUE(waits_for_an_operator(drive));
}

// While it starts it cannot say how it is set up.
TEST(PhysicalDrive, T9_ADriveThatIsBusyWhenItIsAskedIsAskedAgain) {
  BackEnd back;
  PhysicalDrive drive("1000000001", *back.to_drives[BackEnd::kLtoDrive]);
  EXPECT_TRUE(drive.status().asked_again);
  drive.take_offline("taken offline by an operator");
  back.to_drives[BackEnd::kLtoDrive]->meet = [](ByteView) -> std::optional<Result<tape::TransportAnswer>> {
    return tape::TransportAnswer{scsi::ScsiStatus::kBusy, {}, {}};
  };
  EXPECT_FALSE(drive.probe());  // an operator wants it back
  EXPECT_TRUE(drive.status().asked_again);
  back.to_drives[BackEnd::kLtoDrive]->meet = nullptr;
  done(drive.probe());
}

TEST(PhysicalDrive, T9_ADriveWhoseLibraryDidNotAnswerIsAskedAgain) {
  for (const bool answers : {false, true}) {
    BackEnd back;
    auto& drive = *back.drives[BackEnd::kLtoDrive];
    back.to_drives[BackEnd::kLtoDrive]->meet =
        fail_from(scsi::Opcode::kRewind, 0, codes::kIncompatibleMedium);
    back.to_changer->meet =
        [answers, moves = 0](ByteView cdb) mutable -> std::optional<Result<tape::TransportAnswer>> {
      if (scsi::MoveMedium::decode(cdb)) ++moves;
      if (moves < 2) return std::nullopt;
      if (answers) return sense_answer(codes::kRemovalPreventedByDrive);
      return fail(ErrorCode::kIo, "the connection was lost");
    };
    auto trace = back.trace();
    const auto mounted = back.lto().mount_for_write_from_beginning(
        label_of("A00001L9"), policy_of(TapeEncryption::kIdentified), trace);
    EXPECT_FALSE(mounted);
    EXPECT_EQ(drive.status().state, State::kOffline);
    EXPECT_EQ(drive.status().asked_again, !answers) << drive.status().reason;
  }
}

// What is told of it last does not hide that it comes back by itself; what an operator says does.
TEST(PhysicalDrive, T9_AStuckCartridgeDoesNotHideThatTheDriveIsSwitchedOff) {
  BackEnd back;
  auto& drive = *back.drives[BackEnd::kLtoDrive];
  auto& wire = back.to_drives[BackEnd::kLtoDrive]->meet;
  wire = [loaded = false](ByteView cdb) mutable -> std::optional<Result<tape::TransportAnswer>> {
    loaded = loaded || is_command(cdb, scsi::Opcode::kTestUnitReady);
    if (!loaded) return std::nullopt;
    return sense_answer(codes::kUnitOffline);
  };
  back.to_changer->meet = [moves = 0](ByteView cdb) mutable -> std::optional<Result<tape::TransportAnswer>> {
    if (!scsi::MoveMedium::decode(cdb) || moves++ == 0) return std::nullopt;
    return sense_answer(codes::kRemovalPreventedByDrive);
  };
  auto trace = back.trace();
  const auto mounted = back.lto().mount_for_write_from_beginning(
      label_of("A00001L9"), policy_of(TapeEncryption::kIdentified), trace);
  EXPECT_EQ(fault_of(mounted.error()), MountFault::kDrive);
  EXPECT_TRUE(switched_off_and_offline(drive)) << drive.status().reason;
  EXPECT_EQ(back.library->in_drive("1000000001"), "A00001L9");

  drive.take_offline("taken offline by an operator");
  EXPECT_FALSE(drive.status().switched_off);
}

}  // namespace
}  // namespace tapewarden::engine::test
