// The periodic self-check (K26): opens each data key and each KEK of this keystore and compares it with its
// fingerprint or its public half, then has every backup target verified that is due, which restores the
// backup and opens every key in it.
//
// The peer is not asked: its own self-check stands in a row that it alone writes and that is copied here.
//
// Bounded: kKeysACheckStep keys a step with a pause between; where it stands is noted, so that a restart goes
// on and does not begin anew.
// run_due() and run() belong to one thread at a time; the rest is thread-safe.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/thread_annotations.h"
#include "keymgr/custody/backup/service.h"
#include "keymgr/key_manager.h"
#include "keymgr/recoverability/survey.h"
#include "keymgr/recoverability/tables.h"

namespace tapewarden::keymgr::recoverability {

class SelfCheck {
 public:
  // `first`: nothing is done by itself so long after the start.
  SelfCheck(KeyManager& manager, backup::Service* backups, std::chrono::milliseconds first)
      : manager_(manager), backups_(backups), begins_(manager.context().env.clock->steady_now() + first) {}

  // A check when recoverability.check_hours have passed since the last one, or one was broken off; or when
  // one was asked for. Then those backups whose last verification is so old, or that hold more since.
  Status run_due();
  // Another one, whatever the time. Called again while one goes on it changes nothing more.
  void ask() { asked_ = true; }
  // Ends a check under way at its next step; it goes on after the next start.
  void stop() { stopping_ = true; }

  // Keys that did not open in the last check that came to them, also when that was before the last start.
  Result<Faults> faults();
  // The check that goes on: how many secrets it has opened. Nothing: none does.
  std::optional<CheckResult> under_way() const;
  // What must be told; empty when all is well.
  std::vector<std::string> warnings() const;

 private:
  struct Progress;
  Status run();
  Result<bool> check_step(store::Reader& reader, Progress& next, std::map<Uuid, bool>& opened);
  Status check_keys(Progress& progress);
  void note_kek(Progress& progress, const std::optional<Hash256>& id, bool opens, const std::string& name);
  Status check_keks(Progress& progress);
  Status load_faults();
  Status save_faults(store::Transaction& transaction);
  Status save(const Progress& progress);
  Status finish(Progress& progress);
  void failed(Progress& progress, const std::string& name);
  Result<bool> due();
  Status verify_backups(bool asked);
  void show(const Progress* progress);

  KeyManager& manager_;
  backup::Service* backups_;
  const SteadyTime begins_;
  std::map<std::string, WallTime> tried_;  // when each target was verified last, whatever came of it
  std::atomic<bool> asked_{false};
  std::atomic<bool> stopping_{false};
  mutable Mutex mutex_;
  Faults faults_ TW_GUARDED_BY(mutex_);
  bool faults_loaded_ TW_GUARDED_BY(mutex_) = false;
  std::optional<CheckResult> under_way_ TW_GUARDED_BY(mutex_);
  std::string warning_ TW_GUARDED_BY(mutex_);
};

}  // namespace tapewarden::keymgr::recoverability
