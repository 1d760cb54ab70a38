#include "scsi/key_path_pages.h"

#include "base/text.h"
#include "scsi/encryption_capabilities.h"
#include "scsi/fields.h"
#include "scsi/sense_codes.h"

namespace tapewarden::scsi {
namespace {

using namespace key_path;

constexpr std::size_t kMaxNameBytes = 64;
constexpr std::size_t kMaxKeyBytes = 4096;
constexpr std::size_t kMaxCertificateBytes = 8192;
constexpr std::size_t kMaxEedks = 2;
constexpr std::size_t kPageHeaderBytes = 4;

ByteWriter page_writer() {
  ByteWriter out;
  out.u8(kVersion).zeros(3);
  return out;
}

Result<ByteReader> page_reader(ByteView data, std::uint16_t code) {
  ByteReader in(TRY(security_page_content(data, code)));
  if (TRY(in.u8("version")) != kVersion)
    return fail(ErrorCode::kUnsupported, "this key path page has another version", "version");
  TRY(in.skip(3, "reserved"));
  return in;
}

Result<Uuid> read_uuid(ByteReader& in, std::string_view what) {
  return Uuid::from(TRY(in.bytes(16, what)));
}

Result<Bytes> read_bytes(ByteReader& in, std::size_t limit, std::string_view what) {
  return to_bytes(TRY(in.bytes16(limit, what)));
}

Result<std::string> read_text(ByteReader& in, std::size_t limit, std::string_view what) {
  std::string text{as_text(TRY(in.bytes16(limit, what)))};
  if (!is_printable(text))
    return fail(ErrorCode::kCorrupt, "a text holds unprintable bytes", std::string(what));
  return text;
}

void write_labels(ByteWriter& out, const std::vector<KeyLabel>& labels) {
  out.u8(static_cast<std::uint8_t>(labels.size()));
  for (const auto& label : labels)
    out.u8(static_cast<std::uint8_t>(label.mode)).bytes16(as_bytes(label.text));
}

Result<std::vector<KeyLabel>> read_labels(ByteReader& in) {
  std::vector<KeyLabel> labels;
  const auto count = TRY(in.u8("label count"));
  if (count > kMaxLabels)
    return fail(ErrorCode::kCorrupt, "there are more than two key labels", "label count");
  for (unsigned i = 0; i < count; ++i) {
    const auto mode = TRY(in.u8("label mode"));
    if (mode != 1 && mode != 2)
      return fail(ErrorCode::kCorrupt, "a key label has an unknown mode", "label mode");
    auto text = TRY(read_text(in, kMaxLabelBytes, "label"));
    if (text.empty()) return fail(ErrorCode::kCorrupt, "a key label is empty", "label");
    labels.push_back({std::move(text), static_cast<LabelModeCode>(mode)});
  }
  return labels;
}

void write_policy(ByteWriter& out, const WritePolicyPage& policy) {
  out.u8(policy.encrypt ? 1 : 0);
  write_labels(out, policy.labels);
  out.bytes16(as_bytes(policy.alias_or_group));
}

Result<WritePolicyPage> read_policy(ByteReader& in) {
  WritePolicyPage policy;
  const auto encrypt = TRY(in.u8("encrypt"));
  if (encrypt > 1) return fail(ErrorCode::kCorrupt, "the encrypt flag is neither 0 nor 1", "encrypt");
  policy.encrypt = encrypt == 1;
  policy.labels = TRY(read_labels(in));
  policy.alias_or_group = TRY(read_text(in, kMaxLabelBytes, "alias or group"));
  return policy;
}

// A parameter list whose page does not decode gives 05/26/00; its length field alone gives 05/1A/00.
template <typename T>
Outcome<T> parsed(ByteView parameters, Result<T> page) {
  if (parameters.size() < kPageHeaderBytes || u16_at(parameters, 2) != parameters.size() - kPageHeaderBytes)
    return check(sense_codes::kParameterListLengthError);
  if (!page) return invalid_in_parameters(kPageHeaderBytes);
  return *std::move(page);
}

Result<ChallengePage> decode_challenge(ByteView data) {
  auto in = TRY(page_reader(data, kChallenge));
  ChallengePage page;
  page.request = TRY(read_uuid(in, "request"));
  const auto confirm = TRY(in.u8("confirm"));
  if (confirm > 1) return fail(ErrorCode::kCorrupt, "the confirm flag is neither 0 nor 1", "confirm");
  page.confirm = confirm == 1;
  page.nonce = TRY(read_bytes(in, kMaxNonceBytes, "nonce"));
  page.channel_binding = TRY(read_bytes(in, kMaxBindingBytes, "channel binding"));
  page.server = TRY(read_uuid(in, "server"));
  page.server_certificate = TRY(read_bytes(in, kMaxCertificateBytes, "server certificate"));
  TRY(in.expect_done("challenge"));
  return page;
}

Result<RefusalPage> decode_refusal(ByteView data) {
  auto in = TRY(page_reader(data, kRefusal));
  RefusalPage page;
  page.request = TRY(read_uuid(in, "request"));
  const auto reason = TRY(in.u8("reason"));
  if (reason < 1 || reason > 6) return fail(ErrorCode::kCorrupt, "the refusal's reason is unknown", "reason");
  page.reason = static_cast<KeyRefusal>(reason);
  page.ekm_code = TRY(in.u16("code"));
  TRY(in.expect_done("refusal"));
  return page;
}

}  // namespace

Bytes WritePolicyPage::encode() const {
  auto out = page_writer();
  write_policy(out, *this);
  return encode_security_page(kWritePolicy, out.view());
}

Result<WritePolicyPage> WritePolicyPage::decode(ByteView data) {
  auto in = TRY(page_reader(data, kWritePolicy));
  auto policy = TRY(read_policy(in));
  TRY(in.expect_done("write policy"));
  return policy;
}

Outcome<WritePolicyPage> WritePolicyPage::parse(ByteView parameters) {
  return parsed(parameters, decode(parameters));
}

Bytes RekeyPage::encode() const {
  auto out = page_writer();
  write_labels(out, labels);
  return encode_security_page(kRekey, out.view());
}

Result<RekeyPage> RekeyPage::decode(ByteView data) {
  auto in = TRY(page_reader(data, kRekey));
  RekeyPage page;
  page.labels = TRY(read_labels(in));
  if (page.labels.empty()) return fail(ErrorCode::kCorrupt, "there is no key label", "label count");
  TRY(in.expect_done("rekey"));
  return page;
}

Outcome<RekeyPage> RekeyPage::parse(ByteView parameters) {
  return parsed(parameters, decode(parameters));
}

Bytes KeyRequestPage::encode() const {
  auto out = page_writer();
  out.u8(static_cast<std::uint8_t>(intent)).u8(static_cast<std::uint8_t>(method)).bytes(request.view());
  out.bytes16(as_bytes(drive_serial)).u64(world_wide_node_name);
  out.bytes16(drive_certificate).bytes16(wrapping_key).bytes16(wrapping_key_signature);
  out.bytes16(as_bytes(volser)).bytes(volume.view());
  out.u8(static_cast<std::uint8_t>(eedks.size()));
  for (const auto& eedk : eedks) out.bytes16(eedk);
  out.bytes16(eedk_signature).bytes16(data_key_identifier).bytes16(key_check_value);
  write_policy(out, policy);
  return encode_security_page(kKeyRequest, out.view());
}

Result<KeyRequestPage> KeyRequestPage::decode(ByteView data) {
  auto in = TRY(page_reader(data, kKeyRequest));
  KeyRequestPage page;
  page.intent = static_cast<KeyIntent>(TRY(in.u8("intent")));
  page.method = static_cast<KeyMethodCode>(TRY(in.u8("method")));
  if (page.intent > KeyIntent::kRekey)
    return fail(ErrorCode::kCorrupt, "the key request has an unknown intent", "intent");
  if (page.method != KeyMethodCode::kIdentifiedKey && page.method != KeyMethodCode::kWrappedKey)
    return fail(ErrorCode::kCorrupt, "the key request has an unknown method", "method");
  page.request = TRY(read_uuid(in, "request"));
  page.drive_serial = TRY(read_text(in, kMaxNameBytes, "drive serial"));
  page.world_wide_node_name = TRY(in.u64("world wide node name"));
  page.drive_certificate = TRY(read_bytes(in, kMaxCertificateBytes, "drive certificate"));
  page.wrapping_key = TRY(read_bytes(in, kMaxKeyBytes, "wrapping key"));
  page.wrapping_key_signature = TRY(read_bytes(in, kMaxKeyBytes, "wrapping key signature"));
  page.volser = TRY(read_text(in, kMaxNameBytes, "volser"));
  page.volume = TRY(read_uuid(in, "volume"));
  const auto count = TRY(in.u8("EEDK count"));
  if (count > kMaxEedks) return fail(ErrorCode::kCorrupt, "there are more than two EEDKs", "EEDK count");
  for (unsigned i = 0; i < count; ++i) page.eedks.push_back(TRY(read_bytes(in, kMaxKeyBytes, "EEDK")));
  page.eedk_signature = TRY(read_bytes(in, kMaxKeyBytes, "EEDK signature"));
  page.data_key_identifier = TRY(read_bytes(in, kMaxNameBytes, "data key identifier"));
  page.key_check_value = TRY(read_bytes(in, kMaxNameBytes, "key check value"));
  page.policy = TRY(read_policy(in));
  TRY(in.expect_done("key request"));
  return page;
}

Bytes ChallengePage::encode() const {
  auto out = page_writer();
  out.bytes(request.view()).u8(confirm ? 1 : 0).bytes16(nonce).bytes16(channel_binding).bytes(server.view());
  out.bytes16(server_certificate);
  return encode_security_page(kChallenge, out.view());
}

Outcome<ChallengePage> ChallengePage::parse(ByteView parameters) {
  return parsed(parameters, decode_challenge(parameters));
}

Bytes ExchangeMessagePage::encode(std::uint16_t page) const {
  auto out = page_writer();
  out.bytes(request.view()).bytes16(message);
  return encode_security_page(page, out.view());
}

Result<ExchangeMessagePage> ExchangeMessagePage::decode(ByteView data, std::uint16_t page) {
  auto in = TRY(page_reader(data, page));
  ExchangeMessagePage out;
  out.request = TRY(read_uuid(in, "request"));
  out.message = TRY(read_bytes(in, kMaxMessageBytes, "message"));
  TRY(in.expect_done("message"));
  return out;
}

Outcome<ExchangeMessagePage> ExchangeMessagePage::parse(ByteView parameters, std::uint16_t page) {
  return parsed(parameters, decode(parameters, page));
}

SenseCode sense_of(KeyRefusal refusal) {
  switch (refusal) {
    case KeyRefusal::kUnreachable:
      return sense_codes::kKeyManagerAccessError;
    case KeyRefusal::kServerError:
      return sense_codes::kKeyManagerError;
    case KeyRefusal::kNotFound:
      return sense_codes::kKeyNotFound;
    case KeyRefusal::kNotAuthorized:
      return sense_codes::kKeyRequestUnauthorized;
    case KeyRefusal::kTimeout:
      return sense_codes::kKeyServiceTimeout;
    case KeyRefusal::kServiceFailure:
      return sense_codes::kKeyServiceFailure;
  }
  return sense_codes::kKeyServiceFailure;
}

Bytes RefusalPage::encode() const {
  auto out = page_writer();
  out.bytes(request.view()).u8(static_cast<std::uint8_t>(reason)).u16(ekm_code);
  return encode_security_page(kRefusal, out.view());
}

Outcome<RefusalPage> RefusalPage::parse(ByteView parameters) {
  return parsed(parameters, decode_refusal(parameters));
}

Bytes KeyPathStatusPage::encode() const {
  auto out = page_writer();
  out.u8(static_cast<std::uint8_t>(state)).u8(joined(flag(may_write, 0), flag(confirm_due, 1)));
  out.bytes(request.view()).bytes(confirm_request.view()).bytes16(key_check_value).u16(ekm_code);
  return encode_security_page(kStatus, out.view());
}

Result<KeyPathStatusPage> KeyPathStatusPage::decode(ByteView data) {
  auto in = TRY(page_reader(data, kStatus));
  KeyPathStatusPage page;
  page.state = static_cast<KeyPathState>(TRY(in.u8("state")));
  if (page.state > KeyPathState::kRefused)
    return fail(ErrorCode::kCorrupt, "the key path status has an unknown state", "state");
  const auto flags = TRY(in.u8("flags"));
  page.may_write = (flags & 1U) != 0;
  page.confirm_due = (flags & 2U) != 0;
  page.request = TRY(read_uuid(in, "request"));
  page.confirm_request = TRY(read_uuid(in, "request to confirm"));
  page.key_check_value = TRY(read_bytes(in, kMaxNameBytes, "key check value"));
  page.ekm_code = TRY(in.u16("code"));
  TRY(in.expect_done("status"));
  return page;
}

}  // namespace tapewarden::scsi
