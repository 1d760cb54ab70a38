#include "keymgr/rewrap.h"

#include <algorithm>

#include "base/text.h"
#include "base/thread_annotations.h"
#include "crypto/key_check.h"
#include "crypto/secret_bytes.h"
#include "eedk/eedk_set.h"
#include "keymgr/audit_note.h"
#include "keymgr/key_cache.h"
#include "keymgr/limits.h"
#include "keymgr/row_codec.h"
#include "keymgr/tables.h"
#include "keymgr/write_choice.h"

namespace tapewarden::keymgr {
namespace {

constexpr std::chrono::milliseconds kTryAgain{1000};

// One cartridge: its rows of one data key, newest first, out of which the key can come.
struct Cartridge {
  std::string volser;
  std::vector<LedgerEntry> rows;
};

struct Batch {
  std::vector<Cartridge> cartridges;
  std::int64_t missing = 0;  // volsers that the ledger does not know
  std::string next;
  bool last = false;
};

std::vector<LabelChoice> labels_of(const RewrapJob& job) {
  std::vector<LabelChoice> out{job.label_1};
  if (!job.label_2.label.empty()) out.push_back(job.label_2);
  return out;
}

Result<std::vector<LedgerEntry>> rows_with_key(store::Reader& reader, const LedgerEntry& newest) {
  std::vector<LedgerEntry> out;
  for (const auto& row : TRY(reader.query(
           kLedgerTable,
           "volume = ? AND +kcv = ? AND +method = 2 AND LENGTH(eedk_set) > 0 ORDER "
           "BY issued DESC, sequence DESC LIMIT ?",
           {to_bytes(newest.volume.view()), newest.kcv, static_cast<std::int64_t>(kMaximumPage)}))) {
    out.push_back(LedgerEntry::from_row(row));
  }
  return out;
}

// The row that gave the cartridge its present key: the newest write, one that a drive confirmed before
// others.
Result<std::optional<LedgerEntry>> present_key(store::Reader& reader, const std::string& volser) {
  const auto rows = TRY(reader.query(kLedgerTable,
                                     "volser = ? AND +method = 2 AND purpose = 1 ORDER BY state = 2 DESC, "
                                     "issued DESC, sequence DESC LIMIT 1",
                                     {to_upper(volser)}));
  if (rows.empty()) return std::optional<LedgerEntry>();
  return std::optional(LedgerEntry::from_row(rows.front()));
}

Result<Batch> next_of_kek(store::Reader& reader, const RewrapJob& job) {
  Hash256 from{};
  copy_bytes(from, job.from);
  const auto page = TRY(cartridges_of(reader, from, CartridgeFilter::kNeeding, {kRewrapBatch, job.place}));
  Batch out;
  for (const auto& item : page.items) {
    out.cartridges.push_back({item.newest.volser, TRY(rows_with_key(reader, item.newest))});
  }
  out.next = page.next;
  out.last = page.next.empty();
  return out;
}

Result<Batch> next_of_list(store::Reader& reader, const RewrapJob& job) {
  const auto volsers = split(job.volsers, '\n');
  const std::size_t begin =
      job.place.empty() ? 0
                        : static_cast<std::size_t>(TRY(parse_number(job.place, 0, volsers.size(), "place")));
  const std::size_t end = std::min(volsers.size(), begin + kRewrapBatch);
  Batch out;
  for (std::size_t i = begin; i < end; ++i) {
    const auto row = TRY(present_key(reader, volsers[i]));
    if (row) {
      out.cartridges.push_back({row->volser, TRY(rows_with_key(reader, *row))});
    } else {
      ++out.missing;
    }
  }
  out.next = std::to_string(end);
  out.last = end == volsers.size();
  return out;
}

// The private halves, held here and not hidden, that the rows name.
Result<std::vector<crypto::PrivateKey>> openers_of(store::Reader& reader, const KeyManager& manager,
                                                   KeyCache& cache, const Cartridge& cartridge) {
  std::vector<crypto::PrivateKey> out;
  std::vector<Bytes> seen;
  for (const auto& row : cartridge.rows) {
    for (const Bytes& id : {row.kek_1, row.kek_2}) {
      Hash256 hash{};
      if (id.size() != hash.size() || std::ranges::find(seen, id) != seen.end()) continue;
      seen.push_back(id);
      copy_bytes(hash, id);
      const auto kek = TRY(manager.keks().find(reader, hash));
      if (!kek || !kek->has_private || kek->quarantined != kNever || is_tombstone(kek->state)) continue;
      out.push_back(TRY(cache.private_half(manager.keks(), reader, *kek)));
    }
  }
  return out;
}

// The data key out of any of the sets; nothing when none opens.
std::optional<crypto::SecretBytes> open_any(const Cartridge& cartridge,
                                            const std::vector<crypto::PrivateKey>& openers) {
  for (const auto& row : cartridge.rows) {
    const auto set = eedk::decode_eedk_set(row.eedk_set);
    if (!set) continue;
    for (const auto& one : set->eedks) {
      for (const auto& opener : openers) {
        auto key = eedk::open_eedk(one, opener, set->volume);
        if (!key || key->size() != kDataKeyBytes) continue;
        if (crypto::equal_constant_time(crypto::key_check_value(*key, set->volume), set->key_check)) {
          return std::move(*key);
        }
      }
    }
  }
  return std::nullopt;
}

bool has_already(const Cartridge& cartridge, const std::vector<WrapTarget>& targets) {
  const Bytes first = to_bytes(ByteView(targets.front().kek.id));
  const Bytes second = targets.size() > 1 ? to_bytes(ByteView(targets.back().kek.id)) : Bytes();
  return std::ranges::any_of(cartridge.rows, [&](const LedgerEntry& row) {
    const bool made_here = row.purpose == Purpose::kWrite || row.purpose == Purpose::kRekey;
    return made_here && row.kek_1 == first && row.kek_2 == second;
  });
}

Result<LedgerEntry> wrap(const ServerContext& context, const Cartridge& cartridge,
                         const crypto::SecretBytes& key, const std::vector<WrapTarget>& targets) {
  const LedgerEntry& newest = cartridge.rows.front();
  eedk::EedkSet set;
  set.volume = newest.volume;
  set.key_check = crypto::key_check_value(key, newest.volume);
  for (const auto& target : targets) {
    eedk::KekLabel label = eedk::HashLabel{target.kek.id};
    if (target.choice.mode == LabelMode::kClear) label = eedk::ClearLabel{target.choice.label};
    set.eedks.push_back(TRY(eedk::wrap_eedk(key, target.key, std::move(label), set.volume)));
  }
  eedk::seal(set, context.server, context.signing_certificate, context.signing_key);
  LedgerEntry out;
  out.volser = newest.volser;
  out.volume = newest.volume;
  out.method = Method::kWrappedKey;
  out.purpose = Purpose::kRekey;
  out.request_id = to_bytes(Uuid::random(*context.env.random).view());
  out.label_1 = targets.front().choice;
  out.kek_1 = to_bytes(ByteView(targets.front().kek.id));
  if (targets.size() > 1) {
    out.label_2 = targets.back().choice;
    out.kek_2 = to_bytes(ByteView(targets.back().kek.id));
  }
  out.eedk_set = eedk::encode(set);
  out.kcv = newest.kcv;
  return out;
}

Result<std::vector<WrapTarget>> targets_of(store::Reader& reader, const KeyManager& manager, KeyCache& cache,
                                           const std::vector<LabelChoice>& labels) {
  std::vector<WrapTarget> out;
  for (const auto& choice : labels) out.push_back(TRY(resolve_label(reader, manager, cache, choice)));
  TRY(check_recoverable(reader, manager, out));
  return out;
}

Status check_volsers(const std::vector<std::string>& volsers) {
  if (volsers.size() > kMaximumRewrapVolsers) {
    return fail(ErrorCode::kInvalidArgument, "these are too many volsers", "volsers",
                "name at most " + std::to_string(kMaximumRewrapVolsers) + " at once");
  }
  for (const auto& volser : volsers) {
    if (!volser.empty() && volser.size() <= kMaximumVolserCharacters && is_printable(volser)) continue;
    return fail(ErrorCode::kInvalidArgument, "this is no volser", "volsers",
                "name each cartridge by its volser");
  }
  return {};
}

}  // namespace

std::string_view to_string(RewrapState state) {
  switch (state) {
    case RewrapState::kRunning:
      return "running";
    case RewrapState::kDone:
      return "done";
    case RewrapState::kFailed:
      return "failed";
    case RewrapState::kCancelled:
      return "cancelled";
  }
  return "unknown";
}

store::Row RewrapJob::to_row() const {
  RowWriter out(kRewrapTable);
  out.uuid(id).uuid(server).blob(from).text(volsers);
  out.text(label_1.label).number_of(label_1.mode).text(label_2.label).number_of(label_2.mode);
  out.number_of(state).integer(total).integer(wrapped).integer(skipped).integer(failed);
  return out.text(place).text(last_error).text(started_by).time(started).time(ended).take();
}

RewrapJob RewrapJob::from_row(const store::Row& row) {
  RowReader in(kRewrapTable, row);
  RewrapJob job;
  job.id = in.uuid();
  job.server = in.uuid();
  job.from = in.blob();
  job.volsers = in.text();
  job.label_1.label = in.text();
  job.label_1.mode = in.enumeration<LabelMode>();
  job.label_2.label = in.text();
  job.label_2.mode = in.enumeration<LabelMode>();
  job.state = in.enumeration<RewrapState>();
  job.total = in.integer();
  job.wrapped = in.integer();
  job.skipped = in.integer();
  job.failed = in.integer();
  job.place = in.text();
  job.last_error = in.text();
  job.started_by = in.text();
  job.started = in.time();
  job.ended = in.time();
  return job;
}

// One round works on one batch of one job, and begins the next when that batch is durable. At most one round
// runs; a poke during it makes one more follow.
struct Rewrapper::State : std::enable_shared_from_this<Rewrapper::State> {
  explicit State(KeyManager& m) : manager(m) {}

  void poke();
  void round();
  void finished(bool more);
  void try_later();
  // What one batch comes to: new rows, and the job after it.
  struct Work {
    RewrapJob before;
    RewrapJob after;
    std::vector<LedgerEntry> rows;
  };
  Result<std::optional<Work>> prepare();
  Status prepare_batch(store::Reader& reader, Work& work);
  Status commit(store::Transaction& transaction, const Work& work);

  KeyManager& manager;
  KeyCache cache;
  Mutex mutex;
  bool stopped TW_GUARDED_BY(mutex) = false;
  bool running TW_GUARDED_BY(mutex) = false;
  bool again TW_GUARDED_BY(mutex) = false;
  CondVar idle;
};

void Rewrapper::State::poke() {
  {
    const MutexLock lock(mutex);
    if (stopped) return;
    again = true;
    if (running) return;
    running = true;
    again = false;
  }
  manager.context().env.executor->post([self = shared_from_this()] { self->round(); });
}

Status Rewrapper::State::prepare_batch(store::Reader& reader, Work& work) {
  RewrapJob& job = work.after;
  const auto targets = targets_of(reader, manager, cache, labels_of(job));
  if (!targets) {  // nothing can be wrapped any more
    job.state = RewrapState::kFailed;
    job.last_error = targets.error().message;
    job.ended = manager.context().now();
    return {};
  }
  const Batch batch = TRY(job.from.empty() ? next_of_list(reader, job) : next_of_kek(reader, job));
  job.failed += batch.missing;
  if (batch.missing > 0) job.last_error = "a volser is not in the ledger with EEDKs";
  for (const auto& cartridge : batch.cartridges) {
    if (!cartridge.rows.empty() && has_already(cartridge, *targets)) {
      ++job.skipped;
      continue;
    }
    const auto openers = TRY(openers_of(reader, manager, cache, cartridge));
    const auto key = open_any(cartridge, openers);
    if (!key) {
      ++job.failed;
      job.last_error = "the data key of " + escape_unprintable(cartridge.volser) + " cannot be opened here";
      continue;
    }
    work.rows.push_back(TRY(wrap(manager.context(), cartridge, *key, *targets)));
    ++job.wrapped;
  }
  job.place = batch.next;
  if (batch.last) {
    job.state = RewrapState::kDone;
    job.ended = manager.context().now();
  }
  return {};
}

Result<std::optional<Rewrapper::State::Work>> Rewrapper::State::prepare() {
  std::optional<Work> work;
  TRY(manager.keystore().read([&](store::Reader& reader) -> Status {
    const auto rows = TRY(reader.query(kRewrapTable, "state = 1 AND server = ? ORDER BY started, id LIMIT 1",
                                       {to_bytes(manager.context().server.view())}));
    if (rows.empty()) return {};
    const auto job = RewrapJob::from_row(rows.front());
    work = Work{job, job, {}};
    return prepare_batch(reader, *work);
  }));
  return work;
}

Status Rewrapper::State::commit(store::Transaction& transaction, const Work& work) {
  const auto row = TRY(transaction.get(kRewrapTable, {to_bytes(work.before.id.view())}));
  // Cancelled meanwhile, or this batch was done already.
  if (!row) return {};
  const auto now = RewrapJob::from_row(*row);
  if (now.state != RewrapState::kRunning || now.place != work.before.place) return {};
  if (!work.rows.empty()) {
    const auto targets = TRY(targets_of(transaction, manager, cache, labels_of(now)));
    for (std::size_t i = 0; i < targets.size(); ++i) {
      const Bytes& made = i == 0 ? work.rows.front().kek_1 : work.rows.front().kek_2;
      if (equal(made, targets[i].kek.id)) continue;
      return fail(ErrorCode::kConflict, "a label came to mean another KEK", "labels");
    }
  }
  for (const auto& entry : work.rows) {
    const auto added = TRY(manager.ledger().add(transaction, entry));
    note(transaction, manager.context(),
         {.type = AuditType::kResourceManagement,
          .action = "cartridge.rewrap",
          .actor = {work.after.started_by, ActorKind::kSecurityOfficer},
          .fields = {{"job", work.after.id.text()},
                     {"volser", added.volser},
                     {"volume", added.volume.text()},
                     {"label_1", added.label_1.label},
                     {"label_2", added.label_2.label}}});
  }
  return transaction.put(kRewrapTable, work.after.to_row());
}

void Rewrapper::State::round() {
  {
    const MutexLock lock(mutex);
    if (stopped) {
      running = false;
      idle.notify_all();
      return;
    }
  }
  auto work = prepare();
  if (!work) return try_later();
  if (!work->has_value()) return finished(false);
  const auto shared = std::make_shared<Work>(std::move(**work));
  manager.keystore().submit(
      [self = shared_from_this(), shared](store::Transaction& transaction) {
        return self->commit(transaction, *shared);
      },
      [self = shared_from_this()](const Result<store::CommitInfo>& result) {
        result ? self->finished(true) : self->try_later();
      });
}

void Rewrapper::State::finished(bool more) {
  {
    const MutexLock lock(mutex);
    if (stopped || (!more && !again)) {
      running = false;
      idle.notify_all();
      return;
    }
    again = false;
  }
  manager.context().env.executor->post([self = shared_from_this()] { self->round(); });
}

// The keystore or the peer was in the way: later.
void Rewrapper::State::try_later() {
  finished(false);
  manager.context().env.executor->post_after(kTryAgain, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->poke();
  });
}

Rewrapper::Rewrapper(KeyManager& manager) : state_(std::make_shared<State>(manager)) {
  state_->poke();
}

Rewrapper::~Rewrapper() {
  const MutexLock lock(state_->mutex);
  state_->stopped = true;
}

void Rewrapper::stop() {
  const MutexLock lock(state_->mutex);
  state_->stopped = true;
  while (state_->running) state_->idle.wait(state_->mutex);
}

Result<RewrapJob> Rewrapper::start(const Actor& actor, const RewrapOrder& order) {
  KeyManager& manager = state_->manager;
  if (order.from.has_value() == !order.volsers.empty()) {
    return fail(ErrorCode::kInvalidArgument, "name either a KEK or volsers", "from",
                "a KEK stands for every cartridge that needs it");
  }
  if (order.labels.empty() || order.labels.size() > 2) {
    return fail(ErrorCode::kInvalidArgument, "name one or two labels", "label_1");
  }
  TRY(check_volsers(order.volsers));
  RewrapJob job;
  job.id = Uuid::random(*manager.context().env.random);
  job.server = manager.context().server;
  if (order.from) job.from = to_bytes(ByteView(*order.from));
  for (const auto& volser : order.volsers) job.volsers += (job.volsers.empty() ? "" : "\n") + volser;
  job.label_1 = order.labels.front();
  if (order.labels.size() > 1) job.label_2 = order.labels.back();
  job.started_by = actor.name;
  job.started = manager.context().now();
  (void)TRY(manager.keystore().write([&](store::Transaction& transaction) -> Status {
    const auto targets = TRY(targets_of(transaction, manager, state_->cache, order.labels));
    const bool to_itself = std::ranges::any_of(
        targets, [&](const WrapTarget& target) { return order.from && target.kek.id == *order.from; });
    if (to_itself) {
      return fail(ErrorCode::kInvalidArgument, "a label names the KEK that shall retire", "label_1",
                  "name labels of other KEKs");
    }
    job.total = order.from ? TRY(count_cartridges(transaction, *order.from, CartridgeFilter::kNeeding))
                           : static_cast<std::int64_t>(order.volsers.size());
    note(transaction, manager.context(),
         {.type = AuditType::kResourceManagement,
          .action = "rewrap.start",
          .actor = actor,
          .fields = {{"job", job.id.text()},
                     {"from", to_hex(job.from)},
                     {"label_1", job.label_1.label},
                     {"label_2", job.label_2.label},
                     {"cartridges", std::to_string(job.total)}}});
    return transaction.put(kRewrapTable, job.to_row());
  }));
  state_->poke();
  return job;
}

Status Rewrapper::cancel(const Actor& actor, const Uuid& id) {
  KeyManager& manager = state_->manager;
  (void)TRY(manager.keystore().write([&](store::Transaction& transaction) -> Status {
    const auto row = TRY(transaction.get(kRewrapTable, {to_bytes(id.view())}));
    if (!row)
      return fail(ErrorCode::kNotFound, "there is no such job", "id", "list the jobs to see their ids");
    auto job = RewrapJob::from_row(*row);
    if (job.state != RewrapState::kRunning) return {};
    job.state = RewrapState::kCancelled;
    job.ended = manager.context().now();
    note(transaction, manager.context(),
         {.type = AuditType::kResourceManagement,
          .action = "rewrap.cancel",
          .actor = actor,
          .fields = {{"job", id.text()}}});
    return transaction.put(kRewrapTable, job.to_row());
  }));
  return {};
}

Result<RewrapJob> Rewrapper::find(const Uuid& id) {
  std::optional<RewrapJob> out;
  TRY(state_->manager.keystore().read([&](store::Reader& reader) -> Status {
    const auto row = TRY(reader.get(kRewrapTable, {to_bytes(id.view())}));
    if (!row)
      return fail(ErrorCode::kNotFound, "there is no such job", "id", "list the jobs to see their ids");
    out = RewrapJob::from_row(*row);
    return {};
  }));
  return *std::move(out);
}

Result<std::vector<RewrapJob>> Rewrapper::list() {
  std::vector<RewrapJob> out;
  TRY(state_->manager.keystore().read([&](store::Reader& reader) -> Status {
    out.clear();
    for (const auto& row : TRY(reader.query(kRewrapTable, "1 ORDER BY started DESC, id LIMIT ?",
                                            {static_cast<std::int64_t>(kMaximumPage)}))) {
      out.push_back(RewrapJob::from_row(row));
    }
    return {};
  }));
  return out;
}

}  // namespace tapewarden::keymgr
