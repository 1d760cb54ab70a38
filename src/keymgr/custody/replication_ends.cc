#include "keymgr/custody/replication_ends.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "crypto/random.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr {

namespace {

constexpr std::size_t kRefusalsExplained = 64;  // in one answer
constexpr std::string_view kAcceptRemedy =
    "make sure that it is the one that was restored, then say `tapewarden server accept-restored NAME`";

Result<Incarnation> incarnation_of(store::Reader& reader, const PairParties& parties) {
  if (!parties.incarnation) return Incarnation{};
  return parties.incarnation(reader);
}

std::size_t size_of(const store::RowChange& change) {
  std::size_t size = 128;  // heads and lengths
  for (const auto& value : change.row) {
    if (const auto* text = std::get_if<std::string>(&value)) size += text->size();
    if (const auto* bytes = std::get_if<Bytes>(&value)) size += bytes->size();
  }
  return size;
}

// One past the last row that goes into the message that begins with row `from`: at least one.
std::size_t end_of_message(const std::vector<store::RowChange>& rows, std::size_t from) {
  std::size_t end = from;
  std::size_t bytes = 0;
  while (end < rows.size() && end - from < kRowsOfALargeCommit) {
    bytes += size_of(rows[end]);
    if (end > from && bytes > kRowBytesInOneMessage) break;
    ++end;
  }
  return end;
}

std::string text_of(const std::vector<store::ApplyReport::Refused>& refused) {
  std::string out;
  for (const auto& one : refused) out += one.table + " " + one.key + " " + one.why + "\n";
  return out;
}

}  // namespace

Error older_copy(Standing standing) {
  if (standing == Standing::kRestored) {
    return {ErrorCode::kConflict,
            "the peer began a new epoch from an older copy of its keystore, which nobody here accepted",
            "peer", std::string(kAcceptRemedy), 0};
  }
  return {ErrorCode::kConflict, "the peer holds an older copy of its keystore than it had", "peer",
          "restore the peer from a backup: that begins a new epoch", 0};
}

Result<PeerProgress> read_progress(store::Reader& reader, const PairParties& parties) {
  PeerProgress progress = TRY(load_progress(reader, parties.peer));
  const Incarnation own = TRY(incarnation_of(reader, parties));
  if (progress.own_installation != own.installation) start_over(progress, own.installation);
  return progress;
}

Status accept_restored(store::Transaction& transaction, const PairParties& parties, const Actor& actor,
                       const Incarnation& offered) {
  PeerProgress progress = TRY(read_progress(transaction, parties));
  if (parties.raise_peer && offered.epoch <= progress.peer.epoch) {
    TRY(parties.raise_peer(transaction, actor, progress.peer.epoch));
  }
  accept_restored(progress, offered);
  return save_progress(transaction, parties.peer, progress);
}

Result<Bytes> ChangeSender::hello() {
  const auto key = crypto::random_secret(*env_.random, crypto::kAesKeyBytes);
  ReplicationHello hello;
  hello.sender = parties_.self;
  hello.receiver = parties_.peer;
  hello.session = Uuid::random(*env_.random);
  hello.wrapped_key = TRY(parties_.peer_exchange_key.wrap(key, replication_oaep_label(hello.session)));
  hello.sender_head = keystore_.head();
  TRY(keystore_.read([&](store::Reader& reader) -> Status {
    hello.sender_incarnation = TRY(incarnation_of(reader, parties_));
    return {};
  }));
  hello.signature = parties_.signing_key.sign(hello.signed_part());
  close();
  opening_ = std::make_unique<ReplicationSession>(hello.session, key);
  return hello.encode();
}

Result<bool> holds_commit(store::Keystore& keystore, const store::CommitMark& seen) {
  if (seen.sequence == 0) return true;
  const auto mark = keystore.mark_of(seen.sequence);
  // A log that cannot be read back tells nothing.
  if (!mark && mark.error().code == ErrorCode::kUnsupported) return seen.sequence <= keystore.head().sequence;
  const auto& found = TRY(Result<std::optional<store::CommitMark>>(mark));
  return found && found->head == seen.head;
}

Status ChangeSender::welcomed(ByteView answer) {
  TW_ASSERT(opening_ != nullptr);
  peer_standing_ = Standing::kContinues;
  const auto welcome = TRY(ReplicationWelcome::decode(answer));
  if (welcome.receiver != parties_.peer) {
    return fail(ErrorCode::kUnauthenticated, "another server than the configured peer answered", "peer.id",
                "compare peer.id in both configurations");
  }
  PeerProgress progress;
  TRY(keystore_.read([&](store::Reader& reader) -> Status {
    progress = TRY(read_progress(reader, parties_));
    return {};
  }));
  const store::CommitMark head = keystore_.head();
  if (std::max(welcome.applied, welcome.held) > head.sequence ||
      !TRY(holds_commit(keystore_, welcome.last_seen_head))) {
    rolled_back_ = true;
    return fail(ErrorCode::kCorrupt,
                "the peer has seen commit " + std::to_string(welcome.last_seen_head.sequence) +
                    " of this server, which this keystore does not hold: an old copy was put back",
                {}, "stop this server and restore it from the peer or from a backup");
  }
  peer_standing_ = standing_of(progress, welcome.receiver_incarnation, welcome.receiver_head);
  if (peer_standing_ != Standing::kContinues) return std::unexpected(older_copy(peer_standing_));
  position_ = peer_applied_ = welcome.applied;
  held_through_ = welcome.held;
  if (progress.resend_through > 0 && !welcome.wants_everything) position_ = peer_applied_ = 0;
  everything_until_ = welcome.wants_everything ? std::max<std::uint64_t>(head.sequence, 1) : 0;
  session_ = std::move(opening_);
  return {};
}

Result<ChangeSender::Batch> ChangeSender::take_batch() {
  Batch batch;
  ReplicationChanges& changes = batch.changes;
  changes.sender = parties_.self;
  changes.session = session_->id();
  changes.every_origin = everything_until_ > 0;
  // Not younger than the snapshot that follows, so that the incarnation told is never older than the head.
  changes.sender_head = keystore_.head();
  store::ExportRequest request;
  request.after = position_;
  request.limit = kRowsInOneMessage;
  request.every_origin = changes.every_origin;
  request.look = [&](store::Reader& reader) -> Status {
    changes.sender_knows = TRY(read_progress(reader, parties_)).applied;
    changes.sender_incarnation = TRY(incarnation_of(reader, parties_));
    return {};
  };
  auto exported = TRY(keystore_.export_changes(request, *session_));
  changes.rows = std::move(exported.rows);
  changes.through = exported.through;
  changes.complete = changes.every_origin && changes.through >= everything_until_;
  return batch;
}

Result<ChangeSender::Message> ChangeSender::next() {
  TW_ASSERT(session_ != nullptr);
  if (!batch_) batch_ = TRY(take_batch());
  ReplicationChanges& all = batch_->changes;
  const std::size_t end = end_of_message(all.rows, batch_->sent);
  Message message;
  message.through = all.through;
  message.rows = end - batch_->sent;
  message.last = end == all.rows.size();
  message.empty = all.rows.empty() && !all.complete;
  auto rows = std::exchange(all.rows, {});
  ReplicationChanges changes = all;
  all.rows = std::move(rows);
  changes.rows.assign(all.rows.begin() + static_cast<std::ptrdiff_t>(batch_->sent),
                      all.rows.begin() + static_cast<std::ptrdiff_t>(end));
  changes.after = peer_applied_;
  if (!message.last || message.empty) changes.through = peer_applied_;
  if (!message.last) changes.complete = false;
  changes.noted = batch_->noted;
  if (message.empty) {
    changes.every_origin = false;
    batch_.reset();
  }
  message.body = changes.encode(session_->mac_key());
  return message;
}

Status ChangeSender::answered(const Message& message, ByteView answer) {
  const auto welcome = TRY(ReplicationWelcome::decode(answer));
  if (!welcome.refused.empty() && batch_ && !batch_->noted) {
    for (const auto& one : welcome.refused) {
      if (one.row >= message.rows)
        return fail(ErrorCode::kCorrupt, "the peer refused a row that was not sent");
      const auto& change = batch_->changes.rows[batch_->sent + one.row];
      refused_.push_back({change.table, change.row, one.why});
    }
    batch_->noted = true;
    return {};
  }
  const std::uint64_t told = message.empty || !message.last ? peer_applied_ : message.through;
  if (welcome.receiver != parties_.peer || welcome.applied < told) {
    return fail(ErrorCode::kConflict, "the peer did not take the changes as one unit");
  }
  peer_applied_ = told;
  if (batch_) note_held(message, welcome.refused);
  if (!message.last) {
    batch_->sent += message.rows;
    batch_->noted = false;
    return {};
  }
  batch_.reset();
  position_ = std::max(position_, message.through);
  if (position_ >= everything_until_) everything_until_ = 0;
  return {};
}

void ChangeSender::note_held(const Message& message, const std::vector<RefusedPlace>& refused) {
  if (!parties_.held) return;
  std::vector<bool> taken(message.rows, true);
  for (const auto& one : refused) {
    if (one.row < taken.size()) taken[one.row] = false;
  }
  for (std::size_t i = 0; i < message.rows; ++i) {
    const auto& change = batch_->changes.rows[batch_->sent + i];
    const bool key = change.table == kDataKeyTable.name || change.table == kKekTable.name;
    if (!key || !taken[i] || change.erased) continue;
    held_.push_back({change.table, store::blob(change.row, 0)});
  }
}

Result<ChangeReceiver::Greeting> ChangeReceiver::hello(ByteView body,
                                                       std::optional<Incarnation>& refused) const {
  refused.reset();
  const auto hello = TRY(ReplicationHello::decode(body));
  if (hello.sender != parties_.peer || hello.receiver != parties_.self) {
    return fail(ErrorCode::kPermissionDenied, "the hello is not from the configured peer to this server",
                "sender", "compare server.id and peer.id in both configurations");
  }
  if (!parties_.peer_signing_key.verify(hello.signed_part(), hello.signature)) {
    return fail(ErrorCode::kUnauthenticated, "the peer's signature does not fit", "signature");
  }
  const auto key =
      TRY(parties_.exchange_key.unwrap(hello.wrapped_key, replication_oaep_label(hello.session)));
  if (key.size() != crypto::kAesKeyBytes) {
    return fail(ErrorCode::kUnauthenticated, "the session key has the wrong size", "wrapped key");
  }
  PeerProgress progress;
  ReplicationWelcome welcome;
  welcome.receiver = parties_.self;
  welcome.receiver_head = keystore_.head();
  TRY(keystore_.read([&](store::Reader& reader) -> Status {
    progress = TRY(read_progress(reader, parties_));
    welcome.receiver_incarnation = TRY(incarnation_of(reader, parties_));
    return {};
  }));
  welcome.applied = progress.wanted_after();
  welcome.held = progress.held();
  welcome.wants_everything = !progress.complete;
  welcome.last_seen_head = progress.peer_head;
  Greeting greeting;
  switch (standing_of(progress, hello.sender_incarnation, hello.sender_head)) {
    case Standing::kContinues:
      greeting.session = std::make_shared<Session>(hello.session, key);
      break;
    case Standing::kRestored:
      refused = hello.sender_incarnation;
      return std::unexpected(older_copy(Standing::kRestored));
    case Standing::kRolledBack:
      break;
  }
  greeting.answer = welcome.encode();
  return greeting;
}

Result<ReplicationChanges> ChangeReceiver::open(ByteView body, const Session& session) const {
  auto changes = TRY(ReplicationChanges::decode(body, session.session.mac_key()));
  if (changes.session == session.session.id() && changes.sender == parties_.peer) return changes;
  return fail(ErrorCode::kConflict, "another session has been opened", "session", "send hello first");
}

Result<ChangeReceiver::Applied> ChangeReceiver::apply(store::Transaction& transaction,
                                                      const ReplicationChanges& changes,
                                                      Session& session) const {
  PeerProgress progress = TRY(read_progress(transaction, parties_));
  if (changes.after > progress.wanted_after() || changes.every_origin == progress.complete ||
      standing_of(progress, changes.sender_incarnation, changes.sender_head) == Standing::kRestored) {
    return fail(ErrorCode::kConflict, "changes between are missing", "after", "open a new session");
  }
  const WallTime now = parties_.now ? parties_.now() : WallTime{};
  store::ChangeSource source{
      parties_.peer, changes.sender_knows, progress.applied, changes.every_origin, now, {}};
  if (changes.every_origin && progress.again == CopyAgain::kRewrite) source.theirs_stand = parties_.rewritten;
  auto report = TRY(keystore_.apply_changes(transaction, changes.rows, source, session.session));
  Applied done{changes.through, report.conflicts.size()};
  for (const auto& one : report.refused) {
    done.refused.push_back(
        {static_cast<std::uint32_t>(one.place), done.refused.size() < kRefusalsExplained ? one.why : ""});
  }
  // The sender says that it noted what it was told: what was recorded then is not recorded twice.
  const std::string told = text_of(report.refused);
  if (changes.noted && told == session.told) report.refused.clear();
  session.told = told;
  if (parties_.take_in) TRY(parties_.take_in(transaction, report));
  if (!done.refused.empty() && !changes.noted) {
    // Nothing counts as held until the sender has noted what does not.
    done.through = progress.wanted_after();
  } else {
    progress.applied = std::max(progress.applied, changes.through);
    if (changes.every_origin) {
      progress.copied = std::max(progress.copied, changes.through);
      progress.complete = changes.complete;
      done.copy_complete = changes.complete;
      // A rewrite ends with what rewrite.h does then.
      if (changes.complete && progress.again == CopyAgain::kMerge) progress.again = CopyAgain::kNo;
    }
  }
  if (changes.sender_head.sequence >= progress.peer_head.sequence) {
    progress.peer_head = changes.sender_head;
    progress.peer = changes.sender_incarnation;
  }
  TRY(save_progress(transaction, parties_.peer, progress));
  return done;
}

}  // namespace tapewarden::keymgr
