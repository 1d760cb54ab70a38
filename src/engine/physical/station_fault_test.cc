// Mounts that come to nothing: the error says why, the drive is clean, and the next try works.
#include <gtest/gtest.h>

#include "engine/physical/physical_test_kit.h"

namespace tapewarden::engine::test {
namespace {

using State = PhysicalDriveStatus::State;
using scsi::Opcode;

struct Fault : ::testing::Test {
  BackEnd back;
  MountTrace trace{back.sim.clock};

  TapeStation& station() { return back.lto(); }
  auto& wire() { return back.to_drives[BackEnd::kLtoDrive]->meet; }
  State state() const { return back.drives[BackEnd::kLtoDrive]->status().state; }
  Result<std::unique_ptr<MountedCartridge>> begin(TapeEncryption encryption = TapeEncryption::kIdentified,
                                                  const std::string& barcode = "A00001L9") {
    return station().mount_for_write_from_beginning(label_of(barcode), policy_of(encryption), trace);
  }
  auto append(TapeEncryption encryption = TapeEncryption::kIdentified, std::uint64_t medium = 1) {
    return station().mount_for_append(wanted_of("A00001L9", encryption, medium), 2, trace);
  }
  auto read(TapeEncryption encryption = TapeEncryption::kIdentified, std::uint64_t medium = 1) {
    return station().mount_for_read(wanted_of("A00001L9", encryption, medium), trace);
  }
  void filled(TapeEncryption encryption = TapeEncryption::kIdentified) {
    const auto cartridge = take(begin(encryption));
    ASSERT_TRUE(write_volume(*cartridge, volume_content(700'000)));
    (void)take(cartridge->demount());
  }
  void expect_clean() {
    back.expect_put_away(BackEnd::kLtoDrive);
    EXPECT_EQ(state(), State::kIdle);
  }
};

TEST_F(Fault, T8_KeyServersAwayWhenACartridgeIsBegun) {
  back.keys.away = true;
  const auto mounted = begin();
  ASSERT_FALSE(mounted);
  EXPECT_EQ(fault_of(mounted.error()), MountFault::kKeys);
  EXPECT_EQ(mounted.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(mounted.error().message,
            "drive 1000000001 got no key for cartridge A00001L9: no key server answers");
  EXPECT_EQ(mounted.error().remedy, "start one");
  expect_clean();
  back.keys.away = false;
  const auto cartridge = take(begin());
  EXPECT_TRUE(write_volume(*cartridge, volume_content(5000)));
  EXPECT_FALSE(take(cartridge->demount()).unconfirmed);
  expect_clean();
}

TEST_F(Fault, T8_KeyServersAwayWhenACartridgeIsReadOrAppendedTo) {
  filled();
  back.keys.away = true;
  EXPECT_EQ(fault_of(read().error()), MountFault::kKeys);
  expect_clean();
  EXPECT_EQ(fault_of(append().error()), MountFault::kKeys);
  expect_clean();
  back.keys.away = false;
  const auto cartridge = take(read());
  EXPECT_EQ(read_volume(*cartridge, 1), volume_content(700'000));
}

// The mount has its key for reading, and the servers go away before the one for writing is asked for.
TEST_F(Fault, T8_KeyServersGoAwayInMidMount) {
  filled();
  auto cartridge = take(append());
  back.keys.away = true;
  const auto refused = cartridge->begin_image(sample_header(10));
  ASSERT_FALSE(refused);
  EXPECT_EQ(fault_of(refused.error()), MountFault::kKeys);
  cartridge->abandon_image();
  // The same mount goes on when they are back: the refusal that the drive still has to tell is passed over.
  back.keys.away = false;
  EXPECT_TRUE(write_volume(*cartridge, volume_content(5000, 3)));
  EXPECT_EQ(read_volume(*cartridge, 2), volume_content(5000, 3));
  (void)take(cartridge->demount());
  expect_clean();
}

TEST_F(Fault, T8_ARefusedKeyIsNoAbsentServer) {
  filled();
  back.keys.server.refuse = true;
  const auto mounted = read();
  ASSERT_FALSE(mounted);
  EXPECT_EQ(fault_of(mounted.error()), MountFault::kKeys);
  EXPECT_EQ(mounted.error().code, ErrorCode::kNotFound);
  expect_clean();
}

TEST_F(Fault, T8_AKeyThatOnlyReadsDoesNotAppend) {
  filled();
  back.keys.server.may_append = false;
  const auto cartridge = take(append());
  const auto served = back.keys.served;
  EXPECT_EQ(fault_of(cartridge->begin_image(sample_header(10)).error()), MountFault::kKeys);
  EXPECT_EQ(back.keys.served, served + 1);  // asked for once, not for ever
  (void)take(cartridge->demount());
  expect_clean();
}

TEST_F(Fault, K12_WhatIsNotConfirmedIsConfirmedAfterTheNextMount) {
  auto cartridge = take(begin());
  back.keys.away = true;
  EXPECT_TRUE(write_volume(*cartridge, volume_content(5000)));
  const auto outcome = take(cartridge->demount());
  ASSERT_TRUE(outcome.unconfirmed);
  expect_clean();
  back.keys.away = false;
  cartridge = take(begin(TapeEncryption::kClear, "A00002L9"));
  EXPECT_FALSE(take(cartridge->demount()).unconfirmed);
  EXPECT_EQ(back.keys.server.confirmed, 1U);
}

TEST_F(Fault, T4_AnotherBeginningOfTheCartridgeIsRefusedByName) {
  filled();
  const auto mounted = append(TapeEncryption::kIdentified, 2);
  ASSERT_FALSE(mounted);
  EXPECT_EQ(fault_of(mounted.error()), MountFault::kIdentity);
  EXPECT_EQ(mounted.error().message,
            "cartridge A00001L9: its label is of another beginning: A00001L9, medium generation 1, where "
            "A00001L9, medium generation 2 is looked for");
  expect_clean();
  EXPECT_EQ(fault_of(read(TapeEncryption::kIdentified, 2).error()), MountFault::kIdentity);
  auto other_engine = wanted_of("A00001L9", TapeEncryption::kIdentified);
  other_engine.engine = uuid_of(8);
  EXPECT_EQ(fault_of(station().mount_for_read(other_engine, trace).error()), MountFault::kIdentity);
  EXPECT_TRUE(read());  // nothing was changed
}

TEST_F(Fault, T4_AnotherCartridgesLabelIsRefusedByName) {
  filled(TapeEncryption::kClear);
  // Somebody put the content of another cartridge on this one.
  const auto foreign = label_of("A00002L9");
  tape::TapeDrive raw(*back.to_drives[BackEnd::kLtoDrive]);
  (void)take(back.library->mount("A00001L9", "1000000001"));
  ASSERT_TRUE(raw.drain_attentions());
  ASSERT_TRUE(raw.write_block(foreign.encode()));
  ASSERT_TRUE(raw.write_filemarks(1));
  (void)take(station().demount(trace));
  const auto read_again = read(TapeEncryption::kClear);
  ASSERT_FALSE(read_again);
  EXPECT_EQ(fault_of(read_again.error()), MountFault::kIdentity);
  EXPECT_NE(read_again.error().message.find("another cartridge's: A00002L9"), std::string::npos);
  EXPECT_EQ(fault_of(station().mount_to_examine("A00001L9", trace).error()), MountFault::kIdentity);
  expect_clean();
}

TEST_F(Fault, T4_ACartridgeWithoutALabelIsRefused) {
  const auto blank = append(TapeEncryption::kClear);
  EXPECT_EQ(fault_of(blank.error()), MountFault::kIdentity);
  EXPECT_NE(blank.error().message.find("it is blank"), std::string::npos) << blank.error().message;
  expect_clean();
}

// What the library calls by one barcode, the cartridge's own memory calls otherwise.
TEST_F(Fault, T4_AnotherVolserInTheDriveIsRefusedBeforeAnythingIsWritten) {
  back.to_changer->meet = [&](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
    const auto status = scsi::ReadElementStatus::decode(cdb);
    if (!status) return std::nullopt;
    auto data = scsi::ElementStatusData::decode(
                    back.changer->execute({.cdb = cdb, .nexus = scsi::NexusId{70}}).data_in)
                    .value();
    for (auto& page : data.pages)
      for (auto& element : page.descriptors)
        if (element.volume_tag == "A00001L9") element.volume_tag = "B00001L9";
    return tape::TransportAnswer{scsi::ScsiStatus::kGood, {}, data.encode()};
  };
  done(back.library->refresh());
  const auto mounted = begin(TapeEncryption::kIdentified, "B00001L9");
  ASSERT_FALSE(mounted);
  EXPECT_EQ(mounted.error().message,
            "drive 1000000001 holds cartridge A00001L9, where the library says B00001L9");
  EXPECT_EQ(fault_of(mounted.error()), MountFault::kIdentity);
  EXPECT_EQ(back.keys.served, 0U);
}

// The catalogue and the cartridge do not agree about encryption: nothing is appended, nothing believed.
TEST_F(Fault, T4_ClearWhereEncryptedIsExpectedIsRefused) {
  filled(TapeEncryption::kClear);
  EXPECT_EQ(append(TapeEncryption::kIdentified).error().message,
            "cartridge A00001L9 is clear, not identified key as it should be");
  EXPECT_EQ(fault_of(read(TapeEncryption::kIdentified).error()), MountFault::kIdentity);
  expect_clean();
}

TEST_F(Fault, T4_EncryptedWhereClearIsExpectedIsRefused) {
  filled();
  EXPECT_EQ(fault_of(append(TapeEncryption::kClear).error()), MountFault::kIdentity);
  EXPECT_EQ(fault_of(read(TapeEncryption::kClear).error()), MountFault::kIdentity);
  expect_clean();
}

TEST_F(Fault, T4_FewerTapeFilesThanTheCatalogueKnows) {
  filled();
  const auto mounted =
      station().mount_for_append(wanted_of("A00001L9", TapeEncryption::kIdentified), 4, trace);
  EXPECT_EQ(fault_of(mounted.error()), MountFault::kIdentity);
  EXPECT_EQ(mounted.error().message, "cartridge A00001L9 has no tape file 4");
  expect_clean();
}

TEST_F(Fault, T4_AHardwareErrorTakesTheDriveOffline) {
  filled();
  const auto cartridge = take(append());
  // The header comes twice: the first time the drive asks for the key.
  wire() = fail_from(Opcode::kWrite6, 2, codes::kInternalTargetFailure);
  (void)take(cartridge->begin_image(sample_header(300'000)));
  const auto written = cartridge->append(Bytes(300'000));
  ASSERT_FALSE(written);
  EXPECT_EQ(fault_of(written.error()), MountFault::kDrive);
  EXPECT_NE(written.error().message.find("writing tape file 2 of cartridge A00001L9"), std::string::npos);
  EXPECT_EQ(state(), State::kOffline);
  EXPECT_NE(back.drives[BackEnd::kLtoDrive]->status().reason.find("hardware error"), std::string::npos);
  // Its cartridge goes away all the same, and is whole in another drive.
  (void)take(cartridge->demount());
  back.expect_put_away(BackEnd::kLtoDrive);
  EXPECT_EQ(state(), State::kOffline);
  const auto elsewhere = take(back.stations[BackEnd::kOtherLtoDrive]->mount_for_read(
      wanted_of("A00001L9", TapeEncryption::kIdentified), trace));
  EXPECT_EQ(read_volume(*elsewhere, 1), volume_content(700'000));
  // A drive that is offline is not used again before it is asked anew.
  EXPECT_EQ(fault_of(begin().error()), MountFault::kDrive);
  wire() = nullptr;
  done(back.drives[BackEnd::kLtoDrive]->probe());
  EXPECT_TRUE(begin(TapeEncryption::kIdentified, "A00002L9"));
}

TEST_F(Fault, T4_ARefusalOfEncryptionLiesWithTheCartridgeOnlyWhenItWasBegunBefore) {
  filled(TapeEncryption::kClear);
  wire() = fail_from(Opcode::kWrite6, 0, codes::kConfigurationPrevented);
  const auto cartridge = take(append(TapeEncryption::kClear));
  const auto image = cartridge->begin_image(sample_header(10));
  ASSERT_FALSE(image);
  EXPECT_EQ(fault_of(image.error()), MountFault::kIdentity);
  EXPECT_NE(image.error().message.find("writing tape file 2 of cartridge A00001L9"), std::string::npos);
  EXPECT_NE(state(), State::kOffline);
  cartridge->abandon_image();
  (void)take(cartridge->demount());
  expect_clean();
  wire() = fail_from(Opcode::kWrite6, 0, codes::kConfigurationPrevented);
  EXPECT_EQ(fault_of(begin(TapeEncryption::kClear, "A00002L9").error()), MountFault::kConfiguration);
  wire() = fail_from(Opcode::kRead6, 0, codes::kEncryptionModeMismatch);
  EXPECT_EQ(fault_of(read(TapeEncryption::kClear).error()), MountFault::kIdentity);
}

TEST_F(Fault, T4_ADriveThatRefusesASecondCartridgeInARowIsAtFaultItself) {
  filled();
  (void)take(take(begin(TapeEncryption::kIdentified, "A00002L9"))->demount());
  const auto read_one = [this](const std::string& barcode) {
    return station().mount_for_read(wanted_of(barcode, TapeEncryption::kIdentified), trace);
  };
  const auto refused = [&](const std::string& barcode) {
    wire() = fail_from(Opcode::kRead6, 0, codes::kEncryptionModeMismatch);
    const auto mounted = read_one(barcode);
    wire() = nullptr;
    return mounted ? MountFault::kNone : fault_of(mounted.error());
  };
  EXPECT_EQ(refused("A00001L9"), MountFault::kIdentity);
  EXPECT_EQ(refused("A00001L9"), MountFault::kIdentity) << "the same one once more";
  (void)take(take(read_one("A00002L9"))->demount());
  EXPECT_EQ(refused("A00002L9"), MountFault::kIdentity) << "one went well between them";
  expect_clean();
  EXPECT_EQ(refused("A00001L9"), MountFault::kDrive);
  EXPECT_EQ(state(), State::kOffline);
  const auto reason = back.drives[BackEnd::kLtoDrive]->status().reason;
  EXPECT_NE(reason.find("A00001L9 after A00002L9"), std::string::npos) << reason;
  done(back.drives[BackEnd::kLtoDrive]->probe());
  EXPECT_EQ(refused("A00001L9"), MountFault::kIdentity) << "somebody looked at the drive";
}

TEST_F(Fault, T4_ADriveThatGivesNothingBackIsOffline) {
  filled();
  const auto cartridge = take(read());
  wire() = [](ByteView) -> std::optional<Result<tape::TransportAnswer>> {
    return fail(ErrorCode::kTimeout, "no answer");
  };
  EXPECT_EQ(fault_of(cartridge->open_image(1).error()), MountFault::kDrive);
  EXPECT_FALSE(cartridge->demount());
  EXPECT_EQ(state(), State::kOffline);
  EXPECT_EQ(back.library->in_drive("1000000001"), "A00001L9");  // it is still there
  // When it answers again the next mount first puts away what it holds.
  wire() = nullptr;
  done(back.drives[BackEnd::kLtoDrive]->probe());
  const auto other = take(begin(TapeEncryption::kIdentified, "A00002L9"));
  EXPECT_EQ(back.robot->describe(kSlot).volume_tag, "A00001L9");
}

TEST_F(Fault, T4_AnUnreadableBlockIsTheCartridgesFault) {
  filled();
  const auto cartridge = take(read());
  wire() = fail_from(Opcode::kRead6, 2, codes::kUnrecoveredReadError);
  (void)take(cartridge->open_image(1));
  Result<std::optional<ByteView>> piece = std::optional(ByteView());
  while (piece && *piece) piece = cartridge->read_image();
  ASSERT_FALSE(piece);
  EXPECT_EQ(fault_of(piece.error()), MountFault::kMedium);
  EXPECT_EQ(piece.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(piece.error().message.find("reading tape file 1 of cartridge A00001L9"), std::string::npos);
  EXPECT_EQ(state(), State::kMounted);
  wire() = nullptr;
  (void)take(cartridge->demount());
  expect_clean();
}

TEST_F(Fault, T4_ADriveThatIsResetMeansToBeginAgain) {
  filled();
  const auto cartridge = take(append());
  (void)take(cartridge->begin_image(sample_header(300'000)));
  back.robot->bays()[BackEnd::kLtoDrive]->reset();
  const auto written = cartridge->append(Bytes(300'000));
  ASSERT_FALSE(written);
  EXPECT_EQ(fault_of(written.error()), MountFault::kInterrupted);
  (void)take(cartridge->demount());
  expect_clean();
  const auto again = take(append());
  EXPECT_TRUE(write_volume(*again, volume_content(5000, 4)));
  EXPECT_EQ(read_volume(*again, 1), volume_content(700'000));
}

TEST_F(Fault, T4_ADriveThatLoadsSlowlyIsWaitedFor) {
  int polls = 0;
  wire() = [&](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
    if (!is_command(cdb, Opcode::kTestUnitReady) || ++polls > 20) return std::nullopt;
    return sense_answer(codes::kNotReadyLoading);
  };
  const auto cartridge = take(begin());
  EXPECT_GT(polls, 20);
  (void)take(cartridge->demount());
}

// A drive that leaves it to its host to load what the robot put in.
TEST_F(Fault, T4_ADriveThatWantsToBeToldIsTold) {
  bool told = false;
  wire() = [&](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
    const auto load = scsi::LoadUnload::decode(cdb);
    told = told || (load && load->load);
    if (told || !is_command(cdb, Opcode::kTestUnitReady)) return std::nullopt;
    return sense_answer(codes::kInitializingCommandRequired);
  };
  const auto cartridge = take(begin());
  EXPECT_TRUE(told);
  EXPECT_TRUE(write_volume(*cartridge, volume_content(5000)));
  (void)take(cartridge->demount());
  wire() = fail_from(Opcode::kTestUnitReady, 0, codes::kInitializingCommandRequired);
  EXPECT_EQ(begin().error().code, ErrorCode::kTimeout);  // told once, then waited for
  expect_clean();
}

TEST_F(Fault, T4_ADriveThatNeverLoadsIsGivenUp) {
  wire() = fail_from(Opcode::kTestUnitReady, 0, codes::kNotReadyLoading);
  const auto mounted = begin();
  ASSERT_FALSE(mounted);
  EXPECT_EQ(mounted.error().code, ErrorCode::kTimeout);
  EXPECT_EQ(fault_of(mounted.error()), MountFault::kInterrupted);
  expect_clean();
}

// What a run that was killed left in the drive: its key, its policy and its place are gone.
TEST_F(Fault, T4_AMountThatWasNeverEndedIsPutAwayFirst) {
  filled();
  {
    const auto cartridge = take(append());
    (void)take(cartridge->begin_image(sample_header(300'000)));
  }
  const auto cartridge = take(append());
  EXPECT_TRUE(write_volume(*cartridge, volume_content(5000, 5)));
  EXPECT_EQ(cartridge->next_file(), 3U);
  EXPECT_EQ(read_volume(*cartridge, 2), volume_content(5000, 5));
}

TEST_F(Fault, T4_ADriveThatWritesClearAgainstThePolicyIsFoundOut) {
  wire() = [](ByteView cdb) -> std::optional<Result<tape::TransportAnswer>> {
    // The policy is lost on the way.
    const auto out = scsi::SecurityProtocolOut::decode(cdb);
    if (!out || out->page != scsi::key_path::kWritePolicy) return std::nullopt;
    return tape::TransportAnswer{};
  };
  const auto mounted = begin();
  ASSERT_FALSE(mounted);
  EXPECT_EQ(mounted.error().message, "cartridge A00001L9 is clear, not identified key as it should be");
  expect_clean();
}

}  // namespace
}  // namespace tapewarden::engine::test
