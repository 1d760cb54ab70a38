#include "apps/backup_site.h"

#include <algorithm>

#include "apps/keyd_parts.h"
#include "apps/site_files.h"
#include "base/concat.h"
#include "keymgr/custody/backup/limits.h"
#include "keymgr/custody/backup/restore.h"

namespace tapewarden::apps {

namespace {

using keymgr::backup::SiteFile;

constexpr std::string_view kConfigName = "keyd.toml";

// A file that the configuration names, and its name in every restored folder.
struct NamedFile {
  std::string name;
  std::string* path;
  unsigned permissions;
};

// A server that was restored without them would tell clients that what is at the old server is nowhere.
void add_read_through(std::vector<NamedFile>& out, std::vector<ReadThroughConfig>& all) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string name = concat("tls/read-through-", i + 1);
    out.push_back({name + ".crt", &all[i].certificate, 0644});
    out.push_back({name + ".key", &all[i].key, 0600});
    out.push_back({name + "-authorities.crt", &all[i].authorities, 0644});
    if (!all[i].password_file.empty()) out.push_back({name + ".password", &all[i].password_file, 0600});
  }
}

std::vector<NamedFile> files_of(KeydConfig& config) {
  std::vector<NamedFile> out{{"tls/server.crt", &config.tls_certificate, 0644},
                             {"tls/server.key", &config.tls_key, 0600},
                             {"tls/authorities.crt", &config.tls_authorities, 0644}};
  if (config.kmip && !config.kmip->authorities.empty()) {
    out.push_back({"tls/kmip-authorities.crt", &config.kmip->authorities, 0644});
  }
  if (config.kmip) add_read_through(out, config.kmip->read_through);
  if (config.peer) {
    out.push_back({"tls/peer-signing.crt", &config.peer->signing_certificate, 0644});
    out.push_back({"tls/peer-exchange.crt", &config.peer->exchange_certificate, 0644});
  }
  return out;
}

Result<crypto::SecretBytes> read_secret(Disk& disk, const std::string& path) {
  Bytes content = TRY(read_file(disk, path, keymgr::backup::kSiteFileLimit));
  auto secret = crypto::SecretBytes::copy_of(content);
  crypto::wipe(content);
  return secret;
}

// Not in the configuration; for those who come to know the server: a peer, a verifier of its record.
constexpr std::string_view kShownCertificates[] = {"tls/signing.crt", "tls/exchange.crt"};

Result<std::vector<SiteFile>> read_site(Env env, KeydConfig config) {
  std::vector<SiteFile> out;
  for (const std::string_view name : kShownCertificates) {
    const std::string path = parent_directory(config.tls_certificate) + std::string(name.substr(3));
    if (env.disk->exists(path)) out.push_back({std::string(name), 0644, TRY(read_secret(*env.disk, path))});
  }
  for (const NamedFile& file : files_of(config)) {
    out.push_back({file.name, file.permissions, TRY(read_secret(*env.disk, *file.path))});
    *file.path = file.name;
  }
  config.data_directory = keymgr::backup::kDataFolder;
  config.master_key_file = keymgr::backup::kMasterKeyName;
  config.passphrase_file.clear();
  config.credential.clear();
  const std::string text = write_keyd_config(config);
  out.push_back({std::string(kConfigName), 0644, crypto::SecretBytes::copy_of(as_bytes(text))});
  return out;
}

// Only names that read_site() gives: a path from a file must not lead out of the folder.
bool is_known(const std::string& path) {
  KeydConfig any;
  any.peer.emplace();
  any.kmip.emplace().authorities = "any";
  any.kmip->read_through.resize(kMostReadThroughs);
  for (auto& one : any.kmip->read_through) one.password_file = "any";
  const auto files = files_of(any);
  return path == kConfigName || std::ranges::find(kShownCertificates, path) != std::end(kShownCertificates) ||
         std::ranges::any_of(files, [&](const NamedFile& file) { return file.name == path; });
}

}  // namespace

keymgr::backup::ServiceOptions backup_options(Env env, const KeydConfig& config) {
  keymgr::backup::ServiceOptions options;
  options.server_name = config.server_name;
  options.keystore_path = config.keystore_path();
  options.audit_directory = config.audit_directory();
  options.scratch_directory = config.data_directory + "/scratch";
  options.tables = keyd_tables();
  options.site_files = [env, config] { return read_site(env, config); };
  return options;
}

Result<std::string> write_restored_site(Env env, const std::string& folder, std::vector<SiteFile> files,
                                        const std::string& passphrase_file) {
  TRY(env.disk->make_directories(folder + "/tls", 0700));
  for (const SiteFile& file : files) {
    if (!is_known(file.path)) {
      return fail(ErrorCode::kUnsupported, "the backup holds a site file that is not known here", "site file",
                  "use the program that wrote it, or a newer one");
    }
    TRY(write_file_atomically(*env.disk, folder + "/" + file.path, file.content.reveal(), file.permissions));
  }
  const std::string path = folder + "/" + std::string(kConfigName);
  KeydConfig config = TRY(read_keyd_config(*env.disk, path));
  for (const NamedFile& file : files_of(config)) *file.path = file.name;
  config.data_directory = keymgr::backup::kDataFolder;
  config.master_key_file = keymgr::backup::kMasterKeyName;
  config.passphrase_file = passphrase_file;
  TRY(write_public(env, path, write_keyd_config(config)));
  if (!config.peer) return std::string();
  return "The peer " + config.peer->name +
         " refuses the new epoch until an operator says there: tapewarden "
         "server accept-restored " +
         config.server_name +
         "\n  If that one is gone too, take the [peer] lines out of keyd.toml: writes would wait for it";
}

}  // namespace tapewarden::apps
