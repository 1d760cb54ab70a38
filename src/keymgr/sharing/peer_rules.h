// What the other server of a pair may write into the tables of sharing by replication: the checks that
// tables.cc names, under the invariants of keymgr/peer_rules.h. Pure but for what they look up; thread-safe.
#pragma once

#include "store/schema.h"

namespace tapewarden::keymgr::sharing {

// Both keys are those of the certificates, and the identity issued the encryption certificate.
Status check_own_certificate_row(const store::TableSpec& table, const store::IncomingRow& row);
// The fingerprint is that of the certificates.
Status check_partner_row(const store::TableSpec& table, const store::IncomingRow& row);
// What this server gave it alone writes down.
Status check_transfer_row(const store::TableSpec& table, const store::IncomingRow& row);
Status check_transfer_keys_row(const store::TableSpec& table, const store::IncomingRow& row);

}  // namespace tapewarden::keymgr::sharing
