// K17 from end to end: a key server that serves drives is backed up, deleted with everything it had, restored
// with one command, and gives the same keys again.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "integration/other_file_system.h"
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
  static Status add_target(const std::string& name) { return add_target_at(name, file(name)); }
  static Status add_target_at(const std::string& name, const std::string& directory) {
    std::filesystem::create_directories(directory);
    TRY(rest().post(
        "/v1/backups",
        json::object{
            {"name", name}, {"directory", directory}, {"domain", "vault"}, {"passphrase", kPassphrase}}));
    return {};
  }

  // `tapewarden-keyd restore` of the primary out of a target's folder.
  static Result<CommandResult> restore(const std::string& target, const std::string& to) {
    return restore_from(file(target), to);
  }
  static Result<CommandResult> restore_from(const std::string& folder, const std::string& to,
                                            const std::vector<std::string>& more = {}) {
    write_secret(file("backup-passphrase"), kPassphrase);
    write_secret(file("new-passphrase"), "a wholly new passphrase");
    std::vector<std::string> arguments{program("tapewarden-keyd"),
                                       "restore",
                                       "--from",
                                       folder,
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
  EXPECT_NE(restored->output.find("new epoch 1; 7 unused use-once keys made read-only"), std::string::npos)
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
  const std::vector<std::string> over{"--group", "K17GROUP", "--input", file("data"), "--overwrite"};
  EXPECT_FALSE(tape("write", "1700000001", "TW0171L9", over));
  TW_EXPECT_OK(rest().post("/v1/keys", json::object{{"count", 2}, {"group", "K17GROUP"}}));
  TW_EXPECT_OK(tape("write", "1700000001", "TW0171L9", over));
  const auto audit = rest().get("/v1/audit?limit=1000");
  TW_ASSERT_OK(audit);
  const std::string text = json::serialize(*audit);
  EXPECT_NE(text.find("\"made_read_only\":7"), std::string::npos);
  EXPECT_NE(text.find("\"old_epoch\":0"), std::string::npos) << text.substr(0, 2000);
}

// Alone and of its own: its keys are gated by its backups.
class KeydServe : public KeydBackup {
 protected:
  void SetUp() override {
    KeydBackup::SetUp();
    if (elsewhere.path().empty()) GTEST_SKIP() << "there is no second file system here";
    TW_EXPECT_OK(site().stop(Which::kPrimary));
    TW_EXPECT_OK(site().stop(Which::kSecondary));
    TW_EXPECT_OK(site().without_peer(Which::kPrimary));
    TW_EXPECT_OK(site().start(Which::kPrimary));
  }

  static json::value serve() {
    const auto status = rest().get("/v1/status");
    return status ? status->at("serve") : json::value(json::object{});
  }
  // What the server answers to a drive that asks once.
  static dkx::Refusal ask_once(const TestDrive& drive, const dkx::KeyRequest& request) {
    auto link = DriveLink::connect(site(), Which::kPrimary);
    if (!link) return {};
    const auto answer = link->ask(drive, request);
    EXPECT_TRUE(answer.has_value()) << answer.error().text();
    const auto* refusal = answer ? std::get_if<dkx::Refusal>(&*answer) : nullptr;
    return refusal == nullptr ? dkx::Refusal{} : *refusal;
  }

  OtherFileSystem elsewhere;
};

TEST_F(KeydServe, K17_AWriteWaitsForItsBackupGoesOnByItselfAndTheBackupHasItsKey) {
  const std::string vault = elsewhere.path() + "/vault";
  const std::string away = elsewhere.path() + "/away";
  TW_EXPECT_OK(make_drive("LTO", "1700000002", "TW0172L9"));
  const auto probe = enrolled_drive("1700000003", dkx::DriveKind::kLto);
  TW_ASSERT_OK(probe);
  EXPECT_EQ(serve().at("policy"), "at-once");
  TW_EXPECT_OK(add_target_at("vault", vault));
  EXPECT_EQ(serve().at("policy"), "after-backup") << "a target that counts is there";
  std::filesystem::rename(vault, away);  // so that no backup comes
  TW_EXPECT_OK(make_group("K17SERVE", 4));

  // Neither before nor after the server was killed between making the key and backing it up.
  auto request = probe->write();
  request.asked = dkx::GroupAsked{"K17SERVE"};
  for (const bool killed : {false, true}) {
    if (killed) {
      site().kill_hard(Which::kPrimary);
      TW_EXPECT_OK(site().start(Which::kPrimary));
    }
    const dkx::Refusal waits = ask_once(*probe, request);
    EXPECT_EQ(eedk::to_string(waits.code), "EF10");
    EXPECT_EQ(waits.retry, dkx::RetryReason::kWaitingForBackup);
    EXPECT_NE(waits.message.find("no backup yet"), std::string::npos) << waits.message;
  }
  EXPECT_EQ(serve().at("keys_waiting").to_number<int>(), 4);
  EXPECT_EQ(rest().get("/v1/groups/K17SERVE")->at("waiting_for_backup").to_number<int>(), 4);

  // A tape is begun meanwhile: it waits, and is written when the folder is back.
  const Bytes data = random_file(site().random(), file("data"), std::size_t{300} << 10);
  std::optional<Status> written;
  std::thread writer([&] {
    written = tape("write", "1700000002", "TW0172L9", {"--group", "K17SERVE", "--input", file("data")});
  });
  const bool waited = eventually([&] { return serve().at("writes_waiting").to_number<int>() >= 2; });
  EXPECT_TRUE(waited) << json::serialize(serve());
  std::filesystem::rename(away, vault);
  writer.join();
  ASSERT_TRUE(written.has_value());
  TW_EXPECT_OK(*written);
  const auto audit = rest().get("/v1/audit?limit=1000");
  TW_ASSERT_OK(audit);
  const std::string text = json::serialize(*audit);
  EXPECT_NE(text.find("key.wait"), std::string::npos);
  EXPECT_NE(text.find("waited_ms"), std::string::npos);

  // The machine is lost at once. What was waited for reads the tape.
  site().kill_hard(Which::kPrimary);
  const std::string folder = site().folder(Which::kPrimary);
  std::filesystem::remove_all(folder);
  const auto restored = restore_from(vault, folder);
  TW_ASSERT_OK(restored);
  ASSERT_EQ(restored->end.exit_code, 0) << restored->output;
  TW_EXPECT_OK(site().start(Which::kPrimary));
  TW_EXPECT_OK(tape("read", "1700000002", "TW0172L9", {"--output", file("back")}));
  EXPECT_TRUE(read_bytes(file("back")) == data);
}

TEST_F(KeydBackup, K17_ARestoreThatWouldLoseCommitsWantsAWord) {
  if (!site().running(Which::kPrimary)) TW_EXPECT_OK(site().start(Which::kPrimary));
  TW_EXPECT_OK(add_target("gaps"));
  TW_EXPECT_OK(make_group("K17GAPS", 1));
  for (int i = 0; i < 3; ++i) {
    TW_EXPECT_OK(rest().post("/v1/backups/gaps/run"));
    TW_EXPECT_OK(rest().post("/v1/keys", json::object{{"count", 1}, {"group", "K17GAPS"}}));
  }
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(file("gaps"))) {
    if (entry.path().string().contains("-b00001-")) files.push_back(entry.path().string());
  }
  std::ranges::sort(files);
  ASSERT_EQ(files.size(), 3U);
  // What is wrong with the folder or the signer is told before any passphrase is asked for.
  const auto early = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {program("tapewarden-keyd"), "restore", "--to", file("early")});
    const auto done = run_command(words, file("restore.log"));
    return done ? done->output : done.error().text();
  };
  EXPECT_NE(early({"--from", file("nowhere")}).find("nowhere"), std::string::npos);
  EXPECT_NE(early({"--from", file("gaps")}).find("which is not a signer that was named"), std::string::npos);
  EXPECT_NE(early({"--from", file("gaps"), "--ca", files[0]}).find(files[0] + " holds nothing in PEM"),
            std::string::npos);
  EXPECT_NE(early({"--form", file("gaps")}).find("did you mean --from?"), std::string::npos);

  std::filesystem::rename(files[1], file("kept"));
  const std::string to =
      std::filesystem::relative(file("restored-gaps")).string();  // a relative path will do
  const auto refused = restore("gaps", to);
  TW_ASSERT_OK(refused);
  EXPECT_EQ(refused->end.exit_code, 8) << refused->output;
  EXPECT_NE(refused->output.find("increment 1 of base 1 (target gaps) is missing"), std::string::npos)
      << refused->output;
  EXPECT_NE(refused->output.find(files[2]), std::string::npos);
  EXPECT_NE(refused->output.find("--incomplete"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(file("restored-gaps")));
  const auto going_on = restore_from(file("gaps"), to, {"--incomplete"});
  TW_ASSERT_OK(going_on);
  EXPECT_EQ(going_on->end.exit_code, 0) << going_on->output;
  EXPECT_NE(going_on->output.find("INCOMPLETE: increment 1"), std::string::npos) << going_on->output;
  EXPECT_TRUE(std::filesystem::exists(file("restored-gaps/keyd.toml")));

  // The last increment is cut: the file up to which can be restored is named.
  std::filesystem::rename(file("kept"), files[1]);
  std::filesystem::resize_file(files[2], std::filesystem::file_size(files[2]) - 40);
  const auto cut = restore("gaps", file("restored-cut"));
  TW_ASSERT_OK(cut);
  EXPECT_EQ(cut->end.exit_code, 6) << cut->output;
  EXPECT_NE(cut->output.find(files[2]), std::string::npos) << cut->output;
  EXPECT_NE(cut->output.find("--file " + files[1]), std::string::npos) << cut->output;
  const auto before = restore_from(file("gaps"), file("restored-cut"), {"--file", files[1]});
  TW_ASSERT_OK(before);
  EXPECT_EQ(before->end.exit_code, 0) << before->output;
}

}  // namespace
}  // namespace tapewarden::testing
