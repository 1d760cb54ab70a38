// What operators do with the objects of KMIP clients (K21): they look at them, give them to another client,
// hold them, bring back what a client destroyed by mistake, and end what it destroyed for good. Each change
// writes its audit record. Stateless; thread-safe.
#pragma once

#include <string>

#include "keymgr/actor.h"
#include "keymgr/consent.h"
#include "keymgr/key_life.h"
#include "keymgr/objects/managed_objects.h"
#include "keymgr/page.h"

namespace tapewarden::keymgr {

// An object as operators see it. The texts are the client's, of any characters.
struct ObjectView {
  ManagedObject object;
  KeyState state = KeyState::kPreActive;  // as of now
  std::string name;                       // its first Name
  std::string barcode;                    // Alternative Name, else x-Barcode
  std::string application_data;           // of a tape library: the key-associated data, in hex
  std::string alias;                      // of its data key; empty: it has none
};

Result<ObjectView> view_of(store::Reader& reader, const ManagedObjects& objects, ManagedObject object);

// Of one owner, or of all where it is empty; by owner and age. Of an object whose attributes cannot be read,
// all else is shown. kInvalidArgument for a page that never was.
Result<Page<ObjectView>> list_objects(store::Reader& reader, const ManagedObjects& objects,
                                      const std::string& owner, const PageRequest& page);

// kNotFound: the object, or no registered client uses that owner's objects. kAlreadyExists by O3.
Result<ManagedObject> reassign_object(store::Transaction& transaction, const ManagedObjects& objects,
                                      const Actor& actor, const Uuid& id, const std::string& owner);

// Takes it, and its data key, out of the quarantine that its client's Destroy was. kConflict: it is in none,
// or officers destroyed it for good; kAlreadyExists: its client has made another one in its place meanwhile
// (O3).
Result<ManagedObject> release_object(store::Transaction& transaction, const ManagedObjects& objects,
                                     const Actor& actor, const Uuid& id);

// Destroys for good an object that its client destroyed and that has a secret of its own; takes two officers.
// Its attributes stay, as the mark of it. What a peer holds its own officers purge: no server ends another's
// secrets by its word. kConflict: it is in no quarantine, or gone, or held, or its secret is that of a data
// key, which is purged itself. After the commit the caller waits for Keystore::wait_scrubbed().
Status check_purge(store::Reader& reader, const ManagedObjects& objects, const Uuid& id);
Result<ManagedObject> purge_object(store::Transaction& transaction, const ManagedObjects& objects,
                                   const Actor& actor, const Uuid& id, const Consent& consent);

// Legal holds, and dates before which an object must be kept (KeyLife; a hold comes off with two officers).
// For objects without a data key: kConflict, naming the data key, which is held itself. Its client may
// destroy a held object, which hides it; nobody purges it.
Result<KeyHold> hold_object(store::Transaction& transaction, const ManagedObjects& objects,
                            const Actor& actor, const Uuid& id, std::string_view reason, WallTime until);
Status remove_object_hold(store::Transaction& transaction, const ManagedObjects& objects, const Actor& actor,
                          const Uuid& id, const Uuid& hold, const Consent& consent);
Result<std::vector<KeyHold>> holds_of_object(store::Reader& reader, const ManagedObjects& objects,
                                             const Uuid& id);

}  // namespace tapewarden::keymgr
