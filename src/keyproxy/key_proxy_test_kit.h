// What the tests of the key proxy share: a real virtual drive, a real client, and a key server that is the
// test. Not part of the library.
#pragma once

#include <algorithm>
#include <functional>
#include <gtest/gtest.h>

#include "base/real_env.h"
#include "base/testing/sim_env.h"
#include "crypto/random.h"
#include "dkx/client/testing/fake_server.h"
#include "keyproxy/dkx_drive_exchange.h"
#include "keyproxy/key_proxy.h"
#include "scsi/sense_codes.h"
#include "tape/device/drive.h"

namespace tapewarden::keyproxy::test {

using dkx::testing::FakeServer;
using dkx::testing::parties;
using eedk::EkmCode;
using tape::MediumKind;
using tape::TapeFault;

constexpr std::string_view kTape = "tapes/VOL001";
constexpr std::string_view kSerial = "001234567890";  // as the drive's certificate has it
constexpr std::string_view kAlias = "KEY1";
constexpr std::string_view kLabel = "PRIMARY KEK";

inline bool holds(ByteView bytes, ByteView wanted) {
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

}  // namespace tapewarden::keyproxy::test
