#include "dkx/testing/parties.h"

#include "base/assert.h"
#include "crypto/random.h"
#include "eedk/wrapping_key_message.h"

namespace tapewarden::dkx::testing {

namespace {

using crypto::CertificateUse;
using crypto::PrivateKey;

crypto::CertificateSpec spec_of(std::string name, CertificateUse use) {
  crypto::CertificateSpec spec;
  spec.common_name = std::move(name);
  spec.use = use;
  spec.not_before = from_millis(1'700'000'000'000);
  spec.not_after = from_millis(2'000'000'000'000);
  return spec;
}

Party self_signed(std::string name, CertificateUse use) {
  crypto::SystemRandom random;
  Party out{PrivateKey::generate_p256(), {}};
  auto certificate = crypto::self_signed_certificate(spec_of(std::move(name), use), out.key, random);
  TW_ASSERT(certificate.has_value());
  out.certificate = *certificate;
  return out;
}

Parties make_parties() {
  Parties out;
  out.authority = self_signed("site authority", CertificateUse::kAuthority);
  out.server = issue(out.authority, "keyd primary", CertificateUse::kSigning, "keyd");
  out.other = issue(out.authority, "keyd secondary", CertificateUse::kSigning, "keyd");
  out.stranger = self_signed("stranger", CertificateUse::kSigning);
  out.drive = issue(out.authority, "001234567890", CertificateUse::kSigning, "drive");
  out.proxy = issue(out.authority, "engine", CertificateUse::kClient, "proxy");
  out.drive_wrapping = PrivateKey::generate_rsa(2048);
  out.kek = PrivateKey::generate_rsa(2048);
  return out;
}

}  // namespace

Party issue(const Party& authority, std::string name, CertificateUse use, std::string unit) {
  crypto::SystemRandom random;
  Party out{PrivateKey::generate_p256(), {}};
  auto spec = spec_of(std::move(name), use);
  spec.organizational_unit = std::move(unit);
  auto certificate =
      crypto::issue_certificate(spec, out.key.public_key(), authority.certificate, authority.key, random);
  TW_ASSERT(certificate.has_value());
  out.certificate = *certificate;
  return out;
}

const Parties& parties() {
  static const Parties made = make_parties();
  return made;
}

eedk::EedkSet sample_eedk_set(const Uuid& volume) {
  eedk::EedkSet out;
  out.volume = volume;
  out.key_check.fill(0xC4);
  out.eedks.push_back(
      {eedk::WrapAlgorithm::kRsaOaepSha256, eedk::ClearLabel{"PRIMARY KEK"}, Bytes(256, 0x11)});
  out.eedks.push_back({eedk::WrapAlgorithm::kRsaOaepSha256,
                       eedk::HashLabel{parties().kek.public_key().spki_hash()}, Bytes(256, 0x22)});
  eedk::seal(out, uuid_of(0x51), parties().server.certificate, parties().server.key);
  return out;
}

Enrolment sample_enrolment() {
  Enrolment out;
  out.certificate = parties().drive.certificate.der();
  out.wrapping_key = parties().drive_wrapping.public_key().spki();
  out.wrapping_key_signature = parties().drive.key.sign(eedk::wrapping_key_message(out.wrapping_key));
  return out;
}

KeyRequest sample_key_request(Intent intent) {
  KeyRequest out;
  out.intent = intent;
  out.nonce.fill(0x01);
  out.binding.fill(0x02);
  out.request_id = uuid_of(0x03);
  out.drive.serial = "001234567890";
  out.drive.wwnn = Wwnn{0x50, 0x05, 0x07, 0x63, 0, 0, 0, 1};
  out.drive.kind = DriveKind::k3592;
  out.drive.wrapping_key = parties().drive_wrapping.public_key().spki_hash();
  out.volser = "VOL001";
  out.volume = uuid_of(0x04);
  switch (intent) {
    case Intent::kAppend:
      out.held = sample_eedk_set(out.volume);
      break;
    case Intent::kRead:
      out.held = *eedk::DataKeyIdentifier::from_alias("KEY1");
      break;
    case Intent::kRekey:
      out.held = sample_eedk_set(out.volume);
      out.asked = LabelsAsked{{"NEW KEK", eedk::LabelMode::kHash}};
      break;
    case Intent::kConfirm:
      out.confirmation = Confirmation{uuid_of(0x05), {uuid_of(0x51), 42}};
      break;
    default:
      break;
  }
  return out;
}

std::vector<RequestBody> sample_requests() {
  std::vector<RequestBody> out;
  HelloRequest hello{{kVersion, {1, 1}}, {}, 16};
  hello.challenge.fill(0x77);
  out.emplace_back(hello);
  out.emplace_back(HelloRequest{{kVersion}, {}, 0});
  out.emplace_back(PingRequest{hello.challenge});
  out.emplace_back(CheckLabelsRequest{
      hello.challenge,
      {{CheckKind::kLabel, "PRIMARY KEK"}, {CheckKind::kGroup, "GROUP1"}, {CheckKind::kAlias, "KEY1"}}});
  for (const Intent intent :
       {Intent::kWriteFromBeginning, Intent::kAppend, Intent::kRead, Intent::kRekey, Intent::kConfirm}) {
    out.emplace_back(sample_key_request(intent));
  }
  for (const Asked& asked :
       {Asked{LabelsAsked{{"A", eedk::LabelMode::kClear}, {"B", eedk::LabelMode::kHash}}},
        Asked{GroupAsked{"GROUP1"}}, Asked{AliasAsked{"KEY1"}}}) {
    KeyRequest request = sample_key_request(Intent::kWriteFromBeginning);
    request.asked = asked;
    request.drive.wwnn.reset();
    request.drive.enrolment = sample_enrolment();
    request.proxy = "engine";
    request.partition = "pool 7";
    request.volser.clear();
    out.emplace_back(request);
  }
  return out;
}

std::vector<AnswerBody> sample_answers() {
  std::vector<AnswerBody> out;
  Nonce nonce;
  nonce.fill(0x66);
  HelloAnswer hello{{kVersion},
                    uuid_of(0x51),
                    parties().server.certificate.der(),
                    {nonce, Nonce{}},
                    from_millis(1'790'000'000'000),
                    ServerState::kReadsOnly,
                    "waiting for a backup"};
  out.emplace_back(hello);
  hello.nonces.clear();
  out.emplace_back(hello);
  out.emplace_back(PingAnswer{hello.time, ServerState::kServing, ""});
  out.emplace_back(CheckLabelsAnswer{{{{CheckKind::kLabel, "A"}, CheckStatus::kUsable, ""},
                                      {{CheckKind::kGroup, "G"}, CheckStatus::kExhausted, "add keys"}}});
  KeyAnswer wrapped{eedk::Sedk{eedk::WrapAlgorithm::kRsaOaepSha256, Bytes(256, 0x33)},
                    sample_eedk_set(uuid_of(0x04)),
                    {},
                    {"PRIMARY KEK", "SITE B"},
                    true,
                    {uuid_of(0x51), 42},
                    nonce};
  out.emplace_back(wrapped);
  KeyAnswer identified = wrapped;
  identified.to_hold = IdentifiedKey{*eedk::DataKeyIdentifier::from_alias("KEY1"), "KEY1"};
  identified.labels.clear();
  identified.next_nonce.reset();
  out.emplace_back(identified);
  KeyAnswer rekeyed = wrapped;
  rekeyed.sedk.reset();
  out.emplace_back(rekeyed);
  out.emplace_back(ConfirmAnswer{{uuid_of(0x51), 42}, nonce});
  out.emplace_back(Refusal{eedk::EkmCode::kNoKeyToServe, eedk::Origin::kKeyServer, "group GROUP1 is used up",
                           "key group", "add keys to the group", RetryReason::kWaitingForReplica, nonce});
  out.emplace_back(Refusal{});
  return out;
}

}  // namespace tapewarden::dkx::testing
