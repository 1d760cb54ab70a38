// The key proxy between a real virtual drive and a real client: writing, appending, reading, refusals.
#include "keyproxy/key_proxy_test_kit.h"
#include "keyproxy/seal_bytes.h"

namespace tapewarden::keyproxy::test {
namespace {

TEST_F(KeyProxyTest, D2_AWriteAsksForAKeyAndTheCartridgeHoldsItsEedks) {
  write_3592();
  EXPECT_EQ(last_request().intent, dkx::Intent::kWriteFromBeginning);
  EXPECT_EQ(last_request().asked,
            dkx::Asked{(dkx::LabelsAsked{{std::string(kLabel), eedk::LabelMode::kClear}})});
  const auto held = to_eedk_set(device_->cartridge()->key_info().info, last_request().volume);
  ASSERT_TRUE(held) << held.error().text();
  EXPECT_TRUE(eedk::verify_seal(*held, parties().server.certificate));
  const auto opened = eedk::open_eedk(held->eedks.at(0), parties().kek, held->volume);
  ASSERT_TRUE(opened) << opened.error().text();
  EXPECT_TRUE(*opened == crypto::SecretBytes::copy_of(data_key_));

  const std::size_t before = server_.requests().size();
  const auto confirmed = proxy_->confirm(*drive_);
  ASSERT_TRUE(confirmed) << confirmed.error().text();
  EXPECT_EQ(last_request().intent, dkx::Intent::kConfirm);
  EXPECT_EQ(last_request().confirmation->ledger, (dkx::LedgerReference{server_.id(), 7}));
  ASSERT_TRUE(proxy_->confirm(*drive_)) << "nothing is due any more";
  EXPECT_EQ(server_.requests().size(), before + 1);
}

TEST_F(KeyProxyTest, K7_AppendAndReadBringTheCartridgesEedksForTranslation) {
  write_3592();
  remount();
  const auto read = drive_->read_block(8000);
  ASSERT_FALSE(read);
  ASSERT_EQ(read.error().fault, TapeFault::kKeyTranslationNeeded) << read.error().text();
  ASSERT_TRUE(proxy_->serve(*drive_));
  EXPECT_EQ(last_request().intent, dkx::Intent::kRead);
  EXPECT_TRUE(std::holds_alternative<eedk::EedkSet>(last_request().held));
  const auto again = drive_->read_block(8000);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->data, block());

  ASSERT_TRUE(drive_->to_end_of_data());
  const auto append = drive_->write_block(block());
  ASSERT_FALSE(append);
  ASSERT_EQ(append.error().fault, TapeFault::kKeyTranslationNeeded) << append.error().text();
  ASSERT_TRUE(proxy_->serve(*drive_));
  EXPECT_EQ(last_request().intent, dkx::Intent::kAppend);
  EXPECT_TRUE(drive_->write_block(block()));
}

TEST_F(KeyProxyTest, D2_ATapeIsNotBegunWithoutWhatOpensItsKey) {
  write_3592();
  const tape::KeyInfo before = device_->cartridge()->key_info().info;
  const Uuid volume = last_request().volume;
  const std::vector<decltype(change_)> cases{
      [](dkx::KeyAnswer& answer, const crypto::SecretBytes&) { answer.to_hold = dkx::NothingToHold{}; },
      [](dkx::KeyAnswer& answer, const crypto::SecretBytes&) {
        answer.to_hold = dkx::IdentifiedKey{*eedk::DataKeyIdentifier::from_alias("KEY2"), "KEY2"};
      },
      [&](dkx::KeyAnswer& answer, const crypto::SecretBytes& key) {
        answer.to_hold = seal_set(key, dkx::testing::uuid_of(0x77));
      },
      [&](dkx::KeyAnswer& answer, const crypto::SecretBytes&) {
        answer.to_hold = seal_set(crypto::SecretBytes::copy_of(Bytes(32, 1)), volume);
      }};
  for (const auto& change : cases) {
    change_ = change;
    remount();
    encrypt_with_label();
    const auto asked = drive_->write_block(block());
    ASSERT_FALSE(asked);
    ASSERT_EQ(asked.error().fault, TapeFault::kKeyGenerationNeeded);
    EXPECT_FALSE(proxy_->serve(*drive_));
    EXPECT_FALSE(drive_->write_block(block())) << "no key was taken";
    EXPECT_EQ(device_->cartridge()->key_info().info, before);
  }
}

TEST_F(KeyProxyTest, K14_ARefusalReachesTheDrivesSense) {
  load(MediumKind::k3592);
  encrypt_with_label();
  const std::vector<std::pair<EkmCode, scsi::KeyRefusal>> cases{
      {EkmCode::kKeyNotHeld, scsi::KeyRefusal::kNotFound},
      {EkmCode::kProhibited, scsi::KeyRefusal::kNotAuthorized},
      {EkmCode::kDriveNotConfigured, scsi::KeyRefusal::kNotAuthorized},
      {EkmCode::kNoKeyToServe, scsi::KeyRefusal::kServerError}};
  for (const auto& [code, reason] : cases) {
    refuse_ = dkx::Refusal{code, eedk::Origin::kKeyServer, "no", "", "do", dkx::RetryReason::kNone, {}};
    ASSERT_EQ(drive_->write_block(block()).error().fault, TapeFault::kKeyGenerationNeeded);
    const auto served = proxy_->serve(*drive_);
    ASSERT_FALSE(served);
    EXPECT_EQ(served.error().detail, static_cast<std::uint32_t>(code));
    EXPECT_EQ(served.error().remedy, "do");
    const auto told = drive_->write_block(block());
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error().fault, TapeFault::kKeyServiceFailed);
    EXPECT_EQ(told.error().sense.code, scsi::sense_of(reason)) << told.error().text();
  }
  refuse_.reset();
  ASSERT_EQ(drive_->write_block(block()).error().fault, TapeFault::kKeyGenerationNeeded);
  ASSERT_TRUE(proxy_->serve(*drive_)) << "a refusal is told once";
  EXPECT_TRUE(drive_->write_block(block()));
}

TEST_F(KeyProxyTest, K11_AForgedAnswerBringsNoKey) {
  load(MediumKind::k3592);
  encrypt_with_label();
  forger_ = &parties().stranger;
  ASSERT_FALSE(drive_->write_block(block()));
  EXPECT_FALSE(proxy_->serve(*drive_));
  EXPECT_FALSE(drive_->write_block(block()));
  EXPECT_TRUE(device_->cartridge()->key_info().info.empty());
}

TEST_F(KeyProxyTest, D2_ADriveThatAsksForNothingIsServedNothing) {
  load(MediumKind::k3592);
  const auto served = proxy_->serve(*drive_);
  ASSERT_FALSE(served);
  EXPECT_EQ(served.error().code, ErrorCode::kConflict);
  EXPECT_TRUE(server_.requests().empty());
}

TEST_F(KeyProxyTest, K11_NoDataKeyPassesThroughTheProxyOrStaysOnTheCartridge) {
  write_3592();
  ASSERT_TRUE(proxy_->confirm(*drive_));
  remount();
  ASSERT_FALSE(drive_->read_block(8000));
  ASSERT_TRUE(proxy_->serve(*drive_));
  ASSERT_TRUE(drive_->read_block(8000));
  ASSERT_EQ(data_key_.size(), 32U);
  EXPECT_TRUE(holds(carried_, as_bytes(kSerial))) << "the search itself works";
  EXPECT_TRUE(holds(carried_, block()));
  EXPECT_FALSE(holds(carried_, data_key_));
  EXPECT_FALSE(holds(sim_.disk.content(std::string(kTape)), data_key_));
  EXPECT_FALSE(holds(sim_.disk.content(std::string(kTape)), ByteView(block()).first(64)));
}

TEST_F(KeyProxyTest, D4_AnLtoCartridgeHoldsNeitherItsDataKeyNorPlaintext) {
  load(MediumKind::kLto);
  ASSERT_TRUE(proxy_->set_key(*drive_, HostIntent::kWriteFromBeginning, ""));
  ASSERT_TRUE(drive_->write_block(block()));
  ASSERT_TRUE(drive_->write_filemarks(1));
  EXPECT_FALSE(holds(carried_, data_key_));
  const Bytes& file = sim_.disk.content(std::string(kTape));
  EXPECT_TRUE(holds(file, as_bytes(kAlias)));
  EXPECT_FALSE(holds(file, data_key_));
  EXPECT_FALSE(holds(file, ByteView(block()).first(64)));
}

}  // namespace
}  // namespace tapewarden::keyproxy::test
