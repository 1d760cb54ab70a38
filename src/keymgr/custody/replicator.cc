#include "keymgr/custody/replicator.h"

#include <algorithm>

#include "crypto/random.h"

namespace tapewarden::keymgr {

namespace {

constexpr std::chrono::milliseconds kRetryLimit{5000};
constexpr std::chrono::milliseconds kRememberInterval{1000};

// What this server knows of the peer across restarts. Its own notes: never copied.
const store::TableSpec kProgress{
    .name = "replication_progress",
    .columns = {{"peer", store::ColumnType::kBlob, store::ColumnRole::kKey},
                {"acknowledged", store::ColumnType::kInteger},
                {"applied", store::ColumnType::kInteger},
                {"peer_sequence", store::ColumnType::kInteger},
                {"peer_head", store::ColumnType::kBlob}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = false,
};
enum ProgressColumn : std::size_t { kPeer, kAcknowledged, kApplied, kPeerSequence, kPeerHead };

struct Progress {
  std::uint64_t acknowledged = 0;
  std::uint64_t applied = 0;
  store::CommitMark peer_head;
};

Result<Progress> load_progress(store::Reader& reader, const Uuid& peer) {
  const auto row = TRY(reader.get(kProgress, {to_bytes(peer.view())}));
  Progress progress;
  if (!row) return progress;
  progress.acknowledged = static_cast<std::uint64_t>(store::integer(*row, kAcknowledged));
  progress.applied = static_cast<std::uint64_t>(store::integer(*row, kApplied));
  progress.peer_head.sequence = static_cast<std::uint64_t>(store::integer(*row, kPeerSequence));
  const Bytes& head = store::blob(*row, kPeerHead);
  if (head.size() == progress.peer_head.head.size()) copy_bytes(progress.peer_head.head, head);
  return progress;
}

Status save_progress(store::Transaction& transaction, const Uuid& peer, const Progress& progress) {
  return transaction.put(
      kProgress, {to_bytes(peer.view()), static_cast<std::int64_t>(progress.acknowledged),
                  static_cast<std::int64_t>(progress.applied),
                  static_cast<std::int64_t>(progress.peer_head.sequence), to_bytes(progress.peer_head.head)});
}

// A completion that answers once, whoever comes first.
class OnceReply {
 public:
  explicit OnceReply(std::function<void(Result<Bytes>)> reply) : reply_(std::move(reply)) {}
  void operator()(Result<Bytes> answer) {
    if (!done_.exchange(true)) reply_(std::move(answer));
  }

 private:
  std::atomic<bool> done_ = false;
  std::function<void(Result<Bytes>)> reply_;
};

}  // namespace

struct Replicator::Incoming {
  explicit Incoming(const Uuid& id, const crypto::SecretBytes& key) : session(id, key) {}
  ReplicationSession session;  // used on the keystore's writer thread only, besides its immutable MAC key
};

Replicator::Replicator(Env env, store::Keystore& keystore, ReplicatorOptions options, PeerLink& link)
    : env_(env), keystore_(keystore), options_(std::move(options)), link_(link) {
  state_.name = options_.peer_name;
}

Replicator::~Replicator() {
  stop();
}

std::vector<const store::TableSpec*> Replicator::tables() {
  return {&kProgress};
}

Status Replicator::start() {
  Progress progress;
  TRY(keystore_.read([&](store::Reader& reader) -> Status {
    progress = TRY(load_progress(reader, options_.peer));
    return {};
  }));
  {
    const MutexLock lock(mutex_);
    acknowledged_ = remembered_ = progress.acknowledged;
    newest_commit_ = durable_ = keystore_.head().sequence;
    state_.applied = progress.applied;
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
    newest_commit_ = durable_ = std::max(durable_, sequence);
    const auto end = applying_.upper_bound(sequence);
    for (auto at = applying_.begin(); at != end; ++at) now.push_back(std::move(at->second));
    applying_.erase(applying_.begin(), end);
    if (in_step_) {
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
  return state_.rolled_back ? 0 : acknowledged_;
}

PeerState Replicator::state() const {
  const MutexLock lock(mutex_);
  PeerState out = state_;
  out.in_step = in_step_;
  out.acknowledged = acknowledged_;
  out.lag_commits = newest_commit_ > acknowledged_ ? newest_commit_ - acknowledged_ : 0;
  return out;
}

void Replicator::run() {
  auto pause = options_.retry;
  while (true) {
    const Status round = send_round();
    if (round) {
      pause = options_.retry;
      remember_progress();
    } else {
      failed(round.error());
      outgoing_.reset();
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
  if (!outgoing_) TRY(open_session());
  std::uint64_t after = 0;
  {
    const MutexLock lock(mutex_);
    if (stopping_) return {};
    after = acknowledged_;
  }
  ReplicationChanges changes;
  changes.sender = options_.self;
  changes.session = outgoing_->id();
  changes.after = peer_applied_;
  changes.rows = TRY(keystore_.export_changes(after, kRowsInOneMessage, *outgoing_, changes.through));
  const std::uint64_t through = changes.through;
  if (changes.rows.empty()) {
    // Nothing for the peer (R5). The message that is sent now and then shows that it is still there.
    if (!contact_is_due()) {
      acknowledged(changes.through, false);
      return {};
    }
    changes.through = peer_applied_;
  }
  changes.sender_head = keystore_.head();
  const Bytes answer = TRY(link_.post("changes", changes.encode(outgoing_->mac_key())));
  const auto welcome = TRY(ReplicationWelcome::decode(answer));
  if (welcome.receiver != options_.peer || welcome.applied < changes.through) {
    return fail(ErrorCode::kConflict, "the peer did not take the changes as one unit");
  }
  peer_applied_ = changes.through;
  acknowledged(through, true);
  return {};
}

Status Replicator::open_session() {
  const auto key = crypto::random_secret(*env_.random, crypto::kAesKeyBytes);
  ReplicationHello hello;
  hello.sender = options_.self;
  hello.receiver = options_.peer;
  hello.session = Uuid::random(*env_.random);
  hello.wrapped_key = TRY(options_.peer_exchange_key.wrap(key, replication_oaep_label(hello.session)));
  hello.sender_head = keystore_.head();
  hello.signature = options_.signing_key.sign(hello.signed_part());
  const Bytes answer = TRY(link_.post("hello", hello.encode()));
  const auto welcome = TRY(ReplicationWelcome::decode(answer));
  if (welcome.receiver != options_.peer) {
    return fail(ErrorCode::kUnauthenticated, "another server than the configured peer answered", "peer.id",
                "compare peer.id in both configurations");
  }
  const store::CommitMark head = keystore_.head();
  const bool behind =
      welcome.last_seen_head.sequence > hello.sender_head.sequence || welcome.applied > head.sequence;
  const bool forked = welcome.last_seen_head.sequence == hello.sender_head.sequence &&
                      welcome.last_seen_head.sequence != 0 &&
                      welcome.last_seen_head.head != hello.sender_head.head;
  const MutexLock lock(mutex_);
  if (behind || forked) {
    state_.rolled_back = true;
    return fail(ErrorCode::kCorrupt,
                "the peer has seen commit " + std::to_string(welcome.last_seen_head.sequence) +
                    " of this server, which this keystore does not hold: an old copy was put back",
                {}, "stop this server and restore it from the peer or from a backup");
  }
  acknowledged_ = peer_applied_ = welcome.applied;
  outgoing_ = std::make_unique<ReplicationSession>(hello.session, key);
  return {};
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
    acknowledged_ = std::max(acknowledged_, through);
    if (by_peer) {
      last_contact_ = env_.clock->steady_now();
      state_.last_success = env_.clock->wall_now();
      state_.last_error.clear();
      if (acknowledged_ >= newest_commit_) in_step_ = true;
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
    if (acknowledged_ <= remembered_ + 1) return;
    const auto since = env_.clock->steady_now() - last_remembered_;
    if (since < kRememberInterval) return;
    last_remembered_ = env_.clock->steady_now();
    now = remembered_ = acknowledged_;
  }
  keystore_.submit(
      [this, now](store::Transaction& transaction) -> Status {
        Progress progress = TRY(load_progress(transaction, options_.peer));
        progress.acknowledged = std::max(progress.acknowledged, now);
        return save_progress(transaction, options_.peer, progress);
      },
      [](Result<store::CommitInfo>) {});
}

Result<Bytes> Replicator::handle_hello(ByteView body) {
  const auto hello = TRY(ReplicationHello::decode(body));
  if (hello.sender != options_.peer || hello.receiver != options_.self) {
    return fail(ErrorCode::kPermissionDenied, "the hello is not from the configured peer to this server",
                "sender", "compare server.id and peer.id in both configurations");
  }
  if (!options_.peer_signing_key.verify(hello.signed_part(), hello.signature)) {
    return fail(ErrorCode::kUnauthenticated, "the peer's signature does not fit", "signature");
  }
  const auto key =
      TRY(options_.exchange_key.unwrap(hello.wrapped_key, replication_oaep_label(hello.session)));
  if (key.size() != crypto::kAesKeyBytes) {
    return fail(ErrorCode::kUnauthenticated, "the session key has the wrong size", "wrapped key");
  }
  ReplicationWelcome welcome;
  welcome.receiver = options_.self;
  TRY(keystore_.read([&](store::Reader& reader) -> Status {
    const Progress progress = TRY(load_progress(reader, options_.peer));
    welcome.applied = progress.applied;
    welcome.last_seen_head = progress.peer_head;
    return {};
  }));
  const MutexLock lock(mutex_);
  incoming_ = std::make_shared<Incoming>(hello.session, key);
  return welcome.encode();
}

void Replicator::handle_changes(Bytes body, std::function<void(Result<Bytes>)> completion) {
  std::shared_ptr<Incoming> session;
  {
    const MutexLock lock(mutex_);
    session = incoming_;
  }
  const auto reply = std::make_shared<OnceReply>(std::move(completion));
  if (!session)
    return (*reply)(fail(ErrorCode::kConflict, "no session is open", "session", "send hello first"));
  auto decoded = ReplicationChanges::decode(body, session->session.mac_key());
  if (!decoded) return (*reply)(std::unexpected(decoded.error()));
  if (decoded->session != session->session.id() || decoded->sender != options_.peer) {
    return (*reply)(
        fail(ErrorCode::kConflict, "another session has been opened", "session", "send hello first"));
  }
  const auto changes = std::make_shared<ReplicationChanges>(std::move(*decoded));
  if (changes->rows.empty() && changes->through == changes->after) {  // a keep-alive: nothing to make durable
    return (*reply)(ReplicationWelcome{options_.self, changes->through, {}}.encode());
  }
  const auto applied = std::make_shared<std::atomic<std::uint64_t>>(0);
  const auto answer = [this, reply, applied] {
    {
      const MutexLock lock(mutex_);
      state_.applied = std::max<std::uint64_t>(state_.applied, *applied);
    }
    (*reply)(ReplicationWelcome{options_.self, *applied, {}}.encode());
    if (options_.on_applied) options_.on_applied();
  };
  keystore_.submit(
      [this, changes, session, applied, answer](store::Transaction& transaction) -> Status {
        *applied = TRY(apply(transaction, *changes, *session));
        const MutexLock lock(mutex_);
        applying_.emplace(transaction.sequence(), answer);
        return {};
      },
      [reply, answer](Result<store::CommitInfo> done) {
        if (!done) return (*reply)(std::unexpected(done.error()));
        // As a rule committed() has answered already, before this server's own gate (R3). It has not when
        // everything was here before, so that there was nothing to commit.
        answer();
      });
}

// Writer thread. Gives the sender's commit up to which this server is then complete.
Result<std::uint64_t> Replicator::apply(store::Transaction& transaction, const ReplicationChanges& changes,
                                        Incoming& session) {
  Progress progress = TRY(load_progress(transaction, options_.peer));
  if (changes.after > progress.applied) {
    return fail(ErrorCode::kConflict, "changes between are missing", "after", "open a new session");
  }
  const auto conflicts = TRY(keystore_.apply_changes(transaction, changes.rows, session.session));
  for (const auto& conflict : conflicts) {
    transaction.record(
        R"({"type":"data_synchronization","outcome":"failure","action":"row-conflict","table":")" +
        conflict.table + R"(","origin":")" + conflict.origin.text() + R"(","version":)" +
        std::to_string(conflict.version) + "}");
  }
  if (!conflicts.empty()) {
    const MutexLock lock(mutex_);
    state_.conflicts += conflicts.size();
  }
  if (options_.after_rows) TRY(options_.after_rows(transaction, changes.rows));
  progress.applied = std::max(progress.applied, changes.through);
  if (changes.sender_head.sequence > progress.peer_head.sequence) progress.peer_head = changes.sender_head;
  TRY(save_progress(transaction, options_.peer, progress));
  return progress.applied;
}

}  // namespace tapewarden::keymgr
