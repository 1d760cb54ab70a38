// Makes data keys ahead of need (K3), in the background and in small transactions, so that serving goes on.
// Each server fills each group up to keys_ahead unused keys of its own, and asks for a backup of new keys
// where they are not given out before (serve_policy.h), so that no write has to wait for it. Keys that wait
// for their backup count as made: while backups fail no more keys are made than are wanted. Thread-safe.
#pragma once

#include <memory>

#include "keymgr/key_manager.h"

namespace tapewarden::keymgr {

class KeyFactory {
 public:
  // Borrows the manager, which outlives it.
  explicit KeyFactory(KeyManager& manager);
  // Stops: what is under way is finished by the keystore, nothing new begins.
  ~KeyFactory();
  // Nothing new begins; waits for what is under way, so that the manager may go. REQUIRES: threads of the
  // executor run, and this is none of them.
  void stop();
  KeyFactory(const KeyFactory&) = delete;
  KeyFactory& operator=(const KeyFactory&) = delete;

  // Looks at all groups soon, and again every minute. Cheap; called after each key that was given out.
  void poke();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace tapewarden::keymgr
