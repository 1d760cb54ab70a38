#include "dkx_site.h"

#include <chrono>
#include <future>
#include <thread>

#include "crypto/key_check.h"
#include "dkx/client/net_transport.h"
#include "dkx/signing.h"

namespace tapewarden::bench {
namespace {

constexpr const char* kSerial = "000000000001";
constexpr const char* kGroup = "BENCH";
constexpr const char* kLabel = "BENCH KEK";
constexpr unsigned kRsaBits = 2048;
constexpr auto kPatience = std::chrono::seconds(30);

std::string health_text(const dkx::ServerStatus& status) {
  return status.failure ? status.failure->text() : std::string("no reason is known");
}

}  // namespace

DkxSite::DkxSite(dkx::DriveKind kind)
    : kind_(kind),
      drive_(tls_.client_leaf(kSerial, "drive")),
      wrapping_key_(crypto::PrivateKey::generate_rsa(kRsaBits)) {
  listen();
  enrol();
  connect();
}

DkxSite::~DkxSite() {
  client_.reset();
  if (listener_ != nullptr) listener_->stop(std::chrono::seconds(5));
}

void DkxSite::listen() {
  dependencies_.env = server_.env();
  dependencies_.keys = &server_.service();
  dependencies_.context = &server_.manager().context();
  dependencies_.health = [] { return dkx::ServerHealth{}; };
  dependencies_.refusals = &refusals_;
  dependencies_.audit = [](const dkx::ServerPeer&, const std::string&, const dkx::Refusal&, std::uint64_t,
                           const std::function<void(Status)>& done) { done({}); };
  listener_ = must(apps::listen_dkx(server_loop_, {}, tls_.server(), dependencies_, {}));
}

void DkxSite::enrol() {
  keymgr::DriveChange pins;
  pins.kind = kind_ == dkx::DriveKind::kLto ? keymgr::DriveKind::kLto : keymgr::DriveKind::k3592;
  pins.certificate = drive_.certificate.der();
  pins.wrapping_spki = wrapping_key_.public_key().spki();
  auto& manager = server_.manager();
  must(manager.add_drive(officer(), kSerial, pins));
  must(manager.generate_kek(officer(), {.common_name = "bench", .bits = kRsaBits, .labels = {kLabel}}));
  must(manager.create_group(officer(), kGroup, {}));
}

void DkxSite::connect() {
  net::FramedClientOptions options;
  options.host = "127.0.0.1";
  options.port = listener_->port();
  options.tls = must(net::TlsContext::client(tls_.client_config(drive_)));
  dkx::ClientConfig config;
  config.env = server_.env();
  config.env.executor = &drive_pool_;
  dkx::ServerConfig server;
  server.connector = dkx::make_net_connector(drive_loop_, options);
  config.servers.push_back(std::move(server));
  config.trust = {{server_.manager().context().signing_certificate}, ""};
  client_ = std::make_unique<dkx::Client>(std::move(config));
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (client_->status().front().connection != dkx::Connection::kUp) {
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error("the drive is not connected: " + health_text(client_->status().front()));
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

void DkxSite::make_keys(std::size_t count) {
  must(server_.manager().generate_keys(officer(), count, "BEN", kGroup));
}

dkx::KeyRequest DkxSite::request(dkx::Intent intent, const Uuid& volume) {
  dkx::KeyRequest out;
  out.intent = intent;
  out.request_id = Uuid::random(*server_.env().random);
  out.drive.kind = kind_;
  out.drive.serial = kSerial;
  out.drive.wrapping_key = wrapping_key_.public_key().spki_hash();
  out.volser = "BENCH0L9";
  out.volume = volume;
  return out;
}

dkx::KeyRequest DkxSite::write_by_group() {
  auto out = request(dkx::Intent::kWriteFromBeginning, Uuid::random(*server_.env().random));
  out.asked = dkx::GroupAsked{kGroup};
  return out;
}

dkx::KeyRequest DkxSite::write_by_label() {
  auto out = request(dkx::Intent::kWriteFromBeginning, Uuid::random(*server_.env().random));
  out.asked = dkx::LabelsAsked{{kLabel, eedk::LabelMode::kClear}};
  return out;
}

dkx::KeyRequest DkxSite::read(const eedk::EedkSet& held) {
  auto out = request(dkx::Intent::kRead, held.volume);
  out.held = held;
  return out;
}

void DkxSite::ask(dkx::KeyRequest request, Done done) {
  const auto asked = std::make_shared<const dkx::KeyRequest>(std::move(request));
  client_->exchange(
      [this, asked](const dkx::Attempt& attempt) -> Result<dkx::RequestEnvelope> {
        dkx::KeyRequest bound = *asked;
        bound.nonce = attempt.nonce;
        bound.binding = attempt.binding;
        return dkx::sign_request(0, dkx::encode(bound), dkx::SignerKind::kDrive, drive_.key,
                                 &drive_.certificate);
      },
      [this, asked, done = std::move(done)](const Result<dkx::Answered>& answered) {
        drive_pool_.post([this, asked, answered, done] { done(open(*asked, answered)); });
      });
}

dkx::KeyAnswer DkxSite::ask(const dkx::KeyRequest& request) {
  const auto promise = std::make_shared<std::promise<Result<dkx::KeyAnswer>>>();
  auto answer = promise->get_future();
  ask(request, [promise](Result<dkx::KeyAnswer> result) { promise->set_value(std::move(result)); });
  if (answer.wait_for(kPatience) != std::future_status::ready) throw std::runtime_error("no answer came");
  return must(answer.get());
}

Result<dkx::KeyAnswer> DkxSite::open(const dkx::KeyRequest& request,
                                     const Result<dkx::Answered>& answered) const {
  auto answer = TRY(dkx::key_answer(answered));
  if (!answer.sedk) return fail(ErrorCode::kNotFound, "the answer holds no SEDK");
  const auto key = TRY(eedk::open_sedk(*answer.sedk, wrapping_key_, request.volume, request.request_id));
  if (crypto::key_check_value(key, request.volume) != answer.key_check)
    return fail(ErrorCode::kWrongKey, "the answer holds another key");
  return answer;
}

}  // namespace tapewarden::bench
