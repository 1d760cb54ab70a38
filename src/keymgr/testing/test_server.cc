#include "keymgr/testing/test_server.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <future>

#include "base/assert.h"
#include "crypto/hash.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr::testing {
namespace {

crypto::SecretBytes master_key() {
  auto key = crypto::SecretBytes::zeros(32);
  std::ranges::fill(key.reveal_mutable(), std::uint8_t{7});
  return key;
}

}  // namespace

TestServer::TestServer(std::uint8_t number, std::vector<const store::TableSpec*> more)
    : more_tables_(std::move(more)) {
  id_.bytes.fill(number);
  start();
}

TestServer::~TestServer() {
  stop();
}

void TestServer::start() {
  pool_ = std::make_unique<ThreadPool>(2);
  store::KeystoreOptions options;
  options.path = keystore_path();
  options.server = id_;
  options.tables = tables();
  options.tables.insert(options.tables.end(), more_tables_.begin(), more_tables_.end());
  auto keystore = store::Keystore::open(env(), options, master_key(), log);
  TW_ASSERT(keystore.has_value());
  keystore_ = std::move(*keystore);
  auto manager =
      KeyManager::open(env(), *keystore_, id_, {.server_name = "test server", .exchange_key_bits = 2048});
  TW_ASSERT(manager.has_value());
  manager_ = std::move(*manager);
  service_ = std::make_unique<KeyService>(*manager_, nullptr);
}

void TestServer::stop() {
  service_.reset();
  manager_.reset();
  keystore_.reset();
  pool_.reset();
}

void TestServer::restart() {
  stop();
  start();
}

Result<KeyAnswer> TestServer::ask(KeyRequest request) {
  auto promise = std::make_shared<std::promise<Result<KeyAnswer>>>();
  auto answer = promise->get_future();
  service_->handle(std::move(request),
                   [promise](Result<KeyAnswer> result) { promise->set_value(std::move(result)); });
  if (answer.wait_for(std::chrono::minutes(1)) != std::future_status::ready) {
    return fail(ErrorCode::kTimeout, "no answer came");
  }
  return answer.get();
}

Status TestServer::write(const store::Keystore::Work& work) {
  TRY(keystore_->write(work));
  return {};
}

std::size_t TestServer::audit_count(const std::vector<std::string>& texts) const {
  const auto records = log.records();
  return static_cast<std::size_t>(std::ranges::count_if(records, [&](const std::string& record) {
    return std::ranges::all_of(texts, [&](const std::string& text) { return record.contains(text); });
  }));
}

TestDrive::TestDrive(std::string serial, DriveKind kind)
    : serial_(std::move(serial)), kind_(kind), wrapping_key_(shared_rsa(0)) {
  renew_identity();
}

void TestDrive::renew_identity() {
  crypto::SystemRandom random;
  RealClock clock;
  identity_key_ = crypto::PrivateKey::generate_p256();
  crypto::CertificateSpec spec;
  spec.common_name = serial_;
  spec.not_before = clock.wall_now();
  spec.not_after = clock.wall_now() + std::chrono::hours(24 * 365);
  auto certificate = crypto::self_signed_certificate(spec, identity_key_, random);
  TW_ASSERT(certificate.has_value());
  certificate_ = *certificate;
}

Caller TestDrive::caller() const {
  Caller caller;
  caller.serial = serial_;
  caller.wwnn = "5000e11100000001";
  caller.kind = kind_;
  caller.identity = certificate_;
  caller.wrapping_spki = wrapping_key_.public_key().spki();
  caller.wrapping_vouched = true;
  return caller;
}

DriveChange TestDrive::pins() const {
  DriveChange change;
  change.kind = kind_;
  change.certificate = certificate_.der();
  change.wrapping_spki = wrapping_key_.public_key().spki();
  return change;
}

KeyRequest TestDrive::request(Intent intent, const Uuid& volume) const {
  KeyRequest request;
  request.intent = intent;
  request.caller = caller();
  request.request_id = random_uuid();
  request.volser = "VOL001";
  request.volume = volume;
  request.wrapping_key_hash = wrapping_key_.public_key().spki_hash();
  return request;
}

Result<crypto::SecretBytes> TestDrive::open(const KeyAnswer& answer, const KeyRequest& request) const {
  if (!answer.sedk) return fail(ErrorCode::kNotFound, "the answer holds no SEDK");
  return eedk::open_sedk(*answer.sedk, wrapping_key_, request.volume, request.request_id);
}

Uuid random_uuid() {
  crypto::SystemRandom random;
  return Uuid::random(random);
}

const crypto::PrivateKey& shared_rsa(std::size_t index) {
  static const std::array<crypto::PrivateKey, 4> keys{
      crypto::PrivateKey::generate_rsa(2048), crypto::PrivateKey::generate_rsa(2048),
      crypto::PrivateKey::generate_rsa(2048), crypto::PrivateKey::generate_rsa(2048)};
  return keys.at(index);
}

crypto::Certificate rsa_certificate(const crypto::PrivateKey& key, const std::string& name) {
  crypto::SystemRandom random;
  RealClock clock;
  crypto::CertificateSpec spec;
  spec.common_name = name;
  spec.use = crypto::CertificateUse::kKeyWrapping;
  spec.not_before = clock.wall_now();
  spec.not_after = clock.wall_now() + std::chrono::hours(24 * 3650);
  auto certificate = crypto::self_signed_certificate(spec, key, random);
  TW_ASSERT(certificate.has_value());
  return *certificate;
}

}  // namespace tapewarden::keymgr::testing
