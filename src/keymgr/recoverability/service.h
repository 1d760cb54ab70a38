// Recoverability (K26): for every cartridge of the ledger, each pool and the whole site where its key can be
// had today, the weakest first; an alarm when that is fewer independent places than wanted; and which tapes
// die if a place or a KEK is gone. place.h says what is believed of which place, and for how long.
//
// Everything is counted over a catalogue in memory that follows the keystore (feed.h); answers first bring it
// up to the newest commit.
//
// Thread-safe. Calls wait for the disk: not from the executor's threads. watch() and check() each want a
// thread of their own that calls them again and again.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/thread_annotations.h"
#include "keymgr/page.h"
#include "keymgr/recoverability/alarms.h"
#include "keymgr/recoverability/feed.h"
#include "keymgr/recoverability/gather.h"
#include "keymgr/recoverability/self_check.h"

namespace tapewarden::keymgr::recoverability {

struct ServiceOptions {
  std::string server_name;
  backup::Service* backups = nullptr;                // borrowed; nullptr: this server makes none
  std::function<std::optional<PeerFacts>()> peer{};  // empty, or nothing: there is no peer
  std::function<void(const std::string&)> log = [](const std::string&) {};
  std::chrono::milliseconds first_check = std::chrono::minutes(10);  // a start is busy enough
};

// What is asked for. Empty members do not restrict.
struct Question {
  std::vector<std::string> without{};  // places, domains and KEKs that are taken away: see place.h
  std::string pool{};
  std::string volser{};
};

struct CartridgeView {
  std::string volser;
  Uuid volume;
  std::string pool;
  std::size_t independent = 0;
  std::vector<std::string> places;  // names; with the date where what is known is not of today
  Alarms::Standing standing = Alarms::Standing::kWell;
  WallTime issued{};
};
std::string_view to_string(Alarms::Standing standing);  // "well", "destroyed", "settling", "short"

struct CartridgePage {
  Page<CartridgeView> page;
  std::int64_t total = 0;  // that fit the question
};

struct Counts {
  std::int64_t cartridges = 0;
  std::int64_t destroyed = 0;  // their keys, on purpose
  std::int64_t settling = 0;
  std::int64_t short_of = 0;
  std::int64_t dead = 0;                                 // no place opens them
  std::map<std::size_t, std::int64_t> by_independent{};  // how many have so many; destroyed ones left out
};
struct PoolView {
  std::string pool;
  Counts counts;
};
struct PlaceView {
  Place place;
  std::int64_t opens = 0;              // cartridges
  std::int64_t alone = 0;              // of these, those that nothing outside its failure domain opens
  std::optional<CheckResult> check{};  // of a server: its last self-check
};
struct Overview {
  std::size_t wanted = 0;
  Counts site;
  std::vector<PlaceView> places;
  std::size_t places_left_out = 0;
  std::optional<CheckResult> check_under_way{};
};

class Service {
 public:
  // Borrows the manager.
  Service(KeyManager& manager, ServiceOptions options);

  // One look: reads what is new, counts when something has changed, tells alarms.
  Status watch();
  // One round of the self-check, when it is due.
  Status check() { return check_.run_due(); }
  void ask_for_check() { check_.ask(); }
  // Lets watch() and check() come back soon.
  void stop();

  // kUnavailable until the ledger has been read once since the start. kInvalidArgument, kNotFound as the
  // words of a question are.
  Result<Overview> overview();
  // The weakest first. With `without` only those that some place opens now, and none then: those die.
  Result<CartridgePage> cartridges(const Question& question, const PageRequest& page);
  // The weakest first.
  Result<std::vector<PoolView>> pools();

  std::vector<std::string> warnings() const;
  // For the status: what was told last, without counting anew.
  struct Brief {
    std::int64_t short_of = 0;  // cartridges
    std::optional<CheckResult> check{};
  };
  Result<Brief> brief();

 private:
  struct Weak;
  Status refresh() TW_EXCLUDES(feed_mutex_, mutex_);
  Status advance() TW_REQUIRES(feed_mutex_);
  Status count() TW_REQUIRES(feed_mutex_);
  struct Asked {
    std::vector<WithoutWord> places;
    std::vector<Hash256> keks;
  };
  Result<Asked> resolve(const std::vector<std::string>& words);
  Result<std::vector<Number>> of_volser(const std::string& volser);
  Result<CartridgeView> view_of(store::Reader& reader, const Weak& weak,
                                const std::vector<std::string>& places) const;
  std::string volser_of(Number cartridge);
  // Of places that recoverability.domains names and that there are not.
  std::vector<std::string> misnamed_places() const TW_EXCLUDES(mutex_);
  void add_to(Counts& counts, const Catalogue::Cartridge& cartridge, Number number) const TW_REQUIRES(mutex_);
  Status note_heard() TW_REQUIRES(feed_mutex_);
  std::unexpected<Error> not_read_yet() const;

  KeyManager& manager_;
  const ServiceOptions options_;
  SelfCheck check_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> complete_{false};
  std::atomic<bool> reading_{false};  // watch() reads the ledger for the first time: nobody waits for that

  Mutex feed_mutex_;  // taken before mutex_
  Feed feed_ TW_GUARDED_BY(feed_mutex_);
  Gatherer gatherer_ TW_GUARDED_BY(feed_mutex_);
  WallTime heard_before_ TW_GUARDED_BY(feed_mutex_) = kNever;
  WallTime heard_noted_ TW_GUARDED_BY(feed_mutex_) = kNever;
  bool heard_loaded_ TW_GUARDED_BY(feed_mutex_) = false;
  WallTime looked_ TW_GUARDED_BY(feed_mutex_) = kNever;
  std::uint64_t looked_at_ TW_GUARDED_BY(feed_mutex_) = 0;  // which count

  mutable Mutex mutex_;
  Catalogue catalogue_ TW_GUARDED_BY(mutex_);
  Places places_ TW_GUARDED_BY(mutex_);
  Faults faults_ TW_GUARDED_BY(mutex_);
  std::set<std::string> damaged_ TW_GUARDED_BY(mutex_);  // rows that were passed over since the start
  Survey survey_ TW_GUARDED_BY(mutex_);
  std::size_t wanted_ TW_GUARDED_BY(mutex_) = 0;
  std::uint64_t counted_generation_ TW_GUARDED_BY(mutex_) = 0;
  std::uint64_t counts_made_ TW_GUARDED_BY(mutex_) = 0;
  Alarms alarms_;  // remember(), look(), standing() under mutex_; tell() under feed_mutex_ alone
};

}  // namespace tapewarden::keymgr::recoverability
