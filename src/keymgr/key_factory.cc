#include "keymgr/key_factory.h"

#include <algorithm>
#include <atomic>

#include "base/thread_annotations.h"
#include "keymgr/audit_note.h"
#include "keymgr/serve_policy.h"

namespace tapewarden::keymgr {
namespace {

constexpr std::chrono::milliseconds kLookAgain{60'000};

}  // namespace

// One round looks at the groups, makes one small batch for each that wants keys, and begins the next round
// when those are durable. At most one round runs; a poke during it makes one more follow.
struct KeyFactory::State : std::enable_shared_from_this<KeyFactory::State> {
  explicit State(KeyManager& m) : manager(m) {}

  void poke();
  void round();
  void fill(std::shared_ptr<const std::vector<KeysNeeded>> needed, std::size_t at, bool made);
  void finished(bool more);
  void tick();

  KeyManager& manager;
  Mutex mutex;
  bool stopped TW_GUARDED_BY(mutex) = false;
  bool running TW_GUARDED_BY(mutex) = false;
  bool again TW_GUARDED_BY(mutex) = false;
  CondVar idle;  // `running` became false
};

void KeyFactory::State::poke() {
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

void KeyFactory::State::round() {
  {
    const MutexLock lock(mutex);
    if (stopped) {
      running = false;
      idle.notify_all();
      return;
    }
  }
  const auto needed = std::make_shared<std::vector<KeysNeeded>>();
  std::int64_t unsaved = 0;
  const auto looked = manager.keystore().read([&](store::Reader& reader) -> Status {
    *needed = TRY(manager.groups().keys_needed(reader));
    unsaved = TRY(newest_waiting(reader, manager.context(), manager.settings()));
    return {};
  });
  if (!looked) return finished(false);
  if (needed->empty()) {
    BackupView* const backups = manager.context().backups;
    if (unsaved > 0 && backups != nullptr) backups->want(static_cast<std::uint64_t>(unsaved));
    return finished(false);
  }
  fill(needed, 0, false);
}

// A batch for each group, one after the other: one that cannot be filled does not keep the others from it.
void KeyFactory::State::fill(std::shared_ptr<const std::vector<KeysNeeded>> needed, std::size_t at,
                             bool made) {
  if (at >= needed->size()) return finished(made);
  manager.keystore().submit(
      [self = shared_from_this(), needed, at](store::Transaction& transaction) -> Status {
        const KeysNeeded& group = (*needed)[at];
        const auto count = std::min<std::int64_t>(group.count, kKeysPerTransaction);
        TRY(self->manager.keys().generate(transaction, Actor::system(), static_cast<std::size_t>(count),
                                          group.alias_prefix, group.group));
        return {};
      },
      [self = shared_from_this(), needed, at, made](const Result<store::CommitInfo>& result) {
        self->fill(needed, at + 1, made || result.has_value());
      });
}

// `more`: a batch was made, so there may be more to make. After an error the next tick tries again.
void KeyFactory::State::finished(bool more) {
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

void KeyFactory::State::tick() {
  {
    const MutexLock lock(mutex);
    if (stopped) return;
  }
  poke();
  manager.context().env.executor->post_after(kLookAgain, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->tick();
  });
}

KeyFactory::KeyFactory(KeyManager& manager) : state_(std::make_shared<State>(manager)) {
  state_->tick();
}

KeyFactory::~KeyFactory() {
  const MutexLock lock(state_->mutex);
  state_->stopped = true;
}

void KeyFactory::stop() {
  const MutexLock lock(state_->mutex);
  state_->stopped = true;
  while (state_->running) state_->idle.wait(state_->mutex);
}

void KeyFactory::poke() {
  state_->poke();
}

}  // namespace tapewarden::keymgr
