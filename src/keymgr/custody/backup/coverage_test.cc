// K17: what backups hold, and keys that are not given out before.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <thread>

#include "base/real_env.h"
#include "eedk/ekm_code.h"
#include "keymgr/custody/backup/tape_media.h"
#include "keymgr/custody/backup/testing/backup_fixture.h"
#include "keymgr/epoch.h"
#include "keymgr/serve_policy.h"

namespace tapewarden::keymgr::backup {
namespace {

using keymgr::testing::officer;
using testing::BackupFixture;

#define ASSERT_OK(result) ASSERT_TRUE((result).has_value()) << (result).error().text()
#define EXPECT_OK(result) EXPECT_TRUE((result).has_value()) << (result).error().text()

// With a target that counts, since it lies on another file system than the keystore: in memory.
class Coverage : public ::testing::Test {
 protected:
  void SetUp() override {
    if (f.env().disk->file_system(elsewhere.path()).value() ==
        f.env().disk->file_system(f.media.path()).value()) {
      GTEST_SKIP() << "there is no second file system here";
    }
    f.server.manager().set_backups(f.service.get());
    ASSERT_OK(f.server.manager().add_drive(officer(), drive.serial(), drive.pins()));
    std::filesystem::create_directories(vault());
  }
  void TearDown() override { f.server.manager().set_backups(nullptr); }

  std::string vault() const { return elsewhere.file("vault"); }
  void restart() {
    f.restart_service();
    f.server.manager().set_backups(f.service.get());
    ASSERT_OK(f.service->start());
  }
  template <typename Condition>
  static bool eventually(const Condition& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
  }
  std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> out;
    for (const auto& entry : std::filesystem::directory_iterator(vault())) out.push_back(entry.path());
    std::ranges::sort(out);
    return out;
  }
  static void flip_in_the_middle(const std::filesystem::path& path) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const auto at = static_cast<std::streamoff>(std::filesystem::file_size(path) / 2);
    file.seekg(at);
    const char byte = static_cast<char>(file.get() ^ 1);
    file.seekp(at);
    file.put(byte);
  }
  KeyRequest write() {
    auto request = drive.request(Intent::kWrite, keymgr::testing::random_uuid());
    request.group = "DAILY";
    return request;
  }

  BackupFixture f;
  store::testing::TemporaryDirectory elsewhere{store::testing::Storage::kMemory};
  keymgr::testing::TestDrive drive{"001234567890"};
};

TEST_F(Coverage, K17_AWriteWaitsForItsBackupAndIsServedWhenItIsWritten) {
  for (const Mode mode : {Mode::kOnDemand, Mode::kSchedule, Mode::kAfterChange}) {
    SCOPED_TRACE(to_string(mode));
    const std::string name(to_string(mode));
    const std::string folder = elsewhere.file(name);
    std::filesystem::create_directories(folder);
    ASSERT_OK(f.add_target_at(name, folder, mode));
    if (mode == Mode::kOnDemand) {
      ASSERT_OK(f.make_group("DAILY", 2));
    } else {
      ASSERT_OK(f.server.manager().generate_keys(officer(), 2, "ABC", "DAILY"));
    }
    const auto request = write();
    const auto first = f.server.ask(request);
    ASSERT_FALSE(first) << "nothing was backed up";
    EXPECT_EQ(eedk::ekm_code_of(first.error()), eedk::EkmCode::kWaitingForBackup);
    ASSERT_OK(f.service->start());
    Result<KeyAnswer> answer = fail(ErrorCode::kUnavailable, "");
    EXPECT_TRUE(eventually([&] {
      answer = f.server.ask(request);
      return answer.has_value();
    }));
    ASSERT_OK(answer);
    f.service->stop();
    // What was given out is in the backup that was waited for.
    ASSERT_OK(f.service->verify(officer(), name));
    auto options = f.restore_options(name, "site-" + name);
    options.from = {folder};
    ASSERT_OK(backup::restore(f.env(), options));
    auto there = f.open_restored("site-" + name);
    ASSERT_OK(there);
    EXPECT_TRUE(f.keys(*there->manager).contains(answer->alias));
    ASSERT_OK(f.service->remove_target(officer(), name));
    f.restart_service();
    f.server.manager().set_backups(f.service.get());
  }
}

TEST_F(Coverage, K17_AfterAStartOnlyWhatIsThereAndWholeCounts) {
  ASSERT_OK(f.make_group("DAILY", 4));
  ASSERT_OK(f.add_target_at("vault", vault()));
  ASSERT_OK(f.run("vault"));
  ASSERT_OK(f.server.manager().generate_keys(officer(), 1, "ABC", "DAILY"));
  const auto increment = f.run("vault");
  ASSERT_OK(increment);
  EXPECT_EQ(f.service->backed_up_commit(false), increment->commit);
  restart();
  EXPECT_TRUE(eventually([&] { return f.service->backed_up_commit(false) >= increment->commit; }));
  EXPECT_TRUE(f.server.ask(write()));
  f.service->stop();

  flip_in_the_middle(files().front());
  f.restart_service();
  f.server.manager().set_backups(f.service.get());
  EXPECT_EQ(f.service->backed_up_commit(false), 0U) << "nothing is believed before it was looked at";
  ASSERT_OK(f.service->start());
  EXPECT_TRUE(eventually([&] { return f.server.audit_count({"backup.lost"}) > 0; }));
  f.service->stop();
  EXPECT_EQ(f.service->backed_up_commit(false), 0U);
  EXPECT_NE(f.service->status("vault")->warning.find("not whole"), std::string::npos)
      << f.service->status("vault")->warning;
  EXPECT_FALSE(f.server.ask(write()));
  const auto anew = f.run("vault");
  ASSERT_OK(anew);
  EXPECT_TRUE(anew->base) << "nothing is built on it";
  EXPECT_TRUE(f.server.ask(write()));
  EXPECT_EQ(f.service->status("vault")->state.failure, "");
}

TEST_F(Coverage, K17_AFolderThatIsAwayHoldsNothing) {
  ASSERT_OK(f.make_group("DAILY", 4));
  ASSERT_OK(f.add_target_at("vault", vault()));
  ASSERT_OK(f.run("vault"));
  std::filesystem::rename(vault(), elsewhere.file("away"));
  restart();
  EXPECT_TRUE(eventually([&] { return f.server.audit_count({"backup.lost"}) > 0; }));
  EXPECT_FALSE(f.server.ask(write()));
  f.service->stop();
}

TEST_F(Coverage, K17_AFailedVerificationTakesTheCoverageAway) {
  ASSERT_OK(f.make_group("DAILY", 4));
  ASSERT_OK(f.add_target_at("vault", vault()));
  ASSERT_OK(f.run("vault"));
  EXPECT_TRUE(f.server.ask(write()));
  flip_in_the_middle(files().front());
  EXPECT_FALSE(f.service->verify(officer(), "vault"));
  EXPECT_FALSE(f.server.ask(write()));
}

TEST_F(Coverage, K17_ANewEpochBeginsANewChain) {
  ASSERT_OK(f.make_group("DAILY", 2));
  ASSERT_OK(f.add_target_at("vault", vault()));
  ASSERT_OK(f.run("vault"));
  ASSERT_OK(f.server.manager().begin_epoch(officer()));
  ASSERT_OK(f.server.manager().generate_keys(officer(), 1, "ABC", "DAILY"));
  f.restart_service();
  f.server.manager().set_backups(f.service.get());
  const auto run = f.run("vault");
  ASSERT_OK(run);
  EXPECT_TRUE(run->base) << "an increment of another epoch would be found with no chain";
  ASSERT_OK(f.server.manager().begin_epoch(officer()));
  restart();
  EXPECT_TRUE(eventually([&] { return f.server.audit_count({"backup.lost", "epoch"}) > 0; }));
  f.service->stop();
  EXPECT_EQ(f.service->backed_up_commit(false), 0U);
}

TEST_F(Coverage, K17_ATargetBesideTheKeystoreSwitchesNothingOn) {
  ASSERT_OK(f.make_group("DAILY", 2));
  ASSERT_OK(f.add_target("beside"));
  EXPECT_FALSE(f.service->has_counted_target());
  EXPECT_TRUE(f.server.ask(write())) << "no backup, and none is asked for";
  ASSERT_OK(f.add_target_at("vault", vault()));
  EXPECT_TRUE(f.service->has_counted_target());
  ASSERT_OK(f.run("beside"));
  EXPECT_FALSE(f.server.ask(write())) << "the backup beside the keystore counts for nothing";
  ASSERT_OK(f.run("vault"));
  EXPECT_TRUE(f.server.ask(write()));
}

TEST_F(Coverage, K17_AFolderThatIsNotMountedGetsNoBackup) {
  const std::string beside = f.folder("beside");
  const std::string link = f.media.file("mounted");
  std::filesystem::create_directory_symlink(vault(), link);
  ASSERT_OK(f.add_target_at("vault", link));
  ASSERT_OK(f.run("vault"));
  std::filesystem::remove(link);
  std::filesystem::create_directory_symlink(beside, link);
  const auto run = f.run("vault");
  ASSERT_FALSE(run) << "its files would lie with the keystore and count";
  EXPECT_EQ(run.error().code, ErrorCode::kConflict);
  EXPECT_TRUE(std::filesystem::is_empty(beside));
  EXPECT_NE(f.service->status("vault")->warning.find("file system"), std::string::npos);
}

TEST(TapeMedia, K17_AFolderOnTapeIsFound) {
  const std::string mounts =
      "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
      "30 22 0:40 / /mnt rw - tmpfs tmpfs rw\n"
      "31 30 0:41 / /mnt/tape\\040one rw,nosuid - fuse.ltfs ltfs:/dev/sg3 rw\n"
      "32 31 0:42 / /mnt/tape\\040one/disk rw - xfs /dev/sdb rw\n"
      "not a mount\n";
  EXPECT_TRUE(lies_on_tape(mounts, "/mnt/tape one"));
  EXPECT_TRUE(lies_on_tape(mounts, "/mnt/tape one/vault"));
  EXPECT_FALSE(lies_on_tape(mounts, "/mnt/tape one/disk/vault")) << "the inner mount holds it";
  EXPECT_FALSE(lies_on_tape(mounts, "/mnt/tape one more"));
  EXPECT_FALSE(lies_on_tape(mounts, "/srv"));
  EXPECT_FALSE(lies_on_tape("", "/srv"));
  EXPECT_FALSE(lies_on_tape("1 2 3 4", "/srv"));
  EXPECT_FALSE(lies_on_tape("1 2 3 4 /srv -", "/srv"));
  EXPECT_TRUE(lies_on_tape("1 2 3 4 /srv rw - ext4 a b\n1 2 3 4 /srv rw - LTFS a b", "/srv/x"));
  RealDisk disk;
  EXPECT_NE(system_mounts(disk).find(" / "), std::string::npos);
}

TEST_F(Coverage, K10_BackupsMadeBeforeATimeAreListedThoughTheirFolderIsAway) {
  ASSERT_OK(f.make_group("DAILY", 2));
  ASSERT_OK(f.add_target_at("vault", vault()));
  const auto first = f.run("vault");
  ASSERT_OK(first);
  f.server.clock.advance(std::chrono::hours(1));
  const WallTime between = f.env().clock->wall_now();
  f.server.clock.advance(std::chrono::hours(1));
  ASSERT_OK(f.run("vault", true));
  // One that a retention or another installation knows nothing of any more.
  std::filesystem::copy_file(vault() + "/" + first->file, vault() + "/old-copy.twb");
  auto listed = f.service->made_before(between);
  ASSERT_OK(listed);
  ASSERT_EQ(listed->size(), 2U);
  EXPECT_EQ(listed->at(0).target, "vault");
  EXPECT_EQ(listed->at(0).domain, "vault-vault");
  EXPECT_LT(listed->at(0).made, between);
  EXPECT_EQ(f.service->made_before(f.env().clock->wall_now())->size(), 3U);
  std::filesystem::rename(vault(), elsewhere.file("away"));
  listed = f.service->made_before(between);
  ASSERT_OK(listed);
  ASSERT_EQ(listed->size(), 1U) << "what this server wrote there";
  EXPECT_EQ(listed->at(0).name, first->file);
}

}  // namespace
}  // namespace tapewarden::keymgr::backup
