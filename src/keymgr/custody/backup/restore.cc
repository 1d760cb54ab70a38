#include "keymgr/custody/backup/restore.h"

#include <algorithm>
#include <set>

#include "audit/audit_file.h"
#include "base/text.h"
#include "keymgr/custody/backup/audit_series.h"
#include "keymgr/custody/backup/file_reader.h"
#include "keymgr/custody/backup/new_epoch.h"
#include "keymgr/custody/backup/verification.h"
#include "store/keystore.h"
#include "store/master_key.h"

namespace tapewarden::keymgr::backup {

namespace {

constexpr std::string_view kWorkSuffix = ".restoring";

// By its name (file_name()): a part of the audit record is none.
bool may_hold_keys(const std::string& path) {
  constexpr std::size_t kEnding = std::string_view("-a00001-20261121T024032Z.twb").size();
  return path.size() < kEnding || path.substr(path.size() - kEnding, 2) != "-a";
}

Result<std::vector<FoundFile>> collect(Disk& disk, const std::vector<std::string>& from,
                                       std::vector<std::string>& warnings,
                                       std::vector<std::string>* missing) {
  std::vector<FoundFile> files;
  for (const std::string& folder : from) {
    DirectoryContent content = TRY(look_into(disk, folder));
    std::ranges::move(content.files, std::back_inserter(files));
    for (auto& one : content.unreadable) {
      warnings.push_back(one.path + ": " + one.error.text());
      if (missing != nullptr && may_hold_keys(one.path)) missing->push_back(warnings.back());
    }
  }
  return files;
}

Status one_server(const std::vector<FoundFile>& files) {
  std::set<std::string> servers;
  for (const FoundFile& file : files) {
    servers.insert(file.header.server_name + " " + file.header.server.text());
  }
  if (servers.size() <= 1) return {};
  std::string names;
  for (const std::string& name : servers) names += (names.empty() ? "" : ", ") + name;
  return fail(ErrorCode::kConflict, "the folder holds backups of several servers: " + names, "from",
              "name the newest file of the one you want with --file");
}

}  // namespace

Status check_restore_target(Disk& disk, const std::string& to) {
  const auto entries = disk.list(to);
  if (entries && !entries->empty()) {
    return fail(ErrorCode::kAlreadyExists, to + " is not empty", "to",
                "name a new folder: a restore never writes into a server's folder");
  }
  return {};
}

Result<PickedChain> pick_chain(Disk& disk, const std::vector<std::string>& from, const std::string& file) {
  PickedChain out;
  if (!file.empty() && !disk.exists(file)) {
    return fail(ErrorCode::kNotFound, "there is no file " + file, "file", "name a backup file: NAME.twb");
  }
  std::vector<std::string> folders = from;
  if (!file.empty() && folders.empty()) folders.push_back(parent_directory(file));
  const auto files = TRY(collect(disk, folders, out.warnings, file.empty() ? &out.missing : nullptr));
  if (!file.empty()) {
    out.chain = TRY(chain_ending_with(files, file));
    return out;
  }
  TRY(one_server(files));
  std::vector<Gap> gaps;
  std::vector<Chain> chains = chains_of(files, &gaps);
  for (const Gap& gap : gaps) out.warnings.push_back(gap.text());
  if (chains.empty() && !out.warnings.empty()) {
    return fail(ErrorCode::kNotFound,
                "there is no whole backup in " + (folders.empty() ? "" : folders.front()) + ": " +
                    out.warnings.front(),
                "from", "bring the missing files back into the folder, or name the folder of another target");
  }
  if (chains.empty()) {
    return fail(ErrorCode::kNotFound, "there is no backup in " + (folders.empty() ? "" : folders.front()),
                "from", "name the folder that holds the .twb files");
  }
  out.chain = std::move(chains.back());
  for (const Gap& gap : gaps) {
    const auto place = [](const FileHeader& header) { return std::pair(header.epoch, header.to.sequence); };
    if (place(gap.last.header) > place(out.chain.newest())) out.missing.push_back(gap.text());
  }
  return out;
}

Status require_complete(const PickedChain& picked) {
  if (picked.missing.empty()) return {};
  std::string what;
  for (const std::string& one : picked.missing) what += "\n  " + one;
  const FileHeader& newest = picked.chain.newest();
  return fail(ErrorCode::kConflict,
              "the backups are not complete:" + what + "\n  what can be restored ends at commit " +
                  std::to_string(newest.to.sequence) + " of " + format_utc(newest.created) + " with " +
                  picked.chain.files.back().path,
              std::string(kIncomplete),
              "bring the missing files back into the folder, or name the folder of another target; or say "
              "--incomplete: keys made after that commit are lost then");
}

Status check_chain(Disk& disk, const Chain& chain, const SignerTrust& trust) {
  std::string before;
  Hash256 predecessor{};
  for (const FoundFile& file : chain.files) {
    const auto checked = [&]() -> Status {
      const auto reader = TRY(FileReader::open(disk, file.path));
      if (reader->header().predecessor != predecessor) {
        return fail(ErrorCode::kCorrupt, "it does not follow the file before it in its chain", "backup file",
                    "bring the right predecessor back");
      }
      predecessor = TRY(reader->check_signature());
      return trust.check(TRY(reader->signer()));
    }();
    if (!checked) {
      Error error = checked.error();
      if (!error.message.contains(file.path)) error.message = file.path + ": " + error.message;
      if (error.code == ErrorCode::kCorrupt) {
        error.remedy = "bring the whole file back, or name the folder of another target" +
                       (before.empty() ? "" : "; or restore what was there before it with --file " + before);
      }
      return std::unexpected(std::move(error));
    }
    before = file.path;
  }
  return {};
}

namespace {

class Restorer {
 public:
  Restorer(Env env, const RestoreOptions& options)
      : env_(env), options_(options), work_(options.to + std::string(kWorkSuffix)) {}

  Result<RestoreReport> run() {
    TRY(check_restore_target(*env_.disk, options_.to));
    PickedChain picked = TRY(pick_chain(*env_.disk, options_.from, options_.file));
    if (!options_.incomplete) TRY(require_complete(picked));
    TRY(check_chain(*env_.disk, picked.chain, options_.trust));
    report_.warnings = std::move(picked.warnings);
    report_.newest = picked.chain.newest();
    report_.newest_path = picked.chain.files.back().path;
    report_.files = picked.chain.files.size();
    const Tombstones tombstones = TRY(read_tombstones(env_, options_, picked.chain, report_.warnings));
    // What an interrupted restore left behind.
    TRY(remove_tree(*env_.disk, work_));
    TRY(env_.disk->make_directories(data(), 0700));
    Replayed replayed = TRY(load(picked.chain, tombstones));
    TRY(begin_epoch(replayed));
    restore_audit();
    TRY(options_.write_site(work_, report_.newest, std::move(replayed.site_files)));
    TRY(env_.disk->sync_directory(work_));
    if (env_.disk->exists(options_.to)) TRY(env_.disk->remove(options_.to));  // it is empty
    TRY(env_.disk->rename(work_, options_.to));
    TRY(env_.disk->sync_directory(parent_directory(options_.to)));
    return std::move(report_);
  }

 private:
  std::string data() const { return work_ + "/" + std::string(kDataFolder); }

  store::KeystoreOptions keystore_options() const {
    store::KeystoreOptions out;
    out.path = data() + "/" + std::string(kKeystoreName);
    out.server = report_.newest.server;
    out.tables = options_.tables;
    return out;
  }

  Result<Replayed> load(const Chain& chain, const Tombstones& tombstones) {
    master_ = TRY(store::create_master_key(env_, work_ + "/" + std::string(kMasterKeyName),
                                           *options_.new_passphrase, options_.new_cost));
    const auto loader = TRY(store::KeystoreLoader::create(env_, keystore_options(), master_));
    const auto keys = [&](const FoundFile& file) { return options_.opener->open(file.header); };
    auto replayed = TRY(replay(*env_.disk, chain, keys, options_.trust, *loader,
                               [&](const store::TableSpec& table, store::SnapshotRow& row,
                                   std::vector<crypto::SecretBytes>& secrets) -> Status {
                                 if (tombstones.apply(table, row, secrets)) ++report_.kept_destroyed;
                                 return {};
                               }));
    TRY(loader->finish(replayed.mark));
    report_.mark = replayed.mark;
    report_.signer = replayed.signer;
    report_.keys = replayed.keys;
    report_.rows = replayed.rows;
    return replayed;
  }

  // The old server's record beside the new one. What is damaged of it is told and keeps no key from coming
  // back.
  void restore_audit() {
    const auto lines = write_old_audit();
    if (lines) report_.audit_lines = *lines;
    if (!lines) report_.warnings.push_back("the old audit record is not complete: " + lines.error().text());
  }

  Result<std::uint64_t> write_old_audit() {
    const std::string folder = parent_directory(report_.newest_path);
    const auto series = audit_series_of(TRY(look_into(*env_.disk, folder)).files, report_.newest);
    if (series.empty()) return std::uint64_t{0};
    const std::string name = "/audit-of-epoch-" + std::to_string(report_.newest.epoch) + ".jsonl";
    const auto out = TRY(env_.disk->open(data() + name, OpenMode::kCreateNew, 0600));
    std::uint64_t at = 0;
    for (const FoundFile& file : series) {
      const auto reader = TRY(FileReader::open(*env_.disk, file.path));
      TRY(reader->check_signature());
      TRY(options_.trust.check(TRY(reader->signer())));
      TRY(reader->unlock(TRY(options_.opener->open(reader->header()))));
      TRY(read_audit_file(*reader, [&](std::string_view lines) -> Status {
        TRY(out->write_at(at, as_bytes(lines)));
        at += lines.size();
        return {};
      }));
    }
    TRY(out->sync());
    return series.back().header.to.sequence;
  }

  Status begin_epoch(const Replayed& replayed) {
    audit::AuditOptions audit_options;
    audit_options.directory = data() + "/" + std::string(kAuditFolder);
    audit_options.begin_after = replayed.mark;
    const auto audit = TRY(audit::AuditFile::open(env_, audit_options));
    const auto keystore = TRY(store::Keystore::open(env_, keystore_options(), master_, *audit));
    const NewEpoch begun = TRY(begin_new_epoch(env_, *keystore, report_.newest, replayed));
    report_.epoch = begun.epoch;
    report_.made_read_only = begun.made_read_only;
    return {};
  }

  const Env env_;
  const RestoreOptions& options_;
  const std::string work_;
  crypto::SecretBytes master_;
  RestoreReport report_;
};

}  // namespace

Result<RestoreReport> restore(Env env, const RestoreOptions& options) {
  return Restorer(env, options).run();
}

}  // namespace tapewarden::keymgr::backup
