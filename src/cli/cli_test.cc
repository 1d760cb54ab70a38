#include <boost/json.hpp>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <sys/stat.h>

#include "admin/keyd/testing/keyd_fixture.h"
#include "base/text.h"
#include "cli/nouns.h"
#include "cli/parser.h"
#include "cli/properties_file.h"
#include "cli/request_body.h"
#include "cli/rest_client.h"
#include "cli/run.h"
#include "keymgr/migration/testing/jceks_writer.h"
#include "net/testing/test_site.h"
#include "store/testing/memory_commit_log.h"

namespace tapewarden::cli {
namespace {

namespace json = boost::json;
using people::Role;
using ::testing::HasSubstr;
using ::testing::Not;

// The words of an example's own command as a shell would split it: without what feeds it or takes its output.
std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  for (const char c : std::string(line) + " ") {
    if (c == '"') quoted = !quoted;
    if (c == ' ' && !quoted) {
      if (word == ">" || (word == "|" && words.front() == "tapewarden")) return words;
      if (word == "|") {
        words.clear();
        word.clear();
      }
      if (!word.empty()) words.push_back(std::exchange(word, {}));
    } else if (c != '"') {
      word += c;
    }
  }
  return words;
}

TEST(CommandTable, U2_EveryExampleParsesToItsOwnCommand) {
  for (const Command& command : all_commands()) {
    auto words = words_of(command.example);
    ASSERT_EQ(words.front(), "tapewarden") << command.example;
    words.erase(words.begin());
    const auto parsed = parse_command_line(all_commands(), words);
    ASSERT_TRUE(parsed) << command.example << ": " << parsed.error().text();
    ASSERT_NE(parsed->command, nullptr) << command.example;
    EXPECT_EQ(title_of(*parsed->command), title_of(command));
  }
}

TEST(CommandTable, U2_ThePageInTheDocumentationHasEveryExample) {
  RealDisk disk;
  const auto page = read_file(disk, std::string(TAPEWARDEN_DOCS) + "/operating/command-line.md", 1U << 20);
  ASSERT_TRUE(page) << page.error().text();
  for (const Command& command : all_commands()) {
    EXPECT_THAT(std::string(as_text(*page)), HasSubstr(std::string(command.example)));
  }
}

TEST(CommandTable, U2_GlobalOptionsStandAnywhere) {
  const auto parsed =
      parse_command_line(all_commands(), {"key", "list", "--json", "--server", "https://a:1"});
  ASSERT_TRUE(parsed) << parsed.error().text();
  EXPECT_TRUE(parsed->globals.json);
  EXPECT_EQ(parsed->globals.server, "https://a:1");
}

TEST(CommandTable, U2_ListsAreGivenOptionByOption) {
  const auto parsed = parse_command_line(
      all_commands(), {"kek", "create", "--label", "A", "--label", "B", "the name", "--bits", "2048"});
  ASSERT_TRUE(parsed) << parsed.error().text();
  EXPECT_THAT(parsed->values.list("labels"), ::testing::ElementsAre("A", "B"));
  EXPECT_EQ(parsed->values.text("common_name"), "the name");
}

TEST(CommandTable, U2_WrongUsageIsAnError) {
  const std::vector<std::vector<std::string>> wrong{
      {},
      {"nonsense"},
      {"key"},
      {"key", "nonsense"},
      {"key", "show"},
      {"key", "show", "A", "B"},
      {"key", "list", "--nonsense"},
      {"group", "create", "A", "--policy"},
      {"group", "create", "A", "--policy", "use-once", "--policy", "round-robin"},
      {"people", "add", "anna", "--role", "operator", "--password", "on the command line"},
  };
  for (const auto& words : wrong) {
    const auto parsed = parse_command_line(all_commands(), words);
    ASSERT_FALSE(parsed) << ::testing::PrintToString(words);
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(CommandTable, U2_AMisspeltWordIsToldWithTheNearest) {
  const auto told = [](std::vector<std::string> words) {
    const auto parsed = parse_command_line(all_commands(), std::move(words));
    return parsed ? std::string() : parsed.error().text();
  };
  EXPECT_THAT(told({"gruop", "list"}), HasSubstr("did you mean group?"));
  EXPECT_THAT(told({"group", "lits"}), HasSubstr("did you mean list?"));
  EXPECT_THAT(told({"group", "zzzzzzzz"}), HasSubstr("use one of: "));
  // Though --drive and --cartridge are required and missing.
  EXPECT_THAT(told({"tape", "write", "--dirve", "1000000001"}),
              AllOf(HasSubstr("tape write has no option --dirve"), HasSubstr("did you mean --drive?")));
}

TEST(CommandTable, U2_HelpOfACommandHasTheOptionsOfEveryCommand) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"login", "--help"}, {"tape", "write", "--help"}, {"drive", "create", "--help"}}) {
    const auto parsed = parse_command_line(all_commands(), words);
    ASSERT_TRUE(parsed);
    for (const char* option : {"--site DIR", "--as NAME", "--server URL", "--json", "--approval ID"}) {
      EXPECT_THAT(parsed->text, HasSubstr(option)) << words.front();
    }
  }
}

// Command lines that are refused before any server is asked.
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

TEST(Site, U2_VerbsAreHandedToTheKeyServersProgram) {
  EXPECT_THAT(*site_words({"init", "DIR", "--name", "x"}),
              ::testing::ElementsAre("site-init", "DIR", "--name", "x"));
  EXPECT_EQ(site_words({"check", "--config", "f"})->front(), "check");
  EXPECT_THAT(*site_words({"renew", "DIR"}), ::testing::ElementsAre("site-renew", "DIR"));
  EXPECT_FALSE(site_words({}));
  EXPECT_FALSE(site_words({"run"}));
}

// Command lines against a whole key server behind HTTPS, in this process.
class CommandLine : public ::testing::Test {
 protected:
  void SetUp() override {
    auto config = site_.server_config();
    config.client_certificates = net::ClientCertificates::kOptional;
    net::HttpServerOptions options;
    options.tls = *net::TlsContext::server(config);
    auto started = net::HttpServer::start(loop_, options, keyd_.router().handler());
    ASSERT_TRUE(started) << started.error().text();
    server_ = std::move(*started);
    write("ca.crt", site_.authority().pem());
    write("password", std::string(people::testing::kPassword) + "\n");
    context_.env = real_.env();
    context_.out = &out_;
    context_.err = &err_;
    context_.ask_secret = [this](std::string_view) -> Result<crypto::SecretBytes> {
      if (typed_.empty()) return fail(ErrorCode::kUnavailable, "there is no terminal to ask at");
      return crypto::SecretBytes::copy_of(as_bytes(typed_));
    };
    context_.config_directory = path("config");
  }
  void TearDown() override {
    if (server_) (void)server_->stop(std::chrono::milliseconds(1000));
  }

  std::string path(const std::string& name) { return directory_.file(name); }
  void write(const std::string& name, std::string_view text) {
    ASSERT_TRUE(write_file_atomically(*real_.env().disk, path(name), as_bytes(text)));
  }
  std::string url() { return "https://127.0.0.1:" + std::to_string(server_->port()); }
  int tapewarden(std::vector<std::string> words) {
    out_.str("");
    err_.str("");
    return run(context_, std::move(words));
  }
  void log_in(Role role) {
    const auto name = people::testing::PeopleFixture::name_of(role);
    ASSERT_EQ(tapewarden({"login", "--server", url(), "--ca", path("ca.crt"), "--user", name,
                          "--password-file", path("password")}),
              0)
        << err_.str();
  }
  json::value answer() { return json::parse(out_.str()); }

  store::testing::TemporaryDirectory directory_;
  store::testing::RealEnv real_;
  net::testing::TestSite site_;
  net::Loop loop_{1};
  admin::testing::KeydFixture keyd_;
  std::unique_ptr<net::HttpServer> server_;
  std::ostringstream out_;
  std::ostringstream err_;
  std::string typed_;
  Context context_;
};

TEST_F(CommandLine, U2_LoginIsRememberedUntilLogout) {
  EXPECT_EQ(tapewarden({"status"}), 4);
  EXPECT_THAT(err_.str(), HasSubstr("tapewarden login"));
  log_in(Role::kOperator);
  EXPECT_THAT(out_.str(), HasSubstr("as operator, operator"));
  struct stat info{};
  ASSERT_EQ(::stat((path("config") + "/token").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(tapewarden({"whoami"}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("change-drives"));
  EXPECT_EQ(tapewarden({"logout"}), 0);
  EXPECT_EQ(tapewarden({"whoami"}), 4);
  EXPECT_EQ(tapewarden({"logout"}), 0);
}

TEST_F(CommandLine, U2_APasswordIsAskedForAndNeverShown) {
  typed_ = "a wrong password";
  EXPECT_EQ(tapewarden({"login", "--server", url(), "--ca", path("ca.crt"), "--user", "auditor"}), 4);
  EXPECT_THAT(out_.str() + err_.str(), Not(HasSubstr("a wrong password")));
  typed_ = people::testing::kPassword;
  EXPECT_EQ(tapewarden({"login", "--server", url(), "--ca", path("ca.crt"), "--user", "auditor"}), 0)
      << err_.str();
  typed_.clear();
  EXPECT_EQ(tapewarden({"login", "--server", url(), "--ca", path("ca.crt"), "--user", "auditor"}), 5);
  EXPECT_EQ(tapewarden({"login", "--server", url(), "--user", "auditor"}), 2);
  EXPECT_EQ(tapewarden({"login", "--server", url(), "--ca", path("ca.crt")}), 2);
}

TEST_F(CommandLine, U2_ASitesCertificateLogsIn) {
  const auto leaf = site_.client_leaf("officer", "people");
  for (const char* folder : {"site/ca", "site/people/officer-1"}) {
    ASSERT_TRUE(real_.env().disk->make_directories(path(folder), 0700));
  }
  write("site/ca/authority.crt", site_.authority().pem());
  write("site/people/officer-1/client.crt", leaf.certificate.pem());
  write("site/people/officer-1/client.key", as_text(leaf.key.pem().reveal()));
  const std::vector<std::string> who{"--site", path("site"), "--as", "officer-1", "--server", url()};
  const auto with = [&](std::vector<std::string> words) {
    words.insert(words.end(), who.begin(), who.end());
    return words;
  };
  EXPECT_EQ(tapewarden(with({"whoami"})), 4) << "nobody has this certificate yet";
  ASSERT_TRUE(
      keyd_.base().people().change(people::local_principal("test"), "officer",
                                   {.certificate_fingerprint = to_bytes(leaf.certificate.fingerprint())}));
  EXPECT_EQ(tapewarden(with({"whoami", "--json"})), 0) << err_.str();
  EXPECT_EQ(answer().at("method"), "certificate");
  EXPECT_EQ(keyd_.base().people().open_sessions(), 0U) << "a login for one command ends with it";
  EXPECT_EQ(tapewarden(with({"login"})), 0) << err_.str();
  EXPECT_EQ(tapewarden({"whoami"}), 0);
  EXPECT_EQ(tapewarden({"whoami", "--site", path("site"), "--server", url()}), 2);
}

TEST_F(CommandLine, U2_ExitStatusTellsWhatWentWrong) {
  log_in(Role::kAuditor);
  EXPECT_EQ(tapewarden({"key", "show", "NOSUCH"}), 3);
  EXPECT_THAT(err_.str(), HasSubstr("tapewarden: "));
  EXPECT_EQ(tapewarden({"group", "create", "B"}), 4);
  EXPECT_THAT(err_.str(), HasSubstr("remedy: "));
  EXPECT_EQ(tapewarden({"key", "list", "--most", "many"}), 2);
  EXPECT_EQ(tapewarden({"no-such-noun"}), 2);
  log_in(Role::kOperator);
  EXPECT_EQ(tapewarden({"group", "create", "B"}), 0) << err_.str();
  EXPECT_EQ(tapewarden({"group", "create", "B"}), 1);
  EXPECT_EQ(tapewarden({"key", "generate", "--count", "many"}), 2);
  (void)server_->stop(std::chrono::milliseconds(1000));
  EXPECT_EQ(tapewarden({"status"}), 5);
  EXPECT_EQ(tapewarden({"--help"}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("drive-table"));
  EXPECT_EQ(tapewarden({"--version"}), 0);
}

TEST_F(CommandLine, U2_AServerOfAnotherAuthorityIsNotTrusted) {
  net::testing::TestSite other;
  write("other.crt", other.authority().pem());
  const int status = tapewarden({"login", "--server", url(), "--ca", path("other.crt"), "--user", "auditor",
                                 "--password-file", path("password")});
  EXPECT_EQ(status, 4) << err_.str();
}

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
  EXPECT_THAT(out_.str(), HasSubstr("1 rows, 0 confirmed"));
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
}  // namespace tapewarden::cli
