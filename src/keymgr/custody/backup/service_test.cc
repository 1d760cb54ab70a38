// Runs, chains and verification of backups in one process, and what is restored from them.
#include <gtest/gtest.h>
#include <thread>

#include "audit/audit_file.h"
#include "keymgr/custody/backup/testing/backup_fixture.h"

namespace tapewarden::keymgr::backup {
namespace {

using keymgr::testing::officer;
using testing::BackupFixture;
using testing::secret_of;

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

// A certificate for one of the RSA keys that tests share.
crypto::Certificate custodian(std::size_t index) {
  return keymgr::testing::rsa_certificate(keymgr::testing::shared_rsa(index), "custodian");
}

TEST(Backup, K17_RecipientsOpenItAndNobodyElse) {
  BackupFixture f;
  ASSERT_OK(f.make_group("DAILY", 3));
  TargetSpec spec;
  spec.name = "one";
  spec.directory = f.folder("one");
  spec.domain = "vault";
  spec.recipients = {custodian(0), custodian(1)};
  ASSERT_OK(f.service->add_target(officer(), spec));
  ASSERT_OK(f.run());
  ASSERT_OK(f.server.manager().generate_keys(officer(), 1, "ABC", "DAILY"));
  ASSERT_OK(f.run());
  // The server holds no recipient's key and proves its backups all the same.
  ASSERT_OK(f.service->verify(officer(), "one"));
  for (const std::size_t who : {0U, 1U}) {
    f.opener = Opener(keymgr::testing::shared_rsa(who));
    ASSERT_OK(f.restore("one", "site" + std::to_string(who)));
    auto there = f.open_restored("site" + std::to_string(who));
    ASSERT_OK(there);
    EXPECT_EQ(f.keys(*there->manager), f.keys(f.server.manager()));
  }
  f.opener = Opener(keymgr::testing::shared_rsa(2));
  const auto wrong = f.restore("one", "site2");
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().code, ErrorCode::kWrongKey);
  EXPECT_EQ(wrong.error().field, "private key");
  EXPECT_FALSE(f.env().disk->exists(f.media.file("site2")));
}

TEST(Backup, K17_TwoTargetsHaveTheirOwnChains) {
  BackupFixture f;
  ASSERT_OK(f.make_group("DAILY", 3));
  ASSERT_OK(f.add_target("one"));
  ASSERT_OK(f.run("one"));
  ASSERT_OK(f.server.manager().generate_keys(officer(), 1, "ABC", "DAILY"));
  ASSERT_OK(f.add_target("two"));
  const auto first = f.run("two");
  ASSERT_OK(first);
  EXPECT_TRUE(first->base);
  ASSERT_OK(f.server.manager().generate_keys(officer(), 1, "ABC", "DAILY"));
  ASSERT_OK(f.run("one"));
  EXPECT_GT(f.service->backed_up_commit("one", false), f.service->backed_up_commit("two", false));
  ASSERT_OK(f.run("two"));
  for (const std::string target : {"one", "two"}) {
    ASSERT_OK(f.service->verify(officer(), target));
    ASSERT_OK(f.restore(target, "site-" + target));
    auto there = f.open_restored("site-" + target);
    ASSERT_OK(there);
    EXPECT_EQ(f.keys(*there->manager), f.keys(f.server.manager()));
  }
  EXPECT_EQ(f.service->backed_up_commit("three", false), 0U);
}

TEST(Backup, K17_RetentionNeverTakesWhatAKeptIncrementNeeds) {
  BackupFixture f;
  ASSERT_OK(f.make_group("DAILY", 3));
  ASSERT_OK(f.add_target("one"));
  ASSERT_OK(f.service->modify_target(officer(), "one", {.keep_bases = 2, .increments = 2}));
  std::size_t removed = 0;
  for (int i = 0; i < 11; ++i) {
    ASSERT_OK(f.server.manager().generate_keys(officer(), 1, "ABC", "DAILY"));
    const auto run = f.run();
    ASSERT_OK(run);
    EXPECT_EQ(run->base, i % 3 == 0) << i;
    removed += run->removed;
    // Whatever is there restores up to its newest file, for each base.
    const auto found = look_into(*f.env().disk, f.folder("one"));
    ASSERT_OK(found);
    std::vector<Gap> gaps;
    const auto chains = chains_of(found->files, &gaps);
    EXPECT_TRUE(gaps.empty());
    EXPECT_LE(chains.size(), 2U);
  }
  EXPECT_EQ(removed, 6U);
  EXPECT_EQ(f.files().size(), 5U);
  ASSERT_OK(f.service->verify(officer(), "one"));
  RestoreOptions older = f.restore_options("one", "older");
  older.file = f.files()[1];
  ASSERT_OK(backup::restore(f.env(), older));
}

// What a kill leaves between the renaming of a file and the note of it in the keystore.
TEST(Backup, K17_AFileThatNobodyNotedIsBuiltUponByNobody) {
  BackupFixture f;
  ASSERT_OK(f.make_group("DAILY", 3));
  ASSERT_OK(f.add_target("one"));
  ASSERT_OK(f.service->modify_target(officer(), "one", {.keep_bases = 2, .increments = 2}));
  ASSERT_OK(f.run());
  ASSERT_OK(f.server.manager().generate_keys(officer(), 1, "ABC", "DAILY"));
  ASSERT_OK(f.run());
  const std::string unnoted = f.files().back();
  ASSERT_OK(f.server.write([&](store::Transaction& t) -> Status {
    for (const auto& file : TRY(known_files(t, "one", FileKind::kKeystore))) {
      if (file.increment > 0) TRY(t.erase(kKnownFileTable, {file.target, file.slot}));
    }
    return {};
  }));
  ASSERT_OK(f.server.manager().generate_keys(officer(), 1, "ABC", "DAILY"));
  const auto next = f.run();
  ASSERT_OK(next);
  EXPECT_TRUE(next->base);
  for (int i = 0; i < 8; ++i) {
    const auto found = look_into(*f.env().disk, f.folder("one"));
    ASSERT_OK(found);
    std::vector<Gap> gaps;
    (void)chains_of(found->files, &gaps);
    EXPECT_TRUE(gaps.empty()) << gaps.front().text();
    ASSERT_OK(f.server.manager().generate_keys(officer(), 1, "ABC", "DAILY"));
    ASSERT_OK(f.run());
  }
  EXPECT_FALSE(f.env().disk->exists(unnoted)) << "it goes with its chain";
  EXPECT_LE(f.files().size(), 6U);
  ASSERT_OK(f.service->verify(officer(), "one"));
  ASSERT_OK(f.restore("one", "again"));
  auto there = f.open_restored("again");
  ASSERT_OK(there);
  EXPECT_EQ(f.keys(*there->manager), f.keys(f.server.manager()));
}

TEST(Backup, K17_AMissingFileOfTheChainIsNoticed) {
  BackupFixture f;
  ASSERT_OK(f.make_group("DAILY", 3));
  ASSERT_OK(f.add_target("one"));
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK(f.run());
    ASSERT_OK(f.server.manager().generate_keys(officer(), 1, "ABC", "DAILY"));
  }
  const auto files = f.files();
  ASSERT_EQ(files.size(), 3U);
  ASSERT_OK(f.env().disk->remove(files[1]));
  const auto verified = f.service->verify(officer(), "one");
  ASSERT_FALSE(verified.has_value());
  EXPECT_NE(verified.error().message.find("hole"), std::string::npos);
  EXPECT_FALSE(f.service->status("one").value().warning.empty());
  // The newest chain goes up to the gap and says so; the file after it cannot be taken.
  const auto picked = pick_chain(*f.env().disk, {f.folder("one")}, "");
  ASSERT_OK(picked);
  EXPECT_EQ(picked->chain.files.size(), 1U);
  ASSERT_EQ(picked->warnings.size(), 1U);
  ASSERT_EQ(picked->missing.size(), 1U);
  EXPECT_NE(picked->missing[0].find("increment 1 of base 1 (target one) is missing"), std::string::npos)
      << picked->missing[0];
  RestoreOptions options = f.restore_options("one", "short");
  const auto refused = backup::restore(f.env(), options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().field, kIncomplete);
  EXPECT_NE(refused.error().message.find(files[2]), std::string::npos) << refused.error().text();
  EXPECT_FALSE(f.env().disk->exists(options.to));
  options.incomplete = true;
  ASSERT_OK(backup::restore(f.env(), options));
  EXPECT_EQ(pick_chain(*f.env().disk, {}, files[2]).error().code, ErrorCode::kNotFound);
  // The next run builds on nothing that is not there.
  const auto run = f.run();
  ASSERT_OK(run);
  EXPECT_TRUE(run->base);
  ASSERT_OK(f.service->verify(officer(), "one"));
}

TEST(Backup, K17_AnExchangedPredecessorIsRefused) {
  BackupFixture f;
  ASSERT_OK(f.make_group("DAILY", 3));
  ASSERT_OK(f.add_target("one"));
  ASSERT_OK(f.run());
  const auto base = f.files().at(0);
  ASSERT_OK(f.server.manager().generate_keys(officer(), 1, "ABC", "DAILY"));
  ASSERT_OK(f.run());
  // Another base of the same commit range under the first one's numbers: the digest does not fit.
  BackupFixture other;
  ASSERT_OK(other.make_group("DAILY", 3));
  ASSERT_OK(other.add_target("one"));
  ASSERT_OK(other.run());
  const auto content = read_file(*f.env().disk, other.files().at(0), 10U << 20);
  ASSERT_OK(content);
  ASSERT_OK(write_file_atomically(*f.env().disk, base, *content));
  RestoreOptions options = f.restore_options("one", "site");
  options.trust.key = other.server.manager().context().signing_key.public_key();
  const auto restored = backup::restore(f.env(), options);
  ASSERT_FALSE(restored.has_value());
  EXPECT_EQ(restored.error().code, ErrorCode::kCorrupt) << restored.error().text();
  EXPECT_NE(restored.error().message.find("does not follow"), std::string::npos) << restored.error().text();
}

TEST(Backup, K17_DestroyedStaysDestroyed) {
  BackupFixture f;
  ASSERT_OK(f.make_group("DAILY", 4));
  ASSERT_OK(f.add_target("one"));
  ASSERT_OK(f.run());
  const std::string alias = f.keys(f.server.manager()).begin()->first;
  ASSERT_OK(f.server.manager().change_key_state(officer(), alias, KeyState::kDeactivated));
  ASSERT_OK(keymgr::testing::destroy_whatever_is_lost(f.server.manager(), f.server.manager().key_ref(alias)));
  ASSERT_OK(f.run("one", true));
  const auto files = f.files();
  ASSERT_EQ(files.size(), 2U);
  // The newest chain knows it.
  ASSERT_OK(f.restore("one", "newest"));
  EXPECT_EQ(f.keys(*f.open_restored("newest")->manager).at(alias), "destroyed");
  // An older one would bring the key back; the newer one beside it says what became of it.
  RestoreOptions older = f.restore_options("one", "older");
  older.file = files[0];
  const auto restored = backup::restore(f.env(), older);
  ASSERT_OK(restored);
  EXPECT_EQ(restored->kept_destroyed, 1U);
  auto there = f.open_restored("older");
  ASSERT_OK(there);
  EXPECT_EQ(f.keys(*there->manager).at(alias), "destroyed");
  EXPECT_TRUE(there->keystore->verify().value().empty());
  // So does one that is named, wherever it lies.
  const std::string away = f.folder("away") + "/newer.twb";
  ASSERT_OK(f.env().disk->rename(files[1], away));
  ASSERT_OK(f.restore("one", "revived"));
  EXPECT_NE(f.keys(*f.open_restored("revived")->manager).at(alias), "destroyed");
  RestoreOptions named = f.restore_options("one", "named");
  named.tombstones = {f.folder("away")};
  ASSERT_OK(backup::restore(f.env(), named));
  EXPECT_EQ(f.keys(*f.open_restored("named")->manager).at(alias), "destroyed");
}

TEST(Backup, K17_AnInterruptedRestoreLeavesNothingUnderTheName) {
  BackupFixture f;
  ASSERT_OK(f.make_group("DAILY", 4));
  ASSERT_OK(f.add_target("one"));
  ASSERT_OK(f.run());
  RestoreOptions options = f.restore_options("one", "site");
  options.write_site = [](const std::string&, const FileHeader&, std::vector<SiteFile>) -> Status {
    return fail(ErrorCode::kExhausted, "the disk is full");
  };
  EXPECT_EQ(backup::restore(f.env(), options).error().message, "the disk is full");
  EXPECT_FALSE(f.env().disk->exists(options.to));
  EXPECT_TRUE(f.env().disk->exists(options.to + ".restoring"));
  // The next try starts anew.
  ASSERT_OK(f.restore("one", "site"));
  EXPECT_FALSE(f.env().disk->exists(options.to + ".restoring"));
  ASSERT_OK(f.open_restored("site"));
  EXPECT_EQ(f.restore("one", "site").error().code, ErrorCode::kAlreadyExists);
}

TEST(Backup, K17_OverlappingRunsAreRefused) {
  BackupFixture f;
  ASSERT_OK(f.make_group("DAILY", 4));
  ASSERT_OK(f.add_target("one"));
  ASSERT_OK(f.add_target("two"));
  std::optional<Error> overlapping;
  f.during_run = [&] {
    f.during_run = {};
    const auto second = f.run("one");
    if (!second) overlapping = second.error();
    EXPECT_OK(f.run("two"));
  };
  ASSERT_OK(f.run("one"));
  ASSERT_TRUE(overlapping.has_value());
  EXPECT_EQ(overlapping->code, ErrorCode::kConflict);
  EXPECT_EQ(f.files("one").size(), 1U);
}

TEST(Backup, K17_AFailedRunIsToldAndTheNextOneMendsIt) {
  BackupFixture f;
  ASSERT_OK(f.make_group("DAILY", 4));
  ASSERT_OK(f.add_target("one"));
  ASSERT_OK(f.env().disk->remove(f.media.file("one")));
  EXPECT_FALSE(f.run().has_value());
  const auto status = f.service->status("one");
  ASSERT_OK(status);
  EXPECT_NE(status->warning.find("the last run failed"), std::string::npos);
  EXPECT_EQ(status->state.covered, 0);
  EXPECT_EQ(f.server.audit_count({"backup.run", "failure"}), 1U);
  (void)f.folder("one");
  ASSERT_OK(f.run());
  EXPECT_TRUE(f.service->status("one")->state.failure.empty());
}

TEST(Backup, K17_TargetsThatMakeNoSenseAreRefused) {
  BackupFixture f;
  const auto passphrase = secret_of("correct horse battery");
  TargetSpec good{.name = "one", .directory = f.folder("one"), .domain = "vault", .passphrase = &passphrase};
  good.cost = testing::kTestCost;
  const auto field = [&](auto change) {
    TargetSpec spec{
        .name = good.name, .directory = good.directory, .domain = good.domain, .passphrase = &passphrase};
    spec.cost = good.cost;
    change(spec);
    const auto added = f.service->add_target(officer(), spec);
    return added ? std::string("added") : added.error().field;
  };
  const auto short_one = secret_of("too short");
  EXPECT_EQ(field([](TargetSpec& s) { s.name = "../x"; }), "name");
  EXPECT_EQ(field([](TargetSpec& s) { s.domain = ""; }), "domain");
  EXPECT_EQ(field([](TargetSpec& s) { s.directory = "relative"; }), "directory");
  EXPECT_EQ(field([](TargetSpec& s) { s.directory = "/nowhere/at/all"; }), "directory");
  EXPECT_EQ(field([&](TargetSpec& s) { s.directory = parent_directory(f.server.keystore_path()); }),
            "directory");
  EXPECT_EQ(field([&](TargetSpec& s) { s.directory = parent_directory(f.server.keystore_path()) + "/b"; }),
            "directory");
  EXPECT_EQ(field([&](TargetSpec& s) { s.passphrase = &short_one; }), "passphrase");
  EXPECT_EQ(field([](TargetSpec& s) { s.passphrase = nullptr; }), "passphrase");
  EXPECT_EQ(field([](TargetSpec& s) { s.recipients = {custodian(0)}; }), "passphrase");
  EXPECT_EQ(field([](TargetSpec& s) { s.keep_bases = 0; }), "keep_bases");
  EXPECT_EQ(field([](TargetSpec& s) { s.increments = -1; }), "increments");
  EXPECT_EQ(field([](TargetSpec& s) { s.every_hours = 0; }), "every_hours");
  EXPECT_EQ(field([&](TargetSpec& s) {
              s.passphrase = nullptr;
              s.recipients = {f.server.manager().context().signing_certificate};
            }),
            "recipients");
  EXPECT_EQ(field([](TargetSpec&) {}), "added");
  // On the keystore's own file system a target counts for nothing.
  const auto status = f.service->status("one");
  ASSERT_OK(status);
  EXPECT_FALSE(status->target.counts);
  EXPECT_NE(status->warning.find("keystore's own file system"), std::string::npos)
      << "why, before the first run: " << status->warning;
  EXPECT_EQ(field([](TargetSpec&) {}), "name");
  EXPECT_EQ(field([](TargetSpec& s) { s.name = "two"; }), "directory");
  EXPECT_EQ(f.service->run(officer(), "nowhere", false).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(f.service->verify(officer(), "one").error().code, ErrorCode::kNotFound);
  ASSERT_OK(f.run());
  EXPECT_GT(f.service->backed_up_commit("one", false), 0U);
  EXPECT_EQ(f.service->backed_up_commit(false), 0U);
  ASSERT_OK(f.service->remove_target(officer(), "one"));
  EXPECT_EQ(f.service->backed_up_commit("one", false), 0U);
  EXPECT_EQ(f.files().size(), 1U) << "its files stay";
}

TEST(Backup, K17_AfterEachChangeABackupFollowsByItself) {
  BackupFixture f;
  ASSERT_OK(f.make_group("DAILY", 4));
  ASSERT_OK(f.add_target("one", Mode::kAfterChange));
  ASSERT_OK(f.service->start());
  const auto covered = [&](std::uint64_t commit) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (f.service->backed_up_commit("one", false) < commit) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
  };
  ASSERT_TRUE(covered(f.server.keystore().head().sequence));
  const auto made = f.server.keystore().write([&](store::Transaction& t) -> Status {
    (void)TRY(f.server.manager().keys().generate(t, officer(), 5, "ABC", "DAILY"));
    return {};
  });
  ASSERT_OK(made);
  f.service->kick();
  EXPECT_TRUE(covered(made->sequence));
  // The service's own notes ask for nothing: the number of files stands still.
  ASSERT_TRUE(covered(f.server.keystore().head().sequence));
  f.service->stop();
  const std::size_t files = f.files().size();
  EXPECT_TRUE(f.run()->nothing_new);
  EXPECT_TRUE(f.run()->nothing_new);
  EXPECT_EQ(f.files().size(), files);
}

TEST(Backup, K17_ARestoredServerUsesNoOldNameAgain) {
  BackupFixture f;
  ASSERT_OK(f.make_group("DAILY", 6));
  ASSERT_OK(f.add_target("one"));
  ASSERT_OK(f.run());
  const auto last = f.server.manager().generate_keys(officer(), 3, "ABC", "DAILY");  // lost with the server
  ASSERT_OK(last);
  ASSERT_OK(f.restore("one", "site"));
  auto there = f.open_restored("site");
  ASSERT_OK(there);
  const auto group = there->manager->group("DAILY");
  ASSERT_OK(group);
  EXPECT_EQ(group->remaining, 0);
  EXPECT_EQ(group->used, 6);
  const auto fresh = there->manager->generate_keys(officer(), 3, "ABC", "DAILY");
  ASSERT_OK(fresh);
  for (const DataKey& key : *fresh) {
    for (const DataKey& old : *last) {
      EXPECT_NE(key.alias, old.alias);
      EXPECT_GT(key.position, old.position);
    }
  }
  EXPECT_EQ(there->manager->group("DAILY")->remaining, 3);
  const auto servers = there->manager->list_servers();
  ASSERT_OK(servers);
  EXPECT_EQ(servers->at(0).epoch, 1);
}

TEST(Backup, K17_ADrillServesTheKeysOfTheLedgersCartridges) {
  BackupFixture f;
  ASSERT_OK(f.make_group("DAILY", 6));
  ASSERT_OK(f.add_target("one"));
  const keymgr::testing::TestDrive drive("001234567890");
  ASSERT_OK(f.server.manager().add_drive(officer(), drive.serial(), drive.pins()));
  std::vector<std::string> aliases;
  for (int i = 0; i < 3; ++i) {
    KeyRequest request = drive.request(Intent::kWrite, keymgr::testing::random_uuid());
    request.group = "DAILY";
    const auto answer = f.server.ask(request);
    ASSERT_OK(answer);
    aliases.push_back(answer->alias);
  }
  ASSERT_OK(f.server.manager().set_setting(officer(), kAccessDefault, "deny"));  // does not keep a drill off
  ASSERT_OK(f.run());
  const auto before = f.server.keystore().head();
  const auto drilled = f.service->drill(officer(), "one", 10);
  ASSERT_OK(drilled);
  EXPECT_EQ(drilled->cartridges, 3U);
  EXPECT_EQ(drilled->served, 3U);
  EXPECT_TRUE(drilled->failed.empty()) << drilled->failed.front();
  EXPECT_EQ(f.server.audit_count({"backup.drill", "success"}), 1U);
  EXPECT_GE(f.server.keystore().head().sequence, before.sequence);
  // A destroyed key is told apart from a missing one.
  ASSERT_OK(f.server.manager().change_key_state(officer(), aliases[0], KeyState::kDeactivated));
  ASSERT_OK(
      keymgr::testing::destroy_whatever_is_lost(f.server.manager(), f.server.manager().key_ref(aliases[0])));
  ASSERT_OK(f.run());
  const auto again = f.service->drill(officer(), "one", 10);
  ASSERT_OK(again);
  EXPECT_EQ(again->served, 2U);
  EXPECT_EQ(again->destroyed, 1U);
  EXPECT_EQ(f.service->drill(officer(), "one", 0).error().field, "cartridges");
}

}  // namespace
}  // namespace tapewarden::keymgr::backup
