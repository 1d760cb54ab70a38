#include "store/key_rotation.h"

#include <algorithm>

namespace tapewarden::store {

namespace {

// How long the end of a rotation waits for readers that still look into the write-ahead log.
constexpr std::chrono::milliseconds kScrubWait{5'000};

}  // namespace

unsigned RotationState::percent() const {
  if (rows == 0) return going_on ? 0 : 100;
  const auto share = static_cast<unsigned>(std::min(done, rows) * 100 / rows);
  return going_on ? std::min(share, 99U) : share;
}

std::string RotationState::text() const {
  std::string out = "version " + std::to_string(version);
  if (going_on) out += ", rotation going on, " + std::to_string(percent()) + " %";
  return out;
}

KeyRotation::KeyRotation(Env env, Keystore& keystore, std::unique_ptr<MasterKeyFile> file, Note note)
    : env_(env),
      keystore_(keystore),
      sealing_(keystore.key_sealing()),
      note_(std::move(note)),
      file_(std::move(file)) {}

Status KeyRotation::resume() {
  const KeyVersion version = TRY(sealing_.version());
  const auto record = TRY(sealing_.record());
  bool more = false;
  {
    const MutexLock steps(steps_);
    more = file_->keys().size() > 1;
  }
  if (more) TRY(look());
  {
    const MutexLock lock(mutex_);
    state_.version = version;
    state_.going_on = more;
    if (record) {
      state_.began = record->began;
      state_.ended = record->ended;
      state_.started_by = record->started_by;
    }
  }
  thread_ = std::thread([this] { run(); });
  return {};
}

RotationState KeyRotation::state() const {
  const MutexLock lock(mutex_);
  return state_;
}

bool KeyRotation::stopping() const {
  const MutexLock lock(mutex_);
  return stopping_;
}

void KeyRotation::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

// False when it shall stop.
bool KeyRotation::wait(std::chrono::milliseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  const MutexLock lock(mutex_);
  while (!stopping_) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left.count() <= 0) return true;
    (void)wake_.wait_for(mutex_, left);
  }
  return false;
}

// What the peer must not see does not wait for it either.
Status KeyRotation::write(const Keystore::Work& work) {
  struct Waiter {
    Mutex mutex;
    CondVar set;
    std::optional<Status> result TW_GUARDED_BY(mutex);
  };
  const auto waiter = std::make_shared<Waiter>();
  keystore_.submit_ungated(work, [waiter](const Result<CommitInfo>& done) {
    {
      const MutexLock lock(waiter->mutex);
      waiter->result = done ? Status{} : Status(std::unexpected(done.error()));
    }
    waiter->set.notify_one();
  });
  const MutexLock lock(waiter->mutex);
  while (!waiter->result) waiter->set.wait(waiter->mutex);
  return *waiter->result;
}

Status KeyRotation::look() {
  const SealCensus census = TRY(sealing_.census());
  const MutexLock lock(mutex_);
  state_.rows = census.rows;
  state_.done = census.rows - census.old;
  return {};
}

Result<RotationState> KeyRotation::begin(const std::string& by) {
  {
    const MutexLock steps(steps_);
    const RotationState now = state();
    if (now.going_on) {
      return fail(ErrorCode::kConflict, "a rotation of the master key is going on: " + now.text(),
                  "master key", "wait for its end: `tapewarden status` shows how far it is");
    }
    TRY(keystore_.health());
    const VersionedKey* next = &file_->keys().back();
    // One that an earlier attempt has left, before its commit, is taken.
    if (next->version <= now.version) next = TRY(file_->add_version());
    TRY(begin_commit(next->version, by));
  }
  wake_.notify_all();
  return state();
}

Status KeyRotation::begin_commit(KeyVersion version, const std::string& by) {
  for (const VersionedKey& one : file_->keys()) {
    if (one.version == version) sealing_.add(one);
  }
  const WallTime now = env_.clock->wall_now();
  TRY(write([&](Transaction& transaction) -> Status {
    TRY(note_(transaction, Step::kBegin, version, by));
    return sealing_.begin(transaction, version, by, now);
  }));
  const SealCensus census = sealing_.census().value_or(SealCensus{});
  const MutexLock lock(mutex_);
  state_ = {version, true, census.rows, census.rows - census.old, now, {}, by, {}};
  return {};
}

void KeyRotation::run() {
  while (!stopping()) {
    {
      const MutexLock lock(mutex_);
      while (!stopping_ && !state_.going_on) wake_.wait(mutex_);
      if (stopping_) return;
    }
    const auto next = round();
    if (!next) {
      const MutexLock lock(mutex_);
      state_.fault = next.error().text();
    }
    const auto pause = next ? *next : std::optional(kResealAgain);
    if (pause && !wait(*pause)) return;
  }
}

Result<std::optional<std::chrono::milliseconds>> KeyRotation::round() {
  std::optional<std::chrono::milliseconds> again;
  {
    const MutexLock steps(steps_);
    const KeyVersion newest = file_->keys().back().version;
    // Nobody knows any more who drew it: the state tells who began the one before.
    if (newest > TRY(sealing_.version())) TRY(begin_commit(newest, {}));
  }
  const std::size_t damaged = TRY(reseal_all());
  if (stopping()) return again;
  TRY(look());
  const MutexLock steps(steps_);
  const RotationState now = state();
  if (now.done < now.rows) {
    again = damaged > 0 ? std::chrono::milliseconds(kResealDamagedAgain) : kResealAgain;
    return again;
  }
  TRY(finish());
  return again;
}

// How many rows are damaged.
Result<std::size_t> KeyRotation::reseal_all() {
  ResealCursor cursor;
  std::size_t damaged = 0;
  std::string first;
  while (!stopping()) {
    const OldRows rows = TRY(sealing_.next_old(cursor));
    if (cursor.done) break;
    ResealReport report;
    TRY(write([&](Transaction& transaction) -> Status {
      report = TRY(sealing_.reseal(transaction, rows));
      return {};
    }));
    if (damaged == 0) first = report.first_damaged;
    damaged += report.damaged;
    {
      const MutexLock lock(mutex_);
      state_.done += report.resealed;
    }
    if (!wait(kResealPause)) break;
  }
  const MutexLock lock(mutex_);
  state_.fault = damaged == 0 ? "" : std::to_string(damaged) + " rows cannot be put under it: " + first;
  return damaged;
}

Status KeyRotation::finish() {
  const RotationState now = state();
  const WallTime ended = env_.clock->wall_now();
  const auto record = TRY(sealing_.record());
  if (record && record->ended == WallTime{}) {
    TRY(write([&](Transaction& transaction) -> Status {
      TRY(note_(transaction, Step::kEnd, now.version, record->started_by));
      return sealing_.end(transaction, ended);
    }));
  }
  // A reader that stays only keeps old boxes in the write-ahead log, which nothing opens any more.
  (void)keystore_.wait_scrubbed(kScrubWait);
  TRY(file_->remove_before(now.version));
  sealing_.forget_before(now.version);
  const MutexLock lock(mutex_);
  state_.going_on = false;
  state_.ended = record && record->ended != WallTime{} ? record->ended : ended;
  state_.fault.clear();
  return {};
}

}  // namespace tapewarden::store
