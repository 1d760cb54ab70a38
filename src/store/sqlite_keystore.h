// Keystore over one SQLite file: see keystore.h for the invariants. Thread-safe as stated there.
#pragma once

#include <memory>

#include "store/keystore.h"
#include "store/layout.h"
#include "store/own_tables.h"
#include "store/reader_pool.h"
#include "store/row_sealer.h"
#include "store/verifier.h"
#include "store/write_queue.h"

namespace tapewarden::store {

class SqliteKeystore final : public Keystore {
 public:
  SqliteKeystore(Env env, KeystoreOptions options, const MasterKeys& master, CommitLog& log);
  ~SqliteKeystore() override;

  // The steps of Keystore::open(), in order.
  Status open();

  void submit(Work work, Completion completion) override;
  void submit_direct(Work work, Completion completion) override;
  void submit_ungated(Work work, Completion completion) override;
  Announcement announce() override;
  Result<CommitInfo> write(Work work) override;
  Status read(const std::function<Status(Reader&)>& work) override;
  CommitMark head() const override { return queue_->head(); }
  Status health() const override { return queue_->health(); }
  Result<std::optional<CommitMark>> mark_of(std::uint64_t sequence) override;
  void set_gate(CommitGate* gate) override { queue_->set_gate(gate); }
  Result<ExportedChanges> export_changes(const ExportRequest& request, ChangeSealer& sealer) override;
  Result<ApplyReport> apply_changes(Transaction& transaction, std::span<const RowChange> changes,
                                    const ChangeSource& source, ChangeSealer& sealer) override;
  Status snapshot(std::uint64_t after, ChangeSealer& sealer, SnapshotSink& sink) override;
  Result<bool> content_changed(std::uint64_t after) override;
  Result<RowPrints> prints(const PrintRequest& request) override;
  std::vector<std::string> replicated_tables() const override;
  Result<std::vector<Fault>> verify() override;
  Result<std::vector<Fault>> verify_log() override;
  KeySealing& key_sealing() override { return sealer_; }
  Status wait_scrubbed(std::chrono::milliseconds limit) override { return queue_->wait_scrubbed(limit); }
  Status copy_to(const std::string& path) override;

 private:
  Status open_file();
  Status explain_read_only(Status status);
  Status make_file();
  Result<State> load_state();
  Status bring_up_to_date(State& state);
  Status check_rows(const State& state);
  // Before a snapshot is taken: R1 of key_ring.h.
  RowAccess access(sqlite::Connection& connection) {
    return {connection, layouts_, KeyView(ring_), memory_.get()};
  }
  // Runs work(rows, lease) on a snapshot.
  template <typename Work>
  Status read_rows(const Work& work, ReaderPool::Snapshot snapshot = ReaderPool::Snapshot::kNew) {
    const KeyView keys(ring_);
    return readers_.run(snapshot, [&](const ReaderPool::Lease& lease) -> Status {
      RowAccess rows(*lease.connection, layouts_, keys, memory_.get());
      return work(rows, lease);
    });
  }

  Env env_;
  const KeystoreOptions options_;
  KeyRing ring_;
  const Layouts layouts_;
  CommitLog& log_;
  std::unique_ptr<File> lock_;
  std::unique_ptr<sqlite::Connection> writer_;
  std::unique_ptr<RowMemory> memory_;  // once the newest commit is known
  ReaderPool readers_;
  RowSealer sealer_{readers_, layouts_, ring_};
  KeyVersion version_ = kFirstKeyVersion;  // under which the file was written when it was opened
  std::shared_ptr<WriteQueue> queue_;      // shared with announcements
};

}  // namespace tapewarden::store
