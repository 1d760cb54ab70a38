// What a key server refuses: the drive, the key, or nothing for good.
#include "engine/work/work_test_kit.h"

namespace tapewarden::engine::test {
namespace {

void appended(WorkBench& bench) {
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  ASSERT_EQ(bench.on("VOL001"), "A00001L9/1");
  bench.write("VOL002", volume_content(300'000, 2));
}

// The key servers know every drive but this one.
void refuse_drive(WorkBench& bench, const std::string& serial) {
  bench.back.keys.refuse = [serial](const std::string& of,
                                    const scsi::KeyRequestPage&) -> std::optional<Error> {
    if (of != serial) return std::nullopt;
    return Error{.code = ErrorCode::kUnavailable,  // as the client says of what may be tried again
                 .message = "drive " + serial + " is not accepted yet",
                 .field = "serial",
                 .remedy = "compare its identity and accept it among the pending drives",
                 .detail = 0xEF01};
  };
}

TEST(KeyRefusal, T9_ADriveThatTheKeyServersRefuseGoesOfflineAndAnotherAppends) {
  WorkBench bench;
  bench.encrypt_pool(1);
  appended(bench);
  refuse_drive(bench, "1000000001");
  bench.steps();
  EXPECT_EQ(bench.back.drives[BackEnd::kLtoDrive]->status().state, PhysicalDriveStatus::State::kOffline);
  EXPECT_EQ(bench.interventions(), std::vector<std::string>{"TWE004A 1000000001"});
  EXPECT_NE(bench.open_texts().find("accept it among the pending drives"), std::string::npos)
      << bench.open_texts();
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kFilling) << "its key is not at fault";
  bench.wait_and_step(std::chrono::seconds(2));
  EXPECT_EQ(bench.on("VOL002"), "A00001L9/2") << "by the other drive, at once";
  bench.expect_everything_readable();
}

TEST(KeyRefusal, T9_ACartridgeThatARefusedDriveBeganIsScratchAgainAndAnotherDriveBeginsIt) {
  WorkBench bench;
  bench.encrypt_pool(1);
  refuse_drive(bench, "1000000001");
  bench.write("VOL001", volume_content(300'000, 1));
  bench.write("VOL002", volume_content(300'000, 2), 2);  // in clear
  bench.steps();
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kScratch);
  EXPECT_NE(bench.on("VOL002"), "nowhere") << "other pools do not wait";
  bench.wait_and_step(std::chrono::seconds(2));
  EXPECT_NE(bench.on("VOL001"), "nowhere");
  EXPECT_EQ(bench.interventions(), std::vector<std::string>{"TWE004A 1000000001"});
  bench.expect_everything_readable();
}

TEST(KeyRefusal, T9_ARefusedDriveIsTriedAgainAndTheInterventionEndsWithItsFirstKey) {
  WorkBench bench;
  bench.start_work({BackEnd::kLtoDrive});
  bench.encrypt_pool(1);
  refuse_drive(bench, "1000000001");
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  bench.wait_and_step();
  EXPECT_EQ(bench.on("VOL001"), "nowhere");
  EXPECT_TRUE(bench.raised(NoticeKind::kDriveOffline, "1000000001"));
  EXPECT_FALSE(bench.raised(NoticeKind::kNoKeyServer, "key servers"));
  const auto cleared = [&] {
    const auto all = bench.notices->since(0);
    return std::ranges::count_if(all, [](const Notice& notice) { return notice.cleared; });
  };
  EXPECT_EQ(cleared(), 0) << "a drive that is tried again is not mended yet";
  bench.back.keys.refuse = nullptr;  // somebody accepted it
  bench.wait_and_step();
  EXPECT_NE(bench.on("VOL001"), "nowhere");
  EXPECT_EQ(bench.interventions(), std::vector<std::string>());
  bench.expect_everything_readable();
}

// The pauses of a refusal know of no new connection.
TEST(KeyRefusal, T9_ARefusedDriveWhoseConnectionBreaksIsAskedAgainByWhoCanRenewIt) {
  WorkBench bench;
  bench.start_work({BackEnd::kLtoDrive});
  bench.encrypt_pool(1);
  refuse_drive(bench, "1000000001");
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  const auto& drive = *bench.back.drives[BackEnd::kLtoDrive];
  ASSERT_TRUE(drive.status().refused);
  bench.back.to_drives[BackEnd::kLtoDrive]->meet =
      [](ByteView) -> std::optional<Result<tape::TransportAnswer>> {
    return fail(ErrorCode::kIo, "the connection to the drive was lost");
  };
  bench.wait_and_step();
  EXPECT_EQ(drive.status().state, PhysicalDriveStatus::State::kOffline);
  EXPECT_TRUE(drive.status().asked_again) << drive.status().reason;
  EXPECT_TRUE(bench.raised(NoticeKind::kDriveOffline, "1000000001"));
}

TEST(KeyRefusal, T9_ARecallGoesToAnotherDriveWhenTheKeyServersRefuseOne) {
  WorkBench bench;
  bench.encrypt_pool(1);
  bench.write("VOL001", volume_content(300'000, 1));
  bench.steps();
  ASSERT_EQ(bench.evict("VOL001"), 1U);
  refuse_drive(bench, "1000000001");
  bench.ask("VOL001");
  bench.steps();
  bench.wait_and_step(std::chrono::seconds(2));
  EXPECT_EQ(bench.told, std::vector<std::string>{"VOL001"});
  EXPECT_FALSE(bench.raised(NoticeKind::kVolumeUnreadable, "VOL001"));
  EXPECT_EQ(bench.back.drives[BackEnd::kLtoDrive]->status().state, PhysicalDriveStatus::State::kOffline);
}

// What a key server says, as the engine's carrier hands it on.
Error refusal(std::uint32_t ekm_code, ErrorCode code, std::string field) {
  return {.code = code, .message = "no", .field = std::move(field), .remedy = {}, .detail = ekm_code};
}

TEST(KeyRefusal, K14_EachRefusalLiesWithTheDriveTheKeyOrNobody) {
  struct Case {
    std::uint32_t code;
    ErrorCode error;
    std::string field;
    MountFault fault;
    bool waits = false;
  };
  const auto denied = ErrorCode::kPermissionDenied;
  const std::vector<Case> cases{
      {0xEF01, ErrorCode::kUnavailable, "serial", MountFault::kDriveKeys},
      {0xEF01, denied, "serial", MountFault::kDriveKeys},
      {0xEE29, ErrorCode::kUnauthenticated, "nonce", MountFault::kDriveKeys},
      {0xEE2B, ErrorCode::kUnauthenticated, "identity", MountFault::kDriveKeys},
      {0xEE2E, ErrorCode::kUnauthenticated, "signer kind", MountFault::kDriveKeys},
      {0xEE23, ErrorCode::kInvalidArgument, "serial", MountFault::kDriveKeys},
      {0xEE23, ErrorCode::kInvalidArgument, "labels", MountFault::kKeys},
      {0xEE25, ErrorCode::kNotFound, "serial", MountFault::kInterrupted},
      {0xEE30, denied, "group", MountFault::kDriveKeys},
      {0xEE30, denied, "label", MountFault::kDriveKeys},
      {0xEE30, denied, "labels", MountFault::kDriveKeys},
      {0xEE30, denied, "proxy", MountFault::kDriveKeys},
      {0xEE30, denied, "dki", MountFault::kKeys},
      {0xEE30, denied, "eedks", MountFault::kKeys},
      {0xEE30, denied, "alias", MountFault::kKeys},
      {0xEE30, denied, "quota", MountFault::kKeys, true},
      {0xEE31, ErrorCode::kNotFound, "group", MountFault::kKeys},
      {0xEE31, ErrorCode::kNotFound, "kind", MountFault::kDriveKeys},
      {0xEE32, ErrorCode::kNotFound, "dki", MountFault::kKeys},
      {0xEE34, ErrorCode::kExhausted, "group", MountFault::kKeys},
      {0xEE34, ErrorCode::kUnavailable, "group", MountFault::kKeys, true},
      {0xEE0F, ErrorCode::kInternal, "", MountFault::kKeys, true},
      {0xEF10, ErrorCode::kUnavailable, "", MountFault::kKeys, true},
      {0, ErrorCode::kUnavailable, "", MountFault::kKeys, true},
      {0, ErrorCode::kUnauthenticated, "", MountFault::kKeys, true},
      {0, ErrorCode::kIo, "", MountFault::kInterrupted},
  };
  for (const auto& [code, error, field, fault, waits] : cases) {
    const auto judged = judge_refusal("a key", refusal(code, error, field)).error();
    EXPECT_EQ(fault_of(judged), fault) << std::hex << code << " " << field;
    EXPECT_EQ(judged.code == ErrorCode::kUnavailable, waits) << std::hex << code << " " << field;
    EXPECT_NE(judged.code, ErrorCode::kExhausted) << "no full cartridge";
  }
}

TEST(KeyRefusal, T8_AKeyServerThatIsInTroubleClosesNoCartridge) {
  WorkBench bench;
  bench.encrypt_pool(1);
  appended(bench);
  bench.back.keys.refuse = [](const std::string&, const scsi::KeyRequestPage&) {
    return refusal(0xEE0F, ErrorCode::kInternal, "");
  };
  bench.steps();
  EXPECT_EQ(bench.cartridge("A00001L9").state, CartridgeState::kFilling);
  EXPECT_TRUE(bench.raised(NoticeKind::kNoKeyServer, "key servers"));
  bench.back.keys.refuse = nullptr;
  bench.wait_and_step();
  EXPECT_EQ(bench.on("VOL002"), "A00001L9/2");
}

TEST(KeyRefusal, T4_UsedUpKeysHoldUpTheirPoolAlone) {
  WorkBench bench;
  bench.encrypt_pool(1);
  bench.encrypt_pool(2);
  bench.edit_pool(2, [](Pool& pool) { pool.key_group = "POOL2"; });
  bench.back.keys.refuse = [](const std::string&, const scsi::KeyRequestPage& page) -> std::optional<Error> {
    if (page.policy.alias_or_group != "POOL1") return std::nullopt;
    return refusal(0xEE34, ErrorCode::kExhausted, "group");
  };
  bench.write("VOL001", volume_content(300'000, 1));
  bench.write("VOL002", volume_content(300'000, 2), 2);
  bench.steps();
  EXPECT_TRUE(bench.raised(NoticeKind::kNoScratchCartridge, "pool 1"));
  EXPECT_FALSE(bench.raised(NoticeKind::kNoKeyServer, "key servers")) << "they are all there";
  EXPECT_NE(bench.on("VOL002"), "nowhere");
}

}  // namespace
}  // namespace tapewarden::engine::test
