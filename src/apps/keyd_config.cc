#include "apps/keyd_config.h"

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#include <algorithm>
#include <set>
#include <sstream>
#include <toml++/toml.h>

#include "base/text.h"

namespace tapewarden::apps {

namespace {

constexpr std::size_t kFileLimit = 256U << 10;
constexpr std::uint64_t kLongestSweepHours = 744;  // a month

// Reads typed keys of one [table] and remembers which were asked for, so that the rest can be called unknown.
class Section {
 public:
  Section(const toml::table& root, std::string name, std::string folder)
      : name_(std::move(name)), folder_(std::move(folder)), table_(root[name_].as_table()) {}

  bool present() const { return table_ != nullptr; }

  Result<std::string> text(const std::string& key, std::optional<std::string> fallback) {
    const toml::node* node = find(key);
    if (node == nullptr) return missing<std::string>(key, std::move(fallback));
    const auto value = node->value<std::string>();
    if (!node->is_string() || !value) return wrong(key, "give text in quotes");
    return *value;
  }

  Result<std::string> file(const std::string& key, std::optional<std::string> fallback) {
    std::string value = TRY(text(key, std::move(fallback)));
    if (!value.empty() && value.front() != '/') value = folder_ + "/" + value;
    return value;
  }

  Result<std::uint64_t> number(const std::string& key, std::uint64_t low, std::uint64_t high,
                               std::uint64_t fallback) {
    const toml::node* node = find(key);
    if (node == nullptr) return fallback;
    const auto value = node->value<std::int64_t>();
    if (!node->is_integer() || !value || *value < 0 || static_cast<std::uint64_t>(*value) < low ||
        static_cast<std::uint64_t>(*value) > high) {
      return wrong(key, "give a whole number from " + std::to_string(low) + " to " + std::to_string(high));
    }
    return static_cast<std::uint64_t>(*value);
  }

  Result<Uuid> uuid(const std::string& key) {
    const auto id = Uuid::parse(TRY(text(key, std::nullopt)));
    if (!id) return wrong(key, id.error().remedy);
    return *id;
  }

  Status no_others() const {
    if (table_ == nullptr) return {};
    for (const auto& [key, node] : *table_) {
      const std::string found(key.str());
      if (!asked_.contains(found)) return wrong(found, "remove it, or mend its spelling");
    }
    return {};
  }

 private:
  const toml::node* find(const std::string& key) {
    asked_.insert(key);
    return table_ == nullptr ? nullptr : table_->get(key);
  }
  template <typename T>
  Result<T> missing(const std::string& key, std::optional<T> fallback) const {
    if (fallback) return *fallback;
    return wrong(key, "it must be set");
  }
  std::unexpected<Error> wrong(const std::string& key, const std::string& remedy) const {
    return fail(ErrorCode::kInvalidArgument, "the configuration has a fault", name_ + "." + key, remedy);
  }

  std::string name_;
  std::string folder_;
  const toml::table* table_;
  std::set<std::string> asked_;
};

Result<ListenConfig> read_listen(Section& section, std::uint16_t port) {
  ListenConfig listen;
  listen.address = TRY(section.text("address", "127.0.0.1"));
  listen.port = static_cast<std::uint16_t>(TRY(section.number("port", 0, 65535, port)));
  TRY(section.no_others());
  return listen;
}

Result<std::optional<PeerConfig>> read_peer(Section section) {
  if (!section.present()) return std::nullopt;
  PeerConfig peer;
  peer.id = TRY(section.uuid("id"));
  peer.name = TRY(section.text("name", std::nullopt));
  peer.host = TRY(section.text("host", std::nullopt));
  peer.port = static_cast<std::uint16_t>(TRY(section.number("port", 1, 65535, 1443)));
  peer.signing_certificate = TRY(section.file("signing_certificate", std::nullopt));
  peer.exchange_certificate = TRY(section.file("exchange_certificate", std::nullopt));
  TRY(section.no_others());
  return peer;
}

Status read_files(const toml::table& root, const std::string& folder, KeydConfig& config) {
  Section unlock(root, "unlock", folder);
  config.master_key_file = TRY(unlock.file("master_key_file", std::nullopt));
  config.passphrase_file = TRY(unlock.file("passphrase_file", ""));
  TRY(unlock.no_others());
  Section tls(root, "tls", folder);
  config.tls_certificate = TRY(tls.file("certificate", std::nullopt));
  config.tls_key = TRY(tls.file("key", std::nullopt));
  config.tls_authorities = TRY(tls.file("authorities", std::nullopt));
  return tls.no_others();
}

Status known_sections(const toml::table& root) {
  static const std::set<std::string> kKnown = {"server", "unlock", "dkx", "https", "tls", "peer", "log"};
  for (const auto& [key, node] : root) {
    if (!kKnown.contains(std::string(key.str()))) {
      return fail(ErrorCode::kInvalidArgument, "the configuration has an unknown section",
                  std::string(key.str()), "remove it, or mend its spelling");
    }
  }
  return {};
}

}  // namespace

Result<KeydConfig> read_keyd_config(Disk& disk, const std::string& path) {
  const Bytes content = TRY(read_file(disk, path, kFileLimit));
  const toml::parse_result parsed = toml::parse(as_text(content));
  if (!parsed) {
    std::ostringstream where;
    where << "line " << parsed.error().source().begin.line;
    return fail(ErrorCode::kInvalidArgument, path + ": " + std::string(parsed.error().description()),
                where.str());
  }
  const toml::table& root = parsed.table();
  TRY(known_sections(root));
  const std::string folder = parent_directory(path);
  KeydConfig config;
  config.path = path;
  Section server(root, "server", folder);
  config.server_id = TRY(server.uuid("id"));
  config.server_name = TRY(server.text("name", std::nullopt));
  config.data_directory = TRY(server.file("data", std::nullopt));
  config.threads = static_cast<unsigned>(TRY(server.number("threads", 0, 64, 0)));
  config.sweep_hours = static_cast<unsigned>(TRY(server.number("sweep_hours", 1, kLongestSweepHours, 6)));
  TRY(server.no_others());
  TRY(read_files(root, folder, config));
  Section dkx(root, "dkx", folder);
  config.dkx = TRY(read_listen(dkx, config.dkx.port));
  Section https(root, "https", folder);
  config.https = TRY(read_listen(https, config.https.port));
  config.peer = TRY(read_peer(Section(root, "peer", folder)));
  Section log(root, "log", folder);
  config.log_level = TRY(log.text("level", "info"));
  TRY(log.no_others());
  return config;
}

std::string write_keyd_config(const KeydConfig& config) {
  std::ostringstream out;
  out << "# Tapewarden key server \"" << config.server_name
      << "\". Read at start; the program never writes it.\n"
      << "# Relative paths count from this file's folder. Every other setting lives in the keystore.\n\n"
      << "[server]\n"
      << "id = \"" << config.server_id.text() << "\"      # never change it: it is written into every row\n"
      << "name = \"" << config.server_name << "\"\n"
      << "data = \"" << config.data_directory << "\"        # keystore and audit record; a local disk\n"
      << "threads = " << config.threads << "          # 0: one for each processor\n"
      << "sweep_hours = " << config.sweep_hours << "      # between two checks of every row while serving\n\n"
      << "[unlock]\n"
      << "master_key_file = \"" << config.master_key_file << "\"\n"
      << "# Best kept on another medium than the keystore. Empty: the passphrase is asked for at the "
         "terminal.\n"
      << "passphrase_file = \"" << config.passphrase_file << "\"\n\n"
      << "[dkx]                # drives and their proxies\n"
      << "address = \"" << config.dkx.address << "\"\n"
      << "port = " << config.dkx.port << "\n\n"
      << "[https]              # people, and the other key server\n"
      << "address = \"" << config.https.address << "\"\n"
      << "port = " << config.https.port << "\n\n"
      << "[tls]\n"
      << "certificate = \"" << config.tls_certificate << "\"\n"
      << "key = \"" << config.tls_key << "\"\n"
      << "authorities = \"" << config.tls_authorities << "\"   # whose certificates are trusted\n\n";
  if (config.peer) {
    out << "[peer]               # the other key server of the pair\n"
        << "id = \"" << config.peer->id.text() << "\"\n"
        << "name = \"" << config.peer->name << "\"\n"
        << "host = \"" << config.peer->host << "\"\n"
        << "port = " << config.peer->port << "\n"
        << "signing_certificate = \"" << config.peer->signing_certificate << "\"\n"
        << "exchange_certificate = \"" << config.peer->exchange_certificate << "\"\n\n";
  }
  out << "[log]\n"
      << "level = \"" << config.log_level << "\"         # debug, info, warning, error\n";
  return out.str();
}

}  // namespace tapewarden::apps
