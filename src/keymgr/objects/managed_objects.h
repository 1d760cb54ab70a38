// What KMIP clients keep here (K21): objects, and by what they are found.
//
// Invariants
//  O1 For each term of a live object (object_terms.h) there is a row, written in one transaction with it, and
//     no other.
//  O2 The secret of an object of its own exists as a sealed box in its row and, while it is used, in a
//     SecretBytes. A data key's stands in the data key's row alone.
//  O3 No two objects of an owner that are not destroyed bear the same Name (KMIP Specification 1.4 section
//     3.2), nor the same Application Specific Information in a tape library's namespace: the key of a
//     cartridge is found by it alone. Two servers that were apart may each have made one: take_in() tells.
//  O4 No plain column holds what a secret could be guessed by, of an object with a secret of its own: neither
//     its Digest nor a fingerprint that follows from it. Public keys and certificates are no secrets.
//  O5 An object that its client destroyed is nobody's to use, and stays until officers purge it (K10).
// Stateless; thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "crypto/secret_bytes.h"
#include "keymgr/actor.h"
#include "keymgr/key_manager.h"
#include "keymgr/objects/managed_object.h"

namespace tapewarden::keymgr {

inline constexpr std::size_t kMaximumLookedAt = 100'000;  // objects of one search

// One attribute that an object must have.
struct AttributeWanted {
  kmip::AttributeId id;
  Bytes item;
};

struct ObjectQuery {
  std::string owner;
  std::vector<AttributeWanted> wanted;  // of those that objects keep: AttributeSet
  // Of everything else: states, dates, types. Called with objects that have all of `wanted`. May be empty.
  std::function<Result<bool>(const ManagedObject&)> fits;
  std::size_t offset = 0;
  std::size_t maximum = 0;  // 0: all
  std::size_t most_looked_at = kMaximumLookedAt;
  bool newest_first = false;  // in the order in which they were made, or against it
  bool exact = false;         // kExhausted also where only the total is not known with so few looked at
};

struct ObjectsFound {
  std::vector<ManagedObject> objects;  // oldest first, unless asked for otherwise
  std::size_t total = 0;               // without offset and maximum, as far as it was counted
};

class ManagedObjects {
 public:
  explicit ManagedObjects(KeyManager& manager) : manager_(manager) {}

  // A new object; gives it times, server and, where it has none, an id. REQUIRES: no object has that id.
  // `secret`: of its own; empty: none, or the data key's. kAlreadyExists by O3, naming the attribute;
  // kExhausted: it has more attributes, or larger ones, than can be read again and than a peer takes.
  Result<ManagedObject> add(store::Transaction& transaction, ManagedObject object,
                            const crypto::SecretBytes& secret) const;
  // What add() would refuse, asked before anything is taken for the object.
  Status check_new(store::Reader& reader, const ManagedObject& object) const {
    return check_unique(reader, object, nullptr);
  }
  // Puts a changed row in the place of `before`, and its terms with it; `changed` becomes now. Errors as add.
  Status change(store::Transaction& transaction, const ManagedObject& before, ManagedObject after) const;

  // Within the transaction that applied rows of another server: terms of its objects (O1), audit records of
  // what it changed, and of objects that O3 forbids beside each other, which two servers may have made apart.
  // Nobody then finds either alone by that attribute, so nobody is given the wrong one. Writer thread.
  Status take_in(store::Transaction& transaction, const store::ApplyReport& report) const;

  Result<std::optional<ManagedObject>> find(store::Reader& reader, const Uuid& id) const;
  // Stops when it has what was asked for. A row that cannot be read is passed over. kExhausted: more than
  // query.most_looked_at would have to be looked at one by one.
  Result<ObjectsFound> locate(store::Reader& reader, const ObjectQuery& query) const;

  // As of now: what officers did to its data key counts beside what its client did to the object.
  struct Life {
    KeyState state = KeyState::kPreActive;
    StateTimes times;
  };
  Result<Life> life_of(store::Reader& reader, const ManagedObject& object) const;
  Result<KeyState> state_of(store::Reader& reader, const ManagedObject& object) const;
  // Destroyed, quarantined since its client destroyed it, or its data key is destroyed: nobody's to use.
  Result<bool> is_gone(store::Reader& reader, const ManagedObject& object) const;
  // kConflict: destroyed, quarantined or archived; kCorrupt.
  Result<crypto::SecretBytes> open(store::Reader& reader, const ManagedObject& object) const;
  // For what the server itself says of the secret: also of an object in the archive or in quarantine. Empty:
  // there is none any more. REQUIRES: the object has no data key.
  Result<crypto::SecretBytes> own_secret(store::Reader& reader, const ManagedObject& object) const;
  // The data key's row. REQUIRES: object.data_key is not nil.
  Result<DataKey> data_key_of(store::Reader& reader, const ManagedObject& object) const;

  KeyManager& manager() const { return manager_; }

 private:
  Status check_unique(store::Reader& reader, const ManagedObject& object,
                      const kmip::AttributeSet* before) const;
  Result<std::optional<Bytes>> best_term(store::Reader& reader, const ObjectQuery& query) const;
  Result<bool> has_all(store::Reader& reader, const ManagedObject& object, const ObjectQuery& query) const;
  Status check_held_by_none(store::Reader& reader, const ManagedObject& object) const;

  KeyManager& manager_;
};

}  // namespace tapewarden::keymgr
