// One object that a KMIP client keeps here (K21), as a row of kManagedObjectTable. A value.
//
// A symmetric key of 256 bits for AES is a data key like any other: its secret, its state and its end stand
// in the row of kDataKeyTable that `data_key` names, and the object adds what its client says of it. The
// secret of every other object is its own.
#pragma once

#include "keymgr/rows.h"
#include "kmip/attributes.h"
#include "kmip/enumerations.h"

namespace tapewarden::keymgr {

struct ManagedObject {
  Uuid id;
  kmip::ObjectType type = kmip::ObjectType::kSymmetricKey;
  std::string owner;                      // KmipClient::owner: a client, or a group of clients that share
  KeyState state = KeyState::kPreActive;  // as stored: see state_at(). Of a data key: its row's counts
  Uuid data_key;                          // nil: none
  Bytes sealed_secret;                    // a box of nothing where there is no secret of its own
  Bytes fingerprint;  // 16 bytes, of the secret of its own or of the data key; empty without a secret
  Bytes content;      // what is no secret: the object without its key material, encoded
  kmip::AttributeSet attributes;  // what the client gave; what follows from the row is not in it
  StateTimes times;               // created: Initial Date
  WallTime changed{};             // Last Change Date
  WallTime archived{};            // kNever: it is on line
  WallTime quarantined{};         // its client destroyed it; kNever: he has not
  Uuid server;                    // that made it

  store::Row to_row() const;
  // kCorrupt when attributes do not decode.
  static Result<ManagedObject> from_row(const store::Row& row);
  // All else of such a row: what officers still see of it.
  static ManagedObject without_attributes(const store::Row& row);
};

// The state at that time: Activation Date and Deactivation Date move it by themselves (KMIP Specification 1.4
// sections 3.24 and 3.27, 2.1 sections 4.1 and 4.19).
KeyState state_at(const ManagedObject& object, KeyState stored, WallTime now);

// Destroyed, or quarantined since its client destroyed it: nobody's to use.
inline bool is_gone(const ManagedObject& object) {
  return is_tombstone(object.state) || object.quarantined != kNever;
}

// The Unique Identifier that clients know it by.
inline std::string unique_identifier(const ManagedObject& object) {
  return object.id.text();
}

}  // namespace tapewarden::keymgr
