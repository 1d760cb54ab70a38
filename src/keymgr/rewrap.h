// Re-wrapping in bulk (K9): new EEDKs, under other labels, for data keys that stand in the ledger under a KEK
// that retires; or for cartridges named by their volsers. The data on the cartridges is not touched: a
// cartridge gets its new EEDKs when it is repaired from the ledger, and is read meanwhile by the ledger's.
//
// Invariants
//  W1 A batch's new ledger rows, the job's counts and its place are one transaction: after a crash the job
//     goes on behind the last batch that was durable, and nothing is wrapped twice.
//  W2 A cartridge that has EEDKs under just these KEKs already is passed over.
//  W3 A data key is in clear only while one cartridge is worked on.
//  W4 New EEDKs revoke no old ones: whoever has the old KEK and a copy of the old EEDKs reads on. Every job
//     says so.
// Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "keymgr/key_manager.h"

namespace tapewarden::keymgr {

inline constexpr std::string_view kRewrapAdvice =
    "re-wrapping makes new EEDKs and revokes no old one: whoever holds the old KEK and a copy of the old "
    "EEDKs "
    "still reads the cartridge. For a compromised KEK or data key write the data anew under a new key";

enum class RewrapState : std::uint8_t { kRunning = 1, kDone = 2, kFailed = 3, kCancelled = 4 };
std::string_view to_string(RewrapState state);

struct RewrapOrder {
  std::optional<Hash256> from;       // all cartridges that need this KEK
  std::vector<std::string> volsers;  // else these
  std::vector<LabelChoice> labels;   // one or two
};

struct RewrapJob {
  Uuid id;
  Uuid server;          // that does it
  Bytes from;           // KEK id, or empty
  std::string volsers;  // one in a line
  LabelChoice label_1;
  LabelChoice label_2;
  RewrapState state = RewrapState::kRunning;
  std::int64_t total = 0;    // cartridges when it began
  std::int64_t wrapped = 0;  // got new EEDKs
  std::int64_t skipped = 0;  // had them already
  std::int64_t failed = 0;   // could not be opened, or are not in the ledger
  std::string place;         // after which it goes on
  std::string last_error;
  std::string started_by;
  WallTime started{};
  WallTime ended{};

  store::Row to_row() const;
  static RewrapJob from_row(const store::Row& row);
};

class Rewrapper {
 public:
  // Borrows the manager. Jobs that were under way when the server stopped go on.
  explicit Rewrapper(KeyManager& manager);
  ~Rewrapper();
  Rewrapper(const Rewrapper&) = delete;
  Rewrapper& operator=(const Rewrapper&) = delete;
  // As KeyFactory::stop().
  void stop();

  // kInvalidArgument naming the field; kConflict for labels that begin no cartridge.
  Result<RewrapJob> start(const Actor& actor, const RewrapOrder& order);
  Status cancel(const Actor& actor, const Uuid& id);
  Result<RewrapJob> find(const Uuid& id);
  Result<std::vector<RewrapJob>> list();  // newest first, at most kMaximumPage

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace tapewarden::keymgr
