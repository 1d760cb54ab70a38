// A key server and its language, made up for the tests of the key path: enough to show that the drive checks
// what it must. Not part of the library.
#pragma once

#include <algorithm>
#include <set>

#include "crypto/hash.h"
#include "eedk/eedk.h"
#include "eedk/wrapping_key_message.h"
#include "tape/device/drive_test_kit.h"

namespace tapewarden::tape::test {

// request: intent, request id, nonce, receipt, then the drive's signature over all that.
// answer:  flag, SHA-256 of the request, wrapped key, check value, EEDKs, then the server's signature. To a
// rekey it holds no key.
struct FakeExchange final : DriveExchange {
  Result<Bytes> build_signed_request(const ServerChallenge& challenge, const DriveFacts& drive,
                                     const CartridgeFacts& cartridge, const KeyAsk& ask,
                                     const DriveKeys& keys) override {
    ByteWriter out;
    out.u8(static_cast<std::uint8_t>(ask.intent)).bytes(ask.request.view()).bytes16(challenge.nonce);
    out.bytes16(as_bytes(drive.serial)).bytes(cartridge.volume.view()).bytes16(ask.receipt);
    const auto signature = keys.sign(out.view());
    out.bytes16(signature);
    return out.take();
  }
  Result<KeyGrant> accept_answer(const ServerChallenge& challenge, ByteView signed_request, ByteView answer,
                                 const CartridgeFacts&, const KeyAsk& ask, const DriveKeys& keys) override {
    ByteReader in(answer);
    const auto flag = TRY(in.u8("flag"));
    const auto hash = TRY(in.bytes(32, "hash"));
    const auto wrapped = TRY(in.bytes16(1024, "wrapped"));
    const auto check = TRY((in.array<16>("check")));
    std::vector<Bytes> eedks(TRY(in.u8("count")));
    for (auto& eedk : eedks) eedk = to_bytes(TRY(in.bytes16(4096, "eedk")));
    const auto identifier = TRY(in.bytes16(60, "dki"));
    const auto signed_part = answer.first(in.position());
    const auto signature = TRY(in.bytes16(100, "signature"));
    if (!TRY(challenge.server_certificate.public_key()).verify(signed_part, signature) ||
        !equal(hash, crypto::sha256(signed_request)))
      return fail(ErrorCode::kUnauthenticated, "not the server's answer to this request");
    if (flag == 0xff) return fail(ErrorCode::kNotFound, "no such key", {}, {}, 0xEE32);
    KeyGrant grant;
    const bool rekey = ask.intent == scsi::KeyIntent::kRekey;
    if (!rekey) grant.data_key = TRY(keys.unwrap(wrapped, ask.request.view()));
    grant.info.method = ask.method;
    if (ask.method == KeyMethod::kWrappedKey) {
      grant.info.eedks = std::move(eedks);
      grant.info.signature = to_bytes("seal");
    } else {
      grant.info.akad = to_bytes(identifier);
    }
    grant.info.check_value = check;
    grant.may_write = flag == 1;
    grant.receipt = to_bytes("ledger row 7");
    return grant;
  }
  Status accept_confirmation(const ServerChallenge& challenge, ByteView signed_request,
                             ByteView answer) override {
    ByteReader in(answer);
    const auto hash = TRY(in.bytes(32, "hash"));
    const auto signature = TRY(in.bytes16(100, "signature"));
    const bool good = equal(hash, crypto::sha256(signed_request)) &&
                      TRY(challenge.server_certificate.public_key()).verify(hash, signature);
    if (!good) return fail(ErrorCode::kUnauthenticated, "not the server's confirmation");
    return {};
  }
};

// With labels as a real one has them; what it wraps is made up.
inline std::vector<Bytes> fake_eedks(const Uuid& volume, const std::vector<scsi::KeyLabel>& labels) {
  const Bytes wrapped = to_bytes("EEDK of " + volume.text());
  if (labels.empty()) return {wrapped};
  std::vector<Bytes> eedks;
  for (const auto& label : labels) {
    eedk::KekLabel named = eedk::ClearLabel{label.text};
    if (label.mode == scsi::LabelModeCode::kHash)
      named = eedk::HashLabel{crypto::sha256(as_bytes(label.text))};
    eedks.push_back(encode(eedk::Eedk{eedk::WrapAlgorithm::kRsaOaepSha256, named, wrapped}));
  }
  return eedks;
}

struct FakeServer {
  crypto::PrivateKey key = Site::get().server_key;
  crypto::Certificate certificate = Site::get().server;
  std::vector<Bytes> keys;  // what a real one gets out of EEDKs or its keystore
  bool may_append = true;
  bool refuse = false;
  Bytes identifier = to_bytes("KEY000000001");  // of the data key, by the identified-key method
  bool wrong_check = false;
  bool other_key = false;
  std::set<std::string> lost_labels;  // of KEKs that are gone: EEDKs that name no other are not opened
  std::uint8_t next_key = 10;
  unsigned confirmed = 0;

  scsi::ChallengePage challenge(const Uuid& request, bool confirm = false) const {
    return {request, confirm, Bytes(32, 9), Bytes(32, 8), Uuid::from(Bytes(16, 5)), certificate.der()};
  }
  Bytes signed_by_me(ByteWriter out) const {
    const auto signature = key.sign(out.view());
    return out.bytes16(signature).take();
  }
  bool opens(ByteView eedk) const {
    const auto read = eedk::decode_eedk(eedk);
    if (!read) return true;  // one without a label
    return std::ranges::none_of(lost_labels, [&](const std::string& lost) {
      return read->label == eedk::KekLabel{eedk::ClearLabel{lost}} ||
             read->label == eedk::KekLabel{eedk::HashLabel{crypto::sha256(as_bytes(lost))}};
    });
  }
  bool opens(const scsi::KeyRequestPage& page) const {
    return page.intent == scsi::KeyIntent::kWriteFromBeginning || page.eedks.empty() ||
           std::ranges::any_of(page.eedks, [&](const Bytes& eedk) { return opens(eedk); });
  }
  // What came in page 0021h, for the request told in page 0010h.
  Bytes answer(const scsi::KeyRequestPage& page, ByteView message) {
    EXPECT_TRUE(signature_fits(page, message));
    auto data_key = key_for(page);
    if (other_key) data_key = key_bytes(99);
    const auto secret = crypto::SecretBytes::copy_of(data_key);
    auto check = DataKey(secret.clone()).check_value(page.volume);
    if (wrong_check) check[0] ^= 1U;
    const auto wrapping = crypto::PublicKey::from_spki(page.wrapping_key).value();
    ByteWriter out;
    const bool writes = page.intent == scsi::KeyIntent::kWriteFromBeginning || may_append;
    out.u8(refuse || !opens(page) ? 0xff : (writes && page.intent != scsi::KeyIntent::kRead ? 1 : 0));
    out.bytes(crypto::sha256(message))
        .bytes16(wrapping.wrap(secret, page.request.view()).value())
        .bytes(check);
    const auto eedks = fake_eedks(page.volume, page.policy.labels);
    out.u8(static_cast<std::uint8_t>(eedks.size()));
    for (const auto& eedk : eedks) out.bytes16(eedk);
    out.bytes16(identifier);
    return signed_by_me(std::move(out));
  }
  Bytes key_for(const scsi::KeyRequestPage& page) {
    if (page.intent == scsi::KeyIntent::kWriteFromBeginning) return keys.emplace_back(key_bytes(next_key++));
    for (const auto& candidate : keys)
      if (equal(DataKey(crypto::SecretBytes::copy_of(candidate)).check_value(page.volume),
                page.key_check_value))
        return candidate;
    throw std::runtime_error("the server does not hold the key of this cartridge");
  }
  Bytes confirmation(ByteView message) {
    ++confirmed;
    return signed_by_me(std::move(ByteWriter().bytes(crypto::sha256(message))));
  }
  static bool signature_fits(const scsi::KeyRequestPage& page, ByteView message) {
    const auto identity = crypto::Certificate::from_der(page.drive_certificate).value().public_key().value();
    ByteReader in(message);
    const std::size_t signed_bytes = [&] {
      static_cast<void>(in.skip(17, "intent and id").has_value());
      static_cast<void>(in.bytes16(100, "nonce").has_value());
      static_cast<void>(in.bytes16(100, "serial").has_value());
      static_cast<void>(in.skip(16, "volume").has_value());
      static_cast<void>(in.bytes16(100, "receipt").has_value());
      return in.position();
    }();
    const auto signature = in.bytes16(100, "signature");
    return signature && identity.verify(message.first(signed_bytes), *signature) &&
           identity.verify(eedk::wrapping_key_message(page.wrapping_key), page.wrapping_key_signature);
  }
};

// A managed drive and the carrier between it and the server.
struct ManagedBench : Bench {
  static inline FakeExchange exchange_of_all{};
  FakeServer server;

  static DriveOptions options(KeyManagement management, bool encrypt) {
    DriveOptions out;
    out.management = management;
    out.default_policy.encrypt = encrypt;
    return out;
  }
  explicit ManagedBench(MediumKind kind = MediumKind::k3592,
                        KeyManagement management = KeyManagement::kSystem, bool encrypt = true,
                        bool worm = false)
      : Bench(options(management, encrypt), kind, &exchange_of_all, 64U << 20, 0, worm) {}

  scsi::KeyRequestPage request() {
    return scsi::KeyRequestPage::decode(spin(0xf0, scsi::key_path::kKeyRequest).data_in).value();
  }
  scsi::KeyPathStatusPage status() {
    return scsi::KeyPathStatusPage::decode(spin(0xf0, scsi::key_path::kStatus).data_in).value();
  }
  scsi::Response challenge(const scsi::ChallengePage& page) {
    return spout(0xf0, scsi::key_path::kChallenge, page.encode());
  }
  scsi::ExchangeMessagePage signed_request() {
    return scsi::ExchangeMessagePage::decode(spin(0xf0, scsi::key_path::kSignedRequest).data_in,
                                             scsi::key_path::kSignedRequest)
        .value();
  }
  scsi::Response answer(const scsi::ExchangeMessagePage& page) {
    return spout(0xf0, scsi::key_path::kAnswer, page.encode(scsi::key_path::kAnswer));
  }
  // The whole exchange; the last response of it.
  scsi::Response carry() {
    const auto asked = request();
    if (auto taken = challenge(server.challenge(asked.request)); !taken.good()) return taken;
    const auto message = signed_request();
    return answer({asked.request, server.answer(asked, message.message)});
  }
  scsi::Response policy(bool encrypt, std::vector<scsi::KeyLabel> labels = {}) {
    return spout(0xf0, scsi::key_path::kWritePolicy,
                 scsi::WritePolicyPage{encrypt, std::move(labels), {}}.encode());
  }
  bool plaintext_on_tape() {
    return as_text(sim.disk.content(kTapePath)).find("marker-plaintext-") != std::string_view::npos;
  }
};

}  // namespace tapewarden::tape::test
