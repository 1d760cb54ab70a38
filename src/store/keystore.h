// The locked database of a daemon: rows that are sealed and MACed, changed only by group-committed
// transactions, each commit chained to the one before it and to the audit file beside it.
//
// Invariants
//  I1 A completion given to submit() runs with success only after its transaction is on stable storage, its
//     audit records and the commit's head are on stable storage in the commit log, and (when a CommitGate
//     is set) the gate has let the commit pass.
//  I2 Order on disk: database commit first, then commit log. So after a crash the log may lack at most the
//     last commit, which the database still holds in full (table last_commit) and open() completes. A log
//     that is ahead of the database means that the database lost commits: open() fails and says which.
//  I3 Every row is verified by its MAC when it is read from the database; a row that does not verify is
//     never returned: kCorrupt naming table and key. Of tables marked `remembered` verified rows stay in
//     memory until a commit changes the table. What aggregate() and hints() give is not verified.
//  I4 A row's version only grows. An erased row stays as a tombstone (version, origin, MAC) that queries do
//     not see.
//  I5 Each table has a running sum of its rows' MACs, chained into the head: a missing, added or
//     rolled-back row makes verify() fail, and the change records in the commit log name the row.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/uuid.h"
#include "crypto/secret_bytes.h"
#include "store/commit_log.h"
#include "store/key_ring.h"
#include "store/row_print.h"
#include "store/schema.h"
#include "store/snapshot.h"

namespace tapewarden::store {

// A row that does not verify.
struct DamagedRow {
  Row key;            // as it stands there; nothing vouches for it
  std::string print;  // the same, printable
};

// Reads within one consistent snapshot. Lives only inside the function it is given to.
class Reader {
 public:
  virtual ~Reader() = default;
  // The live row with that key (values in the order of the kKey columns), or nothing.
  virtual Result<std::optional<Row>> get(const TableSpec& table, std::span<const Value> key) = 0;
  // Live rows; `where` is SQL after WHERE with ? parameters, for example
  // "group_name = ? AND position > ? ORDER BY position LIMIT 1". Only column names and constants, never
  // outside text. Within a subquery the table's name stands for the row looked at; a second look at the table
  // must say row_erased = 0 itself.
  virtual Result<std::vector<Row>> query(const TableSpec& table, std::string_view where,
                                         std::span<const Value> parameters) = 0;
  // As query(), for checks that must reach what stands behind a damaged row: rows that do not verify are left
  // out and named in `damaged`. Looks into the database itself, also for remembered tables.
  virtual Result<std::vector<Row>> query_sound(const TableSpec& table, std::string_view where,
                                               std::span<const Value> parameters,
                                               std::vector<DamagedRow>& damaged) = 0;
  // The given columns of the live rows that meet `where`, as the file has them: no MAC is checked. For
  // finding out which rows to get() from an index alone, without a look at the rows that it leads to. Not for
  // columns that were added to a table: in older rows they hold nothing, which is kCorrupt.
  virtual Result<std::vector<Row>> hints(const TableSpec& table, std::span<const std::size_t> columns,
                                         std::string_view where, std::span<const Value> parameters) = 0;
  // One integer: SELECT `expression` FROM table WHERE ...; 0 when NULL. For counts and maxima; no MAC is
  // checked.
  virtual Result<std::int64_t> aggregate(const TableSpec& table, std::string_view expression,
                                         std::string_view where, std::span<const Value> parameters) = 0;
  // The secret in a kSecret column of a row that came from this store. kCorrupt when it does not open.
  virtual Result<crypto::SecretBytes> unseal(const TableSpec& table, const Row& row, std::size_t column) = 0;

  Result<std::optional<Row>> get(const TableSpec& table, std::initializer_list<Value> key) {
    return get(table, std::span<const Value>(key.begin(), key.size()));
  }
  Result<std::vector<Row>> query(const TableSpec& table, std::string_view where,
                                 std::initializer_list<Value> parameters) {
    return query(table, where, std::span<const Value>(parameters.begin(), parameters.size()));
  }
  Result<std::vector<Row>> query_sound(const TableSpec& table, std::string_view where,
                                       std::initializer_list<Value> parameters,
                                       std::vector<DamagedRow>& damaged) {
    return query_sound(table, where, std::span<const Value>(parameters.begin(), parameters.size()), damaged);
  }
  Result<std::vector<Row>> hints(const TableSpec& table, std::initializer_list<std::size_t> columns,
                                 std::string_view where, std::initializer_list<Value> parameters) {
    return hints(table, std::span<const std::size_t>(columns.begin(), columns.size()), where,
                 std::span<const Value>(parameters.begin(), parameters.size()));
  }
  Result<std::int64_t> aggregate(const TableSpec& table, std::string_view expression, std::string_view where,
                                 std::initializer_list<Value> parameters) {
    return aggregate(table, expression, where, std::span<const Value>(parameters.begin(), parameters.size()));
  }
};

// A read that may also write. Sees its own changes.
class Transaction : public Reader {
 public:
  // Inserts or replaces by key. A kSecret value must be a box from seal() for the same table and key.
  // kAlreadyExists when a unique index refuses it (naming the columns in `field`).
  virtual Status put(const TableSpec& table, const Row& row) = 0;
  // Turns the row into a tombstone; kNotFound when there is none.
  virtual Status erase(const TableSpec& table, std::span<const Value> key) = 0;
  Status erase(const TableSpec& table, std::initializer_list<Value> key) {
    return erase(table, std::span<const Value>(key.begin(), key.size()));
  }
  virtual Bytes seal(const TableSpec& table, std::span<const Value> key, std::string_view column,
                     const crypto::SecretBytes& secret) = 0;
  // One audit record (a JSON object in one line) that becomes durable with this commit.
  virtual void record(std::string json) = 0;
  // The sequence number that this commit will have.
  virtual std::uint64_t sequence() const = 0;
};

// What one commit did, as the peer must see it: rows after the commit, with secrets in the clear form that
// only export_changes()/apply_changes() touch. Encoded and sealed by the replicator.
struct RowChange {
  std::string table;
  Row row;  // all columns; kSecret columns hold the raw secret re-sealed (see ChangeSealer), kLocal omitted
  std::int64_t version = 0;
  Uuid origin;  // the server that made this version
  bool erased = false;
  std::uint64_t commit = 0;  // the sender's commit that wrote it
};

// What is asked of export_changes().
struct ExportRequest {
  std::uint64_t after = 0;  // changes of later commits
  std::size_t limit = 1000;
  // Rows of every origin, also those that another server made; else only those of this server.
  bool every_origin = false;
  // Called in the same snapshot. May be empty.
  std::function<Status(Reader&)> look{};
};
struct ExportedChanges {
  std::vector<RowChange> rows;
  std::uint64_t through = 0;  // the commit up to which the answer is complete
};

// Where the rows given to apply_changes() come from.
struct ChangeSource {
  Uuid sender;
  // When the sender took its snapshot it had applied this server's commits up to here: a row of this server
  // that is younger was not known to it.
  std::uint64_t sender_knows = 0;
  // The sender's commits up to here were applied before: what they wrote was known here since.
  std::uint64_t known_here = 0;
  // Rows of every origin were asked for; else a row is the sender's own or refused.
  bool everything = false;
  WallTime now{};  // for what holds until a day
  // Of rows of these tables that meet, what the sender says is taken, whatever the versions are; what a
  // MergeRule joins stays joined. The row here never goes back to a lower version.
  std::span<const std::string_view> theirs_stand{};
};

// Two rows that met, of which a person should know. The texts are JSON objects without secrets.
struct RowConflict {
  struct Version {
    std::int64_t version = 0;
    Uuid origin;
    std::string content;
  };
  std::string table;
  std::string key;  // printable
  Version high;     // the higher (version, origin)
  Version low;
  bool kept_high = false;  // else the merged row is neither
};

struct ApplyReport {
  struct Changed {
    std::string table;
    Row key;
    std::optional<Row> before;  // the live row that was here
    std::optional<Row> after;   // the live row that is here now; nothing when it was erased
  };
  // A row that changed nothing here, because its table does not allow what it says.
  struct Refused {
    std::size_t place = 0;  // among the rows given
    std::string table;
    std::string key;  // printable
    std::string why;
    bool another =
        false;  // it changes what is written once (PeerRights::fixed): it is not the row of its key here
  };
  std::vector<RowConflict> conflicts;
  std::vector<Changed> changed;
  std::vector<Refused> refused;
};

// Re-seals secrets for the way to the peer. Thread-safe.
class ChangeSealer {
 public:
  virtual ~ChangeSealer() = default;
  virtual Bytes seal(ByteView associated, const crypto::SecretBytes& secret) = 0;
  virtual Result<crypto::SecretBytes> open(ByteView associated, ByteView box) = 0;
};

// Stands between "durable here" and "acknowledged": the replicator holds a commit until the peer has it too.
class CommitGate {
 public:
  virtual ~CommitGate() = default;
  // Called on the writer thread after commit `sequence` is durable here, in order, and again for the newest
  // commit when more answers wait for it; must not block. `pass` may be called from any thread, once, in any
  // order.
  virtual void committed(std::uint64_t sequence, std::function<void()> pass) = 0;
};

struct KeystoreOptions {
  std::string path;                      // the SQLite file
  Uuid server;                           // this server's id: origin of its row versions
  std::vector<const TableSpec*> tables;  // every table of every component; made or migrated at open
  std::size_t group_limit = 256;         // transactions in one commit
  std::size_t queue_limit = 4096;        // submit() beyond it completes at once with kUnavailable
  // Rows up to this number are all verified at open; beyond it the background sweep does it.
  std::size_t verify_at_open_limit = 200'000;
};

struct CommitInfo {
  std::uint64_t sequence = 0;
};

// The longest time for which a commit waits for announced ones. Beside what an answer takes under load it is
// short; without load nothing is announced.
inline constexpr std::chrono::microseconds kGatherTime{4000};

// One fault that verify() found.
struct Fault {
  std::string table;
  std::string key;   // printable
  std::string what;  // "changed", "missing", "rolled back", "added", or a sentence about a damaged page
};

class KeySealing;

class Keystore {
 public:
  using Work = std::function<Status(Transaction&)>;
  using Completion = std::function<void(Result<CommitInfo>)>;
  using Announcement = std::shared_ptr<const void>;

  // Makes the database when it is missing AND the log is empty. `master`: every version of the master key
  // that there is. kCorrupt: damage, named. kWrongKey: another master key, or not the version that the
  // keystore is under. kConflict: another process has it open.
  static Result<std::unique_ptr<Keystore>> open(Env env, KeystoreOptions options, const MasterKeys& master,
                                                CommitLog& log);
  // With a 32-byte key that is version 1.
  static Result<std::unique_ptr<Keystore>> open(Env env, KeystoreOptions options,
                                                const crypto::SecretBytes& master, CommitLog& log) {
    return open(env, std::move(options), first_version(master), log);
  }
  virtual ~Keystore() = default;

  // Runs `work` once, on the writer thread, in the current group. An error from `work` undoes
  // just its own changes and records, and is what its completion gets. Where the group itself fails, every
  // work of it is undone and every completion gets that error. Completions run on the env's executor.
  // A group that only records takes no commit: its records go to the log alone (CommitLog::note), also when
  // the disk has no room for the database any more. While an earlier commit waits at the gate, a success
  // waits with it even if its work changed nothing: what it read may be what waits. Thread-safe.
  virtual void submit(Work work, Completion completion) = 0;
  // As submit(), but the completion runs on the thread that finds the commit durable, or that hears that the
  // gate lets it pass: it must not block. For an answer that is ready and only has to leave.
  virtual void submit_direct(Work work, Completion completion) = 0;
  // As submit(), but the completion runs as soon as the commit is durable here, whatever the gate says, on
  // the thread that finds it so: it must not block. For what answers the peer itself.
  virtual void submit_ungated(Work work, Completion completion) = 0;
  // Says that a submit() is being prepared, until what it returns is gone. The writer then holds its next
  // commit back for those that are announced, at most kGatherTime, so that under load more share one sync;
  // nobody waits when nothing is announced. Thread-safe.
  virtual Announcement announce() = 0;
  // submit() and wait; the executor is not used. Not from the executor's threads, nor from within a work.
  virtual Result<CommitInfo> write(Work work) = 0;
  // Runs `work` on the calling thread in a read snapshot. Thread-safe; several run side by side.
  virtual Status read(const std::function<Status(Reader&)>& work) = 0;

  virtual CommitMark head() const = 0;
  // The mark of commit `sequence` as the commit log holds it; nothing when the log has none. Reads the log:
  // not for a hot path.
  virtual Result<std::optional<CommitMark>> mark_of(std::uint64_t sequence) = 0;
  // An error when it takes no more writes until it is opened anew: the outcome of a commit is not known.
  // Thread-safe.
  virtual Status health() const = 0;
  // nullptr: none. Set before serving.
  virtual void set_gate(CommitGate* gate) = 0;

  // Rows that commits after request.after left changed and that have this server as origin (or any origin),
  // oldest first; whole commits only.
  virtual Result<ExportedChanges> export_changes(const ExportRequest& request, ChangeSealer& sealer) = 0;
  // Within a write. A row that is new here is stored as it is, with its version and origin. Two rows that
  // meet become one by their table's rule (schema.h); when that is neither of them, or the one with the lower
  // version, it is stored as a new version of this server, so that it travels back. Both servers come to the
  // same row, whatever the order. A row that goes beyond its table's PeerRights changes nothing and is
  // reported. kInvalidArgument for rows that fit no table here.
  virtual Result<ApplyReport> apply_changes(Transaction& transaction, std::span<const RowChange> changes,
                                            const ChangeSource& source, ChangeSealer& sealer) = 0;

  // Gives every row that a commit after `after` wrote (0: every row), tombstones and local columns too, to
  // the sink, out of one read snapshot: the writer goes on meanwhile. Secrets are re-sealed by `sealer`. Runs
  // on the calling thread with a bounded need of memory; ends early with an error of the sink. Thread-safe.
  virtual Status snapshot(std::uint64_t after, ChangeSealer& sealer, SnapshotSink& sink) = 0;
  // Whether a snapshot after that commit would hold a row of a table whose BackupRole is kContent.
  virtual Result<bool> content_changed(std::uint64_t after) = 0;

  // What rows of a replicated table say, for a comparison with another server's, in one snapshot.
  // Thread-safe; errors as of print_rows().
  virtual Result<RowPrints> prints(const PrintRequest& request) = 0;
  // The names of the tables that are copied to another server, in the order in which the keystore has them.
  virtual std::vector<std::string> replicated_tables() const = 0;

  // Every row's MAC, the sums, the head against the log, and SQLite's own integrity check. Empty when all is
  // well.
  virtual Result<std::vector<Fault>> verify() = 0;
  // Recomputes the head of every commit from the commit log's records: a record that was changed, added or
  // taken away is found even when the log's own hash chain was made anew. Reads the whole log: for a
  // background sweep. kUnsupported when the log cannot be read back.
  virtual Result<std::vector<Fault>> verify_log() = 0;
  // A secret that was taken out of its row is overwritten in the file at once; its sealed box may stand in
  // the write-ahead log until nobody reads there. Waits until it is gone from that too; kTimeout. Not from
  // within a read or a work.
  virtual Status wait_scrubbed(std::chrono::milliseconds limit) = 0;
  // The steps of a rotation of the master key: for KeyRotation.
  virtual KeySealing& key_sealing() = 0;
  // A consistent copy into a new file (VACUUM INTO). kAlreadyExists.
  virtual Status copy_to(const std::string& path) = 0;
};

}  // namespace tapewarden::store
