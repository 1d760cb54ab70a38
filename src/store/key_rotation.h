// Rotation of the master key while the keystore serves (K16): a new version is drawn, and everything is put
// under it in small batches. What depends on the master key: each row's sealed secrets and its MAC (with the
// tables' sums, which follow), the MACs of the keystore's notes, and the heads that chain the commits. Each
// row, box and note names its version, so nothing is ever tried.
//
// Order of the durable steps
//  S1 The new version stands in the master-key file beside the old one (synced, renamed, folder synced).
//  S2 One commit, `begin`: the notes are MACed anew, the keys of both versions' heads are kept as rows, an
//     audit record tells it. This commit's head is the first under the new version, chained on the last one
//     under the old; from here on nothing is written under the old version.
//  S3 Batches of rows that are still under the old version, found in the order of their keys, go through the
//     ordinary group commit, with a pause between. A row keeps its version, origin and commit: it is no
//     change for the peer, for backups, or for who was first.
//  S4 A look at every row finds none left. One commit, `end`, with an audit record.
//  S5 The old version is taken out of the file in the same way as S1, and destroyed in memory.
//
// Invariants
//  K1 Every version that a row, box or note names is in the master-key file, at every moment: S1 is durable
//     before S2 begins, S4's look before S5 begins. So a crash leaves a keystore that opens.
//  K2 What remains to do is told by the file and the database alone: a version in the file that is newer than
//     the keystore's notes: S2 is next. One that is older: S3. resume() goes on there.
//  K3 One rotation at a time.
//  K4 A row that does not verify is never MACed anew: it stays, the old version stays with it, and both are
//     told until the row is mended.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "base/env.h"
#include "base/thread_annotations.h"
#include "store/key_sealing.h"
#include "store/keystore.h"
#include "store/master_key.h"

namespace tapewarden::store {

inline constexpr std::chrono::milliseconds kResealPause{10};     // between two batches
inline constexpr std::chrono::milliseconds kResealAgain{2'000};  // after a batch that failed
inline constexpr std::chrono::minutes kResealDamagedAgain{10};   // when damaged rows are left

struct RotationState {
  KeyVersion version = kFirstKeyVersion;  // under which is written
  bool going_on = false;
  std::uint64_t rows = 0;  // when it was counted last
  std::uint64_t done = 0;  // of them under `version`
  WallTime began{};        // of the rotation that goes on, or of the last one; 0: there was none
  WallTime ended{};        // 0: not yet
  std::string started_by;
  std::string fault;  // why it does not come to its end; empty: nothing is wrong

  unsigned percent() const;
  // "version 2, rotation going on, 41 %"
  std::string text() const;
};

class KeyRotation {
 public:
  enum class Step : std::uint8_t { kBegin, kEnd };
  // Adds the audit record of a step to its commit; `by` is who asked for the rotation.
  using Note = std::function<Status(Transaction&, Step, KeyVersion, const std::string& by)>;

  // Both are borrowed and outlive it.
  KeyRotation(Env env, Keystore& keystore, std::unique_ptr<MasterKeyFile> file, Note note);
  ~KeyRotation() { stop(); }
  KeyRotation(const KeyRotation&) = delete;
  KeyRotation& operator=(const KeyRotation&) = delete;

  // Finds out what remains to be done and goes on with it, on a thread of its own. Once, before begin().
  Status resume() TW_EXCLUDES(mutex_);
  // S1 and S2, then the rest on that thread. kConflict while one goes on. Thread-safe; waits for the disk.
  Result<RotationState> begin(const std::string& by) TW_EXCLUDES(mutex_, steps_);
  // Thread-safe.
  RotationState state() const TW_EXCLUDES(mutex_);
  // Ends after the batch under way. Before the keystore goes.
  void stop() TW_EXCLUDES(mutex_);

 private:
  void run() TW_EXCLUDES(mutex_, steps_);
  // One round of S3 to S5; nothing: it is done. Else how long to wait before the next.
  Result<std::optional<std::chrono::milliseconds>> round() TW_EXCLUDES(mutex_, steps_);
  Status begin_commit(KeyVersion version, const std::string& by) TW_REQUIRES(steps_);
  Result<std::size_t> reseal_all() TW_EXCLUDES(mutex_);
  Status finish() TW_REQUIRES(steps_);
  Status look() TW_EXCLUDES(mutex_);
  bool wait(std::chrono::milliseconds time) TW_EXCLUDES(mutex_);
  bool stopping() const TW_EXCLUDES(mutex_);
  Status write(const Keystore::Work& work);

  const Env env_;
  Keystore& keystore_;
  KeySealing& sealing_;
  const Note note_;
  Mutex steps_;  // S1, S2, S4 and S5 exclude each other
  std::unique_ptr<MasterKeyFile> file_ TW_GUARDED_BY(steps_);
  mutable Mutex mutex_;
  CondVar wake_;
  RotationState state_ TW_GUARDED_BY(mutex_);
  bool stopping_ TW_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tapewarden::store
