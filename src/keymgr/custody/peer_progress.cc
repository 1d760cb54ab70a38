#include "keymgr/custody/peer_progress.h"

#include "keymgr/row_codec.h"

namespace tapewarden::keymgr {

namespace {

const store::TableSpec kProgress{
    .name = "replication_progress",
    .columns = {{"peer", store::ColumnType::kBlob, store::ColumnRole::kKey},
                {"acknowledged", store::ColumnType::kInteger},
                {"applied", store::ColumnType::kInteger},
                {"peer_sequence", store::ColumnType::kInteger},
                {"peer_head", store::ColumnType::kBlob},
                {"peer_epoch", store::ColumnType::kInteger},
                {"peer_installation", store::ColumnType::kInteger},
                {"copied", store::ColumnType::kInteger},
                {"complete", store::ColumnType::kInteger},
                {"own_installation", store::ColumnType::kInteger},
                {"again", store::ColumnType::kInteger},
                {"resend_through", store::ColumnType::kInteger},
                {"rewrite_before", store::ColumnType::kInteger}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = false,
    .backup = store::BackupRole::kNote,
};

}  // namespace

std::vector<const store::TableSpec*> progress_tables() {
  return {&kProgress};
}

Result<PeerProgress> load_progress(store::Reader& reader, const Uuid& peer) {
  const auto row = TRY(reader.get(kProgress, {to_bytes(peer.view())}));
  PeerProgress progress;
  if (!row) return progress;
  RowReader in(kProgress, *row);
  (void)in.uuid();
  progress.acknowledged = static_cast<std::uint64_t>(in.integer());
  progress.applied = static_cast<std::uint64_t>(in.integer());
  progress.peer_head.sequence = static_cast<std::uint64_t>(in.integer());
  progress.peer_head.head = in.array<32>();
  progress.peer.epoch = in.integer();
  progress.peer.installation = static_cast<std::uint32_t>(in.integer());
  progress.copied = static_cast<std::uint64_t>(in.integer());
  progress.complete = in.flag();
  progress.own_installation = static_cast<std::uint32_t>(in.integer());
  progress.again = in.enumeration<CopyAgain>();
  progress.resend_through = static_cast<std::uint64_t>(in.integer());
  progress.rewrite_before = static_cast<std::uint64_t>(in.integer());
  return progress;
}

Status save_progress(store::Transaction& transaction, const Uuid& peer, const PeerProgress& progress) {
  return transaction.put(kProgress, RowWriter(kProgress)
                                        .uuid(peer)
                                        .integer(static_cast<std::int64_t>(progress.acknowledged))
                                        .integer(static_cast<std::int64_t>(progress.applied))
                                        .integer(static_cast<std::int64_t>(progress.peer_head.sequence))
                                        .blob(progress.peer_head.head)
                                        .integer(progress.peer.epoch)
                                        .integer(progress.peer.installation)
                                        .integer(static_cast<std::int64_t>(progress.copied))
                                        .flag(progress.complete)
                                        .integer(progress.own_installation)
                                        .number_of(progress.again)
                                        .integer(static_cast<std::int64_t>(progress.resend_through))
                                        .integer(static_cast<std::int64_t>(progress.rewrite_before))
                                        .take());
}

Standing standing_of(const PeerProgress& seen, const Incarnation& now, const store::CommitMark& head) {
  const bool first = seen.peer.installation == 0;
  if (!first && now.installation != seen.peer.installation) return Standing::kRestored;
  if (!first && now.epoch < seen.peer.epoch) return Standing::kRolledBack;
  if (head.sequence < seen.peer_head.sequence) return Standing::kRolledBack;
  const bool forked =
      head.sequence == seen.peer_head.sequence && head.sequence != 0 && head.head != seen.peer_head.head;
  return forked ? Standing::kRolledBack : Standing::kContinues;
}

void accept_restored(PeerProgress& progress, const Incarnation& now) {
  progress.peer = now;
  progress.peer_head = {};
  progress.applied = now.start > 0 ? now.start - 1 : 0;
  progress.acknowledged = 0;
  progress.copied = 0;
  progress.complete = false;
  progress.again = CopyAgain::kNo;
  progress.resend_through = 0;
}

void start_over(PeerProgress& progress, std::uint32_t own_installation) {
  progress.acknowledged = 0;
  progress.copied = 0;
  progress.complete = false;
  progress.own_installation = own_installation;
  progress.again = CopyAgain::kNo;
  progress.resend_through = 0;
}

void copy_again(PeerProgress& progress, CopyAgain how, std::uint64_t head) {
  progress.copied = 0;
  progress.complete = false;
  progress.again = how;
  progress.resend_through = how == CopyAgain::kMerge ? head : 0;
  progress.rewrite_before = how == CopyAgain::kRewrite ? head : 0;
}

}  // namespace tapewarden::keymgr
