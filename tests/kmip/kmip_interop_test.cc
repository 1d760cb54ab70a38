// KMIP clients that nobody of this project wrote, at a real key server.
#include <gmock/gmock.h>

#include "kmip/kmip_site.h"
#include "kmip/old_pykmip.h"

namespace tapewarden::testing {
namespace {

class KmipInterop : public KmipSite {
 protected:
  static Result<CommandResult> run(const std::string& script, const Files& files) {
    return run_command({"/usr/bin/python3", TW_KMIP_TESTS "/" + script, std::to_string(kmip_port()),
                        files.certificate, files.key, site().path("ca/authority.crt")},
                       site().path(script + ".log"), std::chrono::minutes{3});
  }
};

TEST_F(KmipInterop, K21_PyKmipMakesFindsReadsAndDestroysKeysInEveryVersionItSpeaks) {
  const auto files = files_of("pykmip");
  TW_ASSERT_OK(files);
  const auto result = run("pykmip_client.py", *files);
  TW_ASSERT_OK(result);
  EXPECT_EQ(result->end.exit_code, 0) << result->output;
  EXPECT_THAT(result->output, ::testing::HasSubstr("ok   KMIP_2_0: the other one is"));
}

TEST_F(KmipInterop, K20_WhatPyKmipsServerKeepsComesOverByKmip) {
  const std::string password = "a long passphrase";
  const auto client = registered_as({{"name", "mover"}, {"user", "robot"}, {"password", password}});
  TW_ASSERT_OK(client);
  const auto files = files_of("mover", *client);
  std::ofstream(site().path("mover.password")) << password;
  auto old = OldPyKmip::start(site(), files.certificate, files.key);
  TW_ASSERT_OK(old);
  const auto& objects = old->objects();
  const std::string authority = site().path("ca/authority.crt");
  const auto migrate = [&](const std::vector<std::string>& more) {
    std::vector<std::string> command{program("tapewarden"),
                                     "migrate",
                                     "kmip",
                                     "127.0.0.1",
                                     "--port",
                                     std::to_string(old->port()),
                                     "--certificate",
                                     files.certificate,
                                     "--key",
                                     files.key,
                                     "--authorities",
                                     authority,
                                     "--to",
                                     "127.0.0.1",
                                     "--to-port",
                                     std::to_string(kmip_port()),
                                     "--user",
                                     "nobody-asks",
                                     "--password-file",
                                     site().path("mover.password"),
                                     "--to-user",
                                     "robot",
                                     "--to-password-file",
                                     site().path("mover.password")};
    command.insert(command.end(), more.begin(), more.end());
    return run_command(command, site().path("migrate.log"), std::chrono::minutes{2});
  };
  const auto tried = migrate({"--dry-run"});
  TW_ASSERT_OK(tried);
  EXPECT_THAT(tried->output, ::testing::HasSubstr("would come: 5, here already: 0, left out: 0"));
  const auto moved = migrate({"--all"});
  TW_ASSERT_OK(moved);
  EXPECT_EQ(moved->end.exit_code, 0) << moved->output;
  EXPECT_THAT(moved->output, ::testing::HasSubstr("came: 5, here already: 0, left out: 0"));
  const auto again = migrate({});
  TW_ASSERT_OK(again);
  EXPECT_THAT(again->output, ::testing::HasSubstr("came: 0, here already: 5, left out: 0"));

  auto link = connect(*client);
  TW_ASSERT_OK(link);
  link->use_password("robot", password);
  for (const auto& one : objects) {
    const auto got = link->ask(get_key(one.id));
    TW_ASSERT_OK(got);
    EXPECT_TRUE(got->good()) << one.kind << ": " << got->message;
    EXPECT_EQ(material_of(*got), one.bytes) << one.kind << ", by the identifier that it had";
    const auto named = link->ask(locate_name(one.kind == "compromised" ? "lost" : one.kind));
    TW_ASSERT_OK(named);
    if (one.kind != "secret" && one.kind != "opaque") {
      EXPECT_EQ(named->count(kmip::tag::kUniqueIdentifier), 1U);
    }
    const std::uint32_t wanted = one.kind == "active" ? 2U : one.kind == "compromised" ? 4U : 1U;
    if (one.kind != "opaque") {
      EXPECT_EQ(state_in(*link, one.id), wanted) << one.kind;
    }
  }
}

TEST_F(KmipInterop, K21_LibmongocryptRegistersActivatesAndGetsASecret) {
  const auto files = files_of("mongocrypt");
  TW_ASSERT_OK(files);
  const auto result = run("libmongocrypt_client.py", *files);
  TW_ASSERT_OK(result);
  EXPECT_EQ(result->end.exit_code, 0) << result->output;
  EXPECT_THAT(result->output, ::testing::HasSubstr("ok   the data key opens with the key that Get gives"));
}

}  // namespace
}  // namespace tapewarden::testing
