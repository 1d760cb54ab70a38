// The audit record on disk (K13): the commit log of a keystore, and every event that changes nothing. One
// JSON object a line, hash-chained through all files of the directory, synced before anything is
// acknowledged.
//
// Invariants
//  A1 Each append is one write and one sync; its last line says so ("end"). What follows the last such line
//     is an append that a crash cut off: nobody was told that it happened, and open() removes it.
//  A2 Damage before that is an error that names file and line, never repaired.
//  A3 A full file is renamed to audit-<first line>.jsonl and never touched again.
//  A4 After a failed write or sync nothing more is appended.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "audit/checkpoint_note.h"
#include "audit/line.h"
#include "base/env.h"
#include "base/thread_annotations.h"
#include "store/commit_log.h"

namespace tapewarden::audit {

struct AuditOptions {
  std::string directory;                           // made when missing
  std::uint64_t file_bytes = 64U << 20;            // a file that reached this is full
  std::uint64_t reserve_bytes = 8U << 20;          // 0: no reserve
  std::uint64_t checkpoint_every_lines = 100'000;  // with a signer; 0: only on demand
  std::string server = {};                         // its name, for CheckpointNote
  // Of a record that is made new: the commit that it follows, where a keystore goes on from a backup.
  store::CommitMark begin_after = {};
};

// Told what has become durable, so that it can be sent elsewhere. Called on the keystore's writer thread
// while the file is locked: it must neither block nor call the file.
class AuditObserver {
 public:
  virtual ~AuditObserver() = default;
  // An event: its whole line without line end. Lines of the file's own and of commits are not told.
  virtual void recorded(const Line& line, std::string_view text) = 0;
  virtual void checkpointed(const CheckpointNote& note) = 0;
};

struct Health {
  bool reserve_in_use = false;  // the disk is full: refusals can still be recorded, for a while
  bool stopped = false;         // nothing can be recorded: nothing may be served
  std::string text;             // for the operator; empty when all is well
};

// append(), note() and checkpoint() belong to the keystore's writer thread; the rest is thread-safe.
class AuditFile final : public store::CommitLog {
 public:
  using Signer = std::function<Bytes(ByteView message)>;

  // kCorrupt: damage, named. kConflict: another process has it open.
  static Result<std::unique_ptr<AuditFile>> open(Env env, AuditOptions options);
  ~AuditFile() override;

  Status ready() const override;
  Status append(const store::CommitMark& mark, std::span<const std::string> records) override;
  Status note(std::span<const std::string> records) override;
  Status replay(std::uint64_t from, const std::function<Status(const store::LoggedCommit&)>& visit) override;
  std::optional<store::CommitMark> last_mark() const override;
  Hash256 chain_hash() const override;

  // A line whose signature covers everything before it: (line number, chain, last commit, its head), see
  // checkpoint_message(). Set before serving.
  void set_checkpoint_signer(Signer signer);
  // Set before serving; outlives this object. nullptr: none.
  void set_observer(AuditObserver* observer);
  // Writes a checkpoint now, for example from within a work of the keystore. kConflict without a signer.
  Result<CheckpointNote> checkpoint();
  // Lines since the last checkpoint.
  std::uint64_t lines_since_checkpoint() const;
  Health health() const;
  // Number of the last line.
  std::uint64_t lines() const;

 private:
  struct Recovered;

  AuditFile(Env env, AuditOptions options) : env_(env), options_(std::move(options)) {}

  std::string path(std::string_view name) const { return options_.directory + "/" + std::string(name); }
  Status open_directory() TW_REQUIRES(mutex_);
  Status finish_changeover();
  Status start_first_file();
  Status open_current() TW_REQUIRES(mutex_);
  Result<Recovered> recover();
  Status check_predecessor(const Header& header);

  Status check(std::span<const std::string> records) const TW_REQUIRES(mutex_);
  Status write(const std::string& text, ChainPoint point) TW_REQUIRES(mutex_);
  void tell(std::string_view text) TW_REQUIRES(mutex_);
  Status write_bytes(ByteView bytes) TW_REQUIRES(mutex_);
  Result<CheckpointNote> write_checkpoint() TW_REQUIRES(mutex_);
  void write_checkpoint_when_due() TW_REQUIRES(mutex_);
  void change_over_when_full() TW_REQUIRES(mutex_);
  Status change_over() TW_REQUIRES(mutex_);
  Result<std::unique_ptr<File>> make_file(const std::string& name, const Header& header, ChainPoint& point);
  Status stop(const Error& cause) TW_REQUIRES(mutex_);
  void keep_reserve() TW_REQUIRES(mutex_);
  bool release_reserve() TW_REQUIRES(mutex_);

  const Env env_;
  const AuditOptions options_;
  std::unique_ptr<File> lock_;
  mutable Mutex mutex_;
  std::unique_ptr<File> file_ TW_GUARDED_BY(mutex_);
  std::uint64_t offset_ TW_GUARDED_BY(mutex_) = 0;      // end of what is synced
  std::uint64_t first_line_ TW_GUARDED_BY(mutex_) = 0;  // of the current file
  std::uint64_t full_at_ TW_GUARDED_BY(mutex_) = 0;
  ChainPoint point_ TW_GUARDED_BY(mutex_);
  store::CommitMark mark_ TW_GUARDED_BY(mutex_);
  std::uint64_t checkpoint_line_ TW_GUARDED_BY(mutex_) = 0;
  Signer signer_ TW_GUARDED_BY(mutex_);
  AuditObserver* observer_ TW_GUARDED_BY(mutex_) = nullptr;
  std::optional<Error> stopped_ TW_GUARDED_BY(mutex_);
  bool reserve_kept_ TW_GUARDED_BY(mutex_) = false;
  SteadyTime reserve_tried_ TW_GUARDED_BY(mutex_){};
};

}  // namespace tapewarden::audit
