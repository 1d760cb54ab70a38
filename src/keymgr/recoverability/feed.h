// Fills a catalogue out of the keystore and keeps it in step with it (K26): whole tables page by page at the
// start, then only rows that commits have changed since.
//
//   keys ─▶ volumes ─▶ volsers ─▶ following ─(many rows changed at once)─▶ keys
//
// Each step reads one snapshot of at most about kRowsAStep rows, so that nobody waits for it and the
// write-ahead log is not held. One thread at a time.
#pragma once

#include <functional>

#include "keymgr/key_manager.h"
#include "keymgr/recoverability/catalogue.h"

namespace tapewarden::keymgr::recoverability {

class Feed {
 public:
  // What a step puts in; called without any transaction.
  struct Batch {
    std::vector<KeyFacts> keys;
    std::vector<KekFacts> keks;
    std::vector<CartridgeFacts> cartridges;
    std::vector<std::string> damaged;  // rows that do not verify, printable; they are passed over
  };
  explicit Feed(KeyManager& manager) : manager_(manager) {}

  // Reads on. Nothing: all that was committed is in what was given out. Errors of the keystore; the step is
  // done again with the next call.
  Result<std::optional<Batch>> step();
  // Every table was read to its end once.
  bool complete() const { return state_.complete; }
  // The next step reads what was committed since the last one, all of it.
  bool following() const { return state_.phase == Phase::kFollowing; }

 private:
  enum class Phase : std::uint8_t { kKeys, kVolumes, kVolsers, kFollowing };

  Status begin(store::Reader& reader);
  Status read_keys(store::Reader& reader, Batch& out);
  Status read_keks(store::Reader& reader, Batch& out);
  Status read_cartridges(store::Reader& reader, Batch& out, bool by_volume);
  Result<bool> follow(store::Reader& reader, Batch& out);
  Status follow_keys(store::Reader& reader, Batch& out, std::int64_t until);
  Status follow_ledger(store::Reader& reader, Batch& out, std::int64_t until);
  Result<bool> too_many(store::Reader& reader) const;

  // Where it stands; put back when a step fails.
  struct State {
    Phase phase = Phase::kKeys;
    bool begun = false;
    bool complete = false;
    std::size_t rows = kRowsAStep;  // of the next page
    Bytes after{};                  // the last data key read, or the volume from which to go on
    std::string after_volser{};
    std::int64_t keys_through = 0;  // commits whose changes are read
    std::int64_t keks_through = -1;
    std::int64_t ledger_through = 0;
  };

  KeyManager& manager_;
  State state_;
};

}  // namespace tapewarden::keymgr::recoverability
