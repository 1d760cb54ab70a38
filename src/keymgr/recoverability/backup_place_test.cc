// K26: backup targets as places, and their verification by the self-check.
#include <filesystem>
#include <gtest/gtest.h>

#include "keymgr/custody/backup/testing/backup_fixture.h"
#include "keymgr/recoverability/service.h"
#include "keymgr/recoverability/tables.h"
#include "keymgr/sharing/tables.h"

namespace tapewarden::keymgr::recoverability {
namespace {

using backup::testing::BackupFixture;
using keymgr::testing::officer;

#define ASSERT_OK(result) ASSERT_TRUE((result).has_value()) << (result).error().text()

std::vector<const store::TableSpec*> more_tables() {
  auto out = tables();
  for (const auto* table : sharing::tables()) out.push_back(table);
  return out;
}

// One target counts, since it lies on another file system than the keystore: in memory. The other does not.
class BackupPlace : public ::testing::Test {
 protected:
  void SetUp() override {
    if (f.env().disk->file_system(elsewhere.path()).value() ==
        f.env().disk->file_system(f.media.path()).value()) {
      GTEST_SKIP() << "there is no second file system here";
    }
    std::filesystem::create_directories(elsewhere.file("far"));
    ASSERT_OK(f.add_target("near"));
    ASSERT_OK(f.add_target_at("far", elsewhere.file("far")));
    ASSERT_OK(f.make_group("DAILY", 2));
    ASSERT_OK(f.server.manager().add_drive(officer(), drive.serial(), drive.pins()));
    ServiceOptions options;
    options.server_name = "primary";
    options.backups = f.service.get();
    options.first_check = {};
    service = std::make_unique<Service>(f.server.manager(), std::move(options));
    auto request = drive.request(Intent::kWrite, keymgr::testing::random_uuid());
    request.group = "DAILY";
    request.volser = "VOL001";
    ASSERT_OK(f.server.ask(request));
  }
  std::vector<std::string> places(const std::string& volser = "VOL001") {
    const auto found = service->cartridges({.volser = volser}, {});
    EXPECT_TRUE(found.has_value()) << found.error().text();
    if (!found || found->page.items.empty()) return {};
    std::vector<std::string> out;
    for (const auto& place : found->page.items.front().places)
      out.push_back(place.substr(0, place.find(" (")));
    return out;
  }
  using Names = std::vector<std::string>;

  BackupFixture f{more_tables()};
  store::testing::TemporaryDirectory elsewhere{store::testing::Storage::kMemory};
  keymgr::testing::TestDrive drive{"001234567890"};
  std::unique_ptr<Service> service;
};

TEST_F(BackupPlace, K26_ABackupCountsOnceItWasVerifiedAndNotWithTheKeystore) {
  EXPECT_EQ(places(), Names{"server:primary"});
  for (const std::string name : {"near", "far"}) ASSERT_OK(f.run(name));
  EXPECT_EQ(places(), Names{"server:primary"}) << "nobody has verified them";
  for (const std::string name : {"near", "far"}) ASSERT_OK(f.service->verify(officer(), name));
  EXPECT_EQ(places(), (Names{"server:primary", "target:far"}));
  // A key that is younger than the verified backup.
  ASSERT_OK(f.server.manager().generate_key_range(officer(), "YOUNG", ""));
  auto request = drive.request(Intent::kWrite, keymgr::testing::random_uuid());
  request.alias = "YOUNG";
  request.volser = "VOL002";
  ASSERT_OK(f.server.ask(request));
  EXPECT_EQ(places("VOL002"), Names{"server:primary"});
  ASSERT_OK(f.run("far"));
  EXPECT_EQ(places("VOL002"), Names{"server:primary"});
  ASSERT_OK(f.service->verify(officer(), "far"));
  EXPECT_EQ(places("VOL002"), (Names{"server:primary", "target:far"}));
}

TEST_F(BackupPlace, K26_ADeletedBackupIsAPlaceLessAndAnAlarm) {
  ASSERT_OK(f.run("far"));
  ASSERT_OK(f.service->verify(officer(), "far"));
  ASSERT_OK(service->watch());
  EXPECT_EQ(places(), (Names{"server:primary", "target:far"}));
  std::filesystem::remove_all(elsewhere.file("far"));
  EXPECT_FALSE(f.service->verify(officer(), "far"));
  ASSERT_OK(service->watch());
  EXPECT_EQ(places(), Names{"server:primary"});
  EXPECT_EQ(f.server.audit_count({"recoverability.short", "group:DAILY", "VOL001"}), 1U);
  EXPECT_EQ(service->warnings().size(), 1U);
}

TEST_F(BackupPlace, K26_TheSelfCheckVerifiesWhatCountsAndTriesAFailureNotAgainAtOnce) {
  ASSERT_OK(f.run("far"));
  ASSERT_OK(f.run("near"));
  ASSERT_OK(service->check());
  EXPECT_EQ(places(), (Names{"server:primary", "target:far"}));
  EXPECT_EQ(f.server.audit_count({"backup.verify", "success"}), 1U) << "the other counts for nothing";
  ASSERT_OK(service->check());
  EXPECT_EQ(f.server.audit_count({"backup.verify"}), 1U) << "nothing is due";
  f.server.clock.advance(std::chrono::hours(25));
  ASSERT_OK(service->check());
  EXPECT_EQ(f.server.audit_count({"backup.verify", "success"}), 2U);
  EXPECT_EQ(f.server.audit_count({"recoverability.check", "success"}), 2U);
  ASSERT_OK(f.server.manager().set_setting(officer(), kCheckHours, "0"));
  f.server.clock.advance(std::chrono::hours(100));
  ASSERT_OK(service->check());
  EXPECT_EQ(f.server.audit_count({"backup.verify"}), 2U) << "it was switched off";
}

}  // namespace
}  // namespace tapewarden::keymgr::recoverability
