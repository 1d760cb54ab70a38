// The REST interface of the key server: every operator action of keymgr/ as routes (U3). Handlers hold no
// state of their own but the open KEK challenges. Thread-safe.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "admin/http/route.h"
#include "admin/http/router.h"
#include "audit/checkpoint_note.h"
#include "crypto/keys.h"
#include "keymgr/custody/backup/service.h"
#include "keymgr/custody/comparer.h"
#include "keymgr/custody/replicator.h"
#include "keymgr/key_manager.h"
#include "keymgr/key_service.h"
#include "keymgr/rewrap.h"
#include "keymgr/rotation_note.h"
#include "kmip/read_through.h"
#include "people/people.h"

namespace tapewarden::keymgr {
class ManagedObjects;
}
namespace tapewarden::keymgr::recoverability {
class Service;
}

namespace tapewarden::admin {

// Where the audit record lies and what signs its checkpoints.
struct AuditPlace {
  Disk* disk = nullptr;
  std::string directory;
  crypto::PublicKey checkpoint_key;
  // Empty where there is no such thing. They may wait for the disk or the peer.
  std::function<store::CommitMark()> newest = {};  // of the keystore whose commits this record holds
  std::function<Result<audit::CheckpointNote>()> make_checkpoint = {};
  std::function<Result<std::vector<audit::CheckpointNote>>()> held_of_peer = {};  // what this server holds
  std::function<Result<std::vector<audit::CheckpointNote>>()> held_by_peer =
      {};  // what the peer says it holds
};

// What KMIP clients keep here.
struct KmipPlace {
  const keymgr::ManagedObjects* objects = nullptr;  // nullptr: no routes for it
  std::string key_group = {};                       // where their AES-256 keys are taken from
  // Where what is not here is looked for; empty: nowhere.
  std::function<std::vector<kmip::OldServerState>()> old_servers = {};
};

// What the routes work on. All borrowed; they outlive the router.
struct KeydServices {
  keymgr::KeyManager& manager;
  keymgr::KeyService& service;
  people::People& people;
  people::Approvals& approvals;                // the same that the router has
  keymgr::backup::Service* backups = nullptr;  // nullptr: no routes for backups
  keymgr::Rewrapper& rewrapper;
  keymgr::recoverability::Service* recoverability = nullptr;  // nullptr: no routes for it
  store::KeyRotation* rotation = nullptr;                     // nullptr: no routes for the master key
  AuditPlace audit;
  KmipPlace kmip = {};
  std::string server_name;
  // Empty functions where there is nothing to tell.
  std::function<std::optional<keymgr::PeerState>()> peer;
  // An operator's word about a restored peer, named by its id.
  std::function<Result<keymgr::Incarnation>(const Uuid&, const keymgr::Actor&)> accept_restored = {};
  keymgr::Replicator* replicator = nullptr;  // nullptr: this server has no peer
  keymgr::Comparer* comparer = nullptr;      // with a peer
  // What else an operator must be told: the audit file's health, a passphrase that lies beside the keystore.
  std::function<std::vector<std::string>()> warnings;
  std::function<bool()> ready;  // for the health check
};

// Everything, /v1/session, /v1/people, /v1/health and /v1/openapi.json included.
void add_keyd_routes(Router& router, const KeydServices& services);

// One noun each.
std::vector<Route> drive_routes(keymgr::KeyManager& manager);
std::vector<Route> key_routes(keymgr::KeyManager& manager);
// The end of data keys and KEKs; `backups` as in KeydServices.
std::vector<Route> life_routes(keymgr::KeyManager& manager, keymgr::backup::Service* backups);
std::vector<Route> group_routes(keymgr::KeyManager& manager);
std::vector<Route> kek_routes(keymgr::KeyManager& manager);
std::vector<Route> kek_proof_routes(keymgr::KeyManager& manager);
std::vector<Route> access_routes(keymgr::KeyManager& manager);
std::vector<Route> rewrap_routes(keymgr::KeyManager& manager, keymgr::Rewrapper& rewrapper);
std::vector<Route> master_key_routes(store::KeyRotation& rotation);
std::vector<Route> quota_routes(keymgr::KeyManager& manager);
std::vector<Route> setting_routes(keymgr::KeyManager& manager);
std::vector<Route> ledger_routes(keymgr::KeyManager& manager);
std::vector<Route> evidence_routes(keymgr::KeyManager& manager, const AuditPlace& audit);
std::vector<Route> migration_routes(keymgr::KeyManager& manager);
std::vector<Route> sharing_routes(keymgr::KeyManager& manager);       // partners; their keys
std::vector<Route> installation_routes(keymgr::KeyManager& manager);  // a whole old key manager
std::vector<Route> audit_routes(keymgr::KeyManager& manager, const AuditPlace& place);
std::vector<Route> backup_routes(keymgr::backup::Service& service);
std::vector<Route> recoverability_routes(keymgr::KeyManager& manager,
                                         keymgr::recoverability::Service& service);
std::vector<Route> kmip_routes(const KmipPlace& place);
std::vector<Route> kmip_hold_routes(const KmipPlace& place);  // on objects
std::vector<Route> status_routes(const KeydServices& services);
std::vector<Route> server_routes(const KeydServices& services);
std::vector<Route> pair_routes(const KeydServices& services);  // comparing and copying anew
// For the status: when the two servers were last compared and what came of it; empty without a peer.
boost::json::object comparison_summary(const KeydServices& services);

}  // namespace tapewarden::admin
