#include "tape/library/drive_bay.h"

#include "tape/library/library_test_kit.h"

namespace tapewarden::tape::test {
namespace {

// Notes what it is asked for; brings no key.
class NoKeys final : public BayKeys {
 public:
  void serve(scsi::LogicalUnit&, scsi::NexusId nexus) override {
    EXPECT_EQ(nexus, kHost);
    ++served;
  }
  bool confirm(scsi::LogicalUnit&, scsi::NexusId) override {
    ++asked;
    return due;
  }
  int served = 0;
  int asked = 0;
  bool due = false;
};

// A bay with a cartridge in it and one host that has seen every attention.
struct Bay {
  testing::SimEnv sim{17};
  NoKeys keys;
  std::unique_ptr<DriveBay> bay;
  Uuid volume;

  explicit Bay(KeyManagement management, bool encrypt = true) {
    auto spec = small_cartridge();
    spec.volser = "A00001L9";
    const auto cartridge = take(Cartridge::create(sim.env(), "tape", spec));
    volume = cartridge->identity().volume;
    DriveOptions options;
    options.management = management;
    bay = std::make_unique<DriveBay>(std::make_unique<Drive>(sim.env(), identity_of(0), options), &keys);
    insert(encrypt);
  }
  void insert(bool encrypt) {
    done(bay->insert("tape", volume, {.encrypt = encrypt}));
    for (int attentions = 0; attentions < 4; ++attentions)
      if (run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady)).good()) return;
    ADD_FAILURE() << "the drive does not become ready";
  }
  scsi::Response run(const Bytes& cdb, const Bytes& data_out = {}) {
    return bay->execute({.cdb = cdb, .nexus = kHost, .data_out = data_out});
  }
  scsi::Response write() { return run(scsi::Write6{.transfer_length = 300}.encode(), block(1)); }
};

TEST(DriveBay, L4_AKeyIsBroughtOnceForACommandThatAsksForIt) {
  Bay bay(KeyManagement::kLibrary);
  EXPECT_EQ(bay.write().sense.code, codes::kKeyGenerationNeeded);  // none came: the host hears it
  EXPECT_EQ(bay.keys.served, 1);
  EXPECT_EQ(bay.keys.asked, 0);
}

TEST(DriveBay, L4_ConfirmationIsAskedForAfterCommandsThatMoveNoDataUntilItIsDone) {
  Bay bay(KeyManagement::kLibrary);
  (void)bay.write();
  const auto rewind = scsi::Rewind{}.encode();
  ASSERT_TRUE(bay.run(rewind).good());
  EXPECT_EQ(bay.keys.asked, 1);
  bay.keys.due = true;
  ASSERT_TRUE(bay.run(rewind).good());
  ASSERT_TRUE(bay.run(rewind).good());
  EXPECT_EQ(bay.keys.asked, 2);
}

TEST(DriveBay, L4_WhatIsToBeWrittenInClearNeedsNoKey) {
  Bay bay(KeyManagement::kLibrary, false);
  EXPECT_TRUE(bay.write().good());
  EXPECT_EQ(bay.keys.served, 0);
  done(bay.bay->eject());
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

TEST(DriveBay, L2_ToldWithoutWaitingForACommand) {
  Bay bay(KeyManagement::kApplication);
  EXPECT_TRUE(bay.bay->holds_cartridge());
  EXPECT_TRUE(bay.bay->loaded());
  ASSERT_TRUE(bay.run(scsi::LoadUnload{.load = false}.encode()).good());
  EXPECT_TRUE(bay.bay->holds_cartridge());
  EXPECT_FALSE(bay.bay->loaded());
  done(bay.bay->eject());
  EXPECT_FALSE(bay.bay->holds_cartridge());
}

}  // namespace
}  // namespace tapewarden::tape::test
