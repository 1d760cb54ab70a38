// What the key server's things look like in JSON: attributes, never secrets. Included by .cc files only.
// Pure.
#pragma once

#include <boost/json.hpp>

#include "keymgr/custody/replicator.h"
#include "keymgr/keks.h"
#include "keymgr/key_groups.h"
#include "keymgr/key_request.h"
#include "keymgr/rows.h"

namespace tapewarden::admin {

boost::json::object to_json(const keymgr::Drive& drive);
boost::json::object to_json(const keymgr::DataKey& key);
boost::json::object to_json(const keymgr::GroupStatus& status);
boost::json::object to_json(const keymgr::KekView& view);
boost::json::object to_json(const keymgr::AccessRule& rule);
boost::json::object to_json(const keymgr::ProxyDrive& proxy);
boost::json::object to_json(const keymgr::LedgerEntry& entry);
boost::json::object to_json(const keymgr::NameStatus& status);
boost::json::object to_json(const keymgr::ServerRow& server);
boost::json::object to_json(const keymgr::PeerState& peer);

}  // namespace tapewarden::admin
