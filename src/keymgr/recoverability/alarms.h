// Tells once when cartridges of a pool fall under the wanted number of independent places, and once when they
// are back (K26): an audit record, a line in the log, and a warning in the status for as long as it lasts.
//
// Invariants
//  A1 What was told is remembered in the keystore: a restart tells nothing twice.
//  A2 A cartridge that had the wanted number and falls under it is told at once; one that never had it is
//     told when kSettlingTime has passed since its newest entry in the ledger.
//  A3 One look tells at most kEventsAStep pools; the others' turn comes with the next.
// One thread, but for warnings() and told().
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/thread_annotations.h"
#include "keymgr/key_manager.h"
#include "keymgr/recoverability/survey.h"
#include "keymgr/recoverability/tables.h"

namespace tapewarden::keymgr::recoverability {

class Alarms {
 public:
  // `log` gets one line an event.
  Alarms(KeyManager& manager, std::function<void(const std::string&)> log)
      : manager_(manager), log_(std::move(log)) {}

  // Whether a cartridge is one to tell of. `wanted` 0: none is.
  enum class Standing : std::uint8_t { kWell, kDestroyed, kSettling, kShort };
  Standing standing(const Catalogue::Cartridge& cartridge, Number number, const Verdict& verdict,
                    std::size_t wanted, WallTime now) const;

  // What one pool looks like now.
  struct Pool {
    std::int64_t cartridges = 0;  // short of places
    std::int64_t fell = 0;        // of these, those that were not at the last look
    std::vector<Number> examples{};
  };
  using Found = std::map<std::string, Pool>;
  // Remembers which cartridges have the wanted number of places.
  void remember(const Survey& survey, std::size_t wanted);
  // Looks at every cartridge. Nothing is told yet.
  Found look(const Catalogue& catalogue, const Survey& survey, std::size_t wanted, WallTime now);
  // Tells what is new. `name` gives a cartridge's volser.
  Status tell(const Found& found, std::size_t wanted, const std::function<std::string(Number)>& name);
  // Some pools were left for the next look.
  bool unfinished() const { return !waiting_.empty(); }

  std::vector<std::string> warnings() const;
  std::int64_t told() const;  // cartridges that are short, as told

 private:
  struct Event {
    std::string pool;
    Pool now;
    std::int64_t before = 0;
  };
  Status load();
  Status write(const std::vector<Event>& events, std::size_t wanted,
               const std::function<std::string(Number)>& name);

  KeyManager& manager_;
  const std::function<void(const std::string&)> log_;
  std::vector<bool> had_;    // the wanted number once, since the start
  std::vector<bool> short_;  // at the last look
  bool looked_ = false;
  bool loaded_ = false;
  std::map<std::string, std::int64_t> waiting_;  // fallen cartridges of pools that were not told yet
  mutable Mutex mutex_;
  std::map<std::string, Alarm> told_ TW_GUARDED_BY(mutex_);
};

}  // namespace tapewarden::keymgr::recoverability
