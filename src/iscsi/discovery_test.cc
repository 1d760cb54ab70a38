// Text requests, and sessions that ask for nothing but targets.
#include "iscsi/session_test_kit.h"

namespace tapewarden::iscsi {
namespace {

using namespace testing;

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

TEST(IscsiDiscovery, L1_ASessionEndsInTimeWhateverItDoes) {
  Bench bench;
  bench.login({}, true);
  const auto& limits = bench.config.limits;
  EXPECT_EQ(bench.endpoint().write_queue(), limits.discovery_write_queue);
  const auto end = bench.time + limits.discovery_lifetime;
  while (bench.time + limits.keepalive / 2 < end) {
    bench.time += limits.keepalive / 2;
    ASSERT_TRUE(bench.endpoint().on_deadline().has_value());
    EXPECT_LE(bench.endpoint().deadline(), end);
    EXPECT_NE(ask(bench, "SendTargets=All"), "ended");
  }
  bench.time = end;
  EXPECT_FALSE(bench.endpoint().check_expiry().has_value());
  EXPECT_FALSE(bench.endpoint().on_deadline().has_value());
}

TEST_F(IscsiSession, L1_AHostsSessionDoesNotExpire) {
  EXPECT_FALSE(bench.endpoint().expires().has_value());
  bench.time += std::chrono::hours{100};
  EXPECT_TRUE(bench.endpoint().check_expiry().has_value());
  EXPECT_EQ(bench.endpoint().write_queue(), bench.config.limits.write_queue);
}

}  // namespace
}  // namespace tapewarden::iscsi
