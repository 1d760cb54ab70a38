#include "iscsi/session_test_kit.h"

namespace tapewarden::iscsi {
namespace {

using namespace testing;

class IscsiDigests : public ::testing::Test {
 protected:
  IscsiDigests() { bench.login({{"HeaderDigest", "CRC32C"}, {"DataDigest", "CRC32C,None"}}); }
  Bench bench;
};

TEST_F(IscsiDigests, L1_TheyProtectBothWays) {
  bench.unit->answers[kRead] = scsi::good(counted(1001));
  ASSERT_TRUE(bench.feed(bench.command(kReadCdb, 1001).encode()).has_value());
  bench.run();
  EXPECT_EQ(bench.one().data, counted(1001));  // take() checks the digests
  ASSERT_TRUE(bench.feed(bench.command(kWriteCdb, 999, true).encode(), counted(999)).has_value());
  bench.run();
  EXPECT_EQ(bench.unit->seen.at(1).data_out, counted(999));
}

TEST_F(IscsiDigests, L1_ABrokenHeaderEndsTheConnection) {
  auto bytes = encode_pdu(bench.command(kTestUnitReady).encode(), {}, {true, true});
  bytes[33] ^= 0x10;
  EXPECT_FALSE(bench.feed(bytes).has_value());
  EXPECT_TRUE(bench.unit->seen.empty());
}

TEST_F(IscsiDigests, L1_BrokenImmediateDataIsRejectedAndMayComeAgain) {
  const auto command = bench.command(kWriteCdb, 512, true);
  auto bytes = encode_pdu(command.encode(), counted(512), {true, true});
  bytes[100] ^= 1;
  ASSERT_TRUE(bench.feed(bytes).has_value());
  const auto pdu = bench.one();
  EXPECT_EQ(RejectPdu::decode(pdu.header).reason, RejectReason::kDataDigest);
  EXPECT_EQ(pdu.data, to_bytes(command.encode().set_data_bytes(512).view()));
  ASSERT_TRUE(bench.feed(command.encode(), counted(512)).has_value());
  bench.run();
  EXPECT_EQ(bench.unit->seen.size(), 1U);
  EXPECT_EQ(response_of(bench.one()).status, 0);
}

TEST_F(IscsiDigests, L1_BrokenDataFailsItsCommand) {
  const auto command = bench.command(kWriteCdb, 100'000, true);
  ASSERT_TRUE(bench.feed(command.encode()).has_value());
  const auto r2t = R2tPdu::decode(bench.one().header);
  const DataOutPdu data{.final = true, .task_tag = command.task_tag, .transfer_tag = r2t.transfer_tag};
  auto bytes = encode_pdu(data.encode(), counted(100'000), {true, true});
  bytes[5000] ^= 1;
  ASSERT_TRUE(bench.feed(bytes).has_value());
  const auto pdus = bench.take();
  ASSERT_EQ(pdus.size(), 2U);
  EXPECT_EQ(RejectPdu::decode(pdus[0].header).reason, RejectReason::kDataDigest);
  EXPECT_EQ(sense_of(pdus[1]), (scsi::SenseCode{scsi::SenseKey::kAbortedCommand, 0x47, 0x05}));
  bench.run();
  EXPECT_TRUE(bench.unit->seen.empty());
}

// The time of a PDU counts from its own header, also when the digest of that comes later.
TEST_F(IscsiDigests, L1_AHeaderSplitFromItsDigestHasItsWholeTime) {
  const auto ping = [this] {
    const NopOutPdu nop{.immediate = true, .task_tag = 5, .cmd_sn = bench.cmd_sn};
    return encode_pdu(nop.encode(), {}, {true, true});
  };
  ASSERT_TRUE(bench.feed(ping()).has_value());
  bench.one();
  bench.time += bench.config.limits.message_timeout;
  const auto bytes = ping();
  ASSERT_TRUE(bench.feed(ByteView(bytes).first(kHeaderBytes)).has_value());
  EXPECT_EQ(bench.endpoint().deadline(), bench.time + bench.config.limits.message_timeout);
  ASSERT_TRUE(bench.endpoint().on_deadline().has_value());
  ASSERT_TRUE(bench.feed(ByteView(bytes).subspan(kHeaderBytes)).has_value());
  EXPECT_TRUE(bench.one().header.is(Opcode::kNopIn));
  ASSERT_TRUE(bench.feed(ByteView(bytes).first(kHeaderBytes)).has_value());
  bench.time += bench.config.limits.message_timeout;
  EXPECT_FALSE(bench.endpoint().on_deadline().has_value()) << "it never comes";
}

}  // namespace
}  // namespace tapewarden::iscsi
