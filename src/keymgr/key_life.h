// The end of keys (K10): holds, quarantine, compromise, destruction, and the tombstones that keep a destroyed
// or compromised key from coming back. For data keys and KEKs alike; the holds also for objects of KMIP
// clients that have a secret of their own (keymgr/objects/), whose end is theirs.
//
// Invariants
//  L1 Destroying, purging and taking a hold away need a second officer's consent (take_consent()).
//  L2 A key with a hold in force is not destroyed, whoever consents.
//  L3 A key that cartridges in the ledger need is destroyed only by who says how many those are.
//  L4 A destroyed row holds no secret, and a tombstone signed by this server stands beside it. Tombstones are
//     only added and made stronger: destroyed-compromised > destroyed > compromised.
//  L5 A quarantined key is served for nothing, reading included, until it is released.
//  L6 A secret that stands under several aliases is one key: what ends one row ends all, and only when each
//     of them may end, by L2 and its state; for L3 the cartridges of all count.
//
//   active, deactivated, … --quarantine()--> (quarantined) --release()--> as before
//                                                 \---------purge()-----> destroyed
//   pre-active, deactivated --destroy()--> destroyed;  compromised --destroy()--> destroyed-compromised
//
// Stateless; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keymgr/consent.h"
#include "keymgr/data_keys.h"
#include "keymgr/keks.h"
#include "keymgr/ledger_cartridges.h"
#include "keymgr/server_context.h"
#include "keymgr/settings.h"

namespace tapewarden::keymgr {

enum class KeyKind : std::uint8_t { kDataKey = 1, kKek = 2, kObject = 3 };
std::string_view to_string(KeyKind kind);  // "data-key", "kek", "kmip-object"

// A key of either kind, as tables and reports name it.
struct KeyRef {
  KeyKind kind = KeyKind::kDataKey;
  Bytes id;           // the data key's UUID; the KEK's hash; the object's UUID
  Bytes fingerprint;  // of the data key; the KEK's hash once more
  std::string name;   // alias; common name
  KeyState state = KeyState::kPreActive;
  WallTime quarantined{};  // kNever: it is not
  LedgerKey ledger;
};
KeyRef ref_of(const DataKey& key);
KeyRef ref_of(const Kek& kek);

// A legal hold, or a date before which the key must be kept.
struct KeyHold {
  Uuid id;
  KeyKind kind = KeyKind::kDataKey;
  Bytes key;         // KeyRef::id
  std::string name;  // KeyRef::name when it was placed
  std::string reason;
  WallTime until{};  // kNever: until it is taken away
  std::string placed_by;
  WallTime placed{};

  bool in_force(WallTime now) const { return until == kNever || now < until; }
  store::Row to_row() const;
  static KeyHold from_row(const store::Row& row);
};

// The lasting mark of a compromised or destroyed key.
struct Tombstone {
  KeyKind kind = KeyKind::kDataKey;
  Bytes fingerprint;
  Bytes key;  // KeyRef::id
  std::string name;
  KeyState state = KeyState::kCompromised;
  WallTime at{};
  std::string by;
  std::string approved_by;      // empty: nobody was asked
  std::int64_t cartridges = 0;  // compromised: sealed with it; destroyed: that needed it
  Uuid server;                  // that signed it
  Bytes signature;              // ECDSA P-256, SHA-256, over signed_bytes()

  Bytes signed_bytes() const;
  store::Row to_row() const;
  static Tombstone from_row(const store::Row& row);
};

// Each server marks for itself, so that no merge sets one mark against another: the strongest counts.
Result<std::optional<Tombstone>> strongest_tombstone(store::Reader& reader, KeyKind kind,
                                                     ByteView fingerprint);

// kUnauthenticated: not signed by a server that is known here.
Status verify_tombstone(store::Reader& reader, const Tombstone& tombstone);

struct Destruction {
  // How many cartridges, by count_sealed(kNeeding), become unreadable; absent: none may.
  std::optional<std::int64_t> cartridges_lost = {};
  bool purge = false;  // of a quarantined key, whatever its state
};

class KeyLife {
 public:
  KeyLife(const ServerContext& context, const Settings& settings, const DataKeys& keys, const Keks& keks)
      : context_(context), settings_(settings), keys_(keys), keks_(keks) {}

  // kNotFound.
  Result<KeyRef> data_key(store::Reader& reader, std::string_view alias) const;
  Result<KeyRef> kek(store::Reader& reader, const Hash256& id) const;

  // kInvalidArgument: no reason, or a date that is past. kConflict: the key is destroyed. An object is taken
  // as it is given: its caller read it within the transaction.
  Result<KeyHold> hold(store::Transaction& transaction, const Actor& actor, const KeyRef& key,
                       std::string_view reason, WallTime until) const;
  Status remove_hold(store::Transaction& transaction, const Actor& actor, const KeyRef& key, const Uuid& hold,
                     const Consent& consent) const;
  Result<std::vector<KeyHold>> holds_of(store::Reader& reader, const KeyRef& key) const;
  // kConflict naming a hold in force. `shown`: how the message calls the key.
  Status check_holds(store::Reader& reader, const KeyRef& key, const std::string& shown) const;

  Status quarantine(store::Transaction& transaction, const Actor& actor, const KeyRef& key) const;
  Status release(store::Transaction& transaction, const Actor& actor, const KeyRef& key) const;
  // Cartridges of the key under every alias that its secret has here.
  Result<std::int64_t> count_sealed(store::Reader& reader, const KeyRef& key, CartridgeFilter filter) const;
  // Marks it, in its rows and by a tombstone. Twice is once.
  Result<Tombstone> compromise(store::Transaction& transaction, const Actor& actor, const KeyRef& key) const;
  // What destroy() would refuse whoever consents: asked before a second officer is.
  Status check_destroy(store::Reader& reader, const KeyRef& key, const Destruction& what) const;
  // kConflict naming the hold, the state or the number of cartridges in the way. After the commit the caller
  // waits for Keystore::wait_scrubbed().
  Result<Tombstone> destroy(store::Transaction& transaction, const Actor& actor, const KeyRef& key,
                            const Destruction& what, const Consent& consent) const;

  // For whoever brings keys in: merge, import, restore. The mark on a key with this fingerprint.
  Result<std::optional<Tombstone>> find_tombstone(store::Reader& reader, KeyKind kind,
                                                  ByteView fingerprint) const;
  // Of two servers' opinions about one key, and the mark on it if there is one, the one that holds.
  static KeyState merged_state(KeyState a, KeyState b, const std::optional<Tombstone>& mark);
  // Puts every row that contradicts a tombstone right: after rows came in from elsewhere. How many there
  // were.
  Result<std::size_t> enforce(store::Transaction& transaction) const;
  Status verify(store::Reader& reader, const Tombstone& tombstone) const {
    return verify_tombstone(reader, tombstone);
  }

 private:
  Result<DataKey> require_key(store::Reader& reader, const KeyRef& key) const;
  Result<KeyRef> again(store::Reader& reader, const KeyRef& key) const;
  // The other living rows of the key's secret.
  Result<std::vector<KeyRef>> twins_of(store::Reader& reader, const KeyRef& key) const;
  struct Destroying {
    KeyRef key;
    std::vector<KeyRef> twins;
    std::int64_t needing = 0;  // cartridges
  };
  Result<Destroying> plan_destruction(store::Reader& reader, const KeyRef& wanted,
                                      const Destruction& what) const;
  Status check_destroyable(store::Reader& reader, const KeyRef& key, const Destruction& what) const;
  Status check_twin(store::Reader& reader, const KeyRef& twin, const KeyRef& key) const;
  static Status check_lost(const KeyRef& key, const Destruction& what, std::int64_t needing);
  Status set_quarantine(store::Transaction& transaction, const KeyRef& key, WallTime since) const;
  // The row as the state says; a destroyed one without its secret.
  Status set_state(store::Transaction& transaction, const KeyRef& key, KeyState to) const;
  Result<Tombstone> bury(store::Transaction& transaction, const Actor& actor, const KeyRef& key,
                         KeyState state, std::int64_t cartridges, const std::string& approved_by) const;
  void audit(store::Transaction& transaction, const Actor& actor, std::string_view verb, const KeyRef& key,
             std::vector<std::pair<std::string_view, std::string>> fields) const;

  const ServerContext& context_;
  const Settings& settings_;
  const DataKeys& keys_;
  const Keks& keks_;
};

}  // namespace tapewarden::keymgr
