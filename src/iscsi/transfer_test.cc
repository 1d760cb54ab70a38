// Data to and from the initiator.
#include "iscsi/session_test_kit.h"

namespace tapewarden::iscsi {
namespace {

using namespace testing;

// --- data to the initiator ---

TEST(IscsiRead, L1_OneSegmentCarriesDataAndStatus) {
  Bench bench;
  bench.login({{"MaxRecvDataSegmentLength", "262144"}});
  bench.unit->answers[kRead] = scsi::good(counted(1001));
  const auto command = bench.command(kReadCdb, 1001);
  ASSERT_TRUE(bench.feed(command.encode()).has_value());
  EXPECT_TRUE(bench.take().empty()) << "the unit has not run";
  bench.run();
  const auto pdu = bench.one();
  ASSERT_TRUE(pdu.header.is(Opcode::kDataIn));
  const auto data = DataInPdu::decode(pdu.header);
  EXPECT_TRUE(data.final && data.with_status);
  EXPECT_EQ(data.status, 0);
  EXPECT_EQ(data.residual, ResidualCount{});
  EXPECT_EQ(data.task_tag, command.task_tag);
  EXPECT_EQ(pdu.data, counted(1001));
}

TEST(IscsiRead, L1_LongDataGoesInSegmentsAndBursts) {
  Bench bench;
  bench.login({{"MaxRecvDataSegmentLength", "1024"}, {"MaxBurstLength", "2560"}});
  bench.unit->answers[kRead] = scsi::good(counted(6000));
  ASSERT_TRUE(bench.feed(bench.command(kReadCdb, 6000).encode()).has_value());
  bench.run();
  Bytes all;
  std::vector<std::size_t> sizes;
  std::vector<bool> finals;
  std::uint32_t number = 0;
  for (const auto& pdu : bench.take()) {
    const auto data = DataInPdu::decode(pdu.header);
    EXPECT_EQ(data.data_sn, number++);
    EXPECT_EQ(data.offset, all.size());
    sizes.push_back(pdu.data.size());
    finals.push_back(data.final);
    all.insert(all.end(), pdu.data.begin(), pdu.data.end());
    EXPECT_EQ(data.with_status, all.size() == 6000);
  }
  EXPECT_EQ(all, counted(6000));
  EXPECT_THAT(sizes, ::testing::ElementsAre(1024, 1024, 512, 1024, 1024, 512, 880));
  EXPECT_THAT(finals, ::testing::ElementsAre(false, false, true, false, false, true, true));
}

TEST(IscsiRead, L1_ResidualsTellWhatWasLessOrMore) {
  Bench bench;
  bench.login();
  bench.unit->answers[kRead] = scsi::good(counted(100));
  ASSERT_TRUE(bench.feed(bench.command(kReadCdb, 300).encode()).has_value());
  bench.run();
  auto pdu = bench.one();
  EXPECT_EQ(DataInPdu::decode(pdu.header).residual, (ResidualCount{Residual::kUnderflow, 200}));
  EXPECT_EQ(pdu.data, counted(100));
  ASSERT_TRUE(bench.feed(bench.command(kReadCdb, 40).encode()).has_value());
  bench.run();
  pdu = bench.one();
  EXPECT_EQ(DataInPdu::decode(pdu.header).residual, (ResidualCount{Residual::kOverflow, 60}));
  EXPECT_EQ(pdu.data.size(), 40U);
  ASSERT_TRUE(bench.feed(bench.command(kReadCdb, 0).encode()).has_value());
  bench.run();
  EXPECT_EQ(response_of(bench.one()).residual, (ResidualCount{Residual::kOverflow, 100}));
}

TEST(IscsiRead, L1_SenseTravelsWithTheResponseAndItsDataBefore) {
  Bench bench;
  bench.login();
  const scsi::Sense sense{.code = scsi::sense_codes::kFilemarkDetected, .filemark = true};
  bench.unit->answers[kRead] = scsi::check_condition(sense.with_information(200), counted(100));
  ASSERT_TRUE(bench.feed(bench.command(kReadCdb, 300).encode()).has_value());
  bench.run();
  const auto pdus = bench.take();
  ASSERT_EQ(pdus.size(), 2U);
  EXPECT_FALSE(DataInPdu::decode(pdus[0].header).with_status);
  EXPECT_TRUE(DataInPdu::decode(pdus[0].header).final);
  EXPECT_EQ(response_of(pdus[1]).residual, (ResidualCount{Residual::kUnderflow, 200}));
  EXPECT_EQ(response_of(pdus[1]).exp_data_sn, 1U);
  EXPECT_EQ(scsi::Sense::decode(*decode_sense_segment(pdus[1].data)), sense.with_information(200));
}

// --- data from the initiator ---

struct Way {
  bool immediate_data;
  bool initial_r2t;
};

class IscsiWrite : public ::testing::TestWithParam<Way> {
 protected:
  // Login with small bursts, so that every kind of transfer happens: first burst 1024, burst 2048, segments
  // 512.
  void login(Bench& bench, const std::string& outstanding = "1") {
    const auto yes = [](bool value) { return std::string(value ? "Yes" : "No"); };
    const auto answer = bench.login({{"ImmediateData", yes(GetParam().immediate_data)},
                                     {"InitialR2T", yes(GetParam().initial_r2t)},
                                     {"FirstBurstLength", "1024"},
                                     {"MaxBurstLength", "2048"},
                                     {"MaxOutstandingR2T", outstanding}});
    ASSERT_EQ(answer.status, LoginStatus::kSuccess);
  }

  // Sends data from `offset` on in segments up to `end`, as one sequence.
  static void send_sequence(Bench& bench, const ScsiCommandPdu& command, std::uint32_t transfer, ByteView all,
                            std::size_t offset, std::size_t end) {
    std::uint32_t number = 0;
    while (offset < end) {
      const auto bytes = std::min<std::size_t>(512, end - offset);
      const DataOutPdu data{.final = offset + bytes == end,
                            .task_tag = command.task_tag,
                            .transfer_tag = transfer,
                            .data_sn = number++,
                            .offset = static_cast<std::uint32_t>(offset)};
      ASSERT_TRUE(bench.feed(data.encode(), all.subspan(offset, bytes)).has_value());
      offset += bytes;
    }
  }

  // What an initiator does with a write of this size; returns how many R2Ts it was sent.
  unsigned write(Bench& bench, const Bytes& all) {
    auto command = bench.command(kWriteCdb, static_cast<std::uint32_t>(all.size()), true);
    const auto first = std::min<std::size_t>(all.size(), 1024);
    const auto immediate = GetParam().immediate_data ? std::min<std::size_t>(first, 700) : 0;
    command.final = GetParam().initial_r2t || immediate == first;
    EXPECT_TRUE(bench.feed(command.encode(), ByteView(all).first(immediate)).has_value());
    if (!command.final) send_sequence(bench, command, kNoTag, all, immediate, first);
    unsigned asked = 0;
    auto pdus = bench.take();
    while (!pdus.empty()) {
      for (const auto& pdu : pdus) {
        EXPECT_TRUE(pdu.header.is(Opcode::kR2t));
        const auto r2t = R2tPdu::decode(pdu.header);
        EXPECT_EQ(r2t.r2t_sn, asked++);
        EXPECT_LE(r2t.bytes, 2048U);
        send_sequence(bench, command, r2t.transfer_tag, all, r2t.offset, r2t.offset + r2t.bytes);
      }
      pdus = bench.take();
    }
    return asked;
  }
};

TEST_P(IscsiWrite, L1_EveryByteArrivesInItsPlace) {
  for (const std::size_t size : {1U, 512U, 700U, 701U, 1024U, 1025U, 3072U, 10'000U}) {
    Bench bench;
    login(bench);
    const auto all = counted(size);
    write(bench, all);
    EXPECT_EQ(bench.unit->seen.size(), 0U);
    bench.run();
    ASSERT_EQ(bench.unit->seen.size(), 1U) << size;
    EXPECT_EQ(bench.unit->seen[0].data_out, all) << size;
    EXPECT_EQ(response_of(bench.one()).residual, ResidualCount{});
  }
}

TEST_P(IscsiWrite, L1_SeveralR2tsMayBeOutstanding) {
  Bench bench;
  login(bench, "3");
  const auto all = counted(10'000);
  auto command = bench.command(kWriteCdb, 10'000, true);
  ASSERT_TRUE(bench.feed(command.encode()).has_value());
  const auto pdus = bench.take();
  ASSERT_EQ(pdus.size(), 3U);
  EXPECT_EQ(R2tPdu::decode(pdus[2].header).offset, 4096U);
  const auto first = R2tPdu::decode(pdus[0].header);
  send_sequence(bench, command, first.transfer_tag, all, first.offset, first.offset + first.bytes);
  EXPECT_EQ(R2tPdu::decode(bench.one().header).offset, 6144U);
}

TEST_P(IscsiWrite, L1_DataBeyondTheRulesFailsTheCommandAlone) {
  Bench bench;
  login(bench);
  const auto all = counted(5000);
  // Immediate data where there is none, or more than the first burst.
  auto command = bench.command(kWriteCdb, 5000, true);
  const std::size_t too_much = GetParam().immediate_data ? 1025 : 1;
  ASSERT_TRUE(bench.feed(command.encode(), ByteView(all).first(too_much)).has_value());
  EXPECT_EQ(sense_of(bench.one()).asc, 0x0c);
  // Unsolicited data: not allowed, or more than the first burst.
  command = bench.command(kWriteCdb, 5000, true);
  command.final = false;
  ASSERT_TRUE(bench.feed(command.encode()).has_value());
  send_sequence(bench, command, kNoTag, all, 0, 1536);
  EXPECT_EQ(sense_of(bench.one()).asc, 0x0c);
  // The session goes on.
  ASSERT_TRUE(bench.feed(bench.command(kTestUnitReady).encode()).has_value());
  bench.run();
  EXPECT_EQ(response_of(bench.one()).status, 0);
  EXPECT_EQ(bench.unit->seen.size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Ways, IscsiWrite,
                         ::testing::Values(Way{true, true}, Way{true, false}, Way{false, true},
                                           Way{false, false}),
                         [](const auto& param) {
                           return std::string(param.param.immediate_data ? "Immediate" : "NoImmediate") +
                                  (param.param.initial_r2t ? "InitialR2t" : "Unsolicited");
                         });

TEST_F(IscsiSession, L1_DataOutOfOrderFailsTheCommand) {
  struct Wrong {
    std::uint32_t number, offset;
    std::size_t bytes;
    bool final;
  };
  for (const auto& [number, offset, bytes, final] :
       {Wrong{1, 0, 512, true}, Wrong{0, 512, 512, true}, Wrong{0, 0, 512, true}, Wrong{0, 0, 1028, true}}) {
    const auto command = start_write(2048);
    ASSERT_TRUE(data_out(command, number, offset, bytes, final).has_value());
    EXPECT_EQ(sense_of(bench.one()).asc, 0x0c);
  }
  bench.run();
  EXPECT_TRUE(bench.unit->seen.empty());
}

TEST_F(IscsiSession, L1_AnUnknownTransferTagFailsTheCommand) {
  const auto command = start_write(1024);
  ++r2t.transfer_tag;
  ASSERT_TRUE(data_out(command, 0, 0, 1024, true).has_value());
  EXPECT_EQ(sense_of(bench.one()).ascq, 0x0c);
}

TEST_F(IscsiSession, L1_DataWithoutACommandIsForgotten) {
  ASSERT_TRUE(data_out({.task_tag = 999}, 0, 0, 512, true).has_value());
  EXPECT_TRUE(bench.take().empty());
}

TEST_F(IscsiSession, L1_CommandsReachTheirUnitInOrderEvenWhenDataComesLate) {
  const auto write = start_write(1024);
  ASSERT_TRUE(bench.feed(bench.command(kTestUnitReady).encode()).has_value());
  auto other = bench.command(kTestUnitReady);
  other.lun = encode_lun(5);
  ASSERT_TRUE(bench.feed(other.encode()).has_value());
  bench.run();
  EXPECT_TRUE(bench.unit->seen.empty()) << "the write's data is not here";
  EXPECT_EQ(bench.other_unit->seen.size(), 1U) << "another unit does not wait";
  bench.take();
  ASSERT_TRUE(data_out(write, 0, 0, 1024, true).has_value());
  bench.run();
  ASSERT_EQ(bench.unit->seen.size(), 2U);
  EXPECT_EQ(bench.unit->seen[0].cdb[0], kWrite);
  EXPECT_EQ(bench.take().size(), 2U);
}

TEST_F(IscsiSession, L1_AWriteThatWantsMoreThanItGotOverflows) {
  auto answer = scsi::good();
  answer.data_out_used = 1500;
  bench.unit->answers[kWrite] = answer;
  const auto command = start_write(1024);
  ASSERT_TRUE(data_out(command, 0, 0, 1024, true).has_value());
  bench.run();
  EXPECT_EQ(response_of(bench.one()).residual, (ResidualCount{Residual::kOverflow, 476}));
}

}  // namespace
}  // namespace tapewarden::iscsi
