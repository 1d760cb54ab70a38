#include "keymgr/custody/backup/verification.h"

#include "crypto/random.h"

namespace tapewarden::keymgr::backup {

namespace {

// The commit log of a scratch keystore: it stands where the backup does and forgets what a drill adds.
class ScratchLog final : public store::CommitLog {
 public:
  explicit ScratchLog(const store::CommitMark& mark) : mark_(mark) {}
  Status append(const store::CommitMark&, std::span<const std::string>) override { return {}; }
  Status note(std::span<const std::string>) override { return {}; }
  std::optional<store::CommitMark> last_mark() const override { return mark_; }
  Hash256 chain_hash() const override { return {}; }

 private:
  const store::CommitMark mark_;
};

class ScratchFolder {
 public:
  ScratchFolder(Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
  ~ScratchFolder() { (void)remove_tree(disk_, path_); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  Status make() {
    TRY(remove_tree(disk_, path_));
    return disk_.make_directories(path_, 0700);
  }

 private:
  Disk& disk_;
  const std::string path_;
};

Status check_opened(store::Keystore& keystore, const store::CommitMark& mark) {
  if (keystore.head() != mark) {
    return fail(ErrorCode::kCorrupt, "the restored keystore has another head than the backup", "head");
  }
  const auto faults = TRY(keystore.verify());
  if (faults.empty()) return {};
  return fail(ErrorCode::kCorrupt,
              "the restored keystore is not whole: table " + faults[0].table + " row " + faults[0].key +
                  ": " + faults[0].what,
              "backup file");
}

}  // namespace

Status remove_tree(Disk& disk, const std::string& path) {
  if (!disk.exists(path)) return {};
  if (const auto entries = disk.list(path)) {
    for (const std::string& name : *entries) TRY(remove_tree(disk, path + "/" + name));
  }
  return disk.remove(path);
}

Result<Proof> prove_restorable(Env env, const Chain& chain, const FileKeySource& keys,
                               const SignerTrust& trust, const std::vector<const store::TableSpec*>& tables,
                               const std::string& scratch,
                               const std::function<Status(store::Keystore&)>& look) {
  ScratchFolder folder(*env.disk, scratch);
  TRY(folder.make());
  store::KeystoreOptions options;
  options.path = scratch + "/keystore.db";
  options.server = chain.base().server;
  options.tables = tables;
  options.verify_at_open_limit = 0;
  const auto master = crypto::random_secret(*env.random, 32);
  Proof proof;
  {
    const auto loader = TRY(store::KeystoreLoader::create(env, options, master));
    proof.replayed = TRY(replay(*env.disk, chain, keys, trust, *loader));
    TRY(loader->finish(proof.replayed.mark));
  }
  proof.files = chain.files.size();
  ScratchLog log(proof.replayed.mark);
  const auto keystore = TRY(store::Keystore::open(env, options, master, log));
  TRY(check_opened(*keystore, proof.replayed.mark));
  if (look) TRY(look(*keystore));
  return proof;
}

}  // namespace tapewarden::keymgr::backup
