#include "harness/test_drive.h"

#include "base/base64.h"
#include "base/text.h"
#include "dkx/limits.h"
#include "eedk/wrapping_key_message.h"

namespace tapewarden::testing {

namespace {

constexpr std::chrono::milliseconds kAnswer{30'000};
constexpr unsigned kNonces = 16;

Result<crypto::SecretBytes> read_secret(Disk& disk, const std::string& path) {
  const auto file = TRY(disk.open(path, OpenMode::kRead, 0));
  auto out = crypto::SecretBytes::zeros(static_cast<std::size_t>(TRY(file->size())));
  TRY(file->read_at(0, out.reveal_mutable()));
  return out;
}

}  // namespace

Result<crypto::Certificate> issue(TestSite& site, const std::string& name, const std::string& unit,
                                  const crypto::PublicKey& key, int from_days, int to_days) {
  const auto pem = TRY(read_secret(site.disk(), site.path("ca/authority.crt")));
  const auto authority = TRY(crypto::Certificate::from_pem(as_text(pem.reveal())));
  const auto authority_key =
      TRY(crypto::PrivateKey::from_pem(TRY(read_secret(site.disk(), site.path("ca/authority.key")))));
  const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  crypto::CertificateSpec spec;
  spec.common_name = name;
  spec.organizational_unit = unit;
  spec.use = crypto::CertificateUse::kClient;
  spec.not_before = now + std::chrono::hours{24 * from_days};
  spec.not_after = now + std::chrono::hours{24 * to_days};
  return crypto::issue_certificate(spec, key, authority, authority_key, site.random());
}

Result<TestDrive> TestDrive::make(TestSite& site, const std::string& serial, dkx::DriveKind kind) {
  TestDrive drive;
  drive.serial_ = serial;
  drive.kind_ = kind;
  drive.identity_.key = crypto::PrivateKey::generate_p256();
  drive.identity_.certificate = TRY(issue(site, serial, "drive", drive.identity_.key.public_key()));
  drive.wrapping_ = crypto::PrivateKey::generate_rsa(2048);
  return drive;
}

Status TestDrive::enrol(RestClient& rest) const {
  TRY(rest.post("/v1/drives", json::object{{"serial", serial_},
                                           {"kind", dkx::to_string(kind_)},
                                           {"certificate", identity_.certificate.pem()},
                                           {"wrapping_key", to_base64(wrapping_.public_key().spki())}}));
  return {};
}

dkx::KeyRequest TestDrive::request(dkx::Intent intent) const {
  crypto::SystemRandom random;
  dkx::KeyRequest out;
  out.intent = intent;
  out.request_id = Uuid::random(random);
  out.drive.serial = serial_;
  out.drive.kind = kind_;
  out.drive.wrapping_key = wrapping_.public_key().spki_hash();
  out.volume = Uuid::random(random);
  out.volser = "V" + to_upper(to_hex(ByteView(out.volume.bytes).first(3))).substr(0, 5);
  return out;
}

dkx::KeyRequest TestDrive::again(dkx::Intent intent, const ServedKey& written) const {
  dkx::KeyRequest out = request(intent);
  out.volume = written.request.volume;
  out.volser = written.request.volser;
  if (const auto* set = std::get_if<eedk::EedkSet>(&written.answer.to_hold)) out.held = *set;
  if (const auto* key = std::get_if<dkx::IdentifiedKey>(&written.answer.to_hold)) out.held = key->identifier;
  return out;
}

dkx::KeyRequest TestDrive::confirm(const dkx::KeyRequest& served, const dkx::KeyAnswer& answer) const {
  dkx::KeyRequest out = request(dkx::Intent::kConfirm);
  out.volume = served.volume;
  out.volser = served.volser;
  out.confirmation = dkx::Confirmation{served.request_id, answer.ledger};
  return out;
}

dkx::Enrolment TestDrive::enrolment() const {
  dkx::Enrolment out;
  out.certificate = identity_.certificate.der();
  out.wrapping_key = wrapping_.public_key().spki();
  out.wrapping_key_signature = identity_.key.sign(eedk::wrapping_key_message(out.wrapping_key));
  return out;
}

dkx::RequestEnvelope TestDrive::sign(const dkx::KeyRequest& request, std::uint32_t message_id) const {
  return dkx::sign_request(message_id, dkx::encode(request), dkx::SignerKind::kDrive, identity_.key,
                           &identity_.certificate);
}

Result<crypto::SecretBytes> TestDrive::open(const dkx::KeyRequest& request,
                                            const dkx::KeyAnswer& answer) const {
  if (!answer.sedk) return fail(ErrorCode::kNotFound, "the answer holds no SEDK");
  auto key = TRY(eedk::open_sedk(*answer.sedk, wrapping_, request.volume, request.request_id));
  if (crypto::key_check_value(key, request.volume) != answer.key_check) {
    return fail(ErrorCode::kWrongKey, "the key check value does not fit the key");
  }
  return key;
}

Result<net::FramedClientOptions> dkx_options(TestSite& site, Which which, const Identity* identity) {
  net::TlsConfig tls = TRY(net::read_tls_files(
      site.disk(), {site.path("engine/tls/client.crt"), site.path("engine/tls/client.key"),
                    site.path("engine/tls/authorities.crt")}));
  if (identity != nullptr) {
    tls.chain = {identity->certificate};
    tls.key = identity->key;
  }
  net::FramedClientOptions options;
  options.host = "127.0.0.1";
  options.port = site.dkx_port(which);
  options.tls = TRY(net::TlsContext::client(tls));
  options.max_message_bytes = dkx::kMaxMessageBytes;
  return options;
}

dkx::HelloRequest hello_request(Random& random, unsigned nonces) {
  dkx::HelloRequest hello{{dkx::kVersion}, {}, static_cast<std::uint8_t>(nonces)};
  random.fill(hello.challenge);
  return hello;
}

Result<DriveLink> DriveLink::connect(TestSite& site, Which which, const Identity* identity) {
  auto client = TRY(net::BlockingClient::connect(site.loop(), TRY(dkx_options(site, which, identity))));
  DriveLink link(site, std::move(client));
  TRY(link.greet());
  return link;
}

Status DriveLink::greet() {
  const auto request = dkx::unsigned_request(next_id(), dkx::encode(hello_request(site_->random(), kNonces)));
  const auto answer = TRY(dkx::decode_answer_envelope(TRY(client_.call(dkx::encode(request), kAnswer))));
  const auto body = TRY(dkx::decode_answer_body(answer.body));
  const auto* hello = std::get_if<dkx::HelloAnswer>(&body);
  if (const auto* refusal = std::get_if<dkx::Refusal>(&body)) return std::unexpected(dkx::error_of(*refusal));
  if (hello == nullptr) return fail(ErrorCode::kUnauthenticated, "hello was answered by something else");
  server_ = TRY(crypto::Certificate::from_der(hello->signing_certificate));
  TRY(dkx::verify_answer(answer, request, server_));
  for (const auto& nonce : hello->nonces) nonces_.push_back(nonce);
  return {};
}

Result<dkx::Nonce> DriveLink::take_nonce() {
  if (nonces_.empty()) TRY(greet());
  const dkx::Nonce out = nonces_.front();
  nonces_.pop_front();
  return out;
}

Result<dkx::KeyRequest> DriveLink::prepare(dkx::KeyRequest request) {
  request.nonce = TRY(take_nonce());
  request.binding = binding();
  return request;
}

void DriveLink::keep_nonce(const dkx::AnswerBody& body) {
  std::visit(
      [&](const auto& answer) {
        if constexpr (requires { answer.next_nonce; }) {
          if (answer.next_nonce) nonces_.push_back(*answer.next_nonce);
        }
      },
      body);
}

Result<dkx::AnswerBody> DriveLink::exchange(const dkx::RequestEnvelope& envelope) {
  const auto answer = TRY(dkx::decode_answer_envelope(TRY(client_.call(dkx::encode(envelope), kAnswer))));
  TRY(dkx::verify_answer(answer, envelope, server_));
  auto body = TRY(dkx::decode_answer_body(answer.body));
  keep_nonce(body);
  return body;
}

Result<dkx::AnswerBody> DriveLink::ask(const TestDrive& drive, dkx::KeyRequest request) {
  return exchange(drive.sign(TRY(prepare(std::move(request))), next_id()));
}

Result<ServedKey> DriveLink::serve(const TestDrive& drive, dkx::KeyRequest request) {
  const auto body = TRY(ask(drive, request));
  if (const auto* refusal = std::get_if<dkx::Refusal>(&body)) return std::unexpected(dkx::error_of(*refusal));
  const auto* answer = std::get_if<dkx::KeyAnswer>(&body);
  if (answer == nullptr) return fail(ErrorCode::kInternal, "the answer is not about a key");
  auto key = TRY(drive.open(request, *answer));
  return ServedKey{std::move(request), *answer, std::move(key)};
}

Result<dkx::AnswerBody> DriveLink::send_raw(Bytes message) {
  const auto answer = TRY(dkx::decode_answer_envelope(TRY(client_.call(std::move(message), kAnswer))));
  TRY(dkx::verify_answer(answer, dkx::RequestEnvelope{}, server_));
  return dkx::decode_answer_body(answer.body);
}

}  // namespace tapewarden::testing
