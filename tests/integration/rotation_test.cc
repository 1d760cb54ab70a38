// K16 from end to end: two officers rotate the master key of a server that serves with its peer, by the
// command line; cartridges, backups and the other files are what they were, or the error names what they are.
#include <filesystem>
#include <fstream>

#include "integration/installation.h"

namespace tapewarden::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBackupPassphrase = "seven lonely custodians wait";
constexpr int kKeys = 1500;

void write_secret(const std::string& path, std::string_view text) {
  std::ofstream(path) << text << "\n";
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
}

class MasterKeyRotation : public ::testing::Test {
 protected:
  void SetUp() override { TW_EXPECT_OK(one_.start()); }
  void TearDown() override { TW_EXPECT_OK(one_.stop()); }

  RestClient& rest() { return one_.site().rest(Which::kPrimary); }
  std::string primary(const std::string& name) { return one_.site().folder(Which::kPrimary) + "/" + name; }
  // What the status says of the master key.
  std::string said(Which which = Which::kPrimary) {
    const auto status = one_.site().rest(which).get("/v1/status");
    return status ? std::string(status->at("master_key").as_string().c_str()) : status.error().text();
  }
  Result<CommandResult> keyd(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), program("tapewarden-keyd"));
    return run_command(arguments, one_.file("keyd-command.log"), std::chrono::seconds{120});
  }
  // `check` of the stopped primary says this.
  void expect_check(int exit_code, const std::string& text) {
    const auto checked = one_.site().check(Which::kPrimary);
    TW_ASSERT_OK(checked);
    EXPECT_EQ(checked->end.exit_code, exit_code) << checked->output;
    EXPECT_NE(checked->output.find(text), std::string::npos) << checked->output;
  }
  Result<CommandResult> restore_old_backup() {
    return keyd({"restore", "--from", one_.file("vault"), "--to", one_.file("restored"), "--passphrase-file",
                 one_.file("backup-words"), "--new-passphrase-file", one_.file("new-words"), "--ca",
                 one_.site().path("ca/authority.crt")});
  }

  Installation one_;
};

TEST_F(MasterKeyRotation, K16_TwoOfficersRotateWhileThePairServes) {
  TW_EXPECT_OK(rest().post("/v1/groups", json::object{{"name", "K16"}}));
  TW_EXPECT_OK(rest().post("/v1/keys", json::object{{"count", kKeys}, {"group", "K16"}}));
  TW_EXPECT_OK(one_.make_drive("1600000001"));
  Bytes data(std::size_t{100} << 10);
  one_.site().random().fill(data);
  std::ofstream(one_.file("data"), std::ios::binary) << as_text(data);
  TW_EXPECT_OK(one_.write_cartridge("1600000001", "TW0161L9", "K16", one_.file("data")));
  fs::create_directories(one_.file("vault"));
  TW_EXPECT_OK(rest().post("/v1/backups", json::object{{"name", "vault"},
                                                       {"directory", one_.file("vault")},
                                                       {"domain", "vault"},
                                                       {"passphrase", kBackupPassphrase}}));
  TW_EXPECT_OK(rest().post("/v1/backups/vault/run"));
  fs::copy_file(primary("master.key"), one_.file("old.key"));

  EXPECT_EQ(said(), "version 1");
  const auto alone = one_.officer({"server", "rotate-master-key"});
  EXPECT_FALSE(alone) << "one officer alone does not rotate";
  EXPECT_EQ(said(), "version 1");
  TW_EXPECT_OK(one_.both_officers({"server", "rotate-master-key"}));
  EXPECT_TRUE(said().starts_with("version 2")) << said();
  // It serves meanwhile.
  TW_EXPECT_OK(one_.write_cartridge("1600000001", "TW0162L9", "K16", one_.file("data")));
  EXPECT_TRUE(eventually([&] { return said() == "version 2"; })) << said();
  const auto shown = one_.officer({"server", "master-key"});
  TW_ASSERT_OK(shown);
  EXPECT_NE(shown->find("done"), std::string::npos) << *shown;
  const std::string record = one_.audit();
  EXPECT_NE(record.find("master-key.rotate\""), std::string::npos) << record;
  EXPECT_NE(record.find("master-key.rotated\""), std::string::npos);
  EXPECT_EQ(said(Which::kSecondary), "version 1") << "each server has its own";
  TW_EXPECT_OK(one_.site().wait_in_step());
  for (const std::string volser : {"TW0161L9", "TW0162L9"}) {
    TW_EXPECT_OK(one_.tape("read", "1600000001", one_.file(volser), {"--output", one_.file("back")}));
    EXPECT_EQ(fs::file_size(one_.file("back")), data.size());
    fs::remove(one_.file("back"));
  }

  // A backup from before it restores.
  write_secret(one_.file("backup-words"), kBackupPassphrase);
  write_secret(one_.file("new-words"), "a wholly new passphrase");
  const auto restored = restore_old_backup();
  TW_ASSERT_OK(restored);
  EXPECT_EQ(restored->end.exit_code, 0) << restored->output;

  // Files that do not belong together are named.
  TW_EXPECT_OK(one_.site().stop(Which::kPrimary));
  fs::copy_file(primary("master.key"), one_.file("good.key"));
  fs::copy_file(one_.file("old.key"), primary("master.key"), fs::copy_options::overwrite_existing);
  expect_check(1, "the file is an old copy from before a rotation");
  std::fstream damaged(primary("master.key"), std::ios::in | std::ios::out | std::ios::binary);
  damaged.seekp(60);
  damaged.put('\x00');
  damaged.seekp(61);
  damaged.put('\x01');
  damaged.close();
  expect_check(6, "master.key is damaged");
  fs::copy_file(one_.file("good.key"), primary("master.key"), fs::copy_options::overwrite_existing);
  expect_check(0, "whole");

  // Another passphrase; the one of the configuration's file opens no more until it is put there.
  const auto changed = keyd({"passphrase", "change", "--config", primary("keyd.toml"),
                             "--new-passphrase-file", one_.file("new-words")});
  TW_ASSERT_OK(changed);
  EXPECT_EQ(changed->end.exit_code, 0) << changed->output;
  expect_check(1, "the passphrase does not open");
  write_secret(primary("master-passphrase"), "a wholly new passphrase");
  expect_check(0, "whole");
  TW_EXPECT_OK(one_.site().start(Which::kPrimary));
  const auto running = keyd({"passphrase", "change", "--config", primary("keyd.toml"),
                             "--new-passphrase-file", one_.file("backup-words")});
  TW_ASSERT_OK(running);
  EXPECT_EQ(running->end.exit_code, 1);
  EXPECT_NE(running->output.find("stop it first"), std::string::npos) << running->output;
  EXPECT_EQ(said(), "version 2");
}

}  // namespace
}  // namespace tapewarden::testing
