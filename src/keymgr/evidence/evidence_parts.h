// The parts of the documents that this component signs, as JSON: attributes, never secrets. Included by .cc
// files only. Pure but for reading.
#pragma once

#include <boost/json.hpp>
#include <string_view>
#include <vector>

#include "keymgr/key_manager.h"
#include "proof/signed_document.h"

namespace tapewarden::keymgr {

boost::json::object evidence_of(const LedgerEntry& entry);
boost::json::object evidence_of(const DataKey& key);
boost::json::object evidence_of(const KekView& kek);
boost::json::object evidence_of(const Drive& drive);
boost::json::object evidence_of(const ServerRow& server);
boost::json::object evidence_of(const Actor& actor);

// This server as the signer.
Result<proof::Signer> signer_of(store::Reader& reader, const ServerContext& context);

// Every row that the query gives, oldest first. kExhausted beyond `limit`.
Result<std::vector<LedgerEntry>> all_rows(store::Reader& reader, const Ledger& ledger,
                                          const LedgerQuery& query, std::size_t limit);

}  // namespace tapewarden::keymgr
