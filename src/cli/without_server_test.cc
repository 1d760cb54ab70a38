// Command lines that are refused before any server is asked, and the parts of a request.
#include <boost/json.hpp>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

#include "base/real_env.h"
#include "cli/exit_code.h"
#include "cli/properties_file.h"
#include "cli/request_body.h"
#include "cli/rest_client.h"
#include "cli/rest_command.h"
#include "cli/run.h"
#include "crypto/random.h"
#include "net/testing/test_site.h"
#include "store/testing/memory_commit_log.h"

namespace tapewarden::cli {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::Not;

class WithoutServer : public ::testing::Test {
 protected:
  int run(std::vector<std::string> words) {
    out.str("");
    err.str("");
    Context context;
    context.env = {&clock, &disk, &random, &pool};
    context.out = &out;
    context.err = &err;
    context.config_directory = directory.path() + "/config";
    return cli::run(context, std::move(words));
  }
  std::string file(const std::string& name, const std::string& text) {
    EXPECT_TRUE(write_file_atomically(disk, directory.path() + "/" + name, as_bytes(text), 0600));
    return directory.path() + "/" + name;
  }

  RealClock clock;
  RealDisk disk;
  crypto::SystemRandom random;
  ThreadPool pool{1};
  store::testing::TemporaryDirectory directory;
  std::ostringstream out;
  std::ostringstream err;
};

TEST_F(WithoutServer, U2_AFileThatIsNoCertificateIsNamed) {
  const auto path = file("notes.txt", "not a certificate");
  EXPECT_EQ(run({"login", "--server", "https://127.0.0.1:1", "--ca", path, "--user", "anna"}), 2);
  EXPECT_THAT(err.str(), AllOf(HasSubstr(path), HasSubstr("--ca"), HasSubstr("authority.crt")));
}

TEST_F(WithoutServer, U2_AnOptionThatAllCommandsHaveIsProposedOnce) {
  EXPECT_EQ(run({"pool", "list", "--hepl"}), 2);
  EXPECT_THAT(err.str(), AllOf(HasSubstr("did you mean --help"), Not(HasSubstr("--help or --help"))));
  EXPECT_EQ(run({"pool", "list", "--wholly-unknown"}), 2);
  EXPECT_EQ(err.str().find("--help"), err.str().rfind("--help")) << err.str();
}

TEST_F(WithoutServer, U2_AWordThatGoesIntoThePathIsCheckedHere) {
  for (const char* wrong : {"sideways", "", "MERGE", "merge/", "../keks"}) {
    EXPECT_EQ(run({"server", "sync", "--mode", wrong}), 2) << wrong;
    EXPECT_THAT(err.str(), AllOf(HasSubstr("--mode"), HasSubstr("remedy: give "), HasSubstr("merge"),
                                 HasSubstr("rewrite"), Not(HasSubstr("path"))))
        << wrong;
  }
  // Nothing at all would be the path of something else.
  EXPECT_EQ(run({"key", "show", ""}), 2);
  EXPECT_THAT(err.str(), AllOf(HasSubstr("ALIAS"), HasSubstr("this is empty"), HasSubstr("the key's alias")));
  EXPECT_EQ(run({"proxy", "forbid", "001234567890", "--fingerprint", ""}), 2);
  EXPECT_THAT(err.str(), HasSubstr("--fingerprint"));
}

TEST_F(WithoutServer, U2_APasswordBesideACertificateIsRefused) {
  const auto password = file("password", "secret");
  net::testing::TestSite site;
  std::filesystem::create_directories(directory.path() + "/ca");
  file("ca/authority.crt", site.authority().pem());
  for (const auto& more :
       std::vector<std::vector<std::string>>{{"--password-file", password}, {"--user", "anna"}}) {
    std::vector<std::string> words{"login", "--site", directory.path(), "--as", "officer-1"};
    words.insert(words.end(), more.begin(), more.end());
    EXPECT_EQ(run(words), 2);
    EXPECT_THAT(err.str(), HasSubstr("certificate"));
    EXPECT_THAT(err.str(), HasSubstr(more.front()));
  }
}

TEST_F(WithoutServer, K18_WhereAFileCannotBeWrittenNothingIsAsked) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"key", "export", "--to", "VIENNA", "--alias", "K1"}, {"key", "destruction-proof", "K1"}}) {
    auto nowhere = words;
    nowhere.insert(nowhere.end(), {"--output", directory.path() + "/nodir/v.keys"});
    EXPECT_NE(run(nowhere), 0);
    EXPECT_THAT(err.str(), AllOf(HasSubstr("--output"), HasSubstr("nothing was asked of the server")));
    auto folder = words;
    folder.insert(folder.end(), {"--output", directory.path()});
    EXPECT_EQ(run(folder), 2);
    EXPECT_THAT(err.str(), HasSubstr("is a folder"));
    auto pipe = words;
    pipe.insert(pipe.end(), {"--output", "-"});
    EXPECT_EQ(run(pipe), 4) << "it goes on: nobody is logged in";
  }
  const auto good = directory.path() + "/v.keys";
  EXPECT_EQ(run({"key", "export", "--to", "VIENNA", "--alias", "K1", "--output", good}), 4);
  EXPECT_THAT(*disk.list(directory.path()), ::testing::IsEmpty()) << "looking leaves nothing behind";
}

TEST_F(WithoutServer, U2_WhoAndWhatAreNotThereAreNamedWithThoseThatAre) {
  std::filesystem::create_directories(directory.path() + "/people/officer-1");
  std::filesystem::create_directories(directory.path() + "/engine/drives/1000000001");
  file("engine/engine.toml",
       "[proxy]\nname = \"engine\"\ncertificate = \"c\"\nkey = \"k\"\nauthorities = \"a\"\n"
       "drives = \"drives\"\n[primary]\nhost = \"127.0.0.1\"\n");
  EXPECT_EQ(run({"tape", "list", "--site", directory.path(), "--drive", "1000000004", "--cartridge", "T"}),
            3);
  EXPECT_THAT(err.str(),
              AllOf(HasSubstr("no virtual drive 1000000004"), HasSubstr("did you mean 1000000001")));
  EXPECT_EQ(run({"status", "--site", directory.path(), "--as", "officer-9"}), 3);
  EXPECT_THAT(err.str(), AllOf(HasSubstr("no certificate of officer-9"), HasSubstr("officer-1")));
  EXPECT_EQ(run({"status", "--site", directory.path() + "/none", "--as", "officer-1"}), 3);
  EXPECT_THAT(err.str(), HasSubstr("is no site"));
}

TEST_F(WithoutServer, D1_ADriveGetsASerialThatTheDriveTableTakes) {
  for (const char* serial :
       {"10", "", "123456789", "12345678901", "1234567890123", "12345 7890", "../../../12"}) {
    EXPECT_EQ(run({"drive", "create", "--site", directory.path(), "--kind", "LTO", "--serial", serial}), 2)
        << serial;
    EXPECT_THAT(err.str(), HasSubstr("10 letters and digits")) << serial;
  }
}

TEST(RequestBody, EscapesWhatJsonWantsEscaped) {
  RequestBody body;
  EXPECT_TRUE(RequestBody().take().empty());
  body.add_text("a", "quote \" slash \\ line\n\x01 ä");
  body.add_integer("b", -7);
  body.add_flag("c", true);
  body.add_list("d", {"x", "y"});
  body.add_secret("e", crypto::SecretBytes::copy_of(as_bytes("s\"ecret")));
  const auto value = json::parse(as_text(body.take()));
  EXPECT_EQ(value.at("a"), "quote \" slash \\ line\n\x01 ä");
  EXPECT_EQ(value.at("b"), -7);
  EXPECT_EQ(value.at("c"), true);
  EXPECT_EQ(value.at("d").as_array().size(), 2U);
  EXPECT_EQ(value.at("e"), "s\"ecret");
}

TEST(Patience, U2_WorkThatGrowsWithWhatIsAskedIsWaitedForLonger) {
  const auto usual = patience_for("GET", "/v1/keys?limit=10");
  EXPECT_EQ(usual, std::chrono::minutes(2));
  for (const char* target : {"/v1/keys", "/v1/keys?x=y", "/v1/backups/vault/run", "/v1/backups/v/verify",
                             "/v1/migrations/ekm", "/v1/servers/primary/promote"}) {
    EXPECT_EQ(patience_for("POST", target), std::chrono::hours(1)) << target;
  }
  for (const char* target :
       {"/v1/groups", "/v1/keys/ABC", "/v1/backups", "/v1/backups//run", "/v1/keksrun", ""}) {
    EXPECT_EQ(patience_for("POST", target), usual) << target;
  }
}

TEST(ServerAddressText, TakesHostsPortsAndIpv6) {
  EXPECT_EQ(parse_server("https://keys-1:1444")->host, "keys-1");
  EXPECT_EQ(parse_server("https://keys-1:1444/")->port, 1444);
  EXPECT_EQ(parse_server("keys-1")->port, 1443);
  EXPECT_EQ(parse_server("https://[::1]:99")->host, "::1");
  for (const char* bad : {"", "https://", "http://a", "a:b", "a:0", "a:65536", "[::1", "[::1]99", "a/b"}) {
    EXPECT_FALSE(parse_server(bad)) << bad;
  }
}

TEST(PropertiesFile, K20_PasswordsStayHere) {
  const auto kept = [](std::string_view text) {
    return std::string(as_text(without_passwords(as_bytes(text)).reveal()));
  };
  EXPECT_EQ(kept("a = 1\nconfig.keystore.password = secret\nb : 2"),
            "a = 1\nconfig.keystore.password=\nb : 2");
  EXPECT_EQ(kept("Admin.ssl.keystore.Password:sec\\\n  ret\\\n  more\r\nb=2\r\n"),
            "Admin.ssl.keystore.Password=\n\n\nb=2\r\n")
      << "with the lines that it goes on in";
  EXPECT_EQ(kept("  a.password secret\n"), "  a.password=\n") << "a name that ends at a blank";
  EXPECT_EQ(kept("file = password\n# password = x\n"), "file = password\n# password = x\n");
  EXPECT_EQ(kept(""), "");
}

TEST(Lines, U2_WhatWasNotDoneIsSeenInTheExitStatus) {
  const auto status_of = [](std::string_view body) {
    const auto judged = judge_lines(as_bytes(body));
    return judged ? ExitCode::kDone : exit_code_of(judged.error());
  };
  EXPECT_EQ(status_of(R"({"items":[{"done":true},{"done":true}]})"), ExitCode::kDone);
  EXPECT_EQ(status_of(R"({"items":[{"done":true},{"done":false}]})"), ExitCode::kPartlyDone);
  EXPECT_EQ(status_of(R"({"items":[{"done":false},{"done":false}]})"), ExitCode::kFailed);
  EXPECT_EQ(status_of(R"({"items":[]})"), ExitCode::kDone) << "there was nothing to do";
}

}  // namespace
}  // namespace tapewarden::cli
