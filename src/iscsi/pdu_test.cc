#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "iscsi/login_pdu.h"
#include "iscsi/pdu_reader.h"
#include "iscsi/session_pdu.h"
#include "iscsi/text.h"

namespace tapewarden::iscsi {
namespace {

using ::testing::ElementsAre;

// RFC 7143 appendix A.4 (as RFC 3720 appendix B.4): digests as they stand on the wire.
TEST(IscsiPdu, L1_DigestsAreThoseOfTheStandard) {
  Bytes data(32);
  EXPECT_THAT(digest_bytes(crc32c(data)), ElementsAre(0xaa, 0x36, 0x91, 0x8a));
  data.assign(32, 0xff);
  EXPECT_THAT(digest_bytes(crc32c(data)), ElementsAre(0x43, 0xab, 0xa8, 0x62));
  for (std::size_t i = 0; i < 32; ++i) data[i] = static_cast<std::uint8_t>(i);
  EXPECT_THAT(digest_bytes(crc32c(data)), ElementsAre(0x4e, 0x79, 0xdd, 0x46));
  for (std::size_t i = 0; i < 32; ++i) data[i] = static_cast<std::uint8_t>(31 - i);
  EXPECT_THAT(digest_bytes(crc32c(data)), ElementsAre(0x5c, 0xdb, 0x3f, 0x11));
  const auto command = from_hex(
      "01c000000000000000000000000000001400000000000400000000140000001828000000000000000200000000000000");
  EXPECT_THAT(digest_bytes(crc32c(*command)), ElementsAre(0x56, 0x3a, 0x96, 0xd9));
}

TEST(IscsiPdu, L1_ACommandStandsAsTheStandardDrawsIt) {
  const ScsiCommandPdu command{.read = true,
                               .task_tag = 0x01020304,
                               .expected_bytes = 0x200,
                               .cmd_sn = 7,
                               .exp_stat_sn = 9,
                               .cdb = Bytes{0x12, 0, 0, 0, 0x24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}};
  EXPECT_EQ(to_hex(command.encode().view()),
            "01c1000000000000"
            "0000000000000000"
            "01020304"
            "00000200"
            "00000007"
            "00000009"
            "12000000240000000000000000000000");
}

TEST(IscsiPdu, L1_AnExtendedCdbTravelsInAnAdditionalSegment) {
  ScsiCommandPdu command{.cdb = Bytes(32, 0x7f)};
  command.cdb[31] = 0x55;
  const auto ahs = command.encode_ahs();
  EXPECT_EQ(ahs.size(), 20U);
  const auto back = ScsiCommandPdu::decode(command.encode(), ahs);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->cdb, command.cdb);
  EXPECT_FALSE(ScsiCommandPdu::decode(command.encode(), ByteView(ahs).first(10)).has_value());
  const Bytes unknown{0x00, 0x05, 0x3f, 0, 0, 0, 0, 0};
  EXPECT_FALSE(ScsiCommandPdu::decode(command.encode(), unknown).has_value());
}

TEST(IscsiPdu, L1_EveryPduComesBackAsItWent) {
  const Numbers numbers{.stat_sn = 1, .exp_cmd_sn = 2, .max_cmd_sn = 3};
  const auto data_out = DataOutPdu::decode(
      DataOutPdu{.final = true, .lun = 4, .task_tag = 5, .transfer_tag = 6, .data_sn = 7, .offset = 8}
          .encode());
  EXPECT_TRUE(data_out.final && data_out.transfer_tag == 6 && data_out.data_sn == 7 && data_out.offset == 8);
  const auto r2t = R2tPdu::decode(
      R2tPdu{.task_tag = 5, .transfer_tag = 6, .numbers = numbers, .r2t_sn = 9, .offset = 8, .bytes = 10}
          .encode());
  EXPECT_TRUE(r2t.bytes == 10 && r2t.offset == 8 && r2t.r2t_sn == 9 && r2t.numbers == numbers);
  const auto data_in = DataInPdu::decode(DataInPdu{.final = true,
                                                   .with_status = true,
                                                   .status = 8,
                                                   .residual = {Residual::kUnderflow, 12},
                                                   .numbers = numbers,
                                                   .data_sn = 3,
                                                   .offset = 512}
                                             .encode());
  EXPECT_TRUE(data_in.with_status && data_in.status == 8 && data_in.numbers == numbers);
  EXPECT_EQ(data_in.residual, (ResidualCount{Residual::kUnderflow, 12}));
  const auto response = ScsiResponsePdu::decode(
      ScsiResponsePdu{.status = 2, .residual = {Residual::kOverflow, 5}, .numbers = numbers, .exp_data_sn = 4}
          .encode());
  EXPECT_EQ(response.residual, (ResidualCount{Residual::kOverflow, 5}));
  EXPECT_TRUE(response.status == 2 && response.exp_data_sn == 4);
  const auto task = TaskRequestPdu::decode(
      TaskRequestPdu{.function = 5, .lun = 1, .task_tag = 2, .referenced_tag = 3, .referenced_cmd_sn = 4}
          .encode());
  EXPECT_TRUE(task.function == 5 && task.referenced_tag == 3 && task.referenced_cmd_sn == 4 &&
              task.immediate);
  const auto text = TextRequestPdu::decode(
      TextRequestPdu{.final = false, .more_text = true, .task_tag = 1, .transfer_tag = 2, .cmd_sn = 3}
          .encode());
  EXPECT_TRUE(!text.final && text.more_text && text.transfer_tag == 2);
  const auto logout = LogoutRequestPdu::decode(LogoutRequestPdu{.reason = 1, .connection = 9}.encode());
  EXPECT_TRUE(logout.reason == 1 && logout.connection == 9);
  const auto async = AsyncPdu::decode(AsyncPdu{.numbers = numbers, .parameter3 = 30}.encode());
  EXPECT_TRUE(async.event == AsyncEvent::kLogoutRequested && async.parameter3 == 30);
  const auto reject =
      RejectPdu::decode(RejectPdu{.reason = RejectReason::kSnack, .numbers = numbers}.encode());
  EXPECT_TRUE(reject.reason == RejectReason::kSnack && reject.numbers == numbers);
}

TEST(IscsiPdu, L1_ALoginGoesForwardOnly) {
  LoginRequest request{.transit = true, .current = Stage::kSecurity, .next = Stage::kOperational, .tsih = 3};
  const auto back = LoginRequest::decode(request.encode());
  ASSERT_TRUE(back.has_value());
  EXPECT_TRUE(back->transit && back->next == Stage::kOperational && back->tsih == 3);
  request.current = Stage::kOperational;
  EXPECT_FALSE(LoginRequest::decode(request.encode()).has_value());
  request.next = Stage::kFullFeature;
  request.more_text = true;
  EXPECT_FALSE(LoginRequest::decode(request.encode()).has_value());
  EXPECT_FALSE(LoginRequest::decode(Header(Opcode::kLoginRequest).set_u8(1, 0x08)).has_value());
}

TEST(IscsiPdu, L1_ResidualsCountBothWays) {
  EXPECT_EQ(residual_of(10, 10), ResidualCount{});
  EXPECT_EQ(residual_of(3, 10), (ResidualCount{Residual::kUnderflow, 7}));
  EXPECT_EQ(residual_of(10, 3), (ResidualCount{Residual::kOverflow, 7}));
  EXPECT_EQ(residual_of(std::uint64_t{1} << 40U, 0), (ResidualCount{Residual::kOverflow, 0xffffffff}));
}

TEST(IscsiText, L1_TextIsTakenApartAndBadTextIsRefused) {
  const auto text = Text::parse(as_bytes(std::string_view("A=1\0B=2=3\0\0C=\0", 14)));
  ASSERT_TRUE(text.has_value());
  ASSERT_EQ(text->pairs().size(), 3U);
  EXPECT_EQ(*text->find("B"), "2=3");
  EXPECT_EQ(*text->find("C"), "");
  for (const std::string bad : {"A", "=1", "A b=1", "A=1\nX", "A=\x7f", "A=\x1b[1m"})
    EXPECT_FALSE(Text::parse(as_bytes(bad)).has_value()) << bad;
  EXPECT_FALSE(Text::parse(as_bytes(std::string_view("A=1\0A=2\0", 8))).has_value());
  EXPECT_FALSE(Text::parse(as_bytes(std::string(kMaxKeyBytes + 1, 'k') + "=1")).has_value());
  EXPECT_FALSE(Text::parse(as_bytes("A=" + std::string(kMaxValueBytes + 1, 'v'))).has_value());
  std::string many;
  for (std::size_t i = 0; i <= kMaxKeys; ++i) many += "K" + std::to_string(i) + "=1" + '\0';
  EXPECT_FALSE(Text::parse(as_bytes(many)).has_value());
}

TEST(IscsiText, L1_NumbersAndBinaryValues) {
  EXPECT_EQ(parse_numerical("262144").value(), 262144U);
  EXPECT_EQ(parse_numerical("0xFf").value(), 255U);
  for (const auto* bad : {"", "0x", "1k", "-1", "99999999999999999999", "0x11111111111111111"})
    EXPECT_FALSE(parse_numerical(bad).has_value()) << bad;
  EXPECT_EQ(parse_binary("0xABC", 8).value(), (Bytes{0x0a, 0xbc}));
  EXPECT_EQ(parse_binary("0bAQID", 8).value(), (Bytes{1, 2, 3}));
  for (const auto* bad : {"", "0x", "ab", "0xzz", "0b*", "0x112233445566778899"})
    EXPECT_FALSE(parse_binary(bad, 8).has_value()) << bad;
}

TEST(IscsiText, L1_NodeNames) {
  EXPECT_TRUE(is_node_name("iqn.2026-01.org.example:a.b-c"));
  EXPECT_TRUE(is_node_name("eui.02004567a425678d"));
  for (const auto* bad : {"", "iqn", "foo.2026", "iqn.2026-01.org.Example", "iqn.2026 01", "iqn.a/b"})
    EXPECT_FALSE(is_node_name(bad)) << bad;
  EXPECT_FALSE(is_node_name("iqn." + std::string(220, 'a')));
}

// Notes PDUs; gives data a place of its own when asked to.
class NotingSink final : public PduSink {
 public:
  Result<MutableByteView> on_header(const Header&, ByteView ahs) override {
    ahs_bytes = ahs.size();
    return MutableByteView(place);
  }
  Status on_pdu(const Header&, ByteView, ByteView data, bool right) override {
    pdus.push_back(to_bytes(data));
    digest_right = right;
    return {};
  }
  Bytes place;
  std::size_t ahs_bytes = 0;
  std::vector<Bytes> pdus;
  bool digest_right = false;
};

Status feed(PduReader& reader, ByteView bytes) {
  while (!bytes.empty()) {
    const auto want = reader.want();
    copy_bytes(want, bytes.first(want.size()));
    bytes = bytes.subspan(want.size());
    TRY(reader.filled());
  }
  return {};
}

TEST(IscsiReader, L1_EveryCombinationOfDigestsAndPadding) {
  for (const bool header : {false, true})
    for (const bool data : {false, true})
      for (std::size_t size = 0; size < 9; ++size) {
        NotingSink sink;
        PduReader reader(sink);
        const Digests digests{header, data};
        reader.set_digests(digests);
        reader.allow_ahs();
        const Bytes content(size, 0x5a);
        const Bytes ahs(size % 2 * 8, 1);
        ASSERT_TRUE(feed(reader, encode_pdu(Header(Opcode::kNopOut), content, digests, ahs)).has_value());
        EXPECT_THAT(sink.pdus, ElementsAre(content));
        EXPECT_TRUE(sink.digest_right);
        EXPECT_EQ(sink.ahs_bytes, ahs.size());
        EXPECT_TRUE(reader.idle());
      }
}

TEST(IscsiReader, L1_ADataSegmentGoesStraightToItsPlace) {
  NotingSink sink;
  sink.place.resize(16);
  PduReader reader(sink);
  ASSERT_TRUE(feed(reader, encode_pdu(Header(Opcode::kDataOut), Bytes(8, 3))).has_value());
  EXPECT_EQ(sink.place[7], 3);
  EXPECT_EQ(sink.place[8], 0);
}

TEST(IscsiReader, L1_BrokenDigestsAreSeen) {
  NotingSink sink;
  PduReader reader(sink);
  reader.set_digests({true, true});
  auto pdu = encode_pdu(Header(Opcode::kNopOut), Bytes(8, 3), {true, true});
  pdu[54] ^= 1;  // in the data
  ASSERT_TRUE(feed(reader, pdu).has_value());
  EXPECT_FALSE(sink.digest_right);
  pdu = encode_pdu(Header(Opcode::kNopOut), Bytes(8, 3), {true, true});
  pdu[20] ^= 1;  // in the header
  const auto status = feed(reader, pdu);
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().field, "HeaderDigest");
}

TEST(IscsiReader, L1_NoAdditionalSegmentsInALogin) {
  NotingSink sink;
  PduReader reader(sink);
  EXPECT_FALSE(feed(reader, encode_pdu(Header(Opcode::kLoginRequest), {}, {}, Bytes(8))).has_value());
}

TEST(IscsiReader, L1_NothingLongerThanDeclaredIsRead) {
  NotingSink sink;
  PduReader reader(sink);
  reader.set_max_segment(100);
  EXPECT_TRUE(feed(reader, encode_pdu(Header(Opcode::kNopOut), Bytes(100, 1))).has_value());
  EXPECT_FALSE(feed(reader, Header(Opcode::kNopOut).set_data_bytes(101).view()).has_value());
}

}  // namespace
}  // namespace tapewarden::iscsi
