// engine.toml: what is written wrong is named, with what to write instead.
#include "keyproxy/engine/engine_config.h"

#include "config/testing/config_file_test_base.h"

namespace tapewarden::keyproxy {
namespace {

constexpr std::string_view kWhole = R"([proxy]
name = "engine"
certificate = "tls/client.crt"
key = "/keys/client.key"
authorities = "tls/authorities.crt"
drives = "drives"

[network]
name_servers = ["192.0.2.53", "192.0.2.54:5353"]

[primary]
host = "keys-1.example"
port = 3802

[secondary]
host = "192.0.2.2"
)";

class EngineConfigFile : public config::testing::ConfigFileTestBase<EngineConfig> {
 protected:
  EngineConfigFile() : ConfigFileTestBase(read_engine_config, std::string(kWhole)) {}
};

TEST_F(EngineConfigFile, K15_IsReadWithItsNameServers) {
  const auto config = read(std::string(kWhole));
  ASSERT_TRUE(config.has_value()) << config.error().text();
  EXPECT_EQ(config->proxy_name, "engine");
  EXPECT_EQ(config->certificate, file("tls/client.crt"));
  EXPECT_EQ(config->key, "/keys/client.key");
  EXPECT_EQ(config->drives, file("drives"));
  ASSERT_EQ(config->servers.size(), 2U);
  EXPECT_EQ(config->servers[0].host, "keys-1.example");
  EXPECT_EQ(config->servers[0].port, 3802);
  EXPECT_EQ(config->servers[1].name, "secondary");
  EXPECT_EQ(config->servers[1].port, 3801) << "the port of the key exchange unless another is given";
  EXPECT_EQ(config->name_servers, (std::vector<std::string>{"192.0.2.53", "192.0.2.54:5353"}));
}

TEST_F(EngineConfigFile, T8_ASecondServerAndNameServersMayBeLeftOut) {
  std::string text(kWhole);
  text.resize(text.find("[secondary]"));
  const auto from = text.find("[network]");
  text.erase(from, text.find("[primary]") - from);
  const auto config = read(text);
  ASSERT_TRUE(config.has_value()) << config.error().text();
  EXPECT_EQ(config->servers.size(), 1U);
  EXPECT_TRUE(config->name_servers.empty());
}

TEST_F(EngineConfigFile, U4_UnknownKeysAndSectionsAreNamed) {
  expect_fault(read_with("drives = ", "drive = "), "proxy.drives", "must be set");
  expect_fault(read_with("port = 3802", "prot = 3802"), "primary.prot", "spelling");
  expect_fault(read_with("drives = \"drives\"", "drives = \"drives\"\nnames = \"x\""), "proxy.names",
               "spelling");
  expect_fault(read_with("[secondary]", "[seconday]"), "seconday", "spelling");
  expect_fault(read_with("name_servers", "nameservers"), "network.nameservers", "spelling");
}

TEST_F(EngineConfigFile, U4_WrongTypesAndBoundsAreNamed) {
  expect_fault(read_with("port = 3802", "port = \"3802\""), "primary.port", "whole number");
  expect_fault(read_with("port = 3802", "port = 0"), "primary.port", "1 to 65535");
  expect_fault(read_with("port = 3802", "port = 65536"), "primary.port", "1 to 65535");
  expect_fault(read_with("host = \"192.0.2.2\"", "host = 192"), "secondary.host", "text in quotes");
  expect_fault(read_with("host = \"192.0.2.2\"", "host = \"\""), "secondary.host", "name or address");
  expect_fault(read_with("name = \"engine\"", "name = true"), "proxy.name", "text in quotes");
  expect_fault(read_with("[proxy]", "[primary.proxy]"), "proxy.name", "must be set");
}

TEST_F(EngineConfigFile, K15_ANameServerThatIsNoAddressIsNamed) {
  expect_fault(read_with("\"192.0.2.53\"", "\"ns.example\""), "network.name_servers", "numeric address");
  expect_fault(read_with(":5353", ":0"), "network.name_servers", "numeric address");
  expect_fault(read_with("[\"192.0.2.53\", \"192.0.2.54:5353\"]", "\"192.0.2.53\""), "network.name_servers",
               "array of texts");
}

TEST_F(EngineConfigFile, U4_TextThatIsNoTomlNamesItsLine) {
  expect_fault(read("[proxy]\nname = engine\n"), "line 2", "TOML");
}

}  // namespace
}  // namespace tapewarden::keyproxy
