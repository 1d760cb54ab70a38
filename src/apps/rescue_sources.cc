#include "apps/rescue_sources.h"

#include "apps/keyd_config.h"
#include "apps/keyd_parts.h"
#include "apps/kit_passphrase.h"
#include "apps/terminal_secret.h"
#include "keymgr/custody/backup/verification.h"
#include "rescue/kek_source.h"
#include "rescue/keystore_source.h"
#include "store/master_key.h"

namespace tapewarden::apps {

namespace {

constexpr std::size_t kCopyStep = 1U << 20;

Status copy_file(Disk& disk, const std::string& from, const std::string& to) {
  const auto in = TRY(disk.open(from, OpenMode::kRead));
  const auto out = TRY(disk.open(to, OpenMode::kCreateNew));
  Bytes buffer(kCopyStep);
  for (std::uint64_t offset = 0;;) {
    const std::size_t count = TRY(in->read_at(offset, buffer));
    if (count == 0) return {};
    TRY(out->write_at(offset, ByteView(buffer).first(count)));
    offset += count;
  }
}

// The keystore file with its write-ahead log, and the audit record beside it.
Status copy_data(Disk& disk, const KeydConfig& from, const KeydConfig& to) {
  TRY(disk.make_directories(to.audit_directory(), 0700));
  for (const std::string& name : TRY(disk.list(from.data_directory))) {
    if (!name.starts_with("keystore.db") || name.ends_with("-shm") || name.ends_with(".lock")) continue;
    TRY(copy_file(disk, from.data_directory + "/" + name, to.data_directory + "/" + name));
  }
  for (const std::string& name : TRY(disk.list(from.audit_directory()))) {
    TRY(copy_file(disk, from.audit_directory() + "/" + name, to.audit_directory() + "/" + name));
  }
  return {};
}

// A key server's folder. Looked at in a copy: what is left of a site is not written to.
class ServerSource final : public rescue::KeySource {
 public:
  ServerSource(Env env, KeydConfig config, std::unique_ptr<store::MasterKeyFile> master, std::string scratch)
      : env_(env), config_(std::move(config)), master_(std::move(master)), scratch_(std::move(scratch)) {}

  Result<std::vector<rescue::FoundKey>> find(const rescue::KeyWanted& wanted) override {
    KeydConfig copy = config_;
    copy.data_directory = scratch_;
    auto found = look(copy, wanted);
    TRY(keymgr::backup::remove_tree(*env_.disk, scratch_));
    return found;
  }

 private:
  Result<std::vector<rescue::FoundKey>> look(const KeydConfig& copy, const rescue::KeyWanted& wanted) {
    TRY(env_.disk->make_directories(scratch_, 0700));
    TRY(copy_data(*env_.disk, config_, copy));
    const auto parts = TRY(open_keystore(env_, copy, master_->keys()));
    return rescue::find_in_keystore(env_, *parts.keystore, config_.server_id, wanted,
                                    "the key server " + config_.server_name);
  }

  const Env env_;
  const KeydConfig config_;
  const std::unique_ptr<store::MasterKeyFile> master_;
  const std::string scratch_;
};

class OwningBackupSource final : public rescue::KeySource {
 public:
  OwningBackupSource(Env env, keymgr::backup::Opener opener, rescue::BackupSource::Options options)
      : opener_(std::move(opener)), source_(env, with_opener(std::move(options))) {}
  Result<std::vector<rescue::FoundKey>> find(const rescue::KeyWanted& wanted) override {
    return source_.find(wanted);
  }

 private:
  rescue::BackupSource::Options with_opener(rescue::BackupSource::Options options) {
    options.opener = &opener_;
    return options;
  }
  keymgr::backup::Opener opener_;
  rescue::BackupSource source_;
};

std::string scratch_folder(Env env, const RescueOptions& options) {
  return options.scratch + "/tapewarden-rescue-" + Uuid::random(*env.random).text();
}

Result<std::unique_ptr<rescue::KeySource>> kek_source(Env env, const RescueOptions& options) {
  auto source = std::make_unique<rescue::KekSource>();
  std::optional<crypto::SecretBytes> passphrase;
  if (!options.kek_passphrase_file.empty()) {
    passphrase = TRY(store::read_passphrase_file(*env.disk, options.kek_passphrase_file));
  }
  for (const std::string& path : options.keks) {
    Status added = source->add_file(*env.disk, path, passphrase ? &*passphrase : nullptr);
    if (!added && !passphrase && added.error().code == ErrorCode::kInvalidArgument) {
      passphrase = TRY(ask_secret("passphrase of " + path, "kek-passphrase-file"));
      added = source->add_file(*env.disk, path, &*passphrase);
    }
    TRY(added);
  }
  return source;
}

Result<std::unique_ptr<rescue::KeySource>> backup_source(Env env, const RescueOptions& options) {
  rescue::BackupSource::Options wanted;
  wanted.from = options.backup.from;
  wanted.file = options.backup.file;
  wanted.trust = TRY(backup_trust(env, options.backup));
  wanted.tables = keyd_tables();
  wanted.scratch = scratch_folder(env, options);
  const auto picked = TRY(keymgr::backup::pick_chain(*env.disk, wanted.from, wanted.file));
  TRY(keymgr::backup::check_chain(*env.disk, picked.chain, wanted.trust));
  return std::make_unique<OwningBackupSource>(
      env, TRY(backup_opener(env, options.backup, picked.chain.newest())), std::move(wanted));
}

Result<std::unique_ptr<rescue::KeySource>> server_source(Env env, const RescueOptions& options) {
  KeydConfig config = TRY(read_keyd_config(*env.disk, options.server + "/keyd.toml"));
  auto passphrase = options.server_passphrase_file.empty()
                        ? TRY(ask_secret("passphrase of the master key", "server-passphrase-file"))
                        : TRY(store::read_passphrase_file(*env.disk, options.server_passphrase_file));
  auto master = TRY(open_master_key(env, config.master_key_file, std::move(passphrase)));
  return std::make_unique<ServerSource>(env, std::move(config), std::move(master),
                                        scratch_folder(env, options));
}

}  // namespace

Result<std::vector<std::unique_ptr<rescue::KeySource>>> rescue_sources(Env env,
                                                                       const RescueOptions& options) {
  std::vector<std::unique_ptr<rescue::KeySource>> out;
  if (!options.keks.empty()) out.push_back(TRY(kek_source(env, options)));
  if (!options.backup.from.empty()) out.push_back(TRY(backup_source(env, options)));
  if (!options.server.empty()) out.push_back(TRY(server_source(env, options)));
  return out;
}

}  // namespace tapewarden::apps
