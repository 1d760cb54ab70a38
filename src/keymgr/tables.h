// The tables of the key server, in the form that store/ keeps, copies and checks. No replicated table has a
// unique index: what two servers made independently must find room in both. The order of the columns is
// the order in which rows.h writes and reads them: change both together. Constants; thread-safe once main()
// runs.
#pragma once

#include <span>
#include <vector>

#include "store/schema.h"

namespace tapewarden::keymgr {

extern const store::TableSpec kDataKeyTable;
extern const store::TableSpec kKeyGroupTable;
extern const store::TableSpec kGroupCursorTable;
extern const store::TableSpec kKekTable;
extern const store::TableSpec kKekLabelTable;
extern const store::TableSpec kDriveTable;
extern const store::TableSpec kProxyDriveTable;
extern const store::TableSpec kAccessRuleTable;
extern const store::TableSpec kLedgerTable;
extern const store::TableSpec kSettingTable;
extern const store::TableSpec kServerTable;
extern const store::TableSpec kConflictTable;
extern const store::TableSpec kIdentityTable;      // this server's private halves; never copied
extern const store::TableSpec kLocalCounterTable;  // never copied
extern const store::TableSpec kKeyHoldTable;
extern const store::TableSpec kTombstoneTable;
extern const store::TableSpec kRewrapTable;
extern const store::TableSpec kQuotaTable;
extern const store::TableSpec kQuotaWritesTable;  // writes begun, counted in slots of time
extern const store::TableSpec kQuotaReadsTable;   // when each volume was read last

// All of the above, for store::KeystoreOptions::tables.
std::vector<const store::TableSpec*> tables();

// Places of the kSecret columns, for Reader::unseal().
inline constexpr std::size_t kDataKeySecretColumn = 7;
inline constexpr std::size_t kKekPrivateColumn = 5;
inline constexpr std::size_t kIdentitySigningColumn = 1;
inline constexpr std::size_t kIdentityExchangeColumn = 2;

}  // namespace tapewarden::keymgr
