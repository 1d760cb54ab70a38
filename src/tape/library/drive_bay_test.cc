#include "tape/library/drive_bay.h"

#include "scsi/inquiry.h"
#include "tape/library/fake_bay_keys.h"
#include "tape/library/library_test_kit.h"
#include "tape/library/limits.h"

namespace tapewarden::tape::test {
namespace {

// A bay with a cartridge in it and one host that has seen every attention.
struct Bay {
  testing::SimEnv sim{17};
  FakeExchange exchange;
  FakeBayKeys keys;
  std::unique_ptr<DriveBay> bay;
  Uuid volume;

  explicit Bay(KeyManagement management, bool encrypt = true, std::uint64_t early_warning = 0) {
    auto spec = small_cartridge();
    spec.early_warning_bytes = early_warning;
    volume = make("tape", "A00001L9", spec);
    manage_by(management);
    insert(encrypt);
  }
  // Another drive in the bay, as empty as it comes.
  void manage_by(KeyManagement management) {
    DriveOptions options;
    options.management = management;
    bay = std::make_unique<DriveBay>(std::make_unique<Drive>(sim.env(), identity_of(0), options, &exchange),
                                     &keys);
  }
  Uuid make(const std::string& path, const std::string& volser, CartridgeSpec spec = small_cartridge()) {
    spec.volser = volser;
    return take(Cartridge::create(sim.env(), path, spec))->identity().volume;
  }
  void insert(bool encrypt) {
    done(bay->insert("tape", volume, {.encrypt = encrypt}));
    settle();
  }
  // As the library does it.
  void eject() {
    done(bay->eject());
    bay->confirm(kConfirmPatience);
  }
  void settle() {
    for (int attentions = 0; attentions < 4; ++attentions)
      if (run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady)).good()) return;
    ADD_FAILURE() << "the drive does not become ready";
  }
  scsi::Response run(const Bytes& cdb, const Bytes& data_out = {}) {
    return bay->execute({.cdb = cdb, .nexus = kHost, .data_out = data_out});
  }
  scsi::Response write() { return run(scsi::Write6{.transfer_length = 300}.encode(), block(1)); }
  scsi::Response filemark() { return run(scsi::WriteFilemarks{.count = 1}.encode()); }
  // With a key from the key server, and nothing else after it.
  void write_encrypted() {
    keys.brings = true;
    EXPECT_GOOD(write());
    EXPECT_TRUE(keys.confirmed.empty()) << "nothing is on the medium yet";
  }
  // The key server knows of the write on the first cartridge, whatever is in the drive now.
  void expect_confirmed_once() {
    ASSERT_EQ(keys.confirmed.size(), 1U);
    EXPECT_NE(as_text(keys.confirmed[0]).find(as_text(volume.view())), std::string_view::npos);
    EXPECT_NE(as_text(keys.confirmed[0]).find("ledger row 7"), std::string_view::npos);
  }
};

TEST(DriveBay, L4_AKeyIsBroughtOnceForACommandThatAsksForIt) {
  Bay bay(KeyManagement::kLibrary);
  EXPECT_EQ(bay.write().sense.code, codes::kKeyGenerationNeeded);  // none came: the host hears it
  EXPECT_EQ(bay.keys.served, 1);
  bay.eject();
  EXPECT_EQ(bay.keys.asked, 0);
}

TEST(DriveBay, L4_AWriteIsConfirmedAfterTheCommandThatPutItOnTheMedium) {
  Bay bay(KeyManagement::kLibrary);
  bay.write_encrypted();
  ASSERT_TRUE(bay.filemark().good());
  bay.expect_confirmed_once();
  ASSERT_TRUE(bay.run(scsi::Rewind{}.encode()).good());
  bay.eject();
  EXPECT_EQ(bay.keys.asked, 1) << "nothing is due any more";
}

TEST(DriveBay, L4_AWriteIsConfirmedWhenTheHostUnloads) {
  Bay bay(KeyManagement::kLibrary);
  bay.write_encrypted();
  ASSERT_TRUE(bay.run(scsi::LoadUnload{.load = false}.encode()).good());
  bay.expect_confirmed_once();
}

TEST(DriveBay, L4_AWriteIsConfirmedWhenTheChangerTakesTheCartridgeOut) {
  Bay bay(KeyManagement::kLibrary);
  bay.write_encrypted();
  bay.eject();
  bay.expect_confirmed_once();
}

TEST(DriveBay, L4_AWriteIsConfirmedWhenThePowerIsSwitchedOff) {
  Bay bay(KeyManagement::kLibrary);
  bay.write_encrypted();
  ASSERT_TRUE(bay.run(scsi::PreventAllow{.prevent = true}.encode()).good());
  done(bay.bay->power_off());
  bay.bay->confirm(kConfirmPatience);
  bay.expect_confirmed_once();
  EXPECT_FALSE(bay.bay->holds_cartridge());
}

TEST(DriveBay, L4_AWriteBehindTheEarlyWarningIsConfirmed) {
  Bay bay(KeyManagement::kLibrary, true, 64U << 20);
  bay.keys.brings = true;
  EXPECT_EQ(bay.write().sense.code, codes::kEndOfMediumReached);
  EXPECT_EQ(bay.filemark().sense.code, codes::kEndOfMediumReached);
  bay.expect_confirmed_once();
}

TEST(DriveBay, L4_AHostsReservationOrResetDoesNotKeepAWriteFromBeingConfirmed) {
  Bay bay(KeyManagement::kLibrary);
  ASSERT_TRUE(bay.run(scsi::plain_cdb(scsi::Opcode::kReserve6)).good());
  bay.write_encrypted();
  const auto inquiry = scsi::Inquiry{.allocation_length = 36}.encode();
  bay.bay->reset();
  (void)bay.bay->execute({.cdb = inquiry, .nexus = kOtherHost, .data_out = {}});
  bay.expect_confirmed_once();
  EXPECT_EQ(bay.run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady)).sense.code, codes::kBusDeviceReset)
      << "the host is told what it is to be told";
}

TEST(DriveBay, L4_AConfirmationThatDidNotGoThroughIsTriedAgainAndHoldsUpNoCommand) {
  Bay bay(KeyManagement::kLibrary);
  bay.write_encrypted();
  bay.keys.reachable = false;
  ASSERT_TRUE(bay.filemark().good());
  ASSERT_TRUE(bay.run(scsi::Rewind{}.encode()).good());
  ASSERT_TRUE(bay.run(scsi::Rewind{}.encode()).good());
  EXPECT_EQ(bay.keys.asked, 1);
  bay.eject();
  EXPECT_EQ(bay.keys.asked, 2);
  bay.keys.reachable = true;
  const auto other = bay.make("other", "A00002L9");
  done(bay.bay->insert("other", other, {.encrypt = true}));
  bay.settle();
  EXPECT_EQ(bay.keys.asked, 2);
  EXPECT_GOOD(bay.write());  // a key comes, so the server is there again
  ASSERT_TRUE(bay.run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady)).good());
  bay.expect_confirmed_once();
}

TEST(DriveBay, L4_AConfirmationThatFailedIsTriedAgainByTime) {
  Bay bay(KeyManagement::kLibrary);
  bay.write_encrypted();
  bay.keys.reachable = false;
  ASSERT_TRUE(bay.filemark().good());
  bay.keys.reachable = true;
  bay.sim.clock.advance(kConfirmAgain - std::chrono::milliseconds{1});
  ASSERT_TRUE(bay.filemark().good());
  EXPECT_EQ(bay.keys.asked, 1);
  bay.sim.clock.advance(std::chrono::milliseconds{1});
  ASSERT_TRUE(bay.run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady)).good());
  EXPECT_EQ(bay.keys.asked, 2);
  bay.expect_confirmed_once();
}

TEST(DriveBay, L4_WhatIsRefusedForGoodIsGivenUpAfterThreeTriesAndDelaysNothingNew) {
  Bay bay(KeyManagement::kLibrary);
  const auto ready = [&] { ASSERT_TRUE(bay.run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady)).good()); };
  bay.write_encrypted();
  bay.keys.refuses = true;
  ASSERT_TRUE(bay.filemark().good());
  ready();
  EXPECT_EQ(bay.keys.refused, 1) << "and not again after every command";

  bay.keys.refuses = false;  // of what is new
  bay.eject();
  const auto other = bay.make("other", "A00002L9");
  done(bay.bay->insert("other", other, {.encrypt = true}));
  bay.settle();
  EXPECT_GOOD(bay.write());
  ASSERT_TRUE(bay.filemark().good());
  ASSERT_EQ(bay.keys.confirmed.size(), 1U) << "the new one at once, the old one not yet";
  EXPECT_NE(as_text(bay.keys.confirmed[0]).find(as_text(other.view())), std::string_view::npos);

  bay.keys.refuses = true;
  for (int tries = 2; tries <= 3; ++tries) {
    EXPECT_TRUE(bay.keys.given_up.empty());
    bay.sim.clock.advance(kConfirmAgain);
    ready();
    EXPECT_EQ(bay.keys.refused, tries);
    ready();
    EXPECT_EQ(bay.keys.refused, tries);
  }
  EXPECT_EQ(bay.keys.given_up, std::vector<std::string>{"drive 1000000001, cartridge A00001L9"});
  const int asked = bay.keys.asked;
  bay.sim.clock.advance(2 * kConfirmAgain);
  ready();
  bay.eject();
  EXPECT_EQ(bay.keys.asked, asked) << "nothing is left";
}

// The key servers are slow; the exchange calls back into the bay as others would meanwhile.
TEST(DriveBay, L4_WhileAHostsCommandWaitsForItsKeyTheDriveIsBecomingReady) {
  Bay bay(KeyManagement::kLibrary);
  bay.keys.brings = true;
  bay.keys.on_serve = [&] {
    EXPECT_EQ(bay.run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady)).sense.code, codes::kNotReadyLoading);
    EXPECT_GOOD(bay.run(scsi::Inquiry{.allocation_length = 36}.encode()));
    const auto ejected = bay.bay->eject();
    ASSERT_FALSE(ejected);
    EXPECT_EQ(ejected.error().code, ErrorCode::kUnavailable);
    const auto inserted = bay.bay->insert("tape", bay.volume);
    ASSERT_FALSE(inserted);
    EXPECT_EQ(inserted.error().code, ErrorCode::kConflict);
    EXPECT_TRUE(bay.bay->status({}, std::chrono::milliseconds{0})) << "the panel does not wait";
  };
  EXPECT_GOOD(bay.write());
  EXPECT_EQ(bay.keys.served, 1);
  EXPECT_GOOD(bay.filemark());
  bay.expect_confirmed_once();
}

TEST(DriveBay, L4_AResetTakesACommandOutOfItsWaitForAKey) {
  Bay bay(KeyManagement::kLibrary);
  bay.keys.on_serve = [&] {
    bay.bay->reset();
    done(bay.bay->eject());
    done(bay.bay->insert("tape", bay.volume, {.encrypt = false}));
  };
  EXPECT_EQ(bay.write().sense.code, codes::kKeyGenerationNeeded);
  EXPECT_EQ(bay.keys.served, 1);
  bay.keys.on_serve = {};
  bay.settle();
  EXPECT_TRUE(bay.write().good()) << "nothing was written by the command that was cancelled";
  EXPECT_GOOD(bay.run(scsi::Rewind{}.encode()));
  EXPECT_EQ(bay.run(scsi::Read6{.transfer_length = 300}.encode()).data_in, block(1));
}

TEST(DriveBay, L4_AWriteThatWaitedForItsKeyIsNotRunOnAnotherCartridge) {
  Bay bay(KeyManagement::kLibrary);
  const auto other = bay.make("other", "A00002L9");
  bay.keys.on_serve = [&] {
    done(bay.bay->force_eject());
    done(bay.bay->insert("other", other, {.encrypt = false}));
  };
  EXPECT_EQ(bay.write().sense.code, codes::kKeyGenerationNeeded);
  bay.keys.on_serve = {};
  bay.settle();
  EXPECT_EQ(bay.run(scsi::Read6{.transfer_length = 300}.encode()).sense.code, codes::kEndOfDataDetected);
}

TEST(DriveBay, L4_ThePowerIsSwitchedOffWhileACommandWaitsForItsKey) {
  Bay bay(KeyManagement::kLibrary);
  bay.keys.on_serve = [&] { done(bay.bay->power_off()); };
  EXPECT_EQ(bay.write().sense.code, codes::kKeyGenerationNeeded);
  EXPECT_FALSE(bay.bay->holds_cartridge());
}

TEST(DriveBay, L4_ADriveIsNotSwitchedOnBeforeItIsOff) {
  Bay bay(KeyManagement::kLibrary);
  bay.write_encrypted();
  bay.keys.on_confirm = [&] {
    const auto early = bay.bay->switch_on();
    ASSERT_FALSE(early);
    EXPECT_EQ(early.error().code, ErrorCode::kConflict);
  };
  done(bay.bay->switch_off());
  bay.expect_confirmed_once();
  EXPECT_FALSE(bay.bay->powered());
  done(bay.bay->switch_on());
  EXPECT_TRUE(bay.bay->powered());
}

TEST(DriveBay, L4_WhatIsToBeWrittenInClearNeedsNoKey) {
  Bay bay(KeyManagement::kLibrary, false);
  EXPECT_TRUE(bay.write().good());
  EXPECT_EQ(bay.keys.served, 0);
  bay.eject();
  bay.insert(true);  // the cartridge stays what it was from its beginning, and a new beginning asks for a key
  EXPECT_EQ(bay.write().sense.code, codes::kKeyGenerationNeeded);
}

TEST(DriveBay, L4_AHostDoesNotReachTheKeyPathOfALibraryManagedDrive) {
  Bay bay(KeyManagement::kLibrary);
  const auto policy = scsi::WritePolicyPage{.encrypt = false}.encode();
  const scsi::SecurityProtocolOut cdb{.protocol = 0xf0,
                                      .page = scsi::key_path::kWritePolicy,
                                      .transfer_length = static_cast<std::uint32_t>(policy.size())};
  EXPECT_EQ(bay.run(cdb.encode(), policy).sense.code, codes::kConfigurationPrevented);
  EXPECT_EQ(bay.write().sense.code, codes::kKeyGenerationNeeded);
}

TEST(DriveBay, L4_TheKeysOfAnApplicationManagedDriveAreItsHosts) {
  Bay bay(KeyManagement::kApplication);
  EXPECT_TRUE(bay.write().good());
  EXPECT_EQ(bay.keys.served, 0);
  EXPECT_EQ(bay.keys.asked, 0);
}

// A block in clear and one under a host's key, read at once by fixed blocks in a library-managed drive.
TEST(DriveBay, L4_AReadThatCameSomeWayIsNotRunAgain) {
  Bay bay(KeyManagement::kApplication);
  const auto set = [&](const scsi::SetDataEncryption& page) {
    Bytes list(page.encoded_size());
    page.encode_into(list);
    const scsi::SecurityProtocolOut cdb{0x20, 0x0010, static_cast<std::uint32_t>(list.size())};
    EXPECT_GOOD(bay.run(cdb.encode(), list));
  };
  for (std::uint32_t number = 1; number <= 3; ++number) {
    set(number == 2 ? no_encryption() : encrypting(key_bytes(10)));
    EXPECT_GOOD(bay.run(scsi::Write6{.transfer_length = 300}.encode(), block(number)));
  }
  EXPECT_GOOD(bay.filemark());
  bay.eject();
  bay.manage_by(KeyManagement::kLibrary);
  bay.insert(true);
  scsi::ModeParameters parameters{.descriptor = scsi::BlockDescriptor{0, 0, 300}};
  auto list = parameters.encode(false);
  list[0] = 0;
  EXPECT_GOOD(
      bay.run(scsi::ModeSelect{.parameter_length = static_cast<std::uint16_t>(list.size())}.encode(), list));

  bay.keys.brings = true;
  bay.keys.server.keys.push_back(key_bytes(10));
  EXPECT_GOOD(bay.run(scsi::Space{.count = 1}.encode()));
  const auto both = bay.run(scsi::Read6{.fixed = true, .transfer_length = 2}.encode());
  EXPECT_EQ(both.sense.code, codes::kKeyTranslationNeeded) << both.sense.text();
  EXPECT_EQ(both.sense.information, 1U) << "one of two is missing";
  EXPECT_EQ(both.data_in, block(2)) << "what was read is not lost";
  EXPECT_EQ(bay.keys.served, 1);
  const auto rest = bay.run(scsi::Read6{.fixed = true, .transfer_length = 1}.encode());
  EXPECT_GOOD(rest);
  EXPECT_EQ(rest.data_in, block(3)) << "the key had come";
  EXPECT_EQ(bay.keys.served, 1);

  // From where the first block meets the key the command moved nothing, and is run again.
  bay.eject();
  bay.insert(true);
  EXPECT_GOOD(bay.run(scsi::Space{.count = 2}.encode()));
  const auto again = bay.run(scsi::Read6{.fixed = true, .transfer_length = 1}.encode());
  EXPECT_GOOD(again);
  EXPECT_EQ(again.data_in, block(3));
  EXPECT_EQ(bay.keys.served, 2);
}

TEST(DriveBay, L2_AWrongCartridgeGoesBackWhateverAHostPreventsOnTheEmptyDrive) {
  Bay bay(KeyManagement::kApplication);
  bay.eject();
  ASSERT_TRUE(bay.run(scsi::PreventAllow{.prevent = true}.encode()).good());
  const auto other = bay.make("other", "A00002L9");
  const auto wrong = bay.bay->insert("tape", other);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::kConflict);
  EXPECT_FALSE(bay.bay->holds_cartridge());
  done(bay.bay->insert("tape", bay.volume));
  EXPECT_FALSE(bay.bay->eject()) << "the host's word holds for the right one";
  done(bay.bay->force_eject());
}

TEST(DriveBay, L2_ToldWithoutWaitingForACommand) {
  Bay bay(KeyManagement::kApplication);
  EXPECT_TRUE(bay.bay->holds_cartridge());
  EXPECT_TRUE(bay.bay->loaded());
  ASSERT_TRUE(bay.run(scsi::LoadUnload{.load = false}.encode()).good());
  EXPECT_TRUE(bay.bay->holds_cartridge());
  EXPECT_FALSE(bay.bay->loaded());
  bay.eject();
  EXPECT_FALSE(bay.bay->holds_cartridge());
}

}  // namespace
}  // namespace tapewarden::tape::test
