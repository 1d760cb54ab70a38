#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "iscsi/lun.h"
#include "iscsi/testing/bench.h"
#include "scsi/sense_codes.h"
#include "scsi/transport_id.h"

namespace tapewarden::iscsi {
namespace {

using testing::Bench;
using ::testing::ElementsAre;
using ::testing::Optional;
using testing::Pdu;

constexpr std::uint8_t kRead = 0x08;
constexpr std::uint8_t kWrite = 0x0a;
const Bytes kReadCdb{kRead, 0, 0, 0, 1, 0};
const Bytes kWriteCdb{kWrite, 0, 0, 0, 1, 0};
const Bytes kTestUnitReady(6, 0);

Bytes counted(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
  return bytes;
}

ScsiResponsePdu response_of(const Pdu& pdu) {
  EXPECT_TRUE(pdu.header.is(Opcode::kScsiResponse)) << unsigned{pdu.header.opcode()};
  return ScsiResponsePdu::decode(pdu.header);
}

scsi::SenseCode sense_of(const Pdu& pdu) {
  EXPECT_EQ(response_of(pdu).status, 2);
  const auto segment = decode_sense_segment(pdu.data);
  return segment ? scsi::Sense::decode(*segment)->code : scsi::SenseCode{};
}

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
  EXPECT_THAT(sizes, ElementsAre(1024, 1024, 512, 1024, 1024, 512, 880));
  EXPECT_THAT(finals, ElementsAre(false, false, true, false, false, true, true));
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

class IscsiSession : public ::testing::Test {
 protected:
  IscsiSession() { bench.login({{"MaxBurstLength", "1024"}, {"FirstBurstLength", "512"}}); }

  ScsiCommandPdu start_write(std::uint32_t bytes) {
    auto command = bench.command(kWriteCdb, bytes, true);
    EXPECT_TRUE(bench.feed(command.encode()).has_value());
    r2t = R2tPdu::decode(bench.one().header);
    return command;
  }
  Status data_out(const ScsiCommandPdu& command, std::uint32_t number, std::uint32_t offset,
                  std::size_t bytes, bool final) {
    const DataOutPdu data{.final = final,
                          .task_tag = command.task_tag,
                          .transfer_tag = r2t.transfer_tag,
                          .data_sn = number,
                          .offset = offset};
    return bench.feed(data.encode(), Bytes(bytes, 1));
  }
  TaskAnswer manage(TaskFunction function, std::uint32_t referenced = kNoTag, std::uint64_t lun = 0) {
    const TaskRequestPdu request{.function = static_cast<std::uint8_t>(function),
                                 .lun = lun,
                                 .task_tag = bench.next_tag(),
                                 .referenced_tag = referenced,
                                 .cmd_sn = bench.cmd_sn};
    EXPECT_TRUE(bench.feed(request.encode()).has_value());
    bench.run();
    const auto pdu = bench.one();
    EXPECT_TRUE(pdu.header.is(Opcode::kTaskResponse));
    return TaskResponsePdu::decode(pdu.header).answer;
  }

  Bench bench;
  R2tPdu r2t;
};

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

// --- numbers ---

TEST_F(IscsiSession, L1_CommandsOutsideTheWindowAreIgnored) {
  const auto first = bench.cmd_sn;
  for (const auto number : {first - 1, first + bench.config.limits.command_window, first + 0x8000'0000U}) {
    bench.cmd_sn = number;
    ASSERT_TRUE(bench.feed(bench.command(kTestUnitReady).encode()).has_value());
  }
  bench.run();
  EXPECT_TRUE(bench.take().empty());
  EXPECT_TRUE(bench.unit->seen.empty());
  bench.cmd_sn = first;
  ASSERT_TRUE(bench.feed(bench.command(kTestUnitReady).encode()).has_value());
  bench.run();
  EXPECT_EQ(response_of(bench.one()).numbers.exp_cmd_sn, first + 1);
}

TEST(IscsiSessionTable, L1_DiscoveryTakesNoHostsPlace) {
  const SessionEvents no_events;
  SessionTable table(64, no_events);
  const auto open = [&](std::uint8_t number, const std::string& target) {
    SessionInfo info{.nexus = {}, .initiator = "iqn.host", .isid = {number}};
    info.target = target;
    return table.open(std::move(info), std::make_shared<UnitMap>(), [](const Error&) {}).has_value();
  };
  std::uint8_t number = 0;
  while (open(number, "") && number < 64) ++number;
  EXPECT_EQ(number, 16) << "discovery sessions at once";
  EXPECT_TRUE(open(100, "iqn.target"));
}

TEST_F(IscsiSession, L1_AUnitIsToldBothPortsBeforeTheFirstCommand) {
  const auto& info = bench.nexus->info();
  const auto& names = bench.unit->named.at(info.nexus);
  EXPECT_EQ(names.transport_id, scsi::iscsi_transport_id(info.initiator, info.isid));
  EXPECT_EQ(names.target_port, info.target + ",t,0x0001");
}

TEST_F(IscsiSession, L1_AGapEndsTheConnection) {
  ++bench.cmd_sn;
  EXPECT_FALSE(bench.feed(bench.command(kTestUnitReady).encode()).has_value());
}

TEST_F(IscsiSession, L1_TheWindowClosesWhileCommandsWait) {
  const auto window = bench.config.limits.command_window;
  for (unsigned i = 0; i < window; ++i)
    ASSERT_TRUE(bench.feed(bench.command(kTestUnitReady).encode()).has_value());
  EXPECT_EQ(bench.queue->waiting(), window);
  ASSERT_TRUE(bench.feed(bench.command(kTestUnitReady).encode()).has_value());
  EXPECT_EQ(bench.queue->waiting(), window) << "one too many is ignored";
  --bench.cmd_sn;
  bench.run();
  const auto pdus = bench.take();
  ASSERT_EQ(pdus.size(), window);
  const auto first = response_of(pdus.front()).numbers;
  EXPECT_EQ(first.max_cmd_sn, first.exp_cmd_sn) << "one place is free again";
  const auto last = response_of(pdus.back()).numbers;
  EXPECT_EQ(last.max_cmd_sn - last.exp_cmd_sn + 1, window);
  EXPECT_EQ(last.stat_sn, first.stat_sn + window - 1);
}

TEST_F(IscsiSession, L1_ImmediateCommandsHaveNoNumberButALimit) {
  const auto before = bench.cmd_sn;
  for (unsigned i = 0; i <= bench.config.limits.max_immediate; ++i) {
    auto command = bench.command(kTestUnitReady);
    command.immediate = true;
    command.cmd_sn = before;
    ASSERT_TRUE(bench.feed(command.encode()).has_value());
  }
  const auto pdu = bench.one();
  ASSERT_TRUE(pdu.header.is(Opcode::kReject));
  EXPECT_EQ(RejectPdu::decode(pdu.header).reason, RejectReason::kTooManyImmediate);
  bench.run();
  EXPECT_EQ(bench.take().size(), bench.config.limits.max_immediate);
  EXPECT_EQ(bench.unit->seen.size(), bench.config.limits.max_immediate);
}

TEST_F(IscsiSession, L1_ATagInUseIsRejected) {
  auto command = bench.command(kTestUnitReady);
  ASSERT_TRUE(bench.feed(command.encode()).has_value());
  command.cmd_sn = bench.cmd_sn++;
  ASSERT_TRUE(bench.feed(command.encode()).has_value());
  EXPECT_EQ(RejectPdu::decode(bench.one().header).reason, RejectReason::kTaskInProgress);
  bench.run();
  EXPECT_EQ(bench.unit->seen.size(), 1U);
}

// --- limits ---

TEST(IscsiLimits, L1_CommandsBeyondTheMemoryAreSentBack) {
  auto config = Bench::default_config();
  config.limits.max_transfer = 1000;
  config.limits.session_memory = 1500;
  Bench bench(std::move(config));
  bench.login();
  ASSERT_TRUE(bench.feed(bench.command(kReadCdb, 1000).encode()).has_value());
  ASSERT_TRUE(bench.feed(bench.command(kReadCdb, 1000).encode()).has_value());
  EXPECT_EQ(response_of(bench.one()).status, static_cast<std::uint8_t>(kTaskSetFull));
  ASSERT_TRUE(bench.feed(bench.command(kWriteCdb, 1001, true).encode()).has_value());
  EXPECT_EQ(sense_of(bench.one()), scsi::sense_codes::kInvalidFieldInCdb);
  bench.run();
  bench.take();
  EXPECT_EQ(bench.memory->used(), 0U) << "given back with the answer";
  ASSERT_TRUE(bench.feed(bench.command(kReadCdb, 1000).encode()).has_value());
  bench.run();
  EXPECT_EQ(response_of(bench.one()).status, 0);
}

// --- units that are not there ---

TEST_F(IscsiSession, L1_TheTargetListsItsUnits) {
  for (const std::uint64_t lun : {encode_lun(0), encode_lun(5), encode_lun(9), kReportLunsWellKnown}) {
    auto command = bench.command(Bytes{0xa0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}, 256);
    command.lun = lun;
    ASSERT_TRUE(bench.feed(command.encode()).has_value());
    const auto pdu = bench.one();
    EXPECT_EQ(to_hex(pdu.data),
              "0000001000000000"
              "0000000000000000"
              "0005000000000000");
  }
  EXPECT_TRUE(bench.unit->seen.empty());
}

TEST_F(IscsiSession, L1_WhereNoUnitIsTheTargetAnswers) {
  auto inquiry = bench.command(Bytes{0x12, 0, 0, 0, 96, 0}, 96);
  inquiry.lun = encode_lun(9);
  ASSERT_TRUE(bench.feed(inquiry.encode()).has_value());
  auto pdu = bench.one();
  ASSERT_FALSE(pdu.data.empty());
  EXPECT_EQ(pdu.data[0], 0x7f);
  auto ready = bench.command(kTestUnitReady);
  ready.lun = encode_lun(300);
  ASSERT_TRUE(bench.feed(ready.encode()).has_value());
  EXPECT_EQ(sense_of(bench.one()), scsi::sense_codes::kLogicalUnitNotSupported);
  auto sense = bench.command(Bytes{0x03, 0, 0, 0, 18, 0}, 18);
  sense.lun = encode_lun(9);
  ASSERT_TRUE(bench.feed(sense.encode()).has_value());
  EXPECT_EQ(scsi::Sense::decode(bench.one().data)->code, scsi::sense_codes::kLogicalUnitNotSupported);
  auto known = bench.command(Bytes{0x12, 0, 0, 0, 96, 0}, 96);
  known.lun = kReportLunsWellKnown;
  ASSERT_TRUE(bench.feed(known.encode()).has_value());
  EXPECT_EQ(bench.one().data.at(0), 0x1e);
}

TEST(IscsiLun, L1_BothWaysOfAddressing) {
  for (const std::uint16_t lun : std::initializer_list<std::uint16_t>{0, 1, 255, 256, 0x3fff})
    EXPECT_THAT(decode_lun(encode_lun(lun)), Optional(lun));
  EXPECT_THAT(decode_lun(0x4005'0000'0000'0000), Optional(5));
  EXPECT_EQ(decode_lun(0x0100'0000'0000'0000), std::nullopt);
  EXPECT_EQ(decode_lun(0x0005'0000'0000'0001), std::nullopt);
  EXPECT_EQ(decode_lun(kReportLunsWellKnown), std::nullopt);
}

// --- digests ---

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

// --- everything else that initiators send ---

TEST_F(IscsiSession, L1_APingComesBack) {
  const NopOutPdu ping{.immediate = true, .task_tag = 5, .cmd_sn = bench.cmd_sn};
  ASSERT_TRUE(bench.feed(ping.encode(), counted(300)).has_value());
  const auto pdu = bench.one();
  EXPECT_TRUE(pdu.header.is(Opcode::kNopIn));
  EXPECT_EQ(NopInPdu::decode(pdu.header).task_tag, 5U);
  EXPECT_EQ(NopInPdu::decode(pdu.header).transfer_tag, kNoTag);
  EXPECT_EQ(pdu.data, counted(300));
}

TEST_F(IscsiSession, L1_SilenceIsAskedAboutAndThenEnds) {
  auto& endpoint = bench.endpoint();
  bench.time += bench.config.limits.keepalive;
  ASSERT_TRUE(endpoint.on_deadline().has_value());
  auto pdu = bench.one();
  ASSERT_TRUE(pdu.header.is(Opcode::kNopIn));
  const auto nop = NopInPdu::decode(pdu.header);
  EXPECT_EQ(nop.task_tag, kNoTag);
  const NopOutPdu answer{.immediate = true, .transfer_tag = nop.transfer_tag, .cmd_sn = bench.cmd_sn};
  ASSERT_TRUE(bench.feed(answer.encode()).has_value());
  EXPECT_TRUE(bench.take().empty());
  EXPECT_EQ(endpoint.deadline(), bench.time + bench.config.limits.keepalive);
  bench.time += bench.config.limits.keepalive;
  ASSERT_TRUE(endpoint.on_deadline().has_value());
  bench.time += bench.config.limits.keepalive_answer;
  EXPECT_FALSE(endpoint.on_deadline().has_value());
}

TEST_F(IscsiSession, L1_APduThatStopsHalfwayEnds) {
  const auto pdu = encode_pdu(bench.command(kWriteCdb, 512, true).encode(), counted(512));
  ASSERT_TRUE(bench.feed(ByteView(pdu).first(100)).has_value());
  bench.time += bench.config.limits.message_timeout;
  EXPECT_FALSE(bench.endpoint().on_deadline().has_value());
}

TEST_F(IscsiSession, L1_UnexpectedPdusAreRejected) {
  for (const std::uint8_t opcode : std::initializer_list<std::uint8_t>{0x07, 0x1c, 0x20, 0x3f}) {
    ASSERT_TRUE(bench.feed(Header(static_cast<Opcode>(opcode))).has_value());
    EXPECT_EQ(RejectPdu::decode(bench.one().header).reason, RejectReason::kNotSupported);
  }
  ASSERT_TRUE(bench.feed(Header(Opcode::kSnack)).has_value());
  EXPECT_EQ(RejectPdu::decode(bench.one().header).reason, RejectReason::kSnack);
  ASSERT_TRUE(bench.feed(LoginRequest{}.encode()).has_value());
  EXPECT_EQ(RejectPdu::decode(bench.one().header).reason, RejectReason::kProtocolError);
  EXPECT_FALSE(bench.ended.has_value());
}

TEST_F(IscsiSession, L1_OversizedSegmentsEndTheConnection) {
  const auto header = NopOutPdu{.immediate = true, .task_tag = 5}.encode().set_data_bytes(
      bench.config.limits.max_receive_segment + 1);
  EXPECT_FALSE(bench.feed(header.view()).has_value());
}

TEST_F(IscsiSession, L1_BidirectionalCommandsAreRefused) {
  auto command = bench.command(kReadCdb, 10);
  command.write = true;
  ASSERT_TRUE(bench.feed(command.encode()).has_value());
  EXPECT_EQ(sense_of(bench.one()), scsi::sense_codes::kInvalidFieldInCdb);
}

TEST_F(IscsiSession, L1_LogoutEndsTheSession) {
  const LogoutRequestPdu wrong{.reason = 1, .task_tag = 8, .connection = 99, .cmd_sn = bench.cmd_sn++};
  ASSERT_TRUE(bench.feed(wrong.encode()).has_value());
  EXPECT_EQ(LogoutResponsePdu::decode(bench.one().header).answer, LogoutAnswer::kNoSuchConnection);
  const LogoutRequestPdu recovery{.reason = 2, .task_tag = 8, .cmd_sn = bench.cmd_sn++};
  ASSERT_TRUE(bench.feed(recovery.encode()).has_value());
  EXPECT_EQ(LogoutResponsePdu::decode(bench.one().header).answer, LogoutAnswer::kRecoveryNotSupported);
  EXPECT_FALSE(bench.ended.has_value());
  const LogoutRequestPdu logout{.immediate = true, .task_tag = 9, .cmd_sn = bench.cmd_sn};
  ASSERT_TRUE(bench.feed(logout.encode()).has_value());
  EXPECT_EQ(LogoutResponsePdu::decode(bench.one().header).answer, LogoutAnswer::kSuccess);
  EXPECT_TRUE(bench.ended.has_value());
  ASSERT_TRUE(bench.feed(bench.command(kTestUnitReady).encode()).has_value());
  bench.run();
  EXPECT_TRUE(bench.unit->seen.empty());
}

TEST_F(IscsiSession, L1_AStoppingServerAsksForLogout) {
  bench.endpoint().request_logout(30);
  const auto pdu = bench.one();
  ASSERT_TRUE(pdu.header.is(Opcode::kAsync));
  EXPECT_EQ(AsyncPdu::decode(pdu.header).event, AsyncEvent::kLogoutRequested);
  EXPECT_EQ(AsyncPdu::decode(pdu.header).parameter3, 30);
  ASSERT_TRUE(bench.feed(bench.command(kTestUnitReady).encode()).has_value());
  EXPECT_EQ(response_of(bench.one()).status, 8);
}

// --- task management ---

TEST_F(IscsiSession, L1_AbortTaskEndsACommandThatWaitsForData) {
  const auto write = start_write(1024);
  ASSERT_TRUE(bench.feed(bench.command(kTestUnitReady).encode()).has_value());
  const TaskRequestPdu request{.function = 1, .task_tag = 50, .referenced_tag = write.task_tag};
  ASSERT_TRUE(bench.feed(request.encode()).has_value());
  bench.run();
  const auto pdus = bench.take();
  ASSERT_EQ(pdus.size(), 2U) << "the answer, and the command that waited behind";
  EXPECT_EQ(bench.unit->seen.size(), 1U);
  ASSERT_TRUE(data_out(write, 0, 0, 1024, true).has_value());
  bench.run();
  EXPECT_TRUE(bench.take().empty());
  EXPECT_EQ(bench.unit->seen.size(), 1U);
}

TEST_F(IscsiSession, L1_AbortTaskWaitsForTheUnitAndTheCommandIsNotAnswered) {
  const auto read = bench.command(kReadCdb, 10);
  ASSERT_TRUE(bench.feed(read.encode()).has_value());
  ASSERT_EQ(bench.queue->waiting(), 1U);
  EXPECT_EQ(manage(TaskFunction::kAbortTask, read.task_tag), TaskAnswer::kComplete);
  EXPECT_TRUE(bench.unit->seen.empty());
  EXPECT_EQ(manage(TaskFunction::kAbortTask, read.task_tag), TaskAnswer::kNoSuchTask);
}

TEST_F(IscsiSession, L1_AbortTaskSetEndsAllOfThisSessionAtTheUnit) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(bench.feed(bench.command(kTestUnitReady).encode()).has_value());
  auto other = bench.command(kTestUnitReady);
  other.lun = encode_lun(5);
  ASSERT_TRUE(bench.feed(other.encode()).has_value());
  const TaskRequestPdu request{.function = 2, .task_tag = 50};
  ASSERT_TRUE(bench.feed(request.encode()).has_value());
  bench.run();
  EXPECT_TRUE(bench.unit->seen.empty());
  EXPECT_EQ(bench.other_unit->seen.size(), 1U);
  EXPECT_EQ(bench.take().size(), 2U);
  EXPECT_EQ(bench.unit->resets, 0);
}

TEST_F(IscsiSession, L1_LogicalUnitResetAlsoEndsOthersCommands) {
  const auto epoch = bench.queue->epoch();
  EXPECT_EQ(manage(TaskFunction::kLogicalUnitReset), TaskAnswer::kComplete);
  EXPECT_EQ(bench.unit->resets, 1);
  EXPECT_EQ(bench.other_unit->resets, 0);
  EXPECT_NE(bench.queue->epoch(), epoch);
  EXPECT_EQ(manage(TaskFunction::kClearTaskSet), TaskAnswer::kComplete);
  EXPECT_EQ(bench.unit->resets, 1);
  EXPECT_EQ(manage(TaskFunction::kLogicalUnitReset, kNoTag, encode_lun(9)), TaskAnswer::kNoSuchLun);
}

TEST_F(IscsiSession, L1_ACommandOfAnEarlierEpochIsAnsweredAsAborted) {
  ASSERT_TRUE(bench.feed(bench.command(kTestUnitReady).encode()).has_value());
  bench.queue->begin_epoch();  // another session resets the unit
  bench.run();
  EXPECT_EQ(response_of(bench.one()).status, static_cast<std::uint8_t>(kTaskAborted));
  EXPECT_TRUE(bench.unit->seen.empty());
}

TEST_F(IscsiSession, L1_TargetResetsReachEveryUnit) {
  EXPECT_EQ(manage(TaskFunction::kTargetWarmReset), TaskAnswer::kComplete);
  EXPECT_TRUE(bench.unit->resets == 1 && bench.other_unit->resets == 1);
  EXPECT_EQ(bench.target_ends, 0);
  EXPECT_EQ(manage(TaskFunction::kTargetColdReset), TaskAnswer::kComplete);
  EXPECT_TRUE(bench.unit->resets == 2 && bench.other_unit->resets == 2);
  EXPECT_EQ(bench.target_ends, 1);
}

TEST_F(IscsiSession, L1_OtherFunctionsAreNotOffered) {
  EXPECT_EQ(manage(TaskFunction::kClearAca), TaskAnswer::kNotSupported);
  EXPECT_EQ(manage(TaskFunction::kTaskReassign), TaskAnswer::kReassignNotSupported);
  EXPECT_EQ(manage(static_cast<TaskFunction>(77)), TaskAnswer::kNotSupported);
}

// --- text and discovery ---

std::string ask(Bench& bench, const std::string& text, std::uint32_t transfer = kNoTag) {
  const TextRequestPdu request{.task_tag = 3, .transfer_tag = transfer, .cmd_sn = bench.cmd_sn++};
  const auto bytes = text.empty() ? Bytes() : to_bytes(text + '\0');
  if (!bench.feed(request.encode(), bytes)) return "ended";
  const auto pdu = bench.one();
  return pdu.header.is(Opcode::kTextResponse) ? std::string(as_text(pdu.data)) : "no text";
}

TEST(IscsiDiscovery, L1_ListsTheTargetsThatTheInitiatorMayUse) {
  Bench bench;
  EXPECT_EQ(bench.login({}, true).status, LoginStatus::kSuccess);
  EXPECT_EQ(ask(bench, "SendTargets=All"),
            "TargetName=" + testing::kTargetName + '\0' + "TargetAddress=127.0.0.1:3260,1" + '\0');
  auto config = Bench::default_config();
  config.targets.front().allowed_initiators = {"iqn.2026-01.org.example:other"};
  Bench stranger(std::move(config));
  EXPECT_EQ(stranger.login({}, true).status, LoginStatus::kSuccess);
  EXPECT_EQ(ask(stranger, "SendTargets=All"), "");
}

TEST(IscsiDiscovery, L1_NothingElseIsToBeHad) {
  Bench bench;
  bench.login({}, true);
  EXPECT_FALSE(bench.feed(bench.command(kTestUnitReady).encode()).has_value());
}

TEST_F(IscsiSession, L1_ASessionAsksAboutItsOwnTargetOnly) {
  EXPECT_THAT(ask(bench, "SendTargets="), ::testing::HasSubstr(testing::kTargetName));
  EXPECT_EQ(ask(bench, "SendTargets=All"), std::string("SendTargets=Reject") + '\0');
  EXPECT_EQ(ask(bench, "X-what=1"), std::string("X-what=NotUnderstood") + '\0');
  EXPECT_EQ(ask(bench, "not text"), "ended");
}

TEST(IscsiDiscovery, L1_ALongAnswerGoesInParts) {
  auto config = Bench::default_config();
  Bench bench(std::move(config));
  for (int i = 0; i < 20; ++i)
    bench.config.targets.push_back({.name = "iqn.2026-01.org.example:another-target-" + std::to_string(i)});
  bench.login({{"MaxRecvDataSegmentLength", "512"}}, true);
  std::string all;
  TextRequestPdu request{.task_tag = 3, .cmd_sn = bench.cmd_sn++};
  ASSERT_TRUE(bench.feed(request.encode(), as_bytes(std::string("SendTargets=All") + '\0')).has_value());
  for (int i = 0; i < 100; ++i) {
    const auto pdu = bench.one();
    ASSERT_TRUE(pdu.header.is(Opcode::kTextResponse));
    EXPECT_LE(pdu.data.size(), 512U);
    all += as_text(pdu.data);
    const auto answer = TextResponsePdu::decode(pdu.header);
    if (answer.final) break;
    request.transfer_tag = answer.transfer_tag;
    request.cmd_sn = bench.cmd_sn++;
    ASSERT_TRUE(bench.feed(request.encode()).has_value());
  }
  EXPECT_THAT(all, ::testing::EndsWith(std::string("another-target-19") + '\0' +
                                       "TargetAddress=127.0.0.1:3260,1" + '\0'));
}

}  // namespace
}  // namespace tapewarden::iscsi
