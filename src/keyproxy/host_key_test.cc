// Keys that the host sets: of virtual LTO drives, wrapped, and of real drives, in clear.
#include "keyproxy/key_proxy_test_kit.h"

namespace tapewarden::keyproxy::test {
namespace {

TEST_F(KeyProxyTest, D1_AnLtoDriveGetsItsKeyWrappedToItself) {
  load(MediumKind::kLto);
  const auto set = proxy_->set_key(*drive_, HostIntent::kWriteFromBeginning, "DAILY");
  ASSERT_TRUE(set) << set.error().text();
  EXPECT_EQ(set->served.alias, kAlias);
  EXPECT_EQ(last_request().asked, dkx::Asked{dkx::GroupAsked{"DAILY"}});
  ASSERT_TRUE(drive_->write_block(block()));
  ASSERT_TRUE(drive_->write_filemarks(1));
  ASSERT_TRUE(proxy_->confirm(*drive_, *set));
  EXPECT_EQ(last_request().confirmation->request, set->request);

  ASSERT_TRUE(proxy_->clear_key(*drive_));
  ASSERT_TRUE(drive_->rewind());
  const auto locked = drive_->read_block(8000);
  ASSERT_FALSE(locked);
  EXPECT_EQ(locked.error().fault, TapeFault::kNoKey) << locked.error().text();
  ASSERT_TRUE(drive_->rewind());
  const auto key = proxy_->set_key(*drive_, HostIntent::kRead, "");
  ASSERT_TRUE(key) << key.error().text();
  EXPECT_EQ(last_request().held, dkx::Held{*eedk::DataKeyIdentifier::from_alias(std::string(kAlias))});
  const auto read = drive_->read_block(8000);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->data, block());
}

// The drive of the fixture serves as one that takes plain keys; its identity lies with the host.
TEST_F(KeyProxyTest, D5_ADriveThatTakesPlainKeysGetsAManagedOne) {
  load(MediumKind::kLto);
  const CartridgeName name{"REAL01", volume_of_medium("MAKER", "12345")};
  const tape::DriveIdentity& stand_in = device_->identity();
  const auto refused =
      proxy_->set_plain_key(*drive_, stand_in, name, HostIntent::kWriteFromBeginning, "", {});
  ASSERT_FALSE(refused) << "the way to the drive is not the local bus";
  EXPECT_FALSE(holds(carried_, data_key_)) << "nothing of the key went out";

  const PlainKeyUse use{
      .clear_on_demount = false, .beyond_local_bus = true, .decryption = scsi::DecryptionMode::kMixed};
  const auto set =
      proxy_->set_plain_key(*drive_, stand_in, name, HostIntent::kWriteFromBeginning, "DAILY", use);
  ASSERT_TRUE(set) << set.error().text();
  EXPECT_EQ(set->served.alias, kAlias);
  EXPECT_EQ(last_request().volser, "REAL01");
  EXPECT_EQ(last_request().volume, name.volume);
  EXPECT_EQ(last_request().drive.serial, kSerial);
  EXPECT_EQ(last_request().asked, dkx::Asked{dkx::GroupAsked{"DAILY"}});
  const auto status = drive_->encryption_status();
  ASSERT_TRUE(status) << status.error().text();
  EXPECT_EQ(status->encryption, scsi::EncryptionMode::kEncrypt);
  EXPECT_EQ(status->decryption, scsi::DecryptionMode::kMixed);
  ASSERT_TRUE(drive_->write_block(block()));
  ASSERT_TRUE(drive_->write_filemarks(1));
  ASSERT_TRUE(proxy_->confirm(stand_in, name, *set));
  EXPECT_EQ(last_request().confirmation->request, set->request);
  EXPECT_EQ(last_request().volume, name.volume);
  ASSERT_TRUE(drive_->rewind());

  ASSERT_TRUE(proxy_->clear_key(*drive_));
  ASSERT_TRUE(proxy_->set_plain_key(*drive_, stand_in, name, HostIntent::kRead, "", use));
  EXPECT_EQ(last_request().held, dkx::Held{*eedk::DataKeyIdentifier::from_alias(std::string(kAlias))});
  const auto read = drive_->read_block(8000);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->data, block());
}

TEST_F(KeyProxyTest, D5_AWrappedKeyReadsClearBlocksTooWhenAsked) {
  load(MediumKind::kLto);
  ASSERT_TRUE(drive_->write_block(block()));
  ASSERT_TRUE(drive_->write_filemarks(1));
  ASSERT_TRUE(proxy_->set_key(*drive_, HostIntent::kWriteFromBeginning, ""));
  ASSERT_TRUE(drive_->write_block(block()));
  ASSERT_TRUE(drive_->write_filemarks(1));
  const auto label_read = [&] {
    EXPECT_TRUE(drive_->rewind());
    return drive_->read_block(8000).has_value();
  };
  EXPECT_FALSE(label_read()) << "clear, where encrypted blocks alone are to come";
  ASSERT_TRUE(drive_->space_filemarks(1));
  ASSERT_TRUE(proxy_->set_key(*drive_, HostIntent::kRead, "", scsi::DecryptionMode::kMixed));
  EXPECT_EQ(drive_->encryption_status()->decryption, scsi::DecryptionMode::kMixed);
  EXPECT_TRUE(label_read());
  ASSERT_TRUE(drive_->space_filemarks(1));
  const auto sealed = drive_->read_block(8000);
  ASSERT_TRUE(sealed) << sealed.error().text();
  EXPECT_EQ(sealed->data, block());
}

TEST_F(KeyProxyTest, D5_AStandInOpensOnlyWhatIsWrappedToIt) {
  load(MediumKind::kLto);
  change_ = [](dkx::KeyAnswer& answer, const crypto::SecretBytes&) { answer.sedk->wrapped.at(9) ^= 1U; };
  const CartridgeName name{"REAL01", volume_of_volser("REAL01")};
  EXPECT_FALSE(proxy_->set_plain_key(*drive_, device_->identity(), name, HostIntent::kWriteFromBeginning, "",
                                     {.beyond_local_bus = true}));
  EXPECT_EQ(drive_->encryption_status()->encryption, scsi::EncryptionMode::kDisable);
}

TEST_F(KeyProxyTest, D5_ACartridgeIsNamedByItsMemoryOrByTheOperator) {
  load(MediumKind::kLto);
  ASSERT_TRUE(drive_->set_attribute({.id = 0x0806, .format = 1, .value = to_bytes("VOL001  ")}));
  const auto own = name_of_cartridge(*drive_, "");
  ASSERT_TRUE(own) << own.error().text();
  EXPECT_EQ(own->volser, "VOL001");
  const auto said = name_of_cartridge(*drive_, "other1");
  ASSERT_TRUE(said) << said.error().text();
  EXPECT_EQ(said->volser, "OTHER1");
  EXPECT_EQ(said->volume, own->volume) << "the medium's own number, whatever it is called";
  const auto a = volume_of_medium("MAKER", "1");
  EXPECT_EQ(a.bytes[6] >> 4U, 8);
  EXPECT_EQ(a.bytes[8] >> 6U, 2);
  EXPECT_NE(a, volume_of_medium("MAKER1", ""));
  EXPECT_NE(volume_of_volser("MAKER"), volume_of_medium("MAKER", ""));
  ASSERT_TRUE(device_->eject());
  EXPECT_FALSE(name_of_cartridge(*drive_, "OTHER1")) << "no cartridge";
}

TEST_F(KeyProxyTest, K8_AKeyThatTheTapeCannotNameIsNotSet) {
  load(MediumKind::kLto);
  const Uuid volume = device_->cartridge()->identity().volume;
  change_ = [&](dkx::KeyAnswer& answer, const crypto::SecretBytes& key) {
    answer.to_hold = seal_set(key, volume);
  };
  const auto set = proxy_->set_key(*drive_, HostIntent::kWriteFromBeginning, "");
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().detail, static_cast<std::uint32_t>(EkmCode::kKeystoreConfiguration));
  EXPECT_NE(set.error().remedy.find("drive table"), std::string::npos);
  change_ = [](dkx::KeyAnswer& answer, const crypto::SecretBytes&) { answer.to_hold = dkx::NothingToHold{}; };
  EXPECT_FALSE(proxy_->set_key(*drive_, HostIntent::kWriteFromBeginning, ""));
  const auto status = drive_->encryption_status();
  ASSERT_TRUE(status) << status.error().text();
  EXPECT_EQ(status->encryption, scsi::EncryptionMode::kDisable) << "no key went to the drive";
}

TEST_F(KeyProxyTest, K8_AReadTakesTheTapesOwnKeyOnly) {
  load(MediumKind::kLto);
  ASSERT_TRUE(proxy_->set_key(*drive_, HostIntent::kWriteFromBeginning, ""));
  ASSERT_TRUE(drive_->write_block(block()));
  ASSERT_TRUE(drive_->write_filemarks(1));
  change_ = [](dkx::KeyAnswer& answer, const crypto::SecretBytes&) {
    answer.to_hold = dkx::IdentifiedKey{*eedk::DataKeyIdentifier::from_alias("KEY2"), "KEY2"};
  };
  EXPECT_FALSE(proxy_->set_key(*drive_, HostIntent::kAppend, ""));
  EXPECT_EQ(last_request().intent, dkx::Intent::kAppend);
  change_ = [](dkx::KeyAnswer& answer, const crypto::SecretBytes&) { answer.to_hold = dkx::NothingToHold{}; };
  EXPECT_TRUE(proxy_->set_key(*drive_, HostIntent::kAppend, "")) << "nothing new to hold";
}

}  // namespace
}  // namespace tapewarden::keyproxy::test
