#include "keymgr/custody/backup/testing/backup_fixture.h"

#include "audit/audit_file.h"
#include "base/assert.h"
#include "keymgr/tables.h"
#include "store/master_key.h"

namespace tapewarden::keymgr::backup::testing {

crypto::SecretBytes secret_of(std::string_view text) {
  return crypto::SecretBytes::copy_of(as_bytes(text));
}

std::vector<const store::TableSpec*> all_tables() {
  auto all = keymgr::tables();
  for (const auto* table : backup::tables()) all.push_back(table);
  return all;
}

namespace {

std::vector<const store::TableSpec*> with_backup_tables(std::vector<const store::TableSpec*> more) {
  for (const auto* table : backup::tables()) more.push_back(table);
  return more;
}

}  // namespace

BackupFixture::BackupFixture(std::vector<const store::TableSpec*> more)
    : server(1, with_backup_tables(more)),
      new_passphrase(secret_of("a new passphrase")),
      opener(secret_of(kPassphrase)),
      more_(std::move(more)) {
  restart_service();
}

void BackupFixture::restart_service() {
  service.reset();
  ServiceOptions options;
  options.server_name = "test server";
  options.keystore_path = server.keystore_path();
  options.scratch_directory = media.file("scratch");
  options.tables = all_tables();
  options.tables.insert(options.tables.end(), more_.begin(), more_.end());
  options.poll = std::chrono::milliseconds(20);
  options.site_files = [this] {
    if (const auto call = during_run) call();
    std::vector<SiteFile> files;
    files.push_back({"tls/server.key", 0600, secret_of("the TLS key")});
    files.push_back({"keyd.toml", 0644, secret_of("[server]")});
    return Result<std::vector<SiteFile>>(std::move(files));
  };
  service = std::make_unique<Service>(server.manager(), std::move(options));
}

std::string BackupFixture::folder(const std::string& name) {
  const std::string path = media.file(name);
  TW_ASSERT(env().disk->make_directories(path).has_value());
  return path;
}

Status BackupFixture::add_target(const std::string& name, Mode mode) {
  return add_target_at(name, folder(name), mode);
}

Status BackupFixture::add_target_at(const std::string& name, const std::string& directory, Mode mode) {
  const auto passphrase = secret_of(kPassphrase);
  TargetSpec spec;
  spec.name = name;
  spec.directory = directory;
  spec.domain = "vault-" + name;
  spec.passphrase = &passphrase;
  spec.cost = kTestCost;
  spec.mode = mode;
  TRY(service->add_target(keymgr::testing::officer(), spec));
  return {};
}

Result<RunReport> BackupFixture::run(const std::string& name, bool new_base) {
  return service->run(keymgr::testing::operator_(), name, new_base);
}

std::vector<std::string> BackupFixture::files(const std::string& target) {
  std::vector<std::string> out;
  const auto names = env().disk->list(folder(target));
  TW_ASSERT(names.has_value());
  for (const auto& name : *names) out.push_back(folder(target) + "/" + name);
  return out;
}

Status BackupFixture::make_group(const std::string& name, std::size_t keys) {
  TRY(server.manager().create_group(keymgr::testing::officer(), name, {}));
  TRY(server.manager().generate_keys(keymgr::testing::officer(), keys, "ABC", name));
  return {};
}

std::map<std::string, std::string> BackupFixture::keys(KeyManager& manager) {
  std::map<std::string, std::string> out;
  const Status read = manager.keystore().read([&](store::Reader& reader) -> Status {
    for (const auto& row : TRY(reader.query(kDataKeyTable, "1", {}))) {
      const DataKey key = DataKey::from_row(row);
      if (is_tombstone(key.state)) {
        out[key.alias] = "destroyed";
        continue;
      }
      out[key.alias] = to_hex(TRY(manager.keys().open(reader, key)).reveal());
    }
    return {};
  });
  TW_ASSERT(read.has_value());
  return out;
}

RestoreOptions BackupFixture::restore_options(const std::string& target, const std::string& to) {
  RestoreOptions options;
  options.from = {folder(target)};
  options.opener = &opener;
  options.trust.fingerprint = server.manager().context().signing_certificate.fingerprint();
  options.to = media.file(to);
  options.new_passphrase = &new_passphrase;
  options.new_cost = kTestCost;
  options.tables = all_tables();
  options.write_site = [this](const std::string&, const FileHeader&,
                              std::vector<SiteFile> written) -> Status {
    site_files_written = std::move(written);
    return {};
  };
  return options;
}

Result<RestoreReport> BackupFixture::restore(const std::string& target, const std::string& to) {
  return backup::restore(env(), restore_options(target, to));
}

Result<Restored> BackupFixture::open_restored(const std::string& to) {
  Restored out;
  const std::string site = media.file(to);
  const auto master = TRY(store::unlock_master_key(*env().disk, site + "/master.key", new_passphrase));
  audit::AuditOptions audit_options;
  audit_options.directory = site + "/data/audit";
  out.record = TRY(audit::AuditFile::open(env(), audit_options));
  store::KeystoreOptions options;
  options.path = site + "/data/keystore.db";
  options.server = server.id();
  options.tables = all_tables();
  out.keystore = TRY(store::Keystore::open(env(), options, master, *out.record));
  out.manager = TRY(KeyManager::open(env(), *out.keystore, server.id(), {}));
  return out;
}

}  // namespace tapewarden::keymgr::backup::testing
