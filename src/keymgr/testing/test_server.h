// A key server in a temporary directory, and drives that ask it, for tests of this component and of what
// stands on it. One thread (the server inside has its own).
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/real_env.h"
#include "crypto/certificate.h"
#include "crypto/random.h"
#include "keymgr/key_factory.h"
#include "keymgr/key_manager.h"
#include "keymgr/key_service.h"
#include "store/keystore.h"
#include "store/testing/memory_commit_log.h"

namespace tapewarden::keymgr::testing {

inline Actor officer() {
  return {"alice", ActorKind::kSecurityOfficer};
}
// The consent of a second officer.
inline Consent agreed() {
  return {"second", [](store::Transaction&) -> Status { return {}; }};
}
// Destroyed as two officers do who accept the loss of every cartridge that needs the key.
inline Result<KeyManager::Destroyed> destroy_whatever_is_lost(KeyManager& manager,
                                                              const Result<KeyRef>& key) {
  const KeyRef ref = TRY(Result<KeyRef>(key));
  const auto lost = TRY(manager.count_cartridges(ref.ledger, CartridgeFilter::kNeeding));
  return manager.destroy_key(officer(), ref, {.cartridges_lost = lost}, agreed());
}
inline Actor operator_() {
  return {"oscar", ActorKind::kOperator};
}

// The real clock, set forward by the test.
class TestClock final : public Clock {
 public:
  WallTime wall_now() override { return real_.wall_now() + std::chrono::milliseconds(ahead_.load()); }
  SteadyTime steady_now() override { return real_.steady_now(); }
  void advance(std::chrono::milliseconds by) { ahead_ += by.count(); }

 private:
  RealClock real_;
  std::atomic<std::int64_t> ahead_{0};
};

// A peer that is as the test says.
class TestPeer final : public PeerView {
 public:
  bool configured() const override { return true; }
  bool connected() const override { return true; }
  std::uint64_t acknowledged_commit() const override { return acknowledged; }
  std::atomic<std::uint64_t> acknowledged{0};
};

class TestServer {
 public:
  // `number` tells servers of one test apart; `more` are tables of components above this one.
  explicit TestServer(std::uint8_t number = 1, std::vector<const store::TableSpec*> more = {});
  ~TestServer();

  // Drops the whole server without a word and starts it again on what is on disk.
  void restart();

  KeyManager& manager() { return *manager_; }
  KeyService& service() { return *service_; }
  store::Keystore& keystore() { return *keystore_; }
  const Uuid& id() const { return id_; }
  std::string keystore_path() const { return directory_.file("keystore.db"); }
  Env env() { return {&clock, &disk_, &random_, pool_.get()}; }

  // Waits for the answer, at most a minute.
  Result<KeyAnswer> ask(KeyRequest request);
  Status write(const store::Keystore::Work& work);

  // How many audit records hold all of the texts.
  std::size_t audit_count(const std::vector<std::string>& texts) const;

  TestClock clock;
  store::testing::MemoryCommitLog log;

 private:
  void start();
  void stop();

  RealDisk disk_;
  crypto::SystemRandom random_;
  Uuid id_;
  std::vector<const store::TableSpec*> more_tables_;
  store::testing::TemporaryDirectory directory_;
  std::unique_ptr<ThreadPool> pool_;
  std::unique_ptr<store::Keystore> keystore_;
  std::unique_ptr<KeyManager> manager_;
  std::unique_ptr<KeyService> service_;
};

// A drive with its keys.
class TestDrive {
 public:
  explicit TestDrive(std::string serial, DriveKind kind = DriveKind::kLto);

  Caller caller() const;
  // The table entry that pins this drive.
  DriveChange pins() const;
  // A request of this drive with a fresh request id; the volume is given.
  KeyRequest request(Intent intent, const Uuid& volume) const;
  Result<crypto::SecretBytes> open(const KeyAnswer& answer, const KeyRequest& request) const;

  const std::string& serial() const { return serial_; }
  const crypto::Certificate& certificate() const { return certificate_; }
  const crypto::PrivateKey& wrapping_key() const { return wrapping_key_; }
  void renew_identity();

 private:
  std::string serial_;
  DriveKind kind_;
  crypto::PrivateKey identity_key_;
  crypto::Certificate certificate_;
  crypto::PrivateKey wrapping_key_;  // the same for all drives of a process: making one takes long
};

Uuid random_uuid();
// An RSA key pair that tests may share; `index` 0 to 3.
const crypto::PrivateKey& shared_rsa(std::size_t index);
// A certificate for it, valid for ten years from now.
crypto::Certificate rsa_certificate(const crypto::PrivateKey& key, const std::string& name);

}  // namespace tapewarden::keymgr::testing
