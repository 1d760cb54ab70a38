// Runs, chains and verification of backups in one process, and what is restored from them.
#include <gtest/gtest.h>

#include "audit/audit_file.h"
#include "keymgr/custody/backup/testing/backup_fixture.h"

namespace tapewarden::keymgr::backup {
namespace {

using keymgr::testing::officer;
using testing::BackupFixture;

#define ASSERT_OK(result) ASSERT_TRUE((result).has_value()) << (result).error().text()
#define EXPECT_OK(result) EXPECT_TRUE((result).has_value()) << (result).error().text()

TEST(Backup, K17_BackUpVerifyAndRestoreOnABareMachine) {
  BackupFixture f;
  ASSERT_OK(f.make_group("DAILY", 20));
  ASSERT_OK(f.add_target("one"));
  const auto run = f.run();
  ASSERT_OK(run);
  EXPECT_TRUE(run->base);
  EXPECT_GT(run->rows, 20U);
  const auto verified = f.service->verify(keymgr::testing::operator_(), "one");
  ASSERT_OK(verified);
  EXPECT_EQ(verified->keys.data_keys, 20U);
  EXPECT_EQ(verified->commit, run->commit);
  EXPECT_EQ(f.service->backed_up_commit("one", true), run->commit);

  const auto restored = f.restore("one", "site");
  ASSERT_OK(restored);
  EXPECT_EQ(restored->epoch, 1U);
  EXPECT_EQ(restored->made_read_only, 20U);
  ASSERT_EQ(f.site_files_written.size(), 2U);
  EXPECT_EQ(as_text(f.site_files_written[0].content.reveal()), "the TLS key");
  auto there = f.open_restored("site");
  ASSERT_OK(there);
  EXPECT_EQ(f.keys(*there->manager), f.keys(f.server.manager()));
  EXPECT_TRUE(there->keystore->verify().value().empty());
  EXPECT_EQ(there->manager->context().signing_key.public_key(),
            f.server.manager().context().signing_key.public_key());
  EXPECT_NE(there->manager->context().installation, f.server.manager().context().installation);
}

TEST(Backup, K17_IncrementsHoldOnlyWhatChanged) {
  BackupFixture f;
  ASSERT_OK(f.make_group("DAILY", 50));
  ASSERT_OK(f.add_target("one"));
  ASSERT_OK(f.run());
  auto again = f.run();
  ASSERT_OK(again);
  EXPECT_TRUE(again->nothing_new);
  ASSERT_OK(f.server.manager().generate_keys(officer(), 2, "ABC", "DAILY"));
  auto increment = f.run();
  ASSERT_OK(increment);
  EXPECT_FALSE(increment->base);
  EXPECT_LT(increment->rows, 10U);
  ASSERT_OK(f.server.manager().change_key_state(officer(), f.keys(f.server.manager()).begin()->first,
                                                KeyState::kCompromised));
  ASSERT_OK(f.run());
  EXPECT_EQ(f.files().size(), 3U);
  const auto verified = f.service->verify(officer(), "one");
  ASSERT_OK(verified);
  EXPECT_EQ(verified->files, 3U);
  EXPECT_EQ(verified->keys.data_keys, 53U);  // those of increments come again
  ASSERT_OK(f.restore("one", "site"));
  auto there = f.open_restored("site");
  ASSERT_OK(there);
  EXPECT_EQ(f.keys(*there->manager), f.keys(f.server.manager()));
}

}  // namespace
}  // namespace tapewarden::keymgr::backup
