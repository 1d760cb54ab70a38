// What the engine tells people (feature rows T8, T11): host messages, which are said once, and operator
// interventions, which stay open until what they ask for has happened. Where they go (log, syslog, webhook,
// pages) is the business of the EventSink that the program supplies.
//
// Thread-safe.
//
// Invariants
//  1. For one kind and subject there is at most one open intervention: raising it again says nothing new,
//     unless its text changed.
//  2. Whatever is raised or cleared reaches the sink in the order in which it happened.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/env.h"
#include "base/thread_annotations.h"

namespace tapewarden::engine {

enum class NoticeKind : std::uint8_t {
  kDatabaseBackup,      // host message; subject: the cartridge
  kKeyServerLost,       // intervention, by key server
  kNoKeyServer,         // intervention and call home: a key was needed and none could be reached
  kDriveOffline,        // intervention, by drive
  kNoScratchCartridge,  // intervention, by pool
  kCacheFull,           // intervention
  kCartridgeDamaged,    // intervention, by cartridge
  kVolumeUnreadable,    // intervention, by logical volume
  kCartridgeOverdue,    // intervention, by cartridge: it is not where it should be
  kCatalogueRebuilt,    // host message
  kUnknownConstruct,    // host message; subject: the logical volume whose host named one
  kRekeyed,             // host message; subject: the cartridge that has other key labels now
  kRekeyRefused,        // intervention, by cartridge: it does not get the key labels that were asked for
  kCacheAway,           // intervention: the cache's folder is not mounted, or cannot be read
  kHeldFromClear,       // intervention, by cartridge or pool: what it holds would be written in clear
  kPoolsHeld,           // intervention: pools whose settings a rebuild could not know
  kDiskFull,            // intervention, by library: no room on the disk under its virtual cartridges
};

enum class NoticeClass : std::uint8_t { kHostMessage, kIntervention, kCallHome };

// TWE and three digits, then I (information), A (action) or S (severe): as the hosts' operators read
// messages.
std::string_view code_of(NoticeKind kind);
NoticeClass class_of(NoticeKind kind);

struct Notice {
  std::uint64_t number = 0;  // grows by one
  NoticeKind kind = NoticeKind::kDatabaseBackup;
  std::string subject{};
  std::string text{};
  WallTime at{};
  bool cleared = false;  // the intervention of this kind and subject is closed
};

class EventSink {
 public:
  virtual ~EventSink() = default;
  // Called with the notices' mutex held, in order: must neither block for long nor call the notices.
  virtual void tell(const Notice& notice) = 0;
};

inline constexpr std::size_t kNoticesKept = 1000;  // the newest; older ones are the sink's to have kept
inline constexpr std::size_t kMaxInterventions = 10'000;

class Notices {
 public:
  // Borrows both. nullptr: nobody is told.
  Notices(Clock& clock, EventSink* sink) : clock_(clock), sink_(sink) {}

  // A host message. REQUIRES: class_of(kind) is kHostMessage.
  void say(NoticeKind kind, std::string subject, std::string text) TW_EXCLUDES(mutex_);
  // REQUIRES: class_of(kind) is another.
  void raise(NoticeKind kind, std::string subject, std::string text) TW_EXCLUDES(mutex_);
  // `text` says how it came to its end. False when no such intervention was open.
  bool clear(NoticeKind kind, const std::string& subject, std::string text) TW_EXCLUDES(mutex_);

  // Oldest first.
  std::vector<Notice> open() const TW_EXCLUDES(mutex_);
  // Those after `number`, oldest first, of what is kept.
  std::vector<Notice> since(std::uint64_t number) const TW_EXCLUDES(mutex_);

 private:
  void put(Notice notice) TW_REQUIRES(mutex_);

  Clock& clock_;
  EventSink* const sink_;
  mutable Mutex mutex_;
  std::uint64_t last_ TW_GUARDED_BY(mutex_) = 0;
  std::deque<Notice> kept_ TW_GUARDED_BY(mutex_);
  std::map<std::pair<NoticeKind, std::string>, Notice> open_ TW_GUARDED_BY(mutex_);
};

// The overview's words (Tracking Encryption Usage): "Database Backup written to [Encrypted ]Physical Tape
// XXXXXX".
std::string database_backup_text(const std::string& cartridge, bool encrypted);

}  // namespace tapewarden::engine
