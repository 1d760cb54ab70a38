// The tables of what KMIP clients keep here, in the form that store/ keeps and checks. The order of the
// columns is the order in which this folder writes and reads them. Constants; thread-safe once main() runs.
#pragma once

#include <vector>

#include "store/schema.h"

namespace tapewarden::keymgr {

extern const store::TableSpec kManagedObjectTable;
extern const store::TableSpec kObjectTermTable;  // by which attributes objects are found; never copied
extern const store::TableSpec kKmipClientTable;
extern const store::TableSpec kKmipIssuerTable;  // what issues certificates to them; never copied

// Places of the kSecret columns, for Reader::unseal().
inline constexpr std::size_t kManagedObjectSecretColumn = 5;
inline constexpr std::size_t kKmipClientVerifierColumn = 5;
inline constexpr std::size_t kKmipIssuerKeyColumn = 2;
// Places of columns, for Reader::hints().
inline constexpr std::size_t kObjectTermObjectColumn = 1;
inline constexpr std::size_t kObjectTermCreatedColumn = 2;

// All of the above, for store::KeystoreOptions::tables.
std::vector<const store::TableSpec*> object_tables();

}  // namespace tapewarden::keymgr
