// Turns a group of works into one commit: database first, then the commit log (I2 of keystore.h). Belongs to
// the writer thread.
//
// Invariants
//  C1 state() is what both the database and the log hold, until failed().
//  C2 failed() is for ever: the outcome of a commit is not known, only opening the keystore anew finds out.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "store/session.h"
#include "store/state.h"

namespace tapewarden::store {

inline constexpr std::uint32_t kCheckpointPages = 4000;  // 16 MiB of write-ahead log
// After so long without a change the log's pages are moved, few as they are: as long as there are any, who
// reads looks there first, for each page.
inline constexpr std::chrono::milliseconds kRestTime{1000};
// How soon emptying the log is tried again when a reader was in the way.
inline constexpr std::chrono::milliseconds kScrubAgain{50};

class Committer {
 public:
  // `version`: of the master key, under which the keystore is written now.
  Committer(RowAccess access, Random& random, const Uuid& server, CommitLog& log, State state,
            KeyVersion version = kFirstKeyVersion)
      : session_(std::move(access), random, server, version), log_(log), state_(std::move(state)) {}

  struct Outcome {
    Status result;
    bool changed = false;  // false: only records, nothing, or nothing that the peer must see
  };
  // One outcome for each work, in order.
  std::vector<Outcome> run(std::span<const Keystore::Work* const> works);

  // Moves the write-ahead log's pages into the database file when there are many or nothing was changed for a
  // while, or when a secret was taken out of a row: its box still stands in the log until that begins anew.
  // Call it when nobody waits.
  void tidy();
  // The log holds pages that were not moved: call tidy() again after kRestTime without a change.
  bool rest_due() const { return changed_at_ && !failed_; }
  // Called around the moving of the log's pages: whoever keeps a snapshot lets go of it within the limit.
  // Else not all would be moved, or the log would not begin anew. True: nobody has one that is older.
  using LetGo = std::function<bool(std::chrono::milliseconds limit)>;
  void around_tidying(LetGo let_go) { let_go_ = std::move(let_go); }
  // The log still holds the box of a secret that is no longer in its row: a reader was in the way, call
  // tidy() again soon.
  bool scrub_due() const { return scrub_due_; }
  // The log may hold such a box from an earlier run.
  void scrub_later() { scrub_due_ = true; }

  const State& state() const { return state_; }
  const std::optional<Error>& failed() const { return failed_; }

 private:
  Status run_works(std::span<const Keystore::Work* const> works, std::vector<Outcome>& outcomes);
  Status commit();
  Status write_note();
  std::vector<std::size_t> changed_tables() const;  // with repetitions
  State next_state();
  void scrub();
  bool let_go();
  Result<bool> move_log();
  Status give_up(std::string_view what, const Error& cause);

  WriteSession session_;
  CommitLog& log_;
  State state_;
  std::optional<Error> failed_;
  LetGo let_go_;
  std::uint32_t tidy_at_ = kCheckpointPages;
  // The last change that was not moved yet, or the last try to move it.
  std::optional<std::chrono::steady_clock::time_point> changed_at_;
  bool scrub_due_ = false;
  std::chrono::steady_clock::time_point scrub_again_;  // not before
};

// Applies the group's changes to the sums.
void follow(State& state, const std::vector<Change>& changes, const Layouts& layouts);

// Brings the log up to the database after a crash between the two, or says how they contradict each other:
// kCorrupt naming the commits that one of them lacks.
Status reconcile(const State& state, CommitLog& log);

}  // namespace tapewarden::store
