// Finds the places that there are and what each holds, as things are now (K26). Reads settings, targets,
// partners and KEKs; never a key. Belongs to one thread.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "keymgr/custody/backup/service.h"
#include "keymgr/key_manager.h"
#include "keymgr/recoverability/place.h"

namespace tapewarden::keymgr::recoverability {

// The other server of the pair, as replication sees it.
struct PeerFacts {
  std::string name;
  Uuid id;
  std::uint64_t acknowledged = 0;  // PeerView::acknowledged_commit()
  WallTime heard = kNever;         // when it answered last, since the start
  bool in_step = false;
};

class Gatherer {
 public:
  // `backups` may be null; `peer` empty, or give nothing where there is no peer. Borrows all.
  Gatherer(KeyManager& manager, std::string server_name, backup::Service* backups,
           std::function<std::optional<PeerFacts>()> peer);

  // `heard_before`: when the peer was heard last, as it was noted before the start; kNever without a note.
  Result<Places> gather(WallTime heard_before);
  // When the peer was heard last, as far as gather() knows; kNever.
  WallTime heard() const { return heard_; }

 private:
  std::string name_of(const PeerFacts& peer) const;
  Status add_servers(store::Reader& reader, Places& out, WallTime heard_before);
  Status add_targets(Places& out);
  Status add_partners(store::Reader& reader, Places& out);
  Status add_holders(store::Reader& reader, Places& out);
  Status name_domains(store::Reader& reader, Places& out) const;
  void add(Places& out, Place place) const;

  KeyManager& manager_;
  const std::string server_name_;
  backup::Service* backups_;
  const std::function<std::optional<PeerFacts>()> peer_;
  const WallTime started_;
  WallTime heard_ = kNever;
  // What partners have, read anew when a transfer, a partner or the setting was changed.
  std::string shared_state_;
  SharedKeys shared_;
  std::vector<Place> partners_;
};

}  // namespace tapewarden::keymgr::recoverability
