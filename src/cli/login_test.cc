// Logging in and out, and what a server that is not the right one is to a command.
#include <sys/stat.h>

#include "cli/command_line_test_kit.h"

namespace tapewarden::cli::test {
namespace {

TEST_F(CommandLine, U2_LoginIsRememberedUntilLogout) {
  EXPECT_EQ(tapewarden({"status"}), 4);
  EXPECT_THAT(err_.str(), HasSubstr("tapewarden login"));
  log_in(Role::kOperator);
  EXPECT_THAT(out_.str(), HasSubstr("as operator, operator"));
  struct stat info{};
  ASSERT_EQ(::stat((path("config") + "/token-key-server").c_str(), &info), 0);
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
  EXPECT_EQ(tapewarden({"login", "--server", url(), "--ca", path("ca.crt"), "--user", "auditor"}), 2);
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

// A tape engine as far as the command line sees it, beside the key server.
class BothServers : public CommandLine {
 protected:
  void SetUp() override {
    CommandLine::SetUp();
    auto config = site_.server_config();
    config.client_certificates = net::ClientCertificates::kOptional;
    net::HttpServerOptions options;
    options.tls = *net::TlsContext::server(config);
    auto started = net::HttpServer::start(loop_, options, [this](auto request, auto done) {
      engine_calls_ += request.method + " " + request.target + "\n";
      const bool status = request.target == "/v1/status";
      net::HttpResponse answer;
      answer.headers.add("content-type", "application/json");
      answer.body = to_bytes(status ? R"({"library":{"serial":"LIB1"}})"
                                    : R"({"token":"t","name":"anna","role":"operator",)"
                                      R"("program":"tapewarden-taped","items":[]})");
      done(std::move(answer));
    });
    ASSERT_TRUE(started) << started.error().text();
    engine_ = std::move(*started);
  }
  void TearDown() override {
    if (engine_) (void)engine_->stop(std::chrono::milliseconds(1000));
    CommandLine::TearDown();
  }
  std::string engine_url() { return "https://127.0.0.1:" + std::to_string(engine_->port()); }
  void log_in_to_engine() {
    ASSERT_EQ(tapewarden({"login", "--server", engine_url(), "--ca", path("ca.crt"), "--user", "anna",
                          "--password-file", path("password")}),
              0)
        << err_.str();
  }

  std::unique_ptr<net::HttpServer> engine_;
  std::string engine_calls_;
};

TEST_F(BothServers, U2_EachKindOfServerHasALoginOfItsOwn) {
  log_in(Role::kOperator);
  EXPECT_THAT(out_.str(), HasSubstr("logged in to the key server " + url()));
  EXPECT_EQ(tapewarden({"engine", "status"}), 4) << "the key server has a status of its own";
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("this asks a tape engine"), HasSubstr("the key server " + url()),
                                HasSubstr("https://HOST:2443")));
  log_in_to_engine();
  EXPECT_THAT(out_.str(), HasSubstr("logged in to the tape engine " + engine_url()));
  EXPECT_EQ(tapewarden({"engine", "status"}), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("LIB1"));
  EXPECT_EQ(tapewarden({"status"}), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("master_key")) << "the first login is still there";
  EXPECT_EQ(tapewarden({"whoami"}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("tapewarden-keyd"));
  engine_calls_.clear();
  EXPECT_EQ(tapewarden({"people", "list", "--server", "engine"}), 0) << err_.str();
  EXPECT_THAT(engine_calls_, HasSubstr("GET /v1/people"));
  EXPECT_EQ(tapewarden({"logout"}), 0) << err_.str();
  EXPECT_THAT(engine_calls_, HasSubstr("DELETE /v1/session"));
  EXPECT_EQ(tapewarden({"status"}), 4);
  EXPECT_EQ(tapewarden({"engine", "status"}), 4);
}

TEST_F(BothServers, U2_AServerOfTheWrongKindIsAskedNothing) {
  log_in_to_engine();
  EXPECT_EQ(tapewarden({"key", "list"}), 4);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("this asks a key server"), HasSubstr("https://HOST:1443")));
  EXPECT_EQ(tapewarden({"people", "list"}), 0) << "both kinds have people, and there is one login";
  log_in(Role::kOperator);
  engine_calls_.clear();
  EXPECT_EQ(tapewarden({"key", "list", "--server", engine_url()}), 2);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr(engine_url() + " is a tape engine"), HasSubstr("--server")));
  EXPECT_THAT(engine_calls_, Not(HasSubstr("/v1/keys")));
  EXPECT_EQ(tapewarden({"key", "list", "--server", "engine"}), 2);
  EXPECT_EQ(tapewarden({"engine", "status", "--server", url()}), 2);
  EXPECT_THAT(err_.str(), HasSubstr(url() + " is a key server"));
}

}  // namespace
}  // namespace tapewarden::cli::test
