// The tables of sharing: the site's own certificates, its partners, and what went to them and came from them.
// Replicated and backed up as the key server's other tables. Constants; thread-safe once main() runs.
#pragma once

#include <vector>

#include "store/schema.h"

namespace tapewarden::keymgr::sharing {

extern const store::TableSpec kOwnCertificateTable;
extern const store::TableSpec kPartnerTable;
extern const store::TableSpec kTransferTable;
extern const store::TableSpec kTransferKeysTable;

// All of the above, for store::KeystoreOptions::tables.
std::vector<const store::TableSpec*> tables();

// Places of the kSecret columns, for Reader::unseal().
inline constexpr std::size_t kOwnIdentityKeyColumn = 5;
inline constexpr std::size_t kOwnSealingKeyColumn = 6;

}  // namespace tapewarden::keymgr::sharing
