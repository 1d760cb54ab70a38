// keyd.toml: what `site init` writes is read back, and every fault names the key and says what to write.
#include "apps/keyd_config.h"

#include "apps/kmip_listener.h"
#include "config/testing/config_file_test_base.h"

namespace tapewarden::apps {
namespace {

class KeydConfigFile : public config::testing::ConfigFileTestBase<KeydConfig> {
 protected:
  KeydConfigFile() : ConfigFileTestBase(read_keyd_config, write_keyd_config(whole())) {}
  static KeydConfig whole() {
    KeydConfig config;
    config.server_id = Uuid::parse("11111111-2222-4333-8444-555555555555").value();
    config.server_name = "primary";
    config.data_directory = "data";
    config.master_key_file = "master.key";
    config.passphrase_file = "/elsewhere/passphrase";
    config.dkx = {"192.0.2.1", 3802};
    config.https = {"::1", 1444};
    config.tls_certificate = "tls/server.crt";
    config.tls_key = "tls/server.key";
    config.tls_authorities = "tls/authorities.crt";
    config.peer = PeerConfig{Uuid::parse("99999999-2222-4333-8444-555555555555").value(),
                             "secondary",
                             "keys-2.example",
                             1445,
                             "tls/peer-signing.crt",
                             "tls/peer-exchange.crt"};
    config.log_level = "debug";
    config.threads = 3;
    config.sweep_hours = 12;
    return config;
  }
};

TEST_F(KeydConfigFile, K15_WhateverStandsInATextIsReadBack) {
  for (const std::string odd : {"a \"b\" c", "back\\slash", "it's", "''", "# no comment", "\xC3\xA4"}) {
    KeydConfig written = whole();
    written.tls_key = "/" + odd + "/server.key";
    written.kmip = KmipConfig();
    written.kmip->key_group = odd;
    const auto config = read(write_keyd_config(written));
    ASSERT_TRUE(config.has_value()) << odd << ": " << config.error().text();
    EXPECT_EQ(config->tls_key, written.tls_key);
    EXPECT_EQ(config->kmip->key_group, odd);
  }
}

TEST_F(KeydConfigFile, K21_NothingListensForKmipWithoutItsSection) {
  const auto config = read(write_keyd_config(whole()));
  ASSERT_TRUE(config.has_value()) << config.error().text();
  EXPECT_FALSE(config->kmip.has_value());
}

TEST_F(KeydConfigFile, K21_TwoServersOfOneMachineAreDraftedWithPortsOfTheirOwn) {
  auto first = whole();
  first.https = {"127.0.0.1", 1443};
  first.peer = PeerConfig{Uuid(), "secondary", "127.0.0.1", 1444, {}, {}};
  auto second = first;
  std::swap(second.https.port, second.peer->port);
  EXPECT_NE(write_keyd_config(first).find("# port = 5696\n"), std::string::npos);
  EXPECT_NE(write_keyd_config(second).find("# port = 5698\n# https = false"), std::string::npos);
  EXPECT_NE(write_keyd_config(second).find("# https_port = 5699\n"), std::string::npos);
  second.peer->host = "keys-1.example";
  EXPECT_NE(write_keyd_config(second).find("# port = 5696\n"), std::string::npos)
      << "on a machine of its own";
}

TEST_F(KeydConfigFile, K21_TheKmipSectionIsReadBack) {
  KeydConfig written = whole();
  written.kmip = KmipConfig();
  written.kmip->listen = {"192.0.2.1", 5697};
  written.kmip->https_port = 5698;
  written.kmip->tls_1_2 = false;
  written.kmip->authorities = "tls/libraries.crt";
  written.kmip->key_group = "TAPES";
  written.kmip->message_bytes = 65'536;
  written.kmip->connections = 12;
  written.kmip->connections_per_address = 3;
  written.kmip->requests = 4;
  written.kmip->idle_minutes = 5;
  written.kmip->batch_items = 32;
  written.kmip->located = 100;
  written.kmip->searched = 1000;
  written.kmip->lease_seconds = 60;
  written.kmip->handshakes = 17;
  written.kmip->handshake_seconds = 4;
  written.kmip->message_seconds = 6;
  written.kmip->answer_seconds = 8;
  written.kmip->rsa_bits = 4096;
  written.kmip->derivation_rounds = 20'000;
  const auto config = read(write_keyd_config(written));
  ASSERT_TRUE(config.has_value()) << config.error().text();
  ASSERT_TRUE(config->kmip.has_value());
  EXPECT_EQ(config->kmip->listen.address, "192.0.2.1");
  EXPECT_EQ(config->kmip->listen.port, 5697);
  EXPECT_EQ(config->kmip->https_port, 5698);
  EXPECT_FALSE(config->kmip->tls_1_2);
  EXPECT_EQ(config->kmip->authorities, file("tls/libraries.crt"));
  EXPECT_EQ(config->kmip->key_group, "TAPES");
  EXPECT_EQ(config->kmip->message_bytes, 65'536U);
  EXPECT_EQ(config->kmip->connections, 12U);
  EXPECT_EQ(config->kmip->connections_per_address, 3U);
  EXPECT_EQ(config->kmip->requests, 4U);
  EXPECT_EQ(config->kmip->idle_minutes, 5U);
  EXPECT_EQ(config->kmip->batch_items, 32U);
  EXPECT_EQ(config->kmip->located, 100U);
  EXPECT_EQ(config->kmip->searched, 1000U);
  EXPECT_EQ(config->kmip->lease_seconds, 60U);
  const auto limits = kmip_limits(*config->kmip);
  EXPECT_EQ(limits.max_sessions, 12U);
  EXPECT_EQ(limits.max_sessions_per_address, 3U);
  EXPECT_EQ(limits.max_in_flight, 4U);
  EXPECT_EQ(limits.idle_timeout, std::chrono::minutes(5));
  EXPECT_EQ(limits.max_handshakes, 17U);
  EXPECT_EQ(limits.handshake_timeout, std::chrono::seconds(4));
  EXPECT_EQ(limits.message_timeout, std::chrono::seconds(6));
  EXPECT_EQ(limits.write_timeout, std::chrono::seconds(8));
  const auto settings = kmip_settings(*config->kmip);
  EXPECT_EQ(settings.most_rsa_bits, 4096U);
  EXPECT_EQ(settings.most_iterations, 20'000);
}

TEST_F(KeydConfigFile, K21_ATimeThatKeepsOthersOutIsRefused) {
  for (const auto* wrong : {"handshake_seconds = 0", "message_seconds = 0", "answer_seconds = 3601",
                            "handshakes = 0", "rsa_bits = 1024", "derivation_rounds = 1"}) {
    const auto config = read(write_keyd_config(whole()) + "\n[kmip]\n" + wrong + "\n");
    ASSERT_FALSE(config.has_value()) << wrong;
    EXPECT_EQ(config.error().field, "kmip." + std::string(wrong).substr(0, std::string(wrong).find(' ')));
  }
}

ReadThroughConfig old_server(const std::string& owner) {
  return {owner, "old-keys.example", 5697, "tls/old.crt", "tls/old.key", "tls/old-authority.crt", "", "", 20};
}

TEST_F(KeydConfigFile, K20_OldKeyServersAreReadBack) {
  KeydConfig written = whole();
  written.kmip = KmipConfig();
  written.kmip->read_through = {old_server("library-1"), old_server("vault")};
  written.kmip->read_through[1].user = "robot";
  written.kmip->read_through[1].password_file = "old.password";
  const auto config = read(write_keyd_config(written));
  ASSERT_TRUE(config.has_value()) << config.error().text();
  ASSERT_EQ(config->kmip->read_through.size(), 2U);
  const auto& first = config->kmip->read_through[0];
  EXPECT_EQ(first.owner, "library-1");
  EXPECT_EQ(first.host, "old-keys.example");
  EXPECT_EQ(first.port, 5697);
  EXPECT_EQ(first.certificate, file("tls/old.crt"));
  EXPECT_EQ(first.key, file("tls/old.key"));
  EXPECT_EQ(first.authorities, file("tls/old-authority.crt"));
  EXPECT_EQ(first.user, "");
  EXPECT_EQ(first.timeout_seconds, 20U);
  EXPECT_EQ(config->kmip->read_through[1].user, "robot");
  EXPECT_EQ(config->kmip->read_through[1].password_file, file("old.password"));
}

TEST_F(KeydConfigFile, K20_AnOldKeyServerThatIsHalfNamedIsRefused) {
  const auto refused = [&](const std::vector<ReadThroughConfig>& servers, const std::string& field) {
    KeydConfig written = whole();
    written.kmip = KmipConfig();
    written.kmip->read_through = servers;
    const auto config = read(write_keyd_config(written));
    ASSERT_FALSE(config.has_value());
    EXPECT_THAT(config.error().field, ::testing::StartsWith("kmip.read_through"));
    EXPECT_THAT(config.error().field, ::testing::EndsWith(field));
  };
  refused({old_server("library-1"), old_server("library-1")}, "owner");
  refused({old_server("")}, "owner");
  auto one = old_server("library-1");
  one.host = "";
  refused({one}, "host");
  one = old_server("library-1");
  one.user = "robot";
  refused({one}, "user");
  one = old_server("library-1");
  one.timeout_seconds = 1000;
  refused({one}, "timeout_seconds");
  std::vector<ReadThroughConfig> many;
  for (std::size_t i = 0; i <= kMostReadThroughs; ++i)
    many.push_back(old_server("library-" + std::to_string(i)));
  refused(many, "owner");
}

TEST_F(KeydConfigFile, K21_KmipOverHttpsIsOfferedWhereItIsAskedForAlone) {
  const auto without = read(write_keyd_config(whole()) + "\n[kmip]\nhttps_port = 5698\n");
  ASSERT_TRUE(without.has_value()) << without.error().text();
  EXPECT_FALSE(without->kmip->https_port.has_value());
  const auto with = read(write_keyd_config(whole()) + "\n[kmip]\nhttps = true\n");
  ASSERT_TRUE(with.has_value()) << with.error().text();
  EXPECT_EQ(with->kmip->https_port, 5697);
}

TEST_F(KeydConfigFile, K21_AnotherVersionOfTlsIsRefused) {
  const auto config = read(write_keyd_config(whole()) + "\n[kmip]\ntls = \"1.1\"\n");
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().field, "kmip.tls");
}

TEST_F(KeydConfigFile, U4_WhatIsWrittenIsReadBack) {
  KeydConfig written = whole();
  written.name_servers = {"192.0.2.53", "[2001:db8::53]:5353"};
  const auto config = read(write_keyd_config(written));
  ASSERT_TRUE(config.has_value()) << config.error().text();
  EXPECT_EQ(config->server_id, written.server_id);
  EXPECT_EQ(config->server_name, "primary");
  EXPECT_EQ(config->data_directory, file("data")) << "relative paths count from the file's folder";
  EXPECT_EQ(config->passphrase_file, "/elsewhere/passphrase");
  EXPECT_EQ(config->dkx.address, "192.0.2.1");
  EXPECT_EQ(config->dkx.port, 3802);
  EXPECT_EQ(config->https.address, "::1");
  EXPECT_EQ(config->https.port, 1444);
  EXPECT_EQ(config->tls_key, file("tls/server.key"));
  ASSERT_TRUE(config->peer.has_value());
  EXPECT_EQ(config->peer->id, written.peer->id);
  EXPECT_EQ(config->peer->host, "keys-2.example");
  EXPECT_EQ(config->peer->port, 1445);
  EXPECT_EQ(config->peer->signing_certificate, file("tls/peer-signing.crt"));
  EXPECT_EQ(config->log_level, "debug");
  EXPECT_EQ(config->threads, 3U);
  EXPECT_EQ(config->sweep_hours, 12U);
  EXPECT_EQ(config->name_servers, written.name_servers);
}

TEST_F(KeydConfigFile, K16_ACredentialTakesThePlaceOfThePassphraseFile) {
  KeydConfig written = whole();
  written.passphrase_file.clear();
  written.credential = "tapewarden";
  const auto config = read(write_keyd_config(written));
  ASSERT_TRUE(config.has_value()) << config.error().text();
  EXPECT_EQ(config->credential, "tapewarden");
  EXPECT_TRUE(config->passphrase_file.empty());
  written.passphrase_file = "/elsewhere/passphrase";
  expect_fault(read(write_keyd_config(written)), "unlock.credential", "keep one");
  written.passphrase_file.clear();
  written.credential = "../../etc/shadow";
  expect_fault(read(write_keyd_config(written)), "unlock.credential", "LoadCredential");
}

TEST_F(KeydConfigFile, K15_TheCommentedNameServersAreReadWhenTheCommentIsTakenAway) {
  const auto without = read(write_keyd_config(whole()));
  ASSERT_TRUE(without.has_value()) << without.error().text();
  EXPECT_TRUE(without->name_servers.empty());
  const auto with = read_with("# name_servers", "name_servers");
  ASSERT_TRUE(with.has_value()) << with.error().text();
  EXPECT_EQ(with->name_servers, (std::vector<std::string>{"192.0.2.53", "192.0.2.54:53"}));
}

TEST_F(KeydConfigFile, K15_ANameServerThatIsNoAddressIsNamed) {
  const auto with = [&](const std::string& value) {
    return read_with("# name_servers = [\"192.0.2.53\", \"192.0.2.54:53\"]", "name_servers = " + value);
  };
  for (const auto* bad : {"[\"ns.example\"]", "[\"192.0.2.53:0\"]", "[\"192.0.2.53:70000\"]", "[\"\"]",
                          "[\"192.0.2.53\", \"192.0.2\"]"}) {
    expect_fault(with(bad), "network.name_servers", "numeric address");
  }
  expect_fault(with("\"192.0.2.53\""), "network.name_servers", "array of texts");
  expect_fault(with("[53]"), "network.name_servers", "array of texts");
  std::string many;
  for (int i = 1; i <= 9; ++i)
    many += (many.empty() ? "\"192.0.2." : ", \"192.0.2.") + std::to_string(i) + "\"";
  expect_fault(with("[" + many + "]"), "network.name_servers", "at most 8");
}

TEST_F(KeydConfigFile, K13_TheSyslogAndItsFilterAreRead) {
  const auto none = read(write_keyd_config(whole()));
  ASSERT_TRUE(none.has_value()) << none.error().text();
  EXPECT_FALSE(none->audit.syslog.has_value());
  EXPECT_EQ(none->audit.checkpoint_hours, 24U);
  const auto local = read_with("# syslog = ", "syslog = ");
  ASSERT_TRUE(local.has_value()) << local.error().text();
  ASSERT_TRUE(local->audit.syslog.has_value());
  EXPECT_EQ(local->audit.syslog->way, net::SyslogWay::kLocal);
  EXPECT_TRUE(local->audit.filter.types.empty()) << "checkpoints alone unless types are given";
  const auto all =
      read_with("# syslog = \"local\"", "syslog = \"tcp://logs.example:6514\"\nsyslog_types = [\"all\"]");
  ASSERT_TRUE(all.has_value()) << all.error().text();
  EXPECT_EQ(all->audit.syslog->host, "logs.example");
  EXPECT_EQ(all->audit.filter.types.size(), 8U);
  EXPECT_EQ(all->audit.filter.outcomes.size(), 2U) << "both unless one is given";
  const auto some = read_with("# syslog = \"local\"",
                              "syslog = \"local\"\nsyslog_types = [\"key_serving\"]\n"
                              "syslog_outcomes = [\"failure\"]");
  ASSERT_TRUE(some.has_value()) << some.error().text();
  EXPECT_EQ(some->audit.filter.types, std::set{audit::EventType::kKeyServing});
  EXPECT_EQ(some->audit.filter.outcomes, std::set{audit::Outcome::kFailure});
}

TEST_F(KeydConfigFile, K13_FaultsOfTheAuditSectionAreNamed) {
  const auto with = [&](const std::string& lines) { return read_with("# syslog = \"local\"", lines); };
  expect_fault(with("syslog = \"yes\""), "audit.syslog", "udp://HOST:PORT");
  expect_fault(with("syslog = true"), "audit.syslog", "text in quotes");
  expect_fault(with("syslog = \"local\"\nsyslog_types = [\"gossip\"]"), "audit.syslog_types",
               "authentication");
  expect_fault(with("syslog = \"local\"\nsyslog_types = \"all\""), "audit.syslog_types", "array of texts");
  expect_fault(with("syslog = \"local\"\nsyslog_outcomes = [\"maybe\"]"), "audit.syslog_outcomes", "failure");
  expect_fault(with("syslog_types = [\"all\"]"), "audit.syslog_types", "where they shall go");
  expect_fault(with("syslogs = \"local\""), "audit.syslogs", "spelling");
  expect_fault(read_with("checkpoint_hours = 24", "checkpoint_hours = 0"), "audit.checkpoint_hours",
               "1 to 744");
}

TEST_F(KeydConfigFile, U4_UnknownKeysAndSectionsAreNamed) {
  expect_fault(read_with("sweep_hours = 12", "sweep_hour = 12"), "server.sweep_hour", "spelling");
  expect_fault(read_with("passphrase_file", "passphrase"), "unlock.passphrase", "spelling");
  expect_fault(read_with("[log]\nlevel", "[log]\ncolour"), "log.colour", "spelling");
  expect_fault(read_with("port = 1445", "ports = 1445"), "peer.ports", "spelling");
  expect_fault(read_with("[log]", "[logs]"), "logs", "spelling");
  expect_fault(read("verbose = true\n" + write_keyd_config(whole())), "verbose", "spelling");
  expect_fault(read("log = true\n"), "log", "[log]");
}

TEST_F(KeydConfigFile, U4_WrongTypesAreNamed) {
  expect_fault(read_with("port = 3802", "port = \"3802\""), "dkx.port", "whole number");
  expect_fault(read_with("port = 1444", "port = 1444.5"), "https.port", "whole number");
  expect_fault(read_with("name = \"primary\"", "name = 7"), "server.name", "text in quotes");
  expect_fault(read_with("address = \"192.0.2.1\"", "address = [\"192.0.2.1\"]"), "dkx.address",
               "text in quotes");
  expect_fault(read_with("certificate = \"tls/server.crt\"", "certificate = false"), "tls.certificate",
               "text in quotes");
}

TEST_F(KeydConfigFile, U4_NumbersOutOfRangeAreNamedWithTheirBounds) {
  expect_fault(read_with("port = 3802", "port = 65536"), "dkx.port", "0 to 65535");
  expect_fault(read_with("port = 3802", "port = -1"), "dkx.port", "0 to 65535");
  expect_fault(read_with("port = 1445", "port = 0"), "peer.port", "1 to 65535");
  expect_fault(read_with("threads = 3", "threads = 65"), "server.threads", "0 to 64");
  expect_fault(read_with("sweep_hours = 12", "sweep_hours = 0"), "server.sweep_hours", "1 to 744");
  expect_fault(read_with("sweep_hours = 12", "sweep_hours = 745"), "server.sweep_hours", "1 to 744");
}

TEST_F(KeydConfigFile, U4_WhatMustBeSetIsNamed) {
  expect_fault(read_with("name = \"primary\"\n", ""), "server.name", "must be set");
  expect_fault(read_with("master_key_file = \"master.key\"\n", ""), "unlock.master_key_file", "must be set");
  expect_fault(read_with("signing_certificate = \"tls/peer-signing.crt\"\n", ""), "peer.signing_certificate",
               "must be set");
  expect_fault(read_with("host = \"keys-2.example\"", "host = \"\""), "peer.host", "name or address");
  expect_fault(read_with("11111111-2222-4333-8444-555555555555", "11111111"), "server.id", "");
}

TEST_F(KeydConfigFile, U4_TextThatIsNoTomlNamesItsLine) {
  const auto config = read("[server]\nid = \"x\"\nname = primary\n");
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(config.error().field, "line 3");
  EXPECT_EQ(read_file("none.toml").error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace tapewarden::apps
