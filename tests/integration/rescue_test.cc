// K28 from end to end: cartridges that real drives wrote are read with what is left of a site.
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>

#include "integration/tape_site.h"

namespace tapewarden::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::size_t kBytes = std::size_t{200} << 10;

void write_secret(const std::string& path, std::string_view text) {
  std::ofstream(path) << text << "\n";
  std::filesystem::permissions(path,
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

// The word behind `label` in the recovery kit.
std::string word_after(const std::string& kit, const std::string& label, std::size_t from = 0) {
  const auto at = kit.find(label, from);
  if (at == std::string::npos) return {};
  const auto begin = kit.find_first_not_of(" \n", at + label.size());
  return kit.substr(begin, kit.find_first_of(" \n", begin) - begin);
}

class KeydRescue : public TapeSite {
 protected:
  static Result<CommandResult> rescue(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), program("tapewarden-rescue"));
    return run_command(arguments, file("rescue.log"), std::chrono::seconds{120});
  }
  static std::vector<std::string> from_backup(const std::string& volser, const std::string& to) {
    return {"read",        file(volser), "--to",  to, "--backup", file("vault"), "--backup-passphrase-file",
            file("typed"), "--scratch",  file("")};
  }
  // Two cartridges, one of each method, and a backup that knows their keys.
  static Status fill() {
    TRY(make_group("K28GROUP", 4));
    TRY(rest().post("/v1/keks",
                    json::object{{"common_name", "k28"}, {"bits", 2048}, {"labels", {"K28 KEK"}}}));
    TRY(make_drive("LTO", "2800000001", "TW0281L9"));
    TRY(make_drive("3592", "2800000002", "TW0282JD"));
    lto_ = random_file(site().random(), file("lto-data"), kBytes);
    jd_ = random_file(site().random(), file("jd-data"), kBytes);
    TRY(tape("write", "2800000001", "TW0281L9", {"--group", "K28GROUP", "--input", file("lto-data")}));
    TRY(tape("write", "2800000002", "TW0282JD", {"--label", "K28 KEK", "--input", file("jd-data")}));
    return {};
  }
  static void expect_content(const std::string& path, const Bytes& data) {
    EXPECT_TRUE(read_bytes(path) == data) << path;
  }
  static std::string text_of(const std::string& path) {
    const auto bytes = read_bytes(path);
    return {bytes.begin(), bytes.end()};
  }

  static inline Bytes lto_;
  static inline Bytes jd_;
};

TEST_F(KeydRescue, K28_AKekABackupAndTheRecoveryKitEachReadACartridge) {
  TW_ASSERT_OK(fill());
  std::filesystem::create_directories(file("vault"));
  TW_ASSERT_OK(as_officer({"backup", "add-target", "vault", "--directory", file("vault"), "--domain", "vault",
                           "--passphrase-file", file("backup-passphrase")}));
  TW_ASSERT_OK(as_officer({"backup", "run", "vault"}));
  write_secret(file("p12-passphrase"), "a passphrase of 12 and more");
  TW_ASSERT_OK(as_both_officers({"kek", "export", "K28 KEK", "--output", file("kek.p12"), "--passphrase-file",
                                 file("p12-passphrase")}));
  TW_ASSERT_OK(site().stop(Which::kPrimary));
  TW_ASSERT_OK(site().stop(Which::kSecondary));

  // What a cartridge wants is told without anything.
  const auto shown = rescue({"show", file("TW0282JD")});
  TW_ASSERT_OK(shown);
  EXPECT_THAT(shown->output, HasSubstr("an EEDK for the KEK K28 KEK"));

  // With the KEK.
  const auto by_kek = rescue({"read", file("TW0282JD"), "--to", file("by-kek"), "--kek", file("kek.p12"),
                              "--kek-passphrase-file", file("p12-passphrase")});
  TW_ASSERT_OK(by_kek);
  EXPECT_EQ(by_kek->end.exit_code, 0) << by_kek->output;
  expect_content(file("by-kek/TW0282JD-0001.bin"), jd_);
  // The wrong place: said, and nothing is left behind.
  const auto wrong = rescue({"read", file("TW0281L9"), "--to", file("wrong"), "--kek", file("kek.p12"),
                             "--kek-passphrase-file", file("p12-passphrase")});
  TW_ASSERT_OK(wrong);
  EXPECT_EQ(wrong->end.exit_code, 4) << wrong->output;
  EXPECT_THAT(wrong->output, HasSubstr("none of the places named holds the key"));
  EXPECT_FALSE(std::filesystem::exists(file("wrong")));

  // With what stands on the paper: first a server's folder.
  const std::string kit = text_of(file("recovery-kit.txt"));
  const auto primary = kit.find("primary key server");
  write_secret(file("typed"), word_after(kit, "master passphrase", primary));
  const auto before = read_bytes(site().folder(Which::kPrimary) + "/data/keystore.db");
  const auto by_server =
      rescue({"read", file("TW0281L9"), "--to", file("by-server"), "--server", site().folder(Which::kPrimary),
              "--server-passphrase-file", file("typed"), "--scratch", file("")});
  TW_ASSERT_OK(by_server);
  EXPECT_EQ(by_server->end.exit_code, 0) << by_server->output;
  expect_content(file("by-server/TW0281L9-0001.bin"), lto_);
  EXPECT_TRUE(read_bytes(site().folder(Which::kPrimary) + "/data/keystore.db") == before);

  // The disaster: backup, kit and cartridges are left, and nothing else.
  for (const char* lost : {"primary", "secondary", "ca", "engine", "people", "backup-passphrase"}) {
    std::filesystem::remove_all(file(lost));
  }
  write_secret(file("typed"), word_after(kit, "backup-passphrase)"));
  const std::string signer = word_after(kit, "SIGNER              ", primary);
  auto unnamed = from_backup("TW0281L9", file("by-backup"));
  const auto refused = rescue(unnamed);
  TW_ASSERT_OK(refused);
  EXPECT_NE(refused->end.exit_code, 0);
  EXPECT_THAT(refused->output, HasSubstr("not a signer that was named"));
  for (const auto& [volser, data] : {std::pair("TW0281L9", &lto_), std::pair("TW0282JD", &jd_)}) {
    auto arguments = from_backup(volser, file("by-backup"));
    arguments.insert(arguments.end(), {"--signer", signer});
    const auto read = rescue(arguments);
    TW_ASSERT_OK(read);
    EXPECT_EQ(read->end.exit_code, 0) << read->output;
    expect_content(file("by-backup/") + volser + "-0001.bin", *data);
    EXPECT_THAT(text_of(file("by-backup/") + volser + ".txt"), HasSubstr("file 1: 204800 bytes"));
  }

  // A key server comes back out of the same.
  write_secret(file("new-passphrase"), "a wholly new passphrase");
  const auto restored = run_command(
      {program("tapewarden-keyd"), "restore", "--from", file("vault"), "--to", file("again"), "--signer",
       signer, "--passphrase-file", file("typed"), "--new-passphrase-file", file("new-passphrase")},
      file("restore.log"), std::chrono::seconds{120});
  TW_ASSERT_OK(restored);
  EXPECT_EQ(restored->end.exit_code, 0) << restored->output;
  const auto checked = run_command({program("tapewarden-keyd"), "check", "--config", file("again/keyd.toml")},
                                   file("check.log"));
  TW_ASSERT_OK(checked);
  EXPECT_EQ(checked->end.exit_code, 0) << checked->output;

  // A damaged block: the rest is written, and the file says that it is not whole.
  auto cartridge = read_bytes(file("TW0281L9"));
  cartridge[cartridge.size() - kBytes / 2] ^= 1U;
  std::ofstream(file("TW0281L9"), std::ios::binary)
      .write(as_text(cartridge).data(), static_cast<std::streamsize>(cartridge.size()));
  auto arguments = from_backup("TW0281L9", file("damaged"));
  arguments.insert(arguments.end(), {"--signer", signer});
  const auto damaged = rescue(arguments);
  TW_ASSERT_OK(damaged);
  EXPECT_EQ(damaged->end.exit_code, 6) << damaged->output;
  EXPECT_FALSE(std::filesystem::exists(file("damaged/TW0281L9-0001.bin")));
  EXPECT_TRUE(std::filesystem::exists(file("damaged/TW0281L9-0001.damaged"))) << damaged->output;
  for (const auto& entry : std::filesystem::directory_iterator(site().directory())) {
    EXPECT_THAT(entry.path().filename().string(), Not(HasSubstr("tapewarden-rescue-")));
  }
}

}  // namespace
}  // namespace tapewarden::testing
