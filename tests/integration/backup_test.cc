// K17 from end to end: a key server that serves drives is backed up, deleted with everything it had, restored
// with one command, and gives the same keys again.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "integration/tape_site.h"

namespace tapewarden::testing {
namespace {

constexpr std::string_view kPassphrase = "seven lonely custodians wait";

void write_secret(const std::string& path, std::string_view text) {
  std::ofstream(path) << text << "\n";
  std::filesystem::permissions(path,
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

class KeydBackup : public TapeSite {
 protected:
  static Status add_target(const std::string& name) {
    std::filesystem::create_directories(file(name));
    TRY(rest().post(
        "/v1/backups",
        json::object{
            {"name", name}, {"directory", file(name)}, {"domain", "vault"}, {"passphrase", kPassphrase}}));
    return {};
  }

  // `tapewarden-keyd restore` of the primary out of a target's folder.
  static Result<CommandResult> restore(const std::string& target, const std::string& to,
                                       const std::vector<std::string>& more = {}) {
    write_secret(file("backup-passphrase"), kPassphrase);
    write_secret(file("new-passphrase"), "a wholly new passphrase");
    std::vector<std::string> arguments{program("tapewarden-keyd"),
                                       "restore",
                                       "--from",
                                       file(target),
                                       "--to",
                                       to,
                                       "--passphrase-file",
                                       file("backup-passphrase"),
                                       "--new-passphrase-file",
                                       file("new-passphrase"),
                                       "--ca",
                                       site().path("ca/authority.crt")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_command(arguments, file("restore.log"), std::chrono::seconds{120});
  }
};

TEST_F(KeydBackup, K17_ADeletedServerComesBackAndReadsItsCartridge) {
  TW_EXPECT_OK(site().stop(Which::kPrimary));
  TW_EXPECT_OK(site().stop(Which::kSecondary));
  TW_EXPECT_OK(site().without_peer(Which::kPrimary));
  TW_EXPECT_OK(site().start(Which::kPrimary));
  TW_EXPECT_OK(make_group("K17GROUP", 8));
  TW_EXPECT_OK(make_drive("LTO", "1700000001", "TW0171L9"));
  TW_EXPECT_OK(add_target("vault"));
  TW_EXPECT_OK(rest().post("/v1/backups/vault/run"));  // the base, before the cartridge is written

  Bytes data(std::size_t{300} << 10);
  site().random().fill(data);
  std::ofstream(file("data"), std::ios::binary) << as_text(data);
  TW_EXPECT_OK(tape("write", "1700000001", "TW0171L9", {"--group", "K17GROUP", "--input", file("data")}));
  const auto increment = rest().post("/v1/backups/vault/run");
  TW_ASSERT_OK(increment);
  EXPECT_FALSE(increment->at("base").as_bool());
  const auto verified = rest().post("/v1/backups/vault/verify");
  TW_ASSERT_OK(verified);
  EXPECT_EQ(verified->at("files").to_number<int>(), 2);
  EXPECT_EQ(verified->at("verified"), increment->at("covered"));
  TW_EXPECT_OK(site().stop(Which::kPrimary));

  // Offline, and with nobody trusted yet: the signer is shown and refused.
  write_secret(file("backup-passphrase"), kPassphrase);
  const auto unknown = run_command({program("tapewarden-keyd"), "verify-backup", "--from", file("vault"),
                                    "--passphrase-file", file("backup-passphrase")},
                                   file("verify.log"));
  TW_ASSERT_OK(unknown);
  EXPECT_NE(unknown->end.exit_code, 0);
  EXPECT_NE(unknown->output.find("which is not a signer that was named"), std::string::npos)
      << unknown->output;
  const auto proved =
      run_command({program("tapewarden-keyd"), "verify-backup", "--from", file("vault"), "--passphrase-file",
                   file("backup-passphrase"), "--ca", site().path("ca/authority.crt"), "--scratch", file("")},
                  file("verify.log"));
  TW_ASSERT_OK(proved);
  EXPECT_EQ(proved->end.exit_code, 0) << proved->output;
  EXPECT_NE(proved->output.find("restorable: primary"), std::string::npos) << proved->output;

  // The server's folder is there: a restore into it is refused. Then the machine is lost.
  const std::string folder = site().folder(Which::kPrimary);
  const auto refused = restore("vault", folder);
  TW_ASSERT_OK(refused);
  EXPECT_NE(refused->end.exit_code, 0);
  EXPECT_NE(refused->output.find("is not empty"), std::string::npos) << refused->output;
  std::filesystem::remove_all(folder);
  const auto restored = restore("vault", folder);
  TW_ASSERT_OK(restored);
  ASSERT_EQ(restored->end.exit_code, 0) << restored->output;
  EXPECT_NE(restored->output.find("new epoch 1; 7 unused use-once keys are read-only now"), std::string::npos)
      << restored->output;

  const auto checked = site().check(Which::kPrimary);
  TW_ASSERT_OK(checked);
  EXPECT_EQ(checked->end.exit_code, 0) << checked->output;
  TW_EXPECT_OK(site().start(Which::kPrimary));
  TW_EXPECT_OK(tape("read", "1700000001", "TW0171L9", {"--output", file("back")}));
  EXPECT_TRUE(read_bytes(file("back")) == data);
  // The old audit record lies beside the new one.
  const auto old_audit = read_bytes(folder + "/data/audit-of-epoch-0.jsonl");
  EXPECT_FALSE(std::ranges::search(old_audit, std::string_view("backup.target.add")).empty());
  // A key that the old server may have used is not given out again.
  EXPECT_FALSE(tape("write", "1700000001", "TW0171L9", {"--group", "K17GROUP", "--input", file("data")}));
  TW_EXPECT_OK(rest().post("/v1/keys", json::object{{"count", 2}, {"group", "K17GROUP"}}));
  TW_EXPECT_OK(tape("write", "1700000001", "TW0171L9", {"--group", "K17GROUP", "--input", file("data")}));
  const auto audit = rest().get("/v1/audit?limit=1000");
  TW_ASSERT_OK(audit);
  const std::string text = json::serialize(*audit);
  EXPECT_NE(text.find("\"made_read_only\":7"), std::string::npos);
  EXPECT_NE(text.find("\"old_epoch\":0"), std::string::npos) << text.substr(0, 2000);
}

}  // namespace
}  // namespace tapewarden::testing
