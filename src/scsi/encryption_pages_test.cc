#include <gtest/gtest.h>

#include "scsi/encryption_capabilities.h"
#include "scsi/encryption_status.h"
#include "scsi/key_path_pages.h"
#include "scsi/sense_codes.h"
#include "scsi/set_data_encryption.h"

namespace tapewarden::scsi {
namespace {

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}

Bytes encoded(const SetDataEncryption& page) {
  Bytes out(page.encoded_size());
  page.encode_into(out);
  return out;
}

const Bytes kKey(32, 0x5a);

SetDataEncryption typical() {
  return {.scope = KeyScope::kAllNexuses,
          .check = ExternalModeCheck::kNotChecked,
          .encryption = EncryptionMode::kEncrypt,
          .decryption = DecryptionMode::kMixed,
          .key = kKey,
          .kads = {{KadKind::kUnauthenticated, Authentication::kNone, to_bytes("name")},
                   {KadKind::kAuthenticated, Authentication::kNone, to_bytes("ABC123456789")}}};
}

TEST(SetDataEncryption, D1_LayoutAsTheTable) {
  const auto data = encoded(typical());
  EXPECT_EQ(to_hex(ByteView(data).first(20)),
            "00100048404002030100000000000000"
            "00000020");
  EXPECT_EQ(to_hex(ByteView(data).subspan(52)), "000000046e616d650100000c414243313233343536373839");
  const auto back = SetDataEncryption::parse(data).value();
  EXPECT_EQ(back.scope, KeyScope::kAllNexuses);
  EXPECT_EQ(back.decryption, DecryptionMode::kMixed);
  EXPECT_TRUE(equal(back.key, kKey));
  EXPECT_EQ(back.kads, typical().kads);
}

TEST(SetDataEncryption, D1_DisableWithAndWithoutKeyBytes) {
  auto page = typical();
  page.encryption = EncryptionMode::kDisable;
  page.decryption = DecryptionMode::kDisable;
  EXPECT_TRUE(
      SetDataEncryption::parse(encoded(page)).value().key.empty());  // a client may send 32 bytes anyway
  page.key = {};
  page.kads = {};
  EXPECT_TRUE(SetDataEncryption::parse(encoded(page)).has_value());
}

TEST(SetDataEncryption, D1_EveryCutAndWrongLengthIsRefused) {
  const auto data = encoded(typical());
  for (std::size_t size = 0; size < data.size(); ++size) {
    const auto cut = SetDataEncryption::parse(ByteView(data).first(size));
    ASSERT_FALSE(cut.has_value()) << size;
    EXPECT_EQ(cut.error().code,
              size < 20 ? sense_codes::kParameterListLengthError : sense_codes::kInvalidFieldInParameters);
  }
  auto longer = data;
  longer.push_back(0);
  EXPECT_EQ(SetDataEncryption::parse(longer).error().field->byte, 2);
}

TEST(SetDataEncryption, D1_BadFieldsPointAtThemselves) {
  struct Case {
    std::size_t at;
    std::uint8_t value;
  };
  for (const auto& c :
       {Case{0, 1}, Case{4, 0x60}, Case{4, 0x42}, Case{5, 0x10}, Case{6, 3}, Case{7, 4}, Case{9, 4},
        Case{10, 3}, Case{11, 1}, Case{17, 1}, Case{53, 1} /* garbage in the flags of a descriptor */}) {
    auto data = encoded(typical());
    data.at(c.at) = c.value;
    const auto refused = SetDataEncryption::parse(data);
    ASSERT_FALSE(refused.has_value()) << c.at;
    EXPECT_EQ(refused.error().code, sense_codes::kInvalidFieldInParameters);
    EXPECT_EQ(refused.error().field->byte, c.at);
    EXPECT_FALSE(refused.error().field->in_cdb);
  }
  auto no_key = typical();
  no_key.key = {};
  no_key.kads = {};
  EXPECT_EQ(SetDataEncryption::parse(encoded(no_key)).error().field->byte, 18);
  auto twice = typical();
  twice.kads = {twice.kads[1], twice.kads[0]};
  EXPECT_FALSE(SetDataEncryption::parse(encoded(twice)).has_value());
}

TEST(WrappedKey, D1_RoundTripAndCuts) {
  const WrappedKey key{.label = to_bytes("label"), .wrapped = Bytes(256, 1), .signature = Bytes(70, 2)};
  const auto data = key.encode();
  const auto back = WrappedKey::parse(data, 20).value();
  EXPECT_EQ(back.label, key.label);
  EXPECT_EQ(back.wrapped, key.wrapped);
  EXPECT_EQ(back.signature, key.signature);
  for (std::size_t size = 0; size < data.size(); ++size)
    EXPECT_FALSE(WrappedKey::parse(ByteView(data).first(size), 20).has_value());
  auto longer = data;
  longer.push_back(0);
  EXPECT_EQ(WrappedKey::parse(longer, 20).error().field->byte, 20 + data.size());
}

TEST(EncryptionCapabilities, D1_RoundTripAndLayout) {
  EncryptionCapabilities capabilities;
  capabilities.algorithms = {{.valid_for_mounted_volume = true,
                              .valid_for_position = 2,
                              .max_unauthenticated = 32,
                              .max_authenticated = 60}};
  const auto data = capabilities.encode();
  EXPECT_EQ(to_hex(data),
            "00100028"
            "05000000000000000000000000000000"
            "01000014"
            "ba9c"
            "0020003c0020"
            "d3"
            "00"
            "0000"
            "0000"
            "0000"
            "00010014");
  EXPECT_EQ(EncryptionCapabilities::decode(data).value().algorithms, capabilities.algorithms);
  for (std::size_t size = 0; size < data.size(); ++size)
    EXPECT_FALSE(EncryptionCapabilities::decode(ByteView(data).first(size)).has_value());
}

TEST(EncryptionPages, D1_ListsAndManagement) {
  EXPECT_EQ(to_hex(encode_page_list(0, {0, 1, 0x10})), "00000006000000010010");
  EXPECT_EQ(decode_page_list(hex("00000006000000010010"), 0).value().size(), 3U);
  EXPECT_FALSE(decode_page_list(hex("0000000500000001"), 0).has_value());
  EXPECT_EQ(to_hex(encode_key_formats({KeyFormat::kPlain, KeyFormat::kWrapped})), "001100020002");
  const EncryptionManagement management{};
  EXPECT_EQ(to_hex(management.encode()), "0012000c010700070000000000000000");
  EXPECT_EQ(EncryptionManagement::decode(management.encode()).value(), management);
  EXPECT_EQ(to_hex(encode_protocol_list({0x00, 0x20})), "00000000000000020020");
  EXPECT_EQ(to_hex(encode_certificate_page({})), "00000000");
  EXPECT_EQ(decode_certificate_page(encode_certificate_page(Bytes{1, 2})).value(), (Bytes{1, 2}));
  const WrappingKeyPage page{.key = Bytes(294, 7)};
  EXPECT_EQ(WrappingKeyPage::decode(page.encode()).value().key, page.key);
}

TEST(EncryptionStatus, D1_RoundTripAndLayout) {
  const EncryptionStatus status{
      .nexus_scope = KeyScope::kLocal,
      .key_scope = KeyScope::kAllNexuses,
      .encryption = EncryptionMode::kEncrypt,
      .decryption = DecryptionMode::kMixed,
      .algorithm_index = 1,
      .key_instance = 7,
      .control = ParametersControl::kNotExclusive,
      .check = ExternalModeCheck::kNotChecked,
      .raw_blocked = true,
      .kads = {{KadKind::kAuthenticated, Authentication::kNotCovered, to_bytes("K")}}};
  const auto data = status.encode();
  EXPECT_EQ(to_hex(data),
            "0020001922020301000000071300000000000000000000000101"
            "00014b");
  EXPECT_EQ(EncryptionStatus::decode(data).value().kads, status.kads);
  for (std::size_t size = 0; size < data.size(); ++size)
    EXPECT_FALSE(EncryptionStatus::decode(ByteView(data).first(size)).has_value());
  const NextBlockStatus next{.logical_object = 5,
                             .compression = CompressionStatus::kCompressed,
                             .status = BlockStatus::kKeyMissing,
                             .algorithm_index = 1,
                             .raw_blocked = true,
                             .kads = status.kads};
  EXPECT_EQ(to_hex(next.encode()),
            "00210011000000000000000546010100"
            "010100014b");
  EXPECT_EQ(NextBlockStatus::decode(next.encode()).value().status, BlockStatus::kKeyMissing);
}

KeyRequestPage request() {
  return {.intent = KeyIntent::kRead,
          .request = Uuid::from(Bytes(16, 3)),
          .drive_serial = "0000078A1234",
          .world_wide_node_name = 0x5005076300000001,
          .drive_certificate = Bytes(500, 1),
          .wrapping_key = Bytes(294, 2),
          .wrapping_key_signature = Bytes(71, 3),
          .volser = "ABC123",
          .volume = Uuid::from(Bytes(16, 4)),
          .eedks = {Bytes(300, 5), Bytes(301, 6)},
          .eedk_signature = Bytes(70, 7),
          .data_key_identifier = {},
          .key_check_value = Bytes(16, 8),
          .policy = {.encrypt = true, .labels = {{"Finance", LabelModeCode::kHash}}, .alias_or_group = "G"}};
}

TEST(KeyPathPages, D2_RequestRoundTripAndCuts) {
  const auto data = request().encode();
  EXPECT_EQ(KeyRequestPage::decode(data).value(), request());
  for (std::size_t size = 0; size < data.size(); ++size)
    EXPECT_FALSE(KeyRequestPage::decode(ByteView(data).first(size)).has_value());
  auto other = data;
  other.at(4) = 2;
  EXPECT_EQ(KeyRequestPage::decode(other).error().code, ErrorCode::kUnsupported);
}

TEST(KeyPathPages, D2_OutPagesRoundTripAndRefuseBadOnes) {
  const ChallengePage challenge{Uuid::from(Bytes(16, 1)), true,         Bytes(32, 2), Bytes(32, 3),
                                Uuid::from(Bytes(16, 4)), Bytes(600, 5)};
  EXPECT_EQ(ChallengePage::parse(challenge.encode()).value(), challenge);
  const RefusalPage refusal{Uuid::from(Bytes(16, 1)), KeyRefusal::kTimeout, 0xEE32};
  EXPECT_EQ(RefusalPage::parse(refusal.encode()).value(), refusal);
  const ExchangeMessagePage message{Uuid::from(Bytes(16, 1)), Bytes(1000, 9)};
  EXPECT_EQ(ExchangeMessagePage::parse(message.encode(key_path::kAnswer), key_path::kAnswer).value(),
            message);
  EXPECT_FALSE(
      ExchangeMessagePage::parse(message.encode(key_path::kAnswer), key_path::kSignedRequest).has_value());
  const KeyPathStatusPage status{KeyPathState::kKeyed,     true,         true,  Uuid::from(Bytes(16, 1)),
                                 Uuid::from(Bytes(16, 2)), Bytes(16, 1), 0xEE32};
  EXPECT_EQ(KeyPathStatusPage::decode(status.encode()).value(), status);
  auto reason = refusal.encode();
  reason.at(24) = 7;
  EXPECT_EQ(RefusalPage::parse(reason).error().code, sense_codes::kInvalidFieldInParameters);
  auto cut = challenge.encode();
  cut.pop_back();
  EXPECT_EQ(ChallengePage::parse(cut).error().code, sense_codes::kParameterListLengthError);
  const WritePolicyPage labels{true, {{"bad\n", LabelModeCode::kClear}}, {}};
  EXPECT_FALSE(WritePolicyPage::parse(labels.encode()).has_value());
  const WritePolicyPage empty_label{true, {{"", LabelModeCode::kClear}}, {}};
  EXPECT_FALSE(WritePolicyPage::parse(empty_label.encode()).has_value());
}

TEST(KeyPathPages, D2_RefusalsHaveTheirSense) {
  EXPECT_EQ(sense_of(KeyRefusal::kUnreachable).packed(), 0x077461U);
  EXPECT_EQ(sense_of(KeyRefusal::kNotFound).packed(), 0x077463U);
  EXPECT_EQ(sense_of(KeyRefusal::kNotAuthorized).packed(), 0x077464U);
  EXPECT_EQ(sense_of(KeyRefusal::kTimeout).packed(), 0x07ee0eU);
  EXPECT_EQ(sense_of(KeyRefusal::kServiceFailure).packed(), 0x07ee0fU);
}

}  // namespace
}  // namespace tapewarden::scsi
