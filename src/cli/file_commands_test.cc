// Commands that read or write files: evidence, what old key managers leave, cartridges, completion.
#include "cli/command_line_test_kit.h"
#include "keymgr/migration/testing/jceks_writer.h"

namespace tapewarden::cli::test {
namespace {

TEST_F(CommandLine, K12_AnEvidencePackIsCheckedWithoutAServer) {
  ASSERT_TRUE(keyd_.manager().keystore().write([&](store::Transaction& transaction) -> Status {
    keymgr::LedgerEntry entry;
    entry.volser = "VOL001";
    (void)TRY(keyd_.manager().ledger().add(transaction, entry));
    return {};
  }));
  log_in(Role::kAuditor);
  const std::string pack = path("pack");
  ASSERT_EQ(tapewarden({"ledger", "evidence", "VOL001", "--output", pack}), 0) << err_.str();
  EXPECT_EQ(tapewarden({"ledger", "evidence", "VOL002", "--output", path("none")}), 3);
  ASSERT_EQ(tapewarden({"logout"}), 0);
  server_.reset();
  write("signing.crt", keyd_.manager().context().signing_certificate.pem());
  ASSERT_EQ(tapewarden({"ledger", "verify-evidence", pack, "--certificate", path("signing.crt")}), 0)
      << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("evidence for:     VOL001"));
  EXPECT_THAT(out_.str(), HasSubstr("1 row, 0 confirmed"));
  EXPECT_EQ(tapewarden({"ledger", "verify-evidence", pack, "--ca", path("ca.crt")}), 4);
  EXPECT_THAT(err_.str(), HasSubstr("was not issued by the authority trusted"));
  EXPECT_EQ(tapewarden({"ledger", "verify-evidence", pack}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("nothing says whether to trust"));
  std::string text(as_text(*read_file(*real_.env().disk, pack, 1U << 20)));
  write("cut", text.substr(0, text.size() / 2));
  EXPECT_EQ(tapewarden({"ledger", "verify-evidence", path("cut"), "--certificate", path("signing.crt")}), 6);
  EXPECT_THAT(err_.str(), HasSubstr("cut off"));
  text.at(text.find("VOL001")) = 'W';
  write("changed", text);
  EXPECT_EQ(tapewarden({"ledger", "verify-evidence", path("changed"), "--certificate", path("signing.crt")}),
            6);
  EXPECT_THAT(err_.str(), HasSubstr("was changed after it was signed"));
  EXPECT_EQ(tapewarden({"cartridge", "verify-erasure", pack, "--certificate", path("signing.crt")}), 2);
}

TEST_F(CommandLine, K12_AnOldMetadataFileIsImported) {
  write("EKMData.xml",
        "<KeyUsageEvent><DriveSSN>1300000123</DriveSSN><VolSer>OLD001</VolSer><keyAlias1>cert1</keyAlias1>"
        "<dateTime>Tue Feb 20 09:18:07 UTC 2007</dateTime></KeyUsageEvent>\n<KeyUsageEvent>");
  log_in(Role::kSecurityOfficer);
  ASSERT_EQ(tapewarden({"ledger", "import-ekm", path("EKMData.xml"), "--dry-run"}), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("would come: 1, known already: 0, left out: 1"));
  ASSERT_EQ(tapewarden({"ledger", "import-ekm", path("EKMData.xml")}), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("line 2    left-out: the record is cut off"));
  EXPECT_THAT(out_.str(), HasSubstr("came: 1,"));
  ASSERT_EQ(tapewarden({"ledger", "query", "--volser", "OLD001"}), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("imported"));
  EXPECT_EQ(tapewarden({"ledger", "import-ekm", path("password")}), 2);
}

TEST_F(CommandLine, K20_AnOldInstallationIsTakenOver) {
  keymgr::testing::JceksWriter store;
  store.data_key("aes00", Bytes(32, 1)).data_key("small", Bytes(16, 1));
  write("EKMKeys.jck", as_text(store.file()));
  write("store-password", std::string(store.password) + "\n");
  write("config.properties", "symmetricKeySet = aes00\nconfig.keystore.password = " + store.password + "\n");
  log_in(Role::kSecurityOfficer);
  std::vector<std::string> words{"migrate",           "ekm",          "--keystore",
                                 path("EKMKeys.jck"), "--properties", path("config.properties"),
                                 "--dry-run"};
  EXPECT_NE(tapewarden(words), 0) << "nobody to ask for the password";
  typed_ = store.password;
  ASSERT_EQ(tapewarden(words), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("would come: 3, here already: 0, kept beside another: 0, left out: 2"));
  EXPECT_THAT(out_.str(), HasSubstr("keystore  small  left-out: an AES key of 128 bits"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("AES00")));
  EXPECT_EQ(tapewarden({"key", "show", "AES00"}), 3);
  typed_.clear();
  words.back() = "--all";
  words.insert(words.end(), {"--password-file", path("store-password")});
  ASSERT_EQ(tapewarden(words), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("keystore  AES00  added: data key"));
  EXPECT_THAT(out_.str(), HasSubstr("passwords are not taken"));
  EXPECT_THAT(out_.str(), HasSubstr("came: 3,"));
  ASSERT_EQ(tapewarden({"key", "show", "AES00"}), 0) << err_.str();
  words.emplace_back("--json");
  ASSERT_EQ(tapewarden(words), 0) << err_.str();
  EXPECT_EQ(answer().at("added"), 0);
  EXPECT_EQ(answer().at("same"), 3);
  write("store-password", "wrong\n");
  EXPECT_NE(tapewarden(words), 0);
  EXPECT_THAT(err_.str(), HasSubstr("the password is not the keystore's"));
}

TEST_F(CommandLine, D4_CartridgesAreMadeInspectedAndErased) {
  const std::string file = path("vol001.twc");
  ASSERT_EQ(tapewarden({"cartridge", "create", file, "--volser", "vol001", "--capacity", "64M"}), 0)
      << err_.str();
  EXPECT_EQ(tapewarden({"cartridge", "create", file, "--volser", "vol001"}), 1);
  EXPECT_EQ(tapewarden({"cartridge", "create", path("x"), "--volser", "VOL002", "--capacity", "much"}), 2);
  ASSERT_EQ(tapewarden({"cartridge", "inspect", file, "--json"}), 0) << err_.str();
  EXPECT_EQ(answer().at("volser"), "VOL001");
  EXPECT_EQ(tapewarden({"cartridge", "verify", file}), 0) << err_.str();
  EXPECT_EQ(tapewarden({"cartridge", "show-keys", file}), 0) << err_.str();
  EXPECT_EQ(tapewarden({"cartridge", "erase", file, "--method", "overwrite"}), 2);
  EXPECT_EQ(tapewarden({"cartridge", "erase", file, "--method", "overwrite", "--yes"}), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("not guaranteed"));
  EXPECT_EQ(tapewarden({"cartridge", "inspect", path("missing")}), 3);
  write("junk", std::string(100'000, 'x'));
  EXPECT_NE(tapewarden({"cartridge", "inspect", path("junk")}), 0);
}

TEST_F(CommandLine, U2_CompletionKnowsNounsVerbsAndOptions) {
  ASSERT_EQ(tapewarden({"completion"}), 0);
  for (const char* word :
       {"drive-table", "set-default", "--keys-ahead", "complete -F _tapewarden tapewarden"}) {
    EXPECT_THAT(out_.str(), HasSubstr(word));
  }
}

}  // namespace
}  // namespace tapewarden::cli::test
