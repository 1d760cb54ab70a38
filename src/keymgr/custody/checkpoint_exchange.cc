#include "keymgr/custody/checkpoint_exchange.h"

#include <algorithm>
#include <memory>

#include "audit/record.h"

namespace tapewarden::keymgr {

namespace {

constexpr std::int64_t kMillisOfDay = 86'400'000;

const store::TableSpec kHeld{
    .name = "peer_checkpoint",
    .columns = {{"peer", store::ColumnType::kBlob, store::ColumnRole::kKey},
                {"day", store::ColumnType::kInteger, store::ColumnRole::kKey},
                {"server", store::ColumnType::kText},
                {"at", store::ColumnType::kText},
                {"line", store::ColumnType::kInteger},
                {"chain", store::ColumnType::kBlob},
                {"sequence", store::ColumnType::kInteger},
                {"head", store::ColumnType::kBlob},
                {"signature", store::ColumnType::kBlob},
                {"past", store::ColumnType::kInteger}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = false,
    .backup = store::BackupRole::kNote,
};
enum Column : std::size_t { kPeer, kDay, kServer, kAt, kLine, kChain, kSequence, kHead, kSignature, kPast };

Result<Hash256> hash_of(const store::Row& row, std::size_t column) {
  Hash256 out;
  const Bytes& raw = store::blob(row, column);
  if (raw.size() != out.size()) return fail(ErrorCode::kCorrupt, "a held checkpoint is damaged");
  copy_bytes(out, raw);
  return out;
}

Result<audit::CheckpointNote> note_of(const store::Row& row) {
  audit::CheckpointNote note;
  note.server = store::text(row, kServer);
  note.at = store::text(row, kAt);
  note.point.line = static_cast<std::uint64_t>(store::integer(row, kLine));
  note.point.chain = TRY(hash_of(row, kChain));
  note.mark.sequence = static_cast<std::uint64_t>(store::integer(row, kSequence));
  note.mark.head = TRY(hash_of(row, kHead));
  note.signature = store::blob(row, kSignature);
  return note;
}

store::Row row_of(const Uuid& peer, std::int64_t day, const audit::CheckpointNote& note) {
  return {to_bytes(peer.view()),
          day,
          note.server,
          note.at,
          static_cast<std::int64_t>(note.point.line),
          to_bytes(note.point.chain),
          static_cast<std::int64_t>(note.mark.sequence),
          to_bytes(note.mark.head),
          note.signature,
          std::int64_t{0}};
}

Result<std::vector<audit::CheckpointNote>> notes_of(store::Reader& reader, const Uuid& peer,
                                                    std::string_view order, std::size_t limit) {
  std::vector<audit::CheckpointNote> notes;
  for (const auto& row : TRY(reader.query(kHeld, "peer = ? " + std::string(order) + " LIMIT ?",
                                          {to_bytes(peer.view()), static_cast<std::int64_t>(limit)}))) {
    notes.push_back(TRY(note_of(row)));
  }
  return notes;
}
// Newest first.
constexpr std::string_view kAll = "ORDER BY day DESC";
constexpr std::string_view kOfThisLine = "AND COALESCE(past, 0) = 0 ORDER BY line DESC";

}  // namespace

// What became of a checkpoint that was received.
struct CheckpointExchange::Verdict {
  std::string contradiction;  // empty: it is held now
};

CheckpointExchange::CheckpointExchange(Env env, store::Keystore& keystore, std::string peer_name,
                                       const Uuid& peer, crypto::PublicKey peer_signing_key, PeerLink& link)
    : env_(env),
      keystore_(keystore),
      peer_name_(std::move(peer_name)),
      peer_(peer),
      peer_signing_key_(std::move(peer_signing_key)),
      link_(link) {}

std::vector<const store::TableSpec*> CheckpointExchange::tables() {
  return {&kHeld};
}

Status CheckpointExchange::send(const audit::CheckpointNote& note) {
  (void)TRY(link_.post("checkpoint", as_bytes(audit::note_text(note))));
  return {};
}

Result<std::vector<audit::CheckpointNote>> CheckpointExchange::held_by_peer() {
  const Bytes answer = TRY(link_.post("checkpoints", {}));
  if (answer.empty()) return std::vector<audit::CheckpointNote>{};
  return audit::parse_notes(as_text(answer));
}

Result<std::vector<audit::CheckpointNote>> CheckpointExchange::held() const {
  std::vector<audit::CheckpointNote> notes;
  TRY(keystore_.read([&](store::Reader& reader) -> Status {
    notes = TRY(notes_of(reader, peer_, kAll, kHeldCheckpointsGiven));
    return {};
  }));
  std::ranges::reverse(notes);
  return notes;
}

std::string CheckpointExchange::alarm() const {
  const MutexLock lock(mutex_);
  return alarm_;
}

Result<Bytes> CheckpointExchange::give() const {
  std::string text;
  for (const auto& note : TRY(held())) text += audit::note_text(note) + "\n";
  return to_bytes(text);
}

// Writer thread.
Status CheckpointExchange::judge(store::Transaction& transaction, const audit::CheckpointNote& note,
                                 Verdict& verdict) const {
  const auto held = TRY(notes_of(transaction, peer_, kOfThisLine, 1));
  if (!held.empty()) {
    const auto& last = held.front();
    if (last.point.line == note.point.line && last.point.chain == note.point.chain) return {};
    if (note.point.line <= last.point.line) {
      verdict.contradiction = "the checkpoint of line " + std::to_string(note.point.line) +
                              " contradicts that of line " + std::to_string(last.point.line) + " noted at " +
                              last.at;
      transaction.record(
          audit::Record(audit::EventType::kAuditManagement, audit::Outcome::kFailure, "audit.peer-checkpoint")
              .actor(peer_name_)
              .set("reason", verdict.contradiction)
              .json());
      return {};
    }
  }
  // A clock that was put back must not write over an earlier day.
  const std::int64_t latest =
      TRY(transaction.aggregate(kHeld, "MAX(day)", "peer = ?", {to_bytes(peer_.view())}));
  std::int64_t day = std::max(latest, to_millis(env_.clock->wall_now()) / kMillisOfDay);
  // Nor must a new line write over what is held of the old one.
  const auto there = TRY(transaction.get(kHeld, {to_bytes(peer_.view()), day}));
  if (there && store::integer(*there, kPast) != 0) ++day;
  return transaction.put(kHeld, row_of(peer_, day, note));
}

Status CheckpointExchange::begin_new_line(store::Transaction& transaction) {
  for (auto& row :
       TRY(transaction.query(kHeld, "peer = ? AND COALESCE(past, 0) = 0", {to_bytes(peer_.view())}))) {
    row[kPast] = std::int64_t{1};
    TRY(transaction.put(kHeld, row));
  }
  const MutexLock lock(mutex_);
  alarm_.clear();
  return {};
}

void CheckpointExchange::take(ByteView body, std::function<void(Result<Bytes>)> completion) {
  auto note = audit::parse_note(as_text(body));
  if (!note) return completion(std::unexpected(note.error()));
  if (!audit::is_signed_by(*note, peer_signing_key_)) {
    return completion(fail(ErrorCode::kUnauthenticated, "the checkpoint is not signed by the peer",
                           "signature", "compare peer.signing_certificate with the peer's tls/signing.crt"));
  }
  const auto verdict = std::make_shared<Verdict>();
  keystore_.submit(
      [this, verdict, note = std::move(*note)](store::Transaction& transaction) -> Status {
        *verdict = {};
        return judge(transaction, note, *verdict);
      },
      [this, verdict, completion = std::move(completion)](const Result<store::CommitInfo>& done) {
        if (!done) return completion(std::unexpected(done.error()));
        if (verdict->contradiction.empty()) return completion(Bytes{});
        {
          const MutexLock lock(mutex_);
          alarm_ = "the audit record of " + peer_name_ +
                   " was cut off or changed: " + verdict->contradiction +
                   "; check it there with `audit verify`";
        }
        completion(fail(ErrorCode::kConflict, verdict->contradiction, "line",
                        "this server's audit record was cut off, or an old copy was put back: verify it"));
      });
}

}  // namespace tapewarden::keymgr
