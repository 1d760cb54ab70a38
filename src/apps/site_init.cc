#include "apps/site_init.h"

#include <set>
#include <sstream>

#include "apps/engine_store.h"
#include "apps/keyd_config.h"
#include "apps/keyd_parts.h"
#include "apps/kit_passphrase.h"
#include "apps/site_files.h"
#include "base/text.h"
#include "config/new_taped_toml.h"
#include "crypto/random.h"
#include "keymgr/key_manager.h"
#include "people/people.h"
#include "store/master_key.h"

namespace tapewarden::apps {

namespace {

constexpr unsigned kPasswordGroups = 5;
const std::string kEngineHost = "127.0.0.1";  // that a new taped.toml listens on

// A secret and the line end after it, as the content of a file.
crypto::SecretBytes as_line(const crypto::SecretBytes& secret) {
  auto out = crypto::SecretBytes::zeros(secret.size() + 1);
  copy_bytes(out.reveal_mutable(), secret.reveal());
  out.reveal_mutable().back() = '\n';
  return out;
}

struct Member {
  std::string name;
  people::Role role;
};
const Member kMembers[] = {{"officer-1", people::Role::kSecurityOfficer},
                           {"officer-2", people::Role::kSecurityOfficer},
                           {"operator", people::Role::kOperator}};

// One of the two key servers while it is being made.
struct Server {
  std::string name;
  std::string folder;
  SiteServer address;
  Uuid id;
  crypto::SecretBytes passphrase;
  crypto::Certificate signing;
  crypto::Certificate exchange;
};

class Builder {
 public:
  Builder(Env env, const SiteOptions& options, SiteAuthority authority)
      : env_(env), options_(options), authority_(std::move(authority)) {}

  Status write_authority() {
    TRY(make_folder("ca"));
    return write_pair(env_, path("ca/authority.crt"), path("ca/authority.key"), authority_.pair());
  }

  Result<Server> make_server(const std::string& name, const SiteServer& address) {
    Server server{name, path(name), address, Uuid::random(*env_.random), {}, {}, {}};
    TRY(make_folder(name + "/tls"));
    TRY(make_folder(name + "/data"));
    const auto pair =
        TRY(authority_.issue(name, "keyd", crypto::CertificateUse::kServerAndClient, {address.host}));
    TRY(write_pair(env_, server.folder + "/tls/server.crt", server.folder + "/tls/server.key", pair));
    TRY(write_public(env_, server.folder + "/tls/authorities.crt", authority_.pair().certificate.pem()));
    server.passphrase = random_passphrase(*env_.random);
    TRY(write_secret(env_, server.folder + "/master-passphrase", as_line(server.passphrase)));
    return server;
  }

  // The keystore with the server's identity, certified by the site; people only in the first one: the second
  // gets them by replication.
  Status make_keystore(Server& server, bool with_people) {
    const KeydConfig config = config_of(server, nullptr);
    const auto master = TRY(store::create_master_key(env_, server.folder + "/master.key", server.passphrase));
    auto parts = TRY(open_keystore(env_, config, store::first_version(master)));
    auto manager = TRY(keymgr::KeyManager::open(env_, *parts.keystore, server.id, {server.name}));
    const auto& context = manager->context();
    server.signing =
        TRY(authority_.certify(server.name + " signing", "keyd", crypto::CertificateUse::kSigning,
                               context.signing_key.public_key()));
    server.exchange =
        TRY(authority_.certify(server.name + " exchange", "keyd", crypto::CertificateUse::kKeyWrapping,
                               context.exchange_key.public_key()));
    TRY(manager->adopt_certificates(keymgr::Actor::system(), server.signing, server.exchange));
    TRY(write_public(env_, server.folder + "/tls/signing.crt", server.signing.pem()));
    TRY(write_public(env_, server.folder + "/tls/exchange.crt", server.exchange.pem()));
    return with_people ? make_people(*parts.keystore) : Status{};
  }

  Status write_config(const Server& server, const Server& peer) {
    TRY(write_public(env_, server.folder + "/tls/peer-signing.crt", peer.signing.pem()));
    TRY(write_public(env_, server.folder + "/tls/peer-exchange.crt", peer.exchange.pem()));
    KeydConfig config = config_of(server, &peer);
    config.data_directory = "data";
    config.master_key_file = "master.key";
    config.passphrase_file = "master-passphrase";
    config.tls_certificate = "tls/server.crt";
    config.tls_key = "tls/server.key";
    config.tls_authorities = "tls/authorities.crt";
    config.peer->signing_certificate = "tls/peer-signing.crt";
    config.peer->exchange_certificate = "tls/peer-exchange.crt";
    return write_public(env_, server.folder + "/keyd.toml", write_keyd_config(config));
  }

  Status make_engine(const Server& primary, const Server& secondary) {
    TRY(make_folder("engine/tls"));
    TRY(make_folder("engine/drives"));
    const auto pair = TRY(authority_.issue("engine", "proxy", crypto::CertificateUse::kClient));
    TRY(write_pair(env_, path("engine/tls/client.crt"), path("engine/tls/client.key"), pair));
    TRY(write_public(env_, path("engine/tls/authorities.crt"), authority_.pair().certificate.pem()));
    std::ostringstream out;
    out << "# The proxy that carries drives' key exchanges. Read at start; no program writes it.\n"
        << "# Relative paths count from this file's folder.\n\n"
        << "[proxy]\nname = \"engine\"\ncertificate = \"tls/client.crt\"\nkey = \"tls/client.key\"\n"
        << "authorities = \"tls/authorities.crt\"\ndrives = \"drives\"       # one folder for each virtual "
           "drive\n\n[network]\n# Who is asked for the addresses of names, in this order; none: whom this "
           "machine asks.\n# name_servers = [\"192.0.2.53\", \"192.0.2.54:53\"]\n";
    for (const Server* server : {&primary, &secondary}) {
      out << "\n[" << server->name << "]\nhost = \"" << server->address.host
          << "\"\nport = " << server->address.dkx_port << "\n";
    }
    TRY(write_public(env_, path("engine/engine.toml"), out.str()));
    TRY(make_engine_people());
    auto values = config::draw_taped_toml(*env_.random);
    values.https = true;
    return write_public(env_, path("engine/taped.toml"), config::text_of(values));
  }

  // The engine's certificate for operators, and the site's people in a database of its own.
  Status make_engine_people() {
    std::vector<std::string> hosts{kEngineHost};
    if (!options_.engine.empty() && options_.engine != kEngineHost) hosts.push_back(options_.engine);
    const auto pair =
        TRY(authority_.issue("engine", "taped", crypto::CertificateUse::kServerAndClient, hosts));
    TRY(write_pair(env_, path("engine/tls/server.crt"), path("engine/tls/server.key"), pair));
    const auto passphrase = random_passphrase(*env_.random);
    TRY(write_secret(env_, path("engine/master-passphrase"), as_line(passphrase)));
    return make_engine_store(
        env_, {path("engine/data"), path("engine/master.key"), path("engine/master-passphrase")}, passphrase,
        members_);
  }

  // One for the backups of both servers, so that the kit opens them.
  Status make_backup_passphrase() {
    backup_passphrase_ = random_passphrase(*env_.random);
    return write_secret(env_, path("backup-passphrase"), as_line(backup_passphrase_));
  }

  Status write_recovery_kit(const Server& primary, const Server& secondary);

  std::string path(const std::string& below) const { return options_.directory + "/" + below; }
  const crypto::Certificate& authority() const { return authority_.pair().certificate; }

 private:
  Status make_folder(const std::string& below) { return env_.disk->make_directories(path(below), 0700); }

  KeydConfig config_of(const Server& server, const Server* peer) const {
    KeydConfig config;
    config.server_id = server.id;
    config.server_name = server.name;
    config.data_directory = server.folder + "/data";
    config.dkx = {listen_address(server), server.address.dkx_port};
    config.https = {listen_address(server), server.address.https_port};
    if (peer != nullptr) {
      config.peer = PeerConfig{peer->id, peer->name, peer->address.host, peer->address.https_port, {}, {}};
    }
    return config;
  }

  std::string listen_address(const Server& server) const {
    if (!options_.listen.empty()) return options_.listen;
    const bool numeric = server.address.host.find_first_not_of("0123456789.:") == std::string::npos;
    return numeric ? server.address.host : "127.0.0.1";
  }

  Status make_people(store::Keystore& keystore) {
    people::People people(env_, keystore);
    const auto actor = people::local_principal("site-init");
    for (const Member& member : kMembers) {
      const std::string folder = "people/" + member.name;
      TRY(make_folder(folder));
      const auto pair = TRY(authority_.issue(member.name, "people", crypto::CertificateUse::kClient));
      TRY(write_pair(env_, path(folder + "/client.crt"), path(folder + "/client.key"), pair));
      const auto password = random_groups(*env_.random, kPasswordGroups);
      TRY(write_secret(env_, path(folder + "/password"), as_line(password)));
      TRY(people.create(actor, {member.name, member.role, &password, pair.certificate.fingerprint()}));
      members_.push_back({member.name, member.role, crypto::SecretBytes::copy_of(password.reveal()),
                          pair.certificate.fingerprint()});
    }
    return {};
  }

  Env env_;
  const SiteOptions& options_;
  SiteAuthority authority_;
  crypto::SecretBytes backup_passphrase_;
  std::vector<EngineMember> members_;  // for the engine
};

// Appends text and secrets without an ordinary copy of the secrets.
class SecretText {
 public:
  void add(std::string_view text) { add(as_bytes(text)); }
  void add(const crypto::SecretBytes& secret) { add(secret.reveal()); }
  const crypto::SecretBytes& content() const { return content_; }

 private:
  void add(ByteView bytes) {
    auto longer = crypto::SecretBytes::zeros(content_.size() + bytes.size());
    copy_bytes(longer.reveal_mutable(), content_.reveal());
    copy_bytes(longer.reveal_mutable().subspan(content_.size()), bytes);
    content_ = std::move(longer);
  }
  crypto::SecretBytes content_;
};

Status Builder::write_recovery_kit(const Server& primary, const Server& secondary) {
  SecretText kit;
  kit.add("TAPEWARDEN RECOVERY KIT: " + options_.name + "\n");
  kit.add("made " + format_utc(env_.clock->wall_now()) + "\n\n");
  kit.add(
      "Print this page, lock the paper away in two places, then delete the file.\n"
      "Whoever has this page and a backup, or a copy of a key server's folder, can read every tape of the "
      "site.\n\n"
      "To bring a key server back on a new machine, out of its backup:\n"
      "  1. Install Tapewarden of the release below or later.\n"
      "  2. tapewarden-keyd restore --from FOLDER-OF-THE-BACKUP --to NEW-FOLDER --signer SIGNER\n"
      "     SIGNER stands below. It asks for the passphrase of the backup and for one for the new master "
      "key.\n"
      "     NEW-FOLDER is an absolute path. The new passphrase takes the place of the one printed below.\n"
      "  3. If the other key server is gone too: take the [peer] lines out of NEW-FOLDER/keyd.toml.\n"
      "  4. tapewarden-keyd run --config NEW-FOLDER/keyd.toml\n"
      "A server's own folder that was saved (keyd.toml, tls/, master.key, data/) starts as it is, with its "
      "master\n"
      "passphrase. Never start a copy of it while the first one runs, and never the other server's folder:\n"
      "two servers of one identity give the same keys out twice.\n\n"
      "What no backup holds, and a lost site wants again: keep a copy of the folders ca/ (the authority that "
      "issues\ncertificates; without it no drive, engine or second server can be added) and engine/ (the "
      "drives' identities)\nelsewhere, locked away like this page, and see that two security officers know "
      "their "
      "passwords: people log in\nto a restored server by password, with --ca "
      "NEW-FOLDER/tls/authorities.crt.\n\n"
      "To read a cartridge without any key server, into ordinary files:\n"
      "     tapewarden-rescue read CARTRIDGE --to FOLDER --backup FOLDER-OF-THE-BACKUP --signer SIGNER\n"
      "  or with --server FOLDER-OF-A-KEY-SERVER, or with --kek FILE when a KEK's private half was kept "
      "elsewhere.\n\n"
      "Without Tapewarden: docs/formats/ of its source describes every file. decode_backup.py there opens a "
      "backup;\n"
      "master.key opens with scrypt and AES-256-GCM, rows and cartridges with HKDF-SHA-256 and "
      "AES-256-GCM.\n\n"
      "passphrase of the backups (of targets that were added with the file backup-passphrase)\n  ");
  kit.add(backup_passphrase_);
  kit.add("\n\n");
  for (const Server* server : {&primary, &secondary}) {
    kit.add(server->name + " key server  " + server->id.text() + "\n  " + server->address.host + "  DKX " +
            std::to_string(server->address.dkx_port) + "  HTTPS " +
            std::to_string(server->address.https_port) + "\n  master passphrase   ");
    kit.add(server->passphrase);
    kit.add("\n  SIGNER              " + to_hex(server->signing.fingerprint()));
    kit.add("\n\n");
  }
  kit.add("site authority, SHA-256 of its certificate:\n  " + to_hex(authority().fingerprint()) + "\n");
  kit.add(std::string("release: ") + TAPEWARDEN_VERSION + "\n");
  return write_secret(env_, path("recovery-kit.txt"), kit.content());
}

Status check_empty(Disk& disk, const std::string& directory) {
  const auto entries = disk.list(directory);
  if (entries && !entries->empty()) {
    return fail(ErrorCode::kAlreadyExists, directory + " is not empty", "DIR",
                "name a new folder: a site is never overwritten");
  }
  return {};
}

Status check_host(const std::string& host, const std::string& field) {
  const bool good =
      !host.empty() && host.size() <= 253 &&
      host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:") ==
          std::string::npos;
  if (!good) return fail(ErrorCode::kInvalidArgument, "not a host name or address", field);
  return {};
}

// Both servers on one machine need four ports.
Status check_ports(const SiteServer& primary, const SiteServer& secondary) {
  const auto taken = [](const SiteServer& one) { return std::set{one.dkx_port, one.https_port}; };
  auto all = taken(primary);
  bool apart = all.size() == 2 && taken(secondary).size() == 2;
  if (equal_ignoring_case(primary.host, secondary.host)) {
    all.merge(taken(secondary));
    apart = apart && all.size() == 4;
  }
  if (apart) return {};
  return fail(ErrorCode::kInvalidArgument, "two listeners of one machine cannot have the same port",
              "secondary", "give each its own: HOST:DKX-PORT:HTTPS-PORT");
}

}  // namespace

Result<SiteReport> init_site(Env env, const SiteOptions& options) {
  TRY(check_host(options.primary.host, "primary"));
  TRY(check_host(options.secondary.host, "secondary"));
  if (!options.listen.empty()) TRY(check_host(options.listen, "listen"));
  if (!options.engine.empty()) TRY(check_host(options.engine, "engine"));
  TRY(check_ports(options.primary, options.secondary));
  if (!is_printable(options.name) || options.name.empty() || options.name.size() > 40) {
    return fail(ErrorCode::kInvalidArgument, "the site's name must be 1 to 40 printable characters", "name");
  }
  TRY(check_empty(*env.disk, options.directory));
  TRY(env.disk->make_directories(options.directory, 0700));
  Builder builder(env, options, TRY(SiteAuthority::make(env, options.name)));
  TRY(builder.write_authority());
  Server primary = TRY(builder.make_server("primary", options.primary));
  Server secondary = TRY(builder.make_server("secondary", options.secondary));
  TRY(builder.make_keystore(primary, true));
  TRY(builder.make_keystore(secondary, false));
  TRY(builder.write_config(primary, secondary));
  TRY(builder.write_config(secondary, primary));
  TRY(builder.make_engine(primary, secondary));
  TRY(builder.make_backup_passphrase());
  TRY(builder.write_recovery_kit(primary, secondary));
  TRY(env.disk->sync_directory(options.directory));
  SiteReport report;
  report.directory = options.directory;
  report.recovery_kit = builder.path("recovery-kit.txt");
  report.authority_fingerprint = to_hex(builder.authority().fingerprint());
  for (const Member& member : kMembers) report.people.push_back(member.name);
  return report;
}

namespace {

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string(".") : path.substr(0, slash);
}

Result<crypto::Certificate> read_certificate(Disk& disk, const std::string& path) {
  const auto pem = read_file(disk, path, kPemFileLimit);
  if (!pem) return in_context(path, pem.error());
  return crypto::Certificate::from_pem(as_text(*pem));
}

// The server that is there, as the new one must know it.
Result<Server> describe_primary(Env env, const KeydConfig& config, const SecondaryOptions& options) {
  Server primary;
  primary.name = config.server_name;
  primary.folder = folder_of(options.primary_config);
  primary.id = config.server_id;
  primary.address.host = options.primary_host.empty() ? config.https.address : options.primary_host;
  primary.address.dkx_port = config.dkx.port;
  primary.address.https_port = config.https.port;
  if (primary.address.host == "0.0.0.0" || primary.address.host == "::") {
    return fail(ErrorCode::kInvalidArgument, "the primary listens on every address", "primary-host",
                "say under which name or address the secondary reaches it");
  }
  const std::string tls = folder_of(config.tls_certificate);
  primary.signing = TRY(read_certificate(*env.disk, tls + "/signing.crt"));
  primary.exchange = TRY(read_certificate(*env.disk, tls + "/exchange.crt"));
  return primary;
}

std::string peer_lines(const Server& server) {
  return write_peer({server.id, server.name, server.address.host, server.address.https_port,
                     "tls/peer-signing.crt", "tls/peer-exchange.crt"});
}

}  // namespace

Result<SecondaryReport> add_secondary(Env env, const SecondaryOptions& options) {
  const KeydConfig config = TRY(read_keyd_config(*env.disk, options.primary_config));
  if (config.peer) {
    return fail(ErrorCode::kConflict, "the server has a peer already: " + config.peer->name, "config",
                "take the [peer] lines of a server that is gone for good out of " + options.primary_config);
  }
  TRY(check_host(options.address.host, "host"));
  if (!options.primary_host.empty()) TRY(check_host(options.primary_host, "primary-host"));
  const bool named =
      !options.name.empty() && options.name.size() <= 40 &&
      options.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
  if (!named || options.name == config.server_name) {
    return fail(ErrorCode::kInvalidArgument, "not a name for the new server", "name",
                "use 1 to 40 small letters, digits and hyphens, and another name than the primary's");
  }
  SiteOptions site;
  site.directory = options.directory;
  TRY(check_empty(*env.disk, options.directory + "/" + options.name));
  Server primary = TRY(describe_primary(env, config, options));
  Builder builder(env, site, TRY(SiteAuthority::load(env, options.authority)));
  Server secondary = TRY(builder.make_server(options.name, options.address));
  TRY(builder.make_keystore(secondary, false));
  TRY(builder.write_config(secondary, primary));
  TRY(write_public(env, primary.folder + "/tls/peer-signing.crt", secondary.signing.pem()));
  TRY(write_public(env, primary.folder + "/tls/peer-exchange.crt", secondary.exchange.pem()));
  return SecondaryReport{secondary.folder, peer_lines(secondary)};
}

}  // namespace tapewarden::apps
