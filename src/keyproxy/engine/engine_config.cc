#include "keyproxy/engine/engine_config.h"

#include "config/toml_file.h"
#include "net/resolver.h"

namespace tapewarden::keyproxy {

namespace {

Result<KeyServerAddress> read_server(config::Section& section, const std::string& name) {
  KeyServerAddress address;
  address.name = name;
  address.host = TRY(section.text("host"));
  if (address.host.empty()) return section.wrong("host", "give the key server's name or address");
  address.port = static_cast<std::uint16_t>(TRY(section.number("port", 1, 65535, address.port)));
  TRY(section.no_others());
  return address;
}

Status read_proxy(config::Section& section, EngineConfig& config) {
  config.proxy_name = TRY(section.text("name"));
  config.certificate = TRY(section.path("certificate"));
  config.key = TRY(section.path("key"));
  config.authorities = TRY(section.path("authorities"));
  config.drives = TRY(section.path("drives"));
  return section.no_others();
}

Status read_network(config::Section& section, EngineConfig& config) {
  config.name_servers = TRY(section.texts("name_servers"));
  const auto resolver = net::make_resolver(config.name_servers);
  if (!resolver) return section.wrong("name_servers", resolver.error().remedy);
  return section.no_others();
}

}  // namespace

Result<EngineConfig> read_engine_config(Disk& disk, const std::string& path) {
  auto file = TRY(config::TomlFile::read(disk, path));
  auto proxy = file.section("proxy");
  auto primary = file.section("primary");
  auto secondary = file.section("secondary");
  auto network = file.section("network");
  TRY(file.no_other_sections());
  EngineConfig config;
  TRY(read_proxy(proxy, config));
  config.servers.push_back(TRY(read_server(primary, "primary")));
  if (secondary.present()) config.servers.push_back(TRY(read_server(secondary, "secondary")));
  TRY(read_network(network, config));
  return config;
}

}  // namespace tapewarden::keyproxy
