// Nouns of the key server, each by the command line.
#include <filesystem>

#include "base/text.h"
#include "cli/command_line_test_kit.h"

namespace tapewarden::cli::test {
namespace {

TEST_F(CommandLine, U2_DrivesByTheCommandLine) {
  log_in(Role::kOperator);
  ASSERT_EQ(tapewarden({"drive-table", "add", "1234567890", "--kind", "LTO"}), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("001234567890"));
  ASSERT_EQ(tapewarden({"drive-table", "list"}), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("SERIAL"));
  EXPECT_THAT(out_.str(), HasSubstr("001234567890"));
  ASSERT_EQ(tapewarden({"drive-table", "export", "--output", path("drives.json")}), 0) << err_.str();
  EXPECT_EQ(tapewarden({"drive-table", "delete", "001234567890"}), 0);
  EXPECT_EQ(tapewarden({"drive-table", "show", "001234567890"}), 3);
  ASSERT_EQ(tapewarden({"drive-table", "import", path("drives.json"), "--mode", "merge", "--json"}), 0)
      << err_.str();
  EXPECT_EQ(answer().at("added"), 1);
  EXPECT_EQ(tapewarden({"drive-table", "import", path("missing.json"), "--mode", "merge"}), 3);
}

TEST_F(CommandLine, U2_LongListsAreReadToTheirEnd) {
  log_in(Role::kOperator);
  ASSERT_EQ(tapewarden({"key", "generate", "--count", "1003", "--prefix", "ABC"}), 0) << err_.str();
  ASSERT_EQ(tapewarden({"key", "list", "--json"}), 0) << err_.str();
  EXPECT_EQ(answer().at("items").as_array().size(), 1003U);
  ASSERT_EQ(tapewarden({"key", "list", "--json", "--most", "7"}), 0) << err_.str();
  EXPECT_EQ(answer().at("items").as_array().size(), 7U);
}

TEST_F(CommandLine, U2_ManyThingsOfOneAnswerAreATable) {
  log_in(Role::kSecurityOfficer);
  ASSERT_EQ(tapewarden({"key", "generate", "--range", "ABC01-03"}), 0) << err_.str();
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("count:"), HasSubstr("\nALIAS"), Not(HasSubstr("alias "))));
  EXPECT_EQ(std::ranges::count(out_.str(), '\n'), 7) << out_.str();
  EXPECT_EQ(tapewarden({"key", "generate", "--range", "AB1-03"}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("AB1-03 is no range of aliases"));
  ASSERT_EQ(tapewarden({"key", "list"}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("FINGERPRINT"));
  EXPECT_EQ(tapewarden({"key", "list", "--group", "NOSUCH"}), 3);
  ASSERT_EQ(tapewarden({"key", "compromise", "ABC000000000000000001"}), 0) << err_.str();
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("VOLSER"), Not(HasSubstr("items:"))));
}

TEST_F(CommandLine, K5_AKekGoesOutAndComesBack) {
  log_in(Role::kSecurityOfficer);
  ASSERT_EQ(tapewarden({"kek", "create", "the KEK", "--bits", "2048", "--label", "A / 1", "--label", "B"}), 0)
      << err_.str();
  typed_ = "a long passphrase";
  ASSERT_EQ(tapewarden({"kek", "export", "a / 1", "--output", path("kek.p12")}), 0) << err_.str();
  EXPECT_TRUE(crypto::read_pkcs12(*read_file(*real_.env().disk, path("kek.p12"), 1U << 20),
                                  crypto::SecretBytes::copy_of(as_bytes(typed_))));
  EXPECT_EQ(tapewarden({"kek", "import", path("kek.p12"), "--label", "C"}), 0) << err_.str();
  typed_ = "a wrong passphrase";
  EXPECT_EQ(tapewarden({"kek", "import", path("kek.p12")}), 1);
  EXPECT_THAT(out_.str() + err_.str(), Not(HasSubstr("a wrong passphrase")));
  ASSERT_EQ(tapewarden({"kek", "certificate", "B"}), 0) << err_.str();
  EXPECT_TRUE(crypto::Certificate::from_pem(out_.str()));
  ASSERT_EQ(tapewarden({"kek", "request", "B", "--output", path("kek.csr")}), 0) << err_.str();
  EXPECT_EQ(tapewarden({"kek", "show", "B", "--json"}), 0);
  EXPECT_EQ(answer().at("labels").as_array().size(), 3U);
}

TEST_F(CommandLine, K22_WhatNeedsTwoPeopleWaitsForTheSecond) {
  log_in(Role::kSecurityOfficer);
  typed_ = "second's long password";
  ASSERT_EQ(tapewarden({"people", "add", "second", "--role", "security-officer"}), 0) << err_.str();
  ASSERT_EQ(tapewarden({"setting", "set", "approval.two_person", "on"}), 0) << err_.str();
  ASSERT_EQ(tapewarden({"kek", "create", "K", "--bits", "2048", "--label", "A"}), 0) << err_.str();
  typed_ = "a long passphrase";
  EXPECT_EQ(tapewarden({"kek", "export", "A", "--output", path("nodir/kek.p12")}), 3);
  EXPECT_EQ(tapewarden({"kek", "export", "A", "--output", path("kek.p12")}), 7);
  EXPECT_THAT(err_.str(), HasSubstr("tapewarden approval approve"));
  EXPECT_EQ(tapewarden({"kek", "export", "A", "--output", path("kek.p12"), "--json"}), 7);
  const auto told = json::value_to<std::string>(answer().at("approval"));
  EXPECT_FALSE(read_file(*real_.env().disk, path("kek.p12"), 1U << 20)) << "nothing is written";
  ASSERT_EQ(tapewarden({"approval", "list", "--state", "asked", "--json"}), 0) << err_.str();
  const auto id = json::value_to<std::string>(answer().at("items").at(0).at("id"));
  EXPECT_EQ(told, id);
  EXPECT_EQ(answer().at("items").as_array().size(), 1U);
  EXPECT_EQ(tapewarden({"approval", "approve", id}), 4) << "nobody approves his own";
  EXPECT_EQ(tapewarden({"kek", "export", "A", "--output", path("kek.p12"), "--approval", id}), 1);
  write("second", "second's long password");
  ASSERT_EQ(tapewarden({"login", "--server", url(), "--ca", path("ca.crt"), "--user", "second",
                        "--password-file", path("second")}),
            0)
      << err_.str();
  ASSERT_EQ(tapewarden({"approval", "approve", id}), 0) << err_.str();
  log_in(Role::kSecurityOfficer);
  EXPECT_EQ(tapewarden({"kek", "export", "A", "--output", path("kek.p12"), "--approval", "x\r\ny: z"}), 2);
  EXPECT_EQ(tapewarden({"kek", "export", "A", "--output", path("nodir/kek.p12"), "--approval", id}), 3)
      << "and the approval is not used up";
  ASSERT_EQ(tapewarden({"kek", "export", "A", "--output", path("kek.p12"), "--approval", id}), 0)
      << err_.str();
  EXPECT_EQ(tapewarden({"kek", "export", "A", "--output", path("kek2.p12"), "--approval", id}), 1);
  EXPECT_THAT(err_.str(), HasSubstr("was used"));
  ASSERT_EQ(tapewarden({"approval", "show", id}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("second"));
}

TEST_F(CommandLine, K22_PeopleByTheCommandLine) {
  log_in(Role::kSecurityOfficer);
  typed_ = "carla's long password";
  ASSERT_EQ(tapewarden({"people", "add", "carla", "--role", "operator"}), 0) << err_.str();
  EXPECT_EQ(tapewarden({"people", "disable", "carla", "--json"}), 0);
  EXPECT_EQ(answer().at("disabled"), true);
  EXPECT_EQ(tapewarden({"people", "enable", "carla", "--json"}), 0);
  EXPECT_EQ(answer().at("disabled"), false);
  EXPECT_EQ(tapewarden({"people", "modify", "carla", "--role", "auditor"}), 0);
  EXPECT_EQ(tapewarden({"people", "list"}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("carla"));
  EXPECT_EQ(tapewarden({"people", "delete", "officer"}), 1);
  EXPECT_EQ(tapewarden({"people", "delete", "carla"}), 0);
}

TEST_F(CommandLine, K13_AuditAndItsVerification) {
  ASSERT_TRUE(keyd_.note(R"({"type":"runtime","outcome":"success","action":"serve","actor":"d1"})"));
  log_in(Role::kAuditor);
  ASSERT_EQ(tapewarden({"audit", "list", "--type", "runtime"}), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("serve"));
  EXPECT_EQ(tapewarden({"audit", "verify"}), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("intact:"));
}

}  // namespace
}  // namespace tapewarden::cli::test
