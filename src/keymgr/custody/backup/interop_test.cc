// Files opened without this program: by OpenSSL's command line and the page of Python in docs/formats/.
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

#include "crypto/testing/command.h"
#include "keymgr/custody/backup/testing/backup_fixture.h"

namespace tapewarden::keymgr::backup {
namespace {

using crypto::testing::find_program;
using crypto::testing::run_command;
using testing::BackupFixture;

class Decoder : public ::testing::Test {
 protected:
  void SetUp() override {
    python = find_program("python3").value_or("");
    shell = find_program("sh").value_or("");
    if (python.empty() || shell.empty() || !find_program("openssl")) {
      GTEST_SKIP() << "python3 or openssl is not installed";
    }
    if (run_command({python, "-c", "import cryptography"}).exit_code != 0) {
      GTEST_SKIP() << "python3-cryptography is not installed";
    }
    ASSERT_TRUE(std::filesystem::exists(script));
  }

  // Runs the commands that the decoder prints, in the media folder.
  void get_key(const std::string& file) {
    const auto shown = run_command({python, script, file});
    ASSERT_EQ(shown.exit_code, 0) << shown.output;
    const auto commands = shown.output.find("}\n\n");
    ASSERT_NE(commands, std::string::npos);
    std::string text = "cd " + f.media.path() + "\n" + shown.output.substr(commands + 3);
    if (const auto at = text.find("pass:PASSPHRASE"); at != std::string::npos) {
      text.replace(at + 5, 10, "'" + std::string(testing::kPassphrase) + "'");
    }
    std::ofstream(f.media.file("commands.sh")) << text;
    const auto done = run_command({shell, "-e", f.media.file("commands.sh")});
    ASSERT_EQ(done.exit_code, 0) << text << done.output;
  }

  // Each key's secret stands in the decoder's lines.
  void expect_every_key(const std::string& file) {
    const auto decoded = run_command({python, script, file, f.media.file("file.key")});
    ASSERT_EQ(decoded.exit_code, 0) << decoded.output;
    for (const auto& [alias, secret] : f.keys(f.server.manager())) {
      EXPECT_NE(decoded.output.find(alias), std::string::npos);
      EXPECT_NE(decoded.output.find(secret), std::string::npos) << alias;
    }
    EXPECT_NE(decoded.output.find("the TLS key"), std::string::npos);
  }

  BackupFixture f;
  std::string python;
  std::string shell;
  const std::string script = TW_SOURCE_DIR "/docs/formats/decode_backup.py";
};

TEST_F(Decoder, K17_OpenSslAndAPageOfPythonOpenAPassphraseFile) {
  ASSERT_TRUE(f.make_group("DAILY", 3).has_value());
  ASSERT_TRUE(f.add_target("one").has_value());
  ASSERT_TRUE(f.run().has_value());
  get_key(f.files().at(0));
  expect_every_key(f.files().at(0));
  // A changed file is refused there too.
  auto content = read_file(*f.env().disk, f.files().at(0), 10U << 20).value();
  content[content.size() / 2] ^= 1;
  const std::string changed = f.media.file("changed.twb");
  ASSERT_TRUE(write_file_atomically(*f.env().disk, changed, content).has_value());
  EXPECT_NE(run_command({python, script, changed, f.media.file("file.key")}).exit_code, 0);
}

TEST_F(Decoder, K17_OpenSslAndAPageOfPythonOpenARecipientsFile) {
  ASSERT_TRUE(f.make_group("DAILY", 3).has_value());
  TargetSpec spec;
  spec.name = "one";
  spec.directory = f.folder("one");
  spec.domain = "vault";
  spec.recipients = {keymgr::testing::rsa_certificate(keymgr::testing::shared_rsa(0), "custodian")};
  ASSERT_TRUE(f.service->add_target(keymgr::testing::officer(), spec).has_value());
  ASSERT_TRUE(f.run().has_value());
  const auto pem = keymgr::testing::shared_rsa(0).pem();
  ASSERT_TRUE(write_file_atomically(*f.env().disk, f.media.file("recipient.key"), pem.reveal()).has_value());
  get_key(f.files().at(0));
  expect_every_key(f.files().at(0));
}

}  // namespace
}  // namespace tapewarden::keymgr::backup
