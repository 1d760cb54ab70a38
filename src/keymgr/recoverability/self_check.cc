#include "keymgr/recoverability/self_check.h"

#include <algorithm>
#include <thread>

#include "base/counted.h"
#include "base/text.h"
#include "keymgr/audit_note.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr::recoverability {
namespace {

const std::string kProgress = "self-check";
const std::string kFaultsNote = "self-check-faults";
constexpr std::size_t kNamesKept = 10;
constexpr std::size_t kNamesLimit = 900;    // bytes: the peer takes no longer text
constexpr std::chrono::hours kTryAgain{1};  // to verify a backup

constexpr std::int64_t kFaultsKeptExactly = 1;
constexpr std::int64_t kFaultsBeyond = 2;

// Number: 0 none, else whether all are named in the bytes: u32 count, ids of data keys; ids of KEKs.
Note note_of(const Faults& faults) {
  if (faults == Faults{}) return {};
  ByteWriter out;
  out.u32(static_cast<std::uint32_t>(faults.keys.size()));
  for (const Uuid& id : faults.keys) out.bytes(id.view());
  for (const Hash256& id : faults.keks) out.bytes(id);
  return {faults.more ? kFaultsBeyond : kFaultsKeptExactly, out.take()};
}

Result<Faults> read_faults(const Note& note) {
  Faults out;
  if (note.number == 0) return out;
  out.more = note.number != kFaultsKeptExactly;
  ByteReader in(note.bytes);
  for (auto left = TRY(in.u32("count")); left > 0; --left) {
    out.keys.insert(Uuid{TRY(in.array<sizeof(Uuid::bytes)>("data key"))});
  }
  while (in.remaining() > 0) out.keks.insert(TRY(in.array<sizeof(Hash256)>("KEK")));
  return out;
}

}  // namespace

// What is noted between two steps: the last data key looked at, and the counts.
struct SelfCheck::Progress {
  CheckResult result;
  Bytes after;
  std::size_t named = 0;

  Note to_note() const {
    ByteWriter out;
    // An id that is none, of a damaged row, may have any length.
    const auto place = ByteView(after).first(std::min(after.size(), sizeof(Uuid::bytes)));
    out.bytes16(place).u64(static_cast<std::uint64_t>(to_millis(result.began)));
    out.u64(static_cast<std::uint64_t>(result.failed)).bytes16(as_bytes(result.first_failed));
    return {result.data_keys, out.take()};
  }
  static Result<Progress> from_note(const Note& note) {
    constexpr std::size_t kLongest = 0xFFFF;
    Progress out;
    ByteReader in(note.bytes);
    out.after = to_bytes(TRY(in.bytes16(kLongest, "after")));
    out.result.began = from_millis(static_cast<std::int64_t>(TRY(in.u64("began"))));
    out.result.failed = static_cast<std::int64_t>(TRY(in.u64("failed")));
    out.result.first_failed = as_text(TRY(in.bytes16(kLongest, "first failed")));
    out.result.data_keys = note.number;
    return out;
  }
};

Result<Faults> SelfCheck::faults() {
  TRY(load_faults());
  const MutexLock lock(mutex_);
  return faults_;
}

// What was noted before the start. A note that is damaged, or of another version of this program, tells that
// some keys did not open and not which: none is believed to, until a check has come to its end.
Status SelfCheck::load_faults() {
  {
    const MutexLock lock(mutex_);
    if (faults_loaded_) return {};
  }
  Faults loaded;
  TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
    auto note = load_note(reader, kFaultsNote);
    if (!note && note.error().code != ErrorCode::kCorrupt) return std::unexpected(note.error());
    if (note && !*note) return {};
    auto read = note ? read_faults(**note) : Result<Faults>(Faults{.keys = {}, .keks = {}, .more = true});
    loaded = read ? *std::move(read) : Faults{.keys = {}, .keks = {}, .more = true};
    return {};
  }));
  const MutexLock lock(mutex_);
  if (faults_loaded_) return {};
  faults_ = std::move(loaded);
  faults_loaded_ = true;
  return {};
}

Status SelfCheck::save_faults(store::Transaction& transaction) {
  const Note now = [&] {
    const MutexLock lock(mutex_);
    return note_of(faults_);
  }();
  const auto before = load_note(transaction, kFaultsNote);
  if (before && *before && (*before)->number == now.number && (*before)->bytes == now.bytes) return {};
  if (before && !*before && now.number == 0) return {};
  return save_note(transaction, kFaultsNote, now);
}

std::optional<CheckResult> SelfCheck::under_way() const {
  const MutexLock lock(mutex_);
  return under_way_;
}

std::vector<std::string> SelfCheck::warnings() const {
  const MutexLock lock(mutex_);
  if (warning_.empty()) return {};
  return {warning_};
}

void SelfCheck::show(const Progress* progress) {
  const MutexLock lock(mutex_);
  under_way_ = progress == nullptr ? std::nullopt : std::optional(progress->result);
}

void SelfCheck::failed(Progress& progress, const std::string& name) {
  ++progress.result.failed;
  if (progress.named++ >= kNamesKept) return;
  if (progress.result.first_failed.size() + name.size() > kNamesLimit) return;
  progress.result.first_failed += (progress.result.first_failed.empty() ? "" : ", ") + name;
}

// A row that does not verify ends nothing: what stands behind it must be looked at too.
Result<bool> SelfCheck::check_step(store::Reader& reader, Progress& next, std::map<Uuid, bool>& opened) {
  std::vector<store::DamagedRow> damaged;
  const auto rows =
      TRY(reader.query_sound(kDataKeyTable, "id > ? ORDER BY id LIMIT ?",
                             {next.after, static_cast<std::int64_t>(kKeysACheckStep)}, damaged));
  for (const auto& row : rows) {
    const DataKey key = DataKey::from_row(row);
    next.after = to_bytes(key.id.view());
    if (is_tombstone(key.state)) continue;
    const auto secret = reader.unseal(kDataKeyTable, row, kDataKeySecretColumn);
    const bool opens =
        secret && secret->size() == kDataKeyBytes && fingerprint_of(*secret) == key.fingerprint;
    ++next.result.data_keys;
    opened[key.id] = opens;
    if (!opens) failed(next, "data key " + key.alias);
  }
  for (const auto& row : damaged) {
    ++next.result.data_keys;
    failed(next, "damaged row of the data key " + row.print);
    const auto* id = std::get_if<Bytes>(&row.key.front());
    if (id == nullptr) continue;
    next.after = std::max(next.after, *id);
    if (id->size() == sizeof(Uuid::bytes)) opened[Uuid::from(*id)] = false;
  }
  return rows.size() + damaged.size() == kKeysACheckStep;
}

Status SelfCheck::check_keys(Progress& progress) {
  for (bool more = true; more && !stopping_;) {
    std::map<Uuid, bool> opened;
    Progress next = progress;
    TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
      more = TRY(check_step(reader, next, opened));
      return {};
    }));
    progress = std::move(next);
    {
      const MutexLock lock(mutex_);
      for (const auto& [id, opens] : opened) {
        if (opens) {
          faults_.keys.erase(id);
        } else if (faults_.keys.size() < kFaultsKept) {
          faults_.keys.insert(id);
        } else {
          faults_.more = faults_.more || !faults_.keys.contains(id);
        }
      }
    }
    show(&progress);
    if (!more) break;
    TRY(save(progress));
    std::this_thread::sleep_for(kCheckPause);
  }
  return {};
}

void SelfCheck::note_kek(Progress& progress, const std::optional<Hash256>& id, bool opens,
                         const std::string& name) {
  ++progress.result.keks;
  if (!opens) failed(progress, name);
  if (id) {
    const MutexLock lock(mutex_);
    if (opens) {
      faults_.keks.erase(*id);
    } else {
      faults_.keks.insert(*id);
    }
  }
  show(&progress);
}

// A quarantined KEK opens what it may open when it is released; so it counts like any other.
Status SelfCheck::check_keks(Progress& progress) {
  std::vector<Kek> keks;
  std::vector<store::DamagedRow> damaged;
  TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
    for (const auto& row : TRY(reader.query_sound(kKekTable, "1 ORDER BY id", {}, damaged))) {
      keks.push_back(Kek::from_row(row));
    }
    return {};
  }));
  for (const auto& row : damaged) {
    const auto* id = std::get_if<Bytes>(&row.key.front());
    std::optional<Hash256> kek;
    if (id != nullptr && id->size() == sizeof(Hash256)) std::ranges::copy(*id, kek.emplace().begin());
    note_kek(progress, kek, false, "damaged row of the KEK " + row.print);
  }
  for (const Kek& kek : keks) {
    if (stopping_) return {};
    if (!kek.has_private || is_tombstone(kek.state)) continue;
    bool opens = false;
    TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
      opens = manager_.keks().check_private(reader, kek).has_value();
      return {};
    }));
    note_kek(progress, kek.id, opens, "KEK " + kek.common_name);
  }
  return {};
}

Status SelfCheck::save(const Progress& progress) {
  TRY(manager_.keystore().write([&](store::Transaction& t) -> Status {
    TRY(save_faults(t));
    return save_note(t, kProgress, progress.to_note());
  }));
  return {};
}

Status SelfCheck::finish(Progress& progress) {
  CheckResult& result = progress.result;
  result.server = manager_.context().server;
  result.ended = manager_.context().now();
  if (result.failed <= static_cast<std::int64_t>(kFaultsKept)) {
    const MutexLock lock(mutex_);
    faults_.more = false;
  }
  TRY(manager_.keystore().write([&](store::Transaction& t) -> Status {
    TRY(save_faults(t));
    TRY(t.put(kCheckTable, result.to_row()));
    if (TRY(load_note(t, kProgress))) TRY(t.erase(kNoteTable, {kProgress}));
    note(t, manager_.context(),
         {.type = AuditType::kResourceManagement,
          .action = "recoverability.check",
          .actor = Actor::system(),
          .success = result.failed == 0,
          .fields = {{"data_keys", std::to_string(result.data_keys)},
                     {"keks", std::to_string(result.keks)},
                     {"failed", std::to_string(result.failed)},
                     {"first_failed", result.first_failed}}});
    return {};
  }));
  const MutexLock lock(mutex_);
  under_way_.reset();
  warning_.clear();
  if (result.failed > 0) {
    warning_ = "the self-check could not open " + counted(result.failed, "key") +
               " of this server: " + result.first_failed + "; bring them back from the peer or a backup";
  }
  return {};
}

Status SelfCheck::run() {
  TRY(load_faults());
  Progress progress;
  progress.result.began = manager_.context().now();
  TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
    const auto note = TRY(load_note(reader, kProgress));
    if (!note) return {};
    // Of another version of this program: begun anew.
    if (auto kept = Progress::from_note(*note)) progress = *std::move(kept);
    return {};
  }));
  show(&progress);
  Status done = check_keys(progress);
  if (done && !stopping_) done = check_keks(progress);
  if (!done || stopping_) {
    show(nullptr);
    return done;
  }
  return finish(progress);
}

Result<bool> SelfCheck::due() {
  bool out = false;
  TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
    const auto hours = TRY(
        parse_number(TRY(manager_.settings().get(reader, kCheckHours)), 0, kMaximumSilentHours, kCheckHours));
    if (hours == 0) return {};
    const auto last = TRY(check_of(reader, manager_.context().server));
    const WallTime now = manager_.context().now();
    // A clock that was set back must not keep checks from being made.
    out = !last || TRY(load_note(reader, kProgress)) || last->ended > now ||
          now - last->ended >= std::chrono::hours(hours);
    return {};
  }));
  return out;
}

// Each target by itself: that one is away keeps none of the others from being verified. What came of it
// stands in the target's state and in the audit.
Status SelfCheck::verify_backups(bool asked) {
  if (backups_ == nullptr) return {};
  std::uint64_t hours = 0;
  TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
    hours = TRY(
        parse_number(TRY(manager_.settings().get(reader, kCheckHours)), 0, kMaximumSilentHours, kCheckHours));
    return {};
  }));
  if (hours == 0 && !asked) return {};
  const WallTime now = manager_.context().now();
  for (const auto& status : TRY(backups_->list())) {
    if (stopping_) return {};
    if (!status.target.counts || status.state.covered == 0 || status.busy) continue;
    const auto age = now - status.state.verified_at;
    const bool old = age < std::chrono::milliseconds(0) || age >= std::chrono::hours(hours);
    WallTime& tried = tried_.try_emplace(status.target.name, kNever).first->second;
    const bool lately = now >= tried && now - tried < kTryAgain;
    if (!asked && (!old || lately)) continue;
    tried = now;
    (void)backups_->verify(Actor::system(), status.target.name).has_value();
  }
  return {};
}

Status SelfCheck::run_due() {
  const bool asked = asked_.exchange(false);
  if (!asked && manager_.context().env.clock->steady_now() < begins_) return {};
  if (asked || TRY(due())) TRY(run());
  if (stopping_) return {};
  return verify_backups(asked);
}

}  // namespace tapewarden::keymgr::recoverability
