// New EEDKs for the data key of a cartridge, carried between drive and key server.
#include "keyproxy/key_proxy_test_kit.h"
#include "keyproxy/seal_bytes.h"

namespace tapewarden::keyproxy::test {
namespace {

constexpr std::string_view kNewLabel = "ARCHIVE 2026";

struct RekeyTest : KeyProxyTest {
  void ask() {
    const auto taken = drive_->ask_for_rekey({{{std::string(kNewLabel), scsi::LabelModeCode::kHash}}});
    ASSERT_TRUE(taken) << taken.error().text();
  }
  // As a key server answers: no key, EEDKs of the one that the cartridge has.
  void answer_with(const crypto::SecretBytes& key, const Uuid& volume) {
    change_ = [this, &key, volume](dkx::KeyAnswer& answer, const crypto::SecretBytes&) {
      answer.sedk.reset();
      auto set = seal_set(key, volume);
      set.eedks = {*eedk::wrap_eedk(key, parties().kek.public_key(),
                                    eedk::HashLabel{parties().kek.public_key().spki_hash()}, volume)};
      eedk::seal(set, server_.id(), parties().server.certificate, parties().server.key);
      answer.to_hold = set;
      answer.labels = {std::string(kNewLabel)};
    };
  }
  const tape::KeyInfo& held() { return device_->cartridge()->key_info().info; }
};

TEST_F(RekeyTest, K9_ADriveAsksForNewEedksAndTheServerIsToldWhenItHasThem) {
  write_3592();
  const auto first = to_eedk_set(held(), last_request().volume).value();
  ASSERT_TRUE(proxy_->confirm(*drive_));
  remount();
  ask();
  const auto key = crypto::SecretBytes::copy_of(data_key_);
  answer_with(key, first.volume);
  const auto served = proxy_->serve(*drive_);
  ASSERT_TRUE(served) << served.error().text();
  EXPECT_EQ(served->labels, std::vector<std::string>{std::string(kNewLabel)});
  EXPECT_EQ(last_request().intent, dkx::Intent::kRekey);
  EXPECT_EQ(last_request().held, dkx::Held{first});
  EXPECT_EQ(last_request().asked,
            dkx::Asked{(dkx::LabelsAsked{{std::string(kNewLabel), eedk::LabelMode::kHash}})});
  const auto now = to_eedk_set(held(), first.volume).value();
  EXPECT_NE(now.eedks, first.eedks);
  EXPECT_TRUE(eedk::verify_seal(now, parties().server.certificate));
  EXPECT_TRUE(eedk::open_eedk(now.eedks.at(0), parties().kek, now.volume).value() == key);

  change_ = {};
  ASSERT_TRUE(device_->eject());
  ASSERT_TRUE(proxy_->confirm(*drive_));
  EXPECT_EQ(last_request().intent, dkx::Intent::kConfirm);
  EXPECT_EQ(last_request().confirmation->ledger, (dkx::LedgerReference{server_.id(), 7}));
  insert();
  ASSERT_FALSE(drive_->read_block(8000));
  ASSERT_TRUE(proxy_->serve(*drive_));
  EXPECT_EQ(last_request().held, dkx::Held{now});
  EXPECT_EQ(drive_->read_block(8000)->data, block());
}

TEST_F(RekeyTest, K9_AnswersThatDoNotFitLeaveTheOldEedks) {
  write_3592();
  remount();
  const tape::KeyInfo before = held();
  const auto key = crypto::SecretBytes::copy_of(data_key_);
  const auto other = crypto::SecretBytes::copy_of(Bytes(32, 1));
  const Uuid volume = last_request().volume;
  const auto refused = [&] {
    ask();
    EXPECT_FALSE(proxy_->serve(*drive_));
    EXPECT_EQ(held(), before);
    EXPECT_FALSE(drive_->key_path_status()->confirm_due && drive_->key_path_status()->may_write);
  };
  answer_with(other, volume);
  refused();  // of another key than its check value says
  answer_with(key, dkx::testing::uuid_of(0x77));
  refused();  // for another cartridge
  change_ = {};
  refused();  // without EEDKs
  change_ = [](dkx::KeyAnswer& answer, const crypto::SecretBytes&) {
    answer.sedk.reset();
    answer.to_hold = dkx::IdentifiedKey{*eedk::DataKeyIdentifier::from_alias("KEY2"), "KEY2"};
  };
  refused();
}

TEST_F(RekeyTest, K9_TheServersRefusalIsTheError) {
  write_3592();
  remount();
  refuse_ = dkx::Refusal{EkmCode::kKeystoreConfiguration,
                         eedk::Origin::kKeyServer,
                         "no such label",
                         "labels",
                         "name another",
                         dkx::RetryReason::kNone,
                         {}};
  ask();
  const auto served = proxy_->serve(*drive_);
  ASSERT_FALSE(served);
  EXPECT_NE(served.error().message.find("no such label"), std::string::npos);
  refuse_.reset();
  ASSERT_FALSE(drive_->read_block(8000));
  ASSERT_TRUE(proxy_->serve(*drive_)) << "the refusal stands in nobody's way";
  EXPECT_EQ(drive_->read_block(8000)->data, block());
}

}  // namespace
}  // namespace tapewarden::keyproxy::test
