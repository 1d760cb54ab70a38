// What the tests of command lines against a server share: a whole key server behind HTTPS, in this process.
// Not part of the library.
#pragma once

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

#include "admin/keyd/testing/keyd_fixture.h"
#include "cli/run.h"
#include "net/testing/test_site.h"
#include "store/testing/memory_commit_log.h"

namespace tapewarden::cli::test {

namespace json = boost::json;
using people::Role;
using ::testing::HasSubstr;
using ::testing::Not;

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
      if (typed_.empty()) return fail(ErrorCode::kInvalidArgument, "there is no terminal to ask at");
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

}  // namespace tapewarden::cli::test
