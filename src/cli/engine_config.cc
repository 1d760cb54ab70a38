#include "cli/engine_config.h"

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace tapewarden::cli {

namespace {

constexpr std::size_t kFileLimit = 64U << 10;

Result<std::string> text(const toml::table& root, const std::string& section, const std::string& key) {
  const auto value = root[section][key].value<std::string>();
  if (!value) {
    return fail(ErrorCode::kInvalidArgument, "engine.toml has a fault", section + "." + key,
                "set it to text in quotes");
  }
  return *value;
}

Result<std::string> path(const toml::table& root, const std::string& folder, const std::string& key) {
  const std::string value = TRY(text(root, "proxy", key));
  return value.starts_with('/') ? value : folder + "/" + value;
}

Result<KeyServerAddress> server(const toml::table& root, const std::string& name) {
  KeyServerAddress address;
  address.name = name;
  address.host = TRY(text(root, name, "host"));
  const auto port = root[name]["port"].value_or(std::int64_t{3801});
  if (port < 1 || port > 65535) {
    return fail(ErrorCode::kInvalidArgument, "engine.toml has a fault", name + ".port",
                "give a port from 1 to 65535");
  }
  address.port = static_cast<std::uint16_t>(port);
  return address;
}

}  // namespace

Result<EngineConfig> read_engine_config(Disk& disk, const std::string& file) {
  const Bytes content = TRY(read_file(disk, file, kFileLimit));
  const toml::parse_result parsed = toml::parse(as_text(content));
  if (!parsed)
    return fail(ErrorCode::kInvalidArgument, file + ": " + std::string(parsed.error().description()));
  const toml::table& root = parsed.table();
  const std::string folder = parent_directory(file);
  EngineConfig config;
  config.proxy_name = TRY(text(root, "proxy", "name"));
  config.certificate = TRY(path(root, folder, "certificate"));
  config.key = TRY(path(root, folder, "key"));
  config.authorities = TRY(path(root, folder, "authorities"));
  config.drives = TRY(path(root, folder, "drives"));
  config.servers.push_back(TRY(server(root, "primary")));
  if (root.contains("secondary")) config.servers.push_back(TRY(server(root, "secondary")));
  return config;
}

}  // namespace tapewarden::cli
