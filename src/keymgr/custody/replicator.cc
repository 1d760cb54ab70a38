#include "keymgr/custody/replicator.h"

#include <algorithm>

#include "audit/record.h"

namespace tapewarden::keymgr {

namespace {

constexpr std::chrono::milliseconds kRetryLimit{5000};
constexpr std::chrono::milliseconds kRememberInterval{1000};

}  // namespace

Replicator::Replicator(Env env, store::Keystore& keystore, ReplicatorOptions options, PeerLink& link)
    : env_(env),
      keystore_(keystore),
      options_(std::move(options)),
      link_(link),
      sender_(env, keystore, options_.parties),
      receiver_(keystore, options_.parties) {
  state_.name = options_.peer_name;
}

Replicator::~Replicator() {
  stop();
}

std::vector<const store::TableSpec*> Replicator::tables() {
  return progress_tables();
}

Status Replicator::start() {
  PeerProgress progress;
  TRY(keystore_.read([&](store::Reader& reader) -> Status {
    progress = TRY(read_progress(reader, options_.parties));
    return {};
  }));
  {
    const MutexLock lock(mutex_);
    acknowledged_ = remembered_ = progress.acknowledged;
    newest_commit_ = keystore_.head().sequence;
    state_.applied = progress.applied;
    again_ = progress.again;
    copy_complete_ = progress.complete;
    resend_through_ = progress.resend_through;
  }
  keystore_.set_gate(this);
  thread_ = std::thread([this] { run(); });
  return {};
}

void Replicator::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  failed({ErrorCode::kUnavailable, "replication is stopped", {}, {}, 0});
}

void Replicator::committed(std::uint64_t sequence, std::function<void()> pass) {
  std::vector<std::function<void()>> now;
  {
    const MutexLock lock(mutex_);
    newest_commit_ = std::max(newest_commit_, sequence);
    if (in_step_ && sequence > acknowledged_) {
      waiting_.emplace(sequence, std::move(pass));
    } else {
      now.push_back(std::move(pass));
    }
  }
  wake_.notify_all();
  for (const auto& call : now) call();
}

bool Replicator::connected() const {
  const MutexLock lock(mutex_);
  return in_step_;
}

std::uint64_t Replicator::acknowledged_commit() const {
  const MutexLock lock(mutex_);
  return state_.rolled_back || copying_ || older_copy_ ? 0 : acknowledged_;
}

bool Replicator::rolled_back() const {
  const MutexLock lock(mutex_);
  return state_.rolled_back;
}

PeerState Replicator::state() const {
  const MutexLock lock(mutex_);
  PeerState out = state_;
  out.in_step = in_step_;
  out.acknowledged = acknowledged_;
  out.copying_again = again_;
  out.older_copy = older_copy_;
  out.resending = resend_through_;
  out.lag_commits = newest_commit_ > acknowledged_ ? newest_commit_ - acknowledged_ : 0;
  return out;
}

void Replicator::run() {
  auto pause = options_.retry;
  while (true) {
    {
      const MutexLock lock(mutex_);
      ++rounds_;
    }
    const Status round = send_round();
    {
      const MutexLock lock(mutex_);
      ++rounds_;
    }
    wake_.notify_all();
    if (round) {
      pause = options_.retry;
      remember_progress();
      end_resend();
    } else {
      failed(round.error());
      sender_.close();
    }
    const MutexLock lock(mutex_);
    if (stopping_) return;
    if (!round) {
      wake_.wait_for(mutex_, pause);
      pause = std::min(pause * 2, kRetryLimit);
    } else if (newest_commit_ <= acknowledged_) {
      wake_.wait_for(mutex_, options_.keepalive);
    }
    if (stopping_) return;
  }
}

// Sends what the peer lacks, one message at a time, until it has everything; an empty message is the
// keep-alive.
Status Replicator::send_round() {
  {
    const MutexLock lock(mutex_);
    if (again_ == CopyAgain::kRewrite) {
      return fail(ErrorCode::kUnavailable, "this server is being rewritten with what the peer has");
    }
    if (std::exchange(reopen_, false)) sender_.close();
  }
  if (!sender_.in_session()) TRY(open_session());
  {
    const MutexLock lock(mutex_);
    if (stopping_) return {};
  }
  const auto message = TRY(sender_.next());
  if (message.empty && !contact_is_due()) {  // nothing for the peer (R5)
    sender_.skipped(message);
    acknowledged(sender_.position(), false);
    return {};
  }
  const Bytes answer = TRY(link_.post("changes", message.body));
  TRY(sender_.answered(message, answer));
  if (const auto refused = sender_.take_refused(); !refused.empty()) return note_refused(refused);
  if (const auto held = sender_.take_held(); !held.empty()) TRY(options_.parties.held(held));
  {
    const MutexLock lock(mutex_);
    copying_ = sender_.copying();
  }
  acknowledged(sender_.position(), true);
  return {};
}

// Out of step meanwhile: no answer waits for a commit that the peer does not take (R2, R6).
Status Replicator::note_refused(const std::vector<RefusedRow>& refused) {
  const std::string what = "the peer refused " + std::to_string(refused.size()) +
                           " of our rows; the first of the table " + refused.front().table + ": " +
                           refused.front().why;
  {
    const MutexLock lock(mutex_);
    state_.refused += refused.size();
    state_.last_refusal = what;
  }
  failed({ErrorCode::kConflict, what, {}, "compare both servers' audit records", 0});
  if (!options_.parties.refused) return {};
  TRY(keystore_.write(
      [&](store::Transaction& transaction) { return options_.parties.refused(transaction, refused); }));
  return {};
}

Status Replicator::open_session() {
  const Bytes answer = TRY(link_.post("hello", TRY(sender_.hello())));
  const Status welcomed = sender_.welcomed(answer);
  if (sender_.peer_standing() != Standing::kContinues) note_older_copy(welcomed.error());
  const MutexLock lock(mutex_);
  if (sender_.rolled_back()) state_.rolled_back = true;
  TRY(Status(welcomed));
  older_copy_ = false;
  // While everything is sent once more the peer holds what it held.
  acknowledged_ = std::max(sender_.position(), sender_.held_through());
  copying_ = sender_.copying();
  return {};
}

// R8. What it acknowledged is taken back durably too: this server may be started again while it is away.
void Replicator::note_older_copy(const Error& why) {
  {
    const MutexLock lock(mutex_);
    if (older_copy_) return;
    older_copy_ = true;
    acknowledged_ = remembered_ = 0;
    reopen_ = true;  // a session with the copy before is none
  }
  failed(why);
  keystore_.submit(
      [this](store::Transaction& transaction) -> Status {
        PeerProgress progress = TRY(read_progress(transaction, options_.parties));
        if (progress.acknowledged == 0) return {};
        progress.acknowledged = 0;
        return save_progress(transaction, options_.parties.peer, progress);
      },
      [](Result<store::CommitInfo>) {});
}

// Also after a session was opened: the peer has not answered a message yet.
bool Replicator::contact_is_due() const {
  const MutexLock lock(mutex_);
  return !in_step_ || env_.clock->steady_now() - last_contact_ >= options_.keepalive;
}

void Replicator::acknowledged(std::uint64_t through, bool by_peer) {
  std::vector<std::function<void()>> now;
  {
    const MutexLock lock(mutex_);
    if (older_copy_) return;  // it was the copy before that answered
    acknowledged_ = std::max(acknowledged_, through);
    if (by_peer) {
      last_contact_ = env_.clock->steady_now();
      state_.last_success = env_.clock->wall_now();
      state_.last_error.clear();
      // Not by what it held already: commits must not wait for rows that are sent once more.
      if (through >= newest_commit_) in_step_ = true;
    }
    const auto end = waiting_.upper_bound(acknowledged_);
    for (auto at = waiting_.begin(); at != end; ++at) now.push_back(std::move(at->second));
    waiting_.erase(waiting_.begin(), end);
  }
  for (const auto& call : now) call();
}

void Replicator::failed(const Error& error) {
  std::multimap<std::uint64_t, std::function<void()>> now;
  {
    const MutexLock lock(mutex_);
    in_step_ = false;
    state_.last_error = error.text();
    now.swap(waiting_);
  }
  for (const auto& [sequence, call] : now) call();
}

// Keeps the acknowledged commit across restarts, so that a server that starts while its peer is down knows
// which keys the peer holds. At most once a second; an older value only makes the server more careful.
void Replicator::remember_progress() {
  std::uint64_t now = 0;
  {
    const MutexLock lock(mutex_);
    // The note itself is a commit, so noting each one would never end: only what goes beyond it counts.
    if (copying_ || older_copy_ || acknowledged_ <= remembered_ + 1) return;
    const auto since = env_.clock->steady_now() - last_remembered_;
    if (since < kRememberInterval) return;
    last_remembered_ = env_.clock->steady_now();
    now = remembered_ = acknowledged_;
  }
  keystore_.submit(
      [this, now](store::Transaction& transaction) -> Status {
        PeerProgress progress = TRY(read_progress(transaction, options_.parties));
        progress.acknowledged = std::max(progress.acknowledged, now);
        return save_progress(transaction, options_.parties.peer, progress);
      },
      [](Result<store::CommitInfo>) {});
}

Result<Bytes> Replicator::handle_hello(ByteView body) {
  std::optional<Incarnation> refused;
  auto greeting = receiver_.hello(body, refused);
  // What cannot be read, or is a stranger's, tells nothing of the peer.
  if (!greeting && !refused) return std::unexpected(greeting.error());
  const bool continues = greeting && greeting->session;
  {
    const MutexLock lock(mutex_);
    refused_ = refused;
    state_.wants_acceptance = refused.has_value();
    if (continues) {
      incoming_ = std::move(greeting->session);
      older_copy_ = false;
    }
  }
  if (!continues) note_older_copy(refused ? greeting.error() : older_copy(Standing::kRolledBack));
  if (!greeting) return std::unexpected(greeting.error());
  wake_.notify_all();  // it is there: this side need not wait longer to call it
  return std::move(greeting->answer);
}

Result<Incarnation> Replicator::accept_restored(const Actor& actor) {
  std::optional<Incarnation> offered;
  {
    const MutexLock lock(mutex_);
    offered = refused_;
  }
  if (!offered) {
    return fail(ErrorCode::kConflict,
                "the peer " + options_.peer_name + " shows no older copy that waits to be accepted", "name",
                "look at the status of the servers");
  }
  TRY(keystore_.write([&](store::Transaction& transaction) -> Status {
    TRY(keymgr::accept_restored(transaction, options_.parties, actor, *offered));
    if (options_.on_accepted) TRY(options_.on_accepted(transaction));
    audit::Record record(audit::EventType::kDataSynchronization, audit::Outcome::kSuccess,
                         "server.accept-restored");
    record.actor(actor.name).set("peer", options_.parties.peer.text());
    record.set("name", options_.peer_name).set("epoch", offered->epoch);
    transaction.record(record.json());
    return {};
  }));
  const MutexLock lock(mutex_);
  refused_.reset();
  incoming_.reset();
  state_.wants_acceptance = false;
  older_copy_ = false;
  acknowledged_ = remembered_ = 0;
  again_ = CopyAgain::kNo;
  copy_complete_ = false;
  resend_through_ = 0;
  return *offered;
}

Status Replicator::sync(const Actor& actor, CopyAgain how,
                        const std::function<Status(store::Transaction&)>& consent) {
  PeerProgress progress;
  TRY(keystore_.write([&](store::Transaction& transaction) -> Status {
    progress = TRY(read_progress(transaction, options_.parties));
    if (!progress.complete || progress.again != CopyAgain::kNo || progress.resend_through > 0) {
      return fail(ErrorCode::kConflict, "a full copy is under way already", "mode",
                  "wait until the status says that it is complete");
    }
    if (consent) TRY(consent(transaction));
    copy_again(progress, how, transaction.sequence());
    TRY(save_progress(transaction, options_.parties.peer, progress));
    audit::Record record(audit::EventType::kDataSynchronization, audit::Outcome::kSuccess, "server.sync");
    record.actor(actor.name).set("peer", options_.parties.peer.text()).set("name", options_.peer_name);
    record.set("mode", how == CopyAgain::kRewrite ? "rewrite" : "merge");
    transaction.record(record.json());
    return {};
  }));
  {
    const MutexLock lock(mutex_);
    again_ = how;
    copy_complete_ = false;
    resend_through_ = progress.resend_through;
    reopen_ = true;
    incoming_.reset();  // the peer opens a new session, and hears that everything is wanted
  }
  failed({ErrorCode::kUnavailable, "everything is copied once more", {}, {}, 0});
  wake_.notify_all();
  // A round that began before it knew may still send what this server had until now.
  const MutexLock lock(mutex_);
  const auto round = rounds_;
  while (round % 2 == 1 && rounds_ == round) wake_.wait(mutex_);
  return {};
}

bool Replicator::rewrite_waits() const {
  const MutexLock lock(mutex_);
  return again_ == CopyAgain::kRewrite && copy_complete_;
}

Status Replicator::finish_rewrite(const std::function<Status(store::Transaction&)>& work) {
  (void)TRY(meeting());
  TRY(keystore_.write([&](store::Transaction& transaction) -> Status {
    PeerProgress progress = TRY(read_progress(transaction, options_.parties));
    if (progress.again != CopyAgain::kRewrite || !progress.complete) {
      return fail(ErrorCode::kConflict, "the rewrite was given up meanwhile", "mode");
    }
    TRY(work(transaction));
    progress.again = CopyAgain::kNo;
    progress.rewrite_before = 0;
    return save_progress(transaction, options_.parties.peer, progress);
  }));
  {
    const MutexLock lock(mutex_);
    again_ = CopyAgain::kNo;
  }
  wake_.notify_all();
  return {};
}

Replicator::Marks Replicator::marks() const {
  const MutexLock lock(mutex_);
  const bool whole = !state_.rolled_back && !older_copy_ && !copying_ && copy_complete_;
  return {in_step_, whole ? acknowledged_ : 0};
}

namespace {

std::unexpected<Error> rolled_back_here() {
  return fail(ErrorCode::kCorrupt, "this server holds an older copy of its keystore than it had", {},
              "stop this server and restore it from the peer or from a backup");
}

}  // namespace

Result<Replicator::Meeting> Replicator::meeting() const {
  {
    const MutexLock lock(mutex_);
    if (state_.rolled_back) return rolled_back_here();
    if (older_copy_) {
      return std::unexpected(
          older_copy(state_.wants_acceptance ? Standing::kRestored : Standing::kRolledBack));
    }
  }
  Meeting out;
  TRY(keystore_.read([&](store::Reader& reader) -> Status {
    out.seen = TRY(read_progress(reader, options_.parties));
    if (options_.parties.incarnation) out.incarnation = TRY(options_.parties.incarnation(reader));
    return {};
  }));
  return out;
}

Status Replicator::check_answering(const Meeting& before, const Incarnation& peer,
                                   const store::CommitMark& head) {
  const Standing standing = standing_of(before.seen, peer, head);
  if (standing == Standing::kContinues) return {};
  const Error why = older_copy(standing);
  note_older_copy(why);
  return std::unexpected(why);
}

// Its head is not looked at: what it sends may have overtaken the question. A question tells it nothing that
// an older copy must not know.
Status Replicator::check_asking(const CompareQuestion& question) {
  const Meeting here = TRY(meeting());
  const std::uint32_t known = here.seen.peer.installation;
  if (known != 0 && question.incarnation.installation != known) {
    const Error why = older_copy(Standing::kRestored);
    note_older_copy(why);
    return std::unexpected(why);
  }
  if (question.seen_installation != here.incarnation.installation) {
    return fail(ErrorCode::kConflict,
                "this server was restored from an older copy, and the one that asks has not accepted it",
                "peer", "make sure that it is the one that was restored, then accept it there");
  }
  {
    const MutexLock lock(mutex_);
    if (seen_checked_) return {};
  }
  const bool held = TRY(holds_commit(keystore_, question.seen));
  const MutexLock lock(mutex_);
  // From here on it sees what this process shows.
  seen_checked_ = held;
  if (held) return {};
  state_.rolled_back = true;
  return rolled_back_here();
}

// What was to be sent once more is at the peer.
void Replicator::end_resend() {
  {
    const MutexLock lock(mutex_);
    // A session that began before the request has sent nothing for it.
    if (resend_through_ == 0 || reopen_ || !sender_.in_session()) return;
    if (sender_.position() < resend_through_) return;
    resend_through_ = 0;
  }
  keystore_.submit(
      [this](store::Transaction& transaction) -> Status {
        PeerProgress progress = TRY(read_progress(transaction, options_.parties));
        progress.resend_through = 0;
        return save_progress(transaction, options_.parties.peer, progress);
      },
      [](Result<store::CommitInfo>) {});
}

void Replicator::handle_changes(Bytes body, std::function<void(Result<Bytes>)> completion) {
  std::shared_ptr<ChangeReceiver::Session> session;
  {
    const MutexLock lock(mutex_);
    session = incoming_;
  }
  const auto reply = std::make_shared<std::function<void(Result<Bytes>)>>(std::move(completion));
  if (!session)
    return (*reply)(fail(ErrorCode::kConflict, "no session is open", "session", "send hello first"));
  auto decoded = receiver_.open(body, *session);
  if (!decoded) return (*reply)(std::unexpected(decoded.error()));
  const auto changes = std::make_shared<ReplicationChanges>(std::move(*decoded));
  const auto welcome = [self = options_.parties.self](const ChangeReceiver::Applied& applied) {
    ReplicationWelcome out;
    out.receiver = self;
    out.applied = applied.through;
    out.refused = applied.refused;
    return out.encode();
  };
  if (changes->rows.empty() && !changes->complete) {  // a keep-alive: nothing to make durable
    return (*reply)(welcome({changes->through}));
  }
  // Written anew when the work is run again, and told only once its own commit is durable; this server's own
  // gate has no say in it (R3).
  const auto applied = std::make_shared<ChangeReceiver::Applied>();
  keystore_.submit_ungated(
      [this, changes, session, applied](store::Transaction& transaction) -> Status {
        *applied = TRY(receiver_.apply(transaction, *changes, *session));
        return {};
      },
      [this, reply, applied, welcome](const Result<store::CommitInfo>& done) {
        if (!done) return (*reply)(std::unexpected(done.error()));
        {
          const MutexLock lock(mutex_);
          state_.applied = std::max<std::uint64_t>(state_.applied, applied->through);
          state_.conflicts += applied->conflicts;
          if (applied->copy_complete) {
            copy_complete_ = true;
            if (again_ == CopyAgain::kMerge) again_ = CopyAgain::kNo;
          }
        }
        (*reply)(welcome(*applied));
        if (options_.on_applied) options_.on_applied();
      });
}

}  // namespace tapewarden::keymgr
