#include "iscsi/session_test_kit.h"
#include "scsi/transport_id.h"

namespace tapewarden::iscsi {
namespace {

using namespace testing;

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

TEST(IscsiLimits, L1_ABufferIsChargedByItsLength) {
  auto config = Bench::default_config();
  config.limits.max_transfer = 1000;
  config.limits.session_memory = 2047;  // two writes of 1000 would fit, two buffers for them do not
  Bench bench(std::move(config));
  bench.login();
  ASSERT_TRUE(bench.feed(bench.command(kWriteCdb, 1000, true).encode()).has_value());
  EXPECT_TRUE(bench.one().header.is(Opcode::kR2t));
  EXPECT_EQ(bench.memory->used(), 1024U);
  ASSERT_TRUE(bench.feed(bench.command(kWriteCdb, 1000, true).encode()).has_value());
  EXPECT_EQ(response_of(bench.one()).status, static_cast<std::uint8_t>(kTaskSetFull));
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

}  // namespace
}  // namespace tapewarden::iscsi
