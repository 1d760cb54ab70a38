// Backups of a running key server (K17): its targets, the runs, their verification.
//
// Invariants
//  S1 A run counts only when its file is whole, synced, read back and noted in the keystore. Of one target at
//     most one run or verification goes at a time; another is refused, never reported as done.
//  S2 A chain at a target is unbroken: an increment holds exactly the commits after the file before it.
//     When a file of the chain is missing or is not what was written, the next run makes a new base.
//  S3 Retention removes whole bases with all their increments, and never one of the bases to be kept.
//  S4 What a run changes in the keystore (its own notes) asks for no further run.
//  S5 What backups hold is believed only of a chain whose files are there: after a start nothing counts until
//     the files of each target's newest chain were read and found to be those that were written; then they
//     are looked for every minute. A chain that is not whole, or was made before this server's epoch, holds
//     nothing, and the next run begins a new one.
// Thread-safe. run(), verify() and the changes of targets wait for the disk: not from the executor's threads.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/thread_annotations.h"
#include "keymgr/backup_view.h"
#include "keymgr/custody/backup/content.h"
#include "keymgr/custody/backup/drill.h"
#include "keymgr/custody/backup/replay.h"
#include "keymgr/custody/backup/seal.h"
#include "keymgr/custody/backup/target.h"
#include "keymgr/key_manager.h"

namespace tapewarden::keymgr::backup {

struct ServiceOptions {
  std::string server_name;
  std::string keystore_path;      // no target may lie in its folder
  std::string audit_directory;    // empty: the audit record is not backed up
  std::string scratch_directory;  // for verification: beside the keystore
  std::vector<const store::TableSpec*> tables;
  std::function<Result<std::vector<SiteFile>>()> site_files;
  std::chrono::milliseconds poll{500};
};

struct TargetSpec {
  std::string name{};
  std::string directory{};
  std::string domain{};
  const crypto::SecretBytes* passphrase = nullptr;  // either this
  std::vector<crypto::Certificate> recipients{};    // or these
  crypto::ScryptCost cost = kPassphraseCost;
  std::int64_t keep_bases = 3;
  std::int64_t increments = 100;
  Mode mode = Mode::kOnDemand;
  std::int64_t every_hours = 24;
};

// What is left out stays.
struct TargetChange {
  std::optional<std::string> domain{};
  std::optional<std::int64_t> keep_bases{};
  std::optional<std::int64_t> increments{};
  std::optional<Mode> mode{};
  std::optional<std::int64_t> every_hours{};
};

struct RunReport {
  bool nothing_new = false;  // no file was written: everything is in the newest one already
  bool base = false;
  std::string file;
  std::uint64_t bytes = 0;
  std::uint64_t rows = 0;
  std::uint64_t commit = 0;  // every commit up to here is in the backup
  std::size_t removed = 0;   // files that retention took away
};

struct VerifyReport {
  std::size_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t rows = 0;
  std::uint64_t commit = 0;
  KeyCounts keys;
};

struct TargetStatus {
  Target target;
  TargetState state;
  std::size_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t behind = 0;  // commits that no backup there holds
  bool busy = false;
  std::string warning;  // what an operator must be told; empty when all is well
};

class Service final : public BackupView {
 public:
  // Borrows the manager. start() begins the thread for schedules and changes.
  Service(KeyManager& manager, ServiceOptions options);
  ~Service() override;
  Status start();
  void stop();

  // kInvalidArgument naming the field; kAlreadyExists; kNotFound.
  Result<TargetStatus> add_target(const Actor& actor, const TargetSpec& spec);
  Result<TargetStatus> modify_target(const Actor& actor, const std::string& name, const TargetChange& change);
  // The files stay where they are.
  Status remove_target(const Actor& actor, const std::string& name);
  Result<std::vector<TargetStatus>> list();
  Result<TargetStatus> status(const std::string& name);

  // kConflict while another run or verification of the target is under way.
  Result<RunReport> run(const Actor& actor, const std::string& name, bool new_base);
  Result<VerifyReport> verify(const Actor& actor, const std::string& name);
  // As verify(), and then asks the scratch server for the keys of the newest cartridges in the ledger.
  // kInvalidArgument for more than kDrillCartridges.
  Result<DrillReport> drill(const Actor& actor, const std::string& name, std::size_t cartridges);

  // BackupView
  std::uint64_t backed_up_commit(std::string_view target, bool verified) const override;
  std::uint64_t backed_up_commit(bool verified) const override;
  void kick() override;
  bool has_counted_target() const override;
  void want(std::uint64_t commit) override;

  // The keystore backups that lie in the targets' folders and were made before that time, of whichever
  // server, and those that this server wrote there and cannot see now. Files that were carried away are not
  // known.
  struct MadeBefore {
    std::string name;
    std::string target;
    std::string domain;
    WallTime made{};
  };
  Result<std::vector<MadeBefore>> made_before(WallTime time);

  // When the newest counted backup was made and when one was last verified; kNever without any.
  struct Freshness {
    WallTime backed_up{};
    WallTime verified{};
  };
  Result<Freshness> freshness();

  // One line for each target that an operator must be told of.
  std::vector<std::string> warnings();

 private:
  struct Covered {
    std::uint64_t backed_up = 0;
    std::uint64_t verified = 0;
    bool counts = true;
    std::uint64_t runs = 0;  // that were noted since the start
  };
  class Busy;

  Result<Target> require(const std::string& name);
  Status check_directory(const std::string& directory) const;
  bool is_elsewhere(const std::string& directory) const;
  Status check_place(const Target& target) const;
  Result<TargetStatus> status_of(store::Reader& reader, const Target& target);
  Result<VerifyReport> verify_now(const Target& target,
                                  const std::function<Status(store::Keystore&)>& look = {});
  Status note_drill(const Actor& actor, const Target& target, const Result<DrillReport>& result);
  Status check_audit_files(const Target& target);
  Status note_run(const Actor& actor, const Target& target, const Result<RunReport>& result);
  Status note_verify(const Actor& actor, const Target& target, const Result<VerifyReport>& result);
  Status remember_targets();
  std::optional<std::uint64_t> undisturbed(const std::string& name) const;
  void examine_targets(bool whole);
  Status examine(const Target& target, bool whole);
  Result<std::uint64_t> chain_holds(const Target& target, bool whole);
  Status lose(const Target& target, const Error& why);
  void keep_coverage_true();
  void loop();
  void look_after_targets();
  bool due(const TargetStatus& status);
  bool is_wanted(const TargetStatus& status);
  void served_want(std::uint64_t commit);
  void advance_without_run(const std::string& target, std::uint64_t head);

  KeyManager& manager_;
  const ServerContext& context_;
  const ServiceOptions options_;
  std::thread thread_;

  mutable Mutex mutex_;
  CondVar wake_;
  bool stopping_ TW_GUARDED_BY(mutex_) = false;
  bool kicked_ TW_GUARDED_BY(mutex_) = false;
  std::uint64_t wanted_ TW_GUARDED_BY(mutex_) = 0;  // 0: nothing
  std::vector<std::string> busy_ TW_GUARDED_BY(mutex_);
  std::map<std::string, Covered, std::less<>> covered_ TW_GUARDED_BY(mutex_);

  // Of the thread alone.
  bool examined_ = false;
  SteadyTime examined_at_{};
  std::uint64_t epoch_ = 0;
};

}  // namespace tapewarden::keymgr::backup
