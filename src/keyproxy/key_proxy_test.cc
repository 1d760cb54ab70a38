// The key proxy between a real virtual drive and a real client; the key server is the test.
#include "keyproxy/key_proxy.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <gtest/gtest.h>
#include <latch>
#include <thread>

#include "base/real_env.h"
#include "base/testing/sim_env.h"
#include "crypto/random.h"
#include "dkx/client/testing/fake_server.h"
#include "keyproxy/builder_gate.h"
#include "keyproxy/dkx_drive_exchange.h"
#include "keyproxy/seal_bytes.h"
#include "scsi/sense_codes.h"
#include "tape/device/drive.h"

namespace tapewarden::keyproxy {
namespace {

using dkx::testing::FakeServer;
using dkx::testing::parties;
using eedk::EkmCode;
using tape::MediumKind;
using tape::TapeFault;

constexpr std::string_view kTape = "tapes/VOL001";
constexpr std::string_view kSerial = "001234567890";  // as the drive's certificate has it
constexpr std::string_view kAlias = "KEY1";
constexpr std::string_view kLabel = "PRIMARY KEK";

bool holds(ByteView bytes, ByteView wanted) {
  return !std::ranges::search(bytes, wanted).empty();
}

// Keeps everything that goes to the drive and comes from it.
class WatchedTransport final : public tape::Transport {
 public:
  WatchedTransport(scsi::LogicalUnit& unit, Bytes& carried)
      : inner_(unit, scsi::NexusId(1)), carried_(carried) {}
  Result<tape::TransportAnswer> execute(ByteView cdb, ByteView data_out, std::size_t data_in_limit,
                                        std::chrono::milliseconds timeout) override {
    carried_.insert(carried_.end(), data_out.begin(), data_out.end());
    auto answer = inner_.execute(cdb, data_out, data_in_limit, timeout);
    if (answer) carried_.insert(carried_.end(), answer->data_in.begin(), answer->data_in.end());
    return answer;
  }
  bool on_local_bus() const override { return false; }

 private:
  tape::InProcessTransport inner_;
  Bytes& carried_;
};

class KeyProxyTest : public ::testing::Test {
 protected:
  KeyProxyTest() : server_(pool_box_.get(), random_, parties().server, dkx::testing::uuid_of(0x51)) {
    server_.on_request = [this](const FakeServer::Request& request) { serve(request); };
    dkx::ClientConfig config;
    config.env = {&clock_, &sim_.disk, &random_, &pool_box_.get()};
    config.servers.push_back({server_.connector("keys1:3801"), std::nullopt});
    config.trust = {{parties().authority.certificate}, "keyd"};
    client_ = std::make_unique<dkx::Client>(std::move(config));
    proxy_ = std::make_unique<KeyProxy>(*client_, ProxyIdentity{"engine", parties().proxy.key},
                                        Env{&clock_, &sim_.disk, &random_, &pool_box_.get()});
  }
  ~KeyProxyTest() override {
    client_.reset();
    pool_box_.stop();
  }

  // Makes the drive and its cartridge, loads it and takes the unit attentions.
  void load(MediumKind kind) {
    tape::DriveIdentitySpec spec{.serial = std::string(kSerial), .kind = kind};
    spec.identity_key = parties().drive.key;
    spec.certificate = parties().drive.certificate;
    spec.wrapping_key = parties().drive_wrapping;
    spec.authority = parties().authority.certificate;
    auto identity = tape::DriveIdentity::make(std::move(spec));
    ASSERT_TRUE(identity) << identity.error().text();
    tape::CartridgeSpec cartridge;
    cartridge.volser = "VOL001";
    cartridge.kind = kind;
    cartridge.capacity_bytes = 64U << 20;
    cartridge.compression_level = 0;
    auto made = tape::Cartridge::create(sim_.env(), std::string(kTape), cartridge);
    ASSERT_TRUE(made) << made.error().text();
    ASSERT_TRUE((*made)->unload());
    tape::DriveOptions options;
    if (kind == MediumKind::k3592) options.management = tape::KeyManagement::kSystem;
    options.compression = false;
    options.partition = partition_;
    device_ = std::make_unique<tape::Drive>(sim_.env(), *identity, options, &exchange_);
    transport_ = std::make_unique<WatchedTransport>(*device_, carried_);
    drive_ = std::make_unique<tape::TapeDrive>(*transport_);
    insert();
  }
  void insert() {
    const auto inserted = device_->insert(std::string(kTape));
    ASSERT_TRUE(inserted) << inserted.error().text();
    ASSERT_TRUE(drive_->drain_attentions());
  }
  void remount() {
    ASSERT_TRUE(device_->eject());
    insert();
  }
  void encrypt_with_label() {
    scsi::WritePolicyPage policy;
    policy.encrypt = true;
    policy.labels = {{std::string(kLabel), scsi::LabelModeCode::kClear}};
    const auto set = drive_->set_write_policy(policy);
    ASSERT_TRUE(set) << set.error().text();
  }
  // A 3592 cartridge with one block under a key of the server, at its beginning.
  void write_3592() {
    load(MediumKind::k3592);
    encrypt_with_label();
    const auto asked = drive_->write_block(block());
    ASSERT_FALSE(asked);
    ASSERT_EQ(asked.error().fault, TapeFault::kKeyGenerationNeeded) << asked.error().text();
    const auto served = proxy_->serve(*drive_);
    ASSERT_TRUE(served) << served.error().text();
    EXPECT_EQ(served->labels, std::vector<std::string>{std::string(kLabel)});
    ASSERT_TRUE(drive_->write_block(block()));
    ASSERT_TRUE(drive_->write_filemarks(1));
  }
  static Bytes block() { return Bytes(4000, 0x5A); }

  // The key server.
  void serve(const FakeServer::Request& request) {
    const Bytes envelope = dkx::encode(request.envelope);
    carried_.insert(carried_.end(), envelope.begin(), envelope.end());
    const auto& asked = std::get<dkx::KeyRequest>(request.body);
    if (request.envelope.signer == dkx::SignerKind::kDrive) {
      EXPECT_FALSE(request.fault) << "signature, nonce or channel binding";
    } else {
      EXPECT_TRUE(dkx::verify_request(request.envelope, parties().proxy.key.public_key()));
      EXPECT_EQ(asked.proxy, "engine");
    }
    const dkx::AnswerBody body = refuse_ ? dkx::AnswerBody{*refuse_} : grant(asked);
    const Bytes answer = dkx::encode(body);
    carried_.insert(carried_.end(), answer.begin(), answer.end());
    server_.answer_signed_by(forger_ ? *forger_ : parties().server, request, body);
  }
  dkx::AnswerBody grant(const dkx::KeyRequest& asked) {
    if (asked.intent == dkx::Intent::kConfirm) {
      if (refused_request_ == asked.confirmation->request)
        return dkx::Refusal{EkmCode::kMessageOutOfSequence,
                            eedk::Origin::kKeyServer,
                            "no",
                            "",
                            "do",
                            dkx::RetryReason::kNone,
                            {}};
      return dkx::ConfirmAnswer{asked.confirmation->ledger, {}};
    }
    if (asked.intent == dkx::Intent::kWriteFromBeginning) {
      data_key_.assign(32, 0);
      random_.fill(data_key_);
    }
    const auto key = crypto::SecretBytes::copy_of(data_key_);
    dkx::KeyAnswer out;
    out.sedk = *eedk::wrap_sedk(key, parties().drive_wrapping.public_key(), asked.volume, asked.request_id);
    out.key_check = crypto::key_check_value(key, asked.volume);
    out.may_append = true;
    out.ledger = {server_.id(), 7};
    complete(asked, key, out);
    if (change_) change_(out, key);
    return out;
  }
  void complete(const dkx::KeyRequest& asked, const crypto::SecretBytes& key, dkx::KeyAnswer& out) {
    if (asked.drive.kind == dkx::DriveKind::kLto) {
      out.to_hold =
          dkx::IdentifiedKey{*eedk::DataKeyIdentifier::from_alias(std::string(kAlias)), std::string(kAlias)};
      return;
    }
    out.labels = {std::string(kLabel)};
    if (asked.intent == dkx::Intent::kWriteFromBeginning) out.to_hold = seal_set(key, asked.volume);
  }
  eedk::EedkSet seal_set(const crypto::SecretBytes& key, const Uuid& volume) {
    eedk::EedkSet set;
    set.volume = volume;
    set.key_check = crypto::key_check_value(key, volume);
    set.eedks = {
        *eedk::wrap_eedk(key, parties().kek.public_key(), eedk::ClearLabel{std::string(kLabel)}, volume)};
    eedk::seal(set, server_.id(), parties().server.certificate, parties().server.key);
    return set;
  }
  const dkx::KeyRequest& last_request() const {
    return std::get<dkx::KeyRequest>(server_.requests().back().body);
  }

  // One thread, so that the fake server needs no lock.
  class Pool {
   public:
    Executor& get() { return *pool_; }
    void stop() { pool_.reset(); }

   private:
    std::unique_ptr<ThreadPool> pool_ = std::make_unique<ThreadPool>(1);
  };

  ::tapewarden::testing::SimEnv sim_{5};
  RealClock clock_;
  crypto::SystemRandom random_;
  Bytes data_key_;  // of the last write
  Bytes carried_;   // every byte to and from the drive, every request and answer
  std::optional<dkx::Refusal> refuse_;
  std::optional<Uuid> refused_request_;  // no write of this request is confirmed
  std::string partition_;                // of the library, that the drive works for
  const dkx::testing::Party* forger_ = nullptr;
  std::function<void(dkx::KeyAnswer&, const crypto::SecretBytes& key)> change_;  // what is granted
  Pool pool_box_;
  FakeServer server_;
  std::unique_ptr<dkx::Client> client_;
  std::unique_ptr<KeyProxy> proxy_;
  DkxDriveExchange exchange_;
  std::unique_ptr<tape::Drive> device_;
  std::unique_ptr<WatchedTransport> transport_;
  std::unique_ptr<tape::TapeDrive> drive_;
};

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

TEST_F(KeyProxyTest, K12_AConfirmationAfterTheUnloadIsOfTheCartridgeThatWasWritten) {
  write_3592();
  const auto written = last_request();
  ASSERT_TRUE(device_->eject());
  ASSERT_TRUE(drive_->drain_attentions());
  const auto confirmed = proxy_->confirm(*drive_);
  ASSERT_TRUE(confirmed) << confirmed.error().text();
  EXPECT_EQ(last_request().intent, dkx::Intent::kConfirm);
  EXPECT_EQ(last_request().volser, "VOL001");
  EXPECT_EQ(last_request().volume, written.volume);
  EXPECT_EQ(last_request().confirmation->request, written.request_id);
  EXPECT_FALSE(device_->confirmation_due());
}

// The status names the request under way, which is another than the one that is to be confirmed.
TEST_F(KeyProxyTest, K12_AConfirmationIsMadeWhileTheDriveWaitsForAnotherKey) {
  write_3592();
  const auto written = last_request();
  remount();
  encrypt_with_label();
  ASSERT_EQ(drive_->write_block(block()).error().fault, TapeFault::kKeyGenerationNeeded);
  const auto confirmed = proxy_->confirm(*drive_);
  ASSERT_TRUE(confirmed) << confirmed.error().text();
  EXPECT_EQ(last_request().confirmation->request, written.request_id);
  ASSERT_TRUE(proxy_->serve(*drive_)) << "the request under way was not lost";
  EXPECT_TRUE(drive_->write_block(block()));
}

TEST_F(KeyProxyTest, K12_AConfirmationThatIsRefusedStaysDueAndKeepsNoOtherFromBeingMade) {
  write_3592();
  const auto first = last_request().request_id;
  remount();
  encrypt_with_label();
  ASSERT_FALSE(drive_->write_block(block()));
  ASSERT_TRUE(proxy_->serve(*drive_));
  const auto second = last_request().request_id;
  ASSERT_TRUE(drive_->write_block(block()));
  ASSERT_TRUE(drive_->write_filemarks(1));

  refused_request_ = first;
  const auto refused = proxy_->confirm(*drive_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().detail, static_cast<std::uint32_t>(EkmCode::kMessageOutOfSequence));
  EXPECT_EQ(last_request().confirmation->request, second);
  EXPECT_TRUE(device_->confirmation_due());
  EXPECT_TRUE(drive_->write_block(block())) << "the drive's key is not touched by it";

  refused_request_.reset();
  ASSERT_TRUE(proxy_->confirm(*drive_));
  EXPECT_EQ(last_request().confirmation->request, first);
  EXPECT_FALSE(device_->confirmation_due());
}

// The drive shows one that was refused again when nothing else is due.
TEST_F(KeyProxyTest, K12_OneThatComesAgainEndsTheTelling) {
  write_3592();
  refused_request_ = last_request().request_id;
  for (int round = 1; round <= 3; ++round) {
    EXPECT_TRUE(device_->confirmation_due()) << round;
    const std::size_t before = server_.requests().size();
    EXPECT_FALSE(proxy_->confirm(*drive_));
    EXPECT_EQ(server_.requests().size(), before + 1) << round;
  }
  EXPECT_FALSE(device_->confirmation_due()) << "refused for good three times";
  EXPECT_EQ(device_->take_given_up_confirmations(), std::vector<std::string>{"VOL001"});
  EXPECT_TRUE(device_->take_given_up_confirmations().empty());
}

TEST_F(KeyProxyTest, K12_ThePatienceIsThatOfTheSystemsClock) {
  write_3592();
  remount();
  encrypt_with_label();
  ASSERT_FALSE(drive_->write_block(block()));
  ASSERT_TRUE(proxy_->serve(*drive_));
  ASSERT_TRUE(drive_->write_block(block()));
  ASSERT_TRUE(drive_->write_filemarks(1));
  constexpr std::chrono::minutes kPatience{60};  // nobody waits for that
  int told = 0;
  server_.on_request = [&](const auto& request) {
    if (++told > 1) return;
    sim_.clock.advance(kPatience);
    serve(request);
  };
  KeyProxy proxy(*client_, ProxyIdentity{"engine", parties().proxy.key},
                 Env{&sim_.clock, &sim_.disk, &random_, &pool_box_.get()});
  const auto late = proxy.confirm(*drive_, kPatience);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kTimeout);
}

// Whose rules and quotas count for the drive: signed by it with everything else.
TEST_F(KeyProxyTest, K27_ADriveSaysForWhichPartitionItWorks) {
  partition_ = "ARCHIVE";
  write_3592();
  EXPECT_EQ(last_request().partition, "ARCHIVE");
  ASSERT_TRUE(proxy_->confirm(*drive_));
  EXPECT_EQ(last_request().intent, dkx::Intent::kConfirm);
  EXPECT_EQ(last_request().partition, "ARCHIVE");
}

TEST_F(KeyProxyTest, K12_TellingAServerThatDoesNotAnswerEndsWithItsTimeAndStaysDue) {
  write_3592();
  server_.on_request = [](const auto&) {};
  const auto late = proxy_->confirm(*drive_, std::chrono::milliseconds{1});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kTimeout);
  EXPECT_TRUE(device_->confirmation_due());
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

// A builder that stays in the drive until the test lets it go.
TEST(BuilderGate, D2_AnExchangeEndsOnlyWhenNobodyIsInTheDriveAnyMore) {
  std::latch entered(1);
  std::latch let_go(1);
  std::atomic<int> inside{0};
  std::atomic<bool> both{false};
  std::atomic<unsigned> calls{0};
  const auto held = std::make_shared<int>(0);
  BuilderGate gate([&, held](const dkx::Attempt&) -> Result<dkx::RequestEnvelope> {
    both = both || ++inside > 1;
    if (++calls == 1) {
      entered.count_down();
      let_go.wait();
    }
    --inside;
    return dkx::RequestEnvelope{};
  });
  std::thread first([&] { EXPECT_TRUE(gate.build({})); });
  entered.wait();
  std::thread second([&] { static_cast<void>(gate.build({}).has_value()); });  // the next attempt
  std::atomic<bool> was_inside{true};
  std::thread exchange([&] {
    gate.close();
    was_inside = inside > 0;
  });
  let_go.count_down();
  for (auto* thread : {&first, &second, &exchange}) thread->join();
  EXPECT_FALSE(both) << "two threads in one drive";
  EXPECT_FALSE(was_inside);
  const unsigned before = calls;
  const auto late = gate.build({});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(calls, before);
  EXPECT_EQ(held.use_count(), 1) << "what the builder held is gone";
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

TEST(SealBytes, K6_ASetComesBackFromWhatTheCartridgeHolds) {
  const Uuid volume = dkx::testing::uuid_of(0x04);
  eedk::EedkSet set = dkx::testing::sample_eedk_set(volume);
  const auto back = to_eedk_set(to_key_info(set), volume);
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(*back, set);
  set.seal.reset();
  const auto unsealed = to_eedk_set(to_key_info(set), volume);
  ASSERT_TRUE(unsealed) << unsealed.error().text();
  EXPECT_EQ(*unsealed, set);
}

TEST(SealBytes, K6_WhatIsNoSetIsRefused) {
  const Uuid volume = dkx::testing::uuid_of(0x04);
  const tape::KeyInfo good = to_key_info(dkx::testing::sample_eedk_set(volume));
  const auto refused = [&](const tape::KeyInfo& info) {
    const auto set = to_eedk_set(info, volume);
    return !set && set.error().code == ErrorCode::kInvalidArgument;
  };
  tape::KeyInfo info = good;
  info.check_value.reset();
  EXPECT_TRUE(refused(info));
  info = good;
  info.eedks.clear();
  EXPECT_TRUE(refused(info));
  info = good;
  info.eedks.push_back(good.eedks.front());
  EXPECT_TRUE(refused(info)) << "three EEDKs";
  info = good;
  info.eedks.front().pop_back();
  EXPECT_TRUE(refused(info));
  // Every cut of the seal: too short for its fixed part, or without a signature.
  for (std::size_t size = 1; size <= 16 + 32; ++size) {
    info = good;
    info.signature.resize(size);
    EXPECT_TRUE(refused(info)) << size;
  }
  info = good;
  info.signature.resize(16 + 32 + eedk::kMaxSignatureBytes + 1);
  EXPECT_TRUE(refused(info));
}

}  // namespace
}  // namespace tapewarden::keyproxy
