#include "keymgr/objects/tables.h"

#include "keymgr/objects/peer_objects.h"

namespace tapewarden::keymgr {

using store::TableSpec;
using enum store::ColumnType;
using enum store::ColumnRole;

const TableSpec kManagedObjectTable{
    .name = "managed_object",
    .columns = {{"id", kBlob, kKey},
                {"type", kInteger, kPlain},
                {"owner", kText, kPlain},
                {"state", kInteger, kPlain},
                {"data_key", kBlob, kPlain},
                {"secret", kBlob, kSecret},
                {"fingerprint", kBlob, kPlain},
                {"content", kBlob, kPlain},
                {"attributes", kBlob, kPlain},
                {"created", kInteger, kPlain},
                {"activated", kInteger, kPlain},
                {"deactivated", kInteger, kPlain},
                {"compromised", kInteger, kPlain},
                {"destroyed", kInteger, kPlain},
                {"changed", kInteger, kPlain},
                {"archived", kInteger, kPlain},
                {"quarantined", kInteger, kPlain},
                {"server", kBlob, kPlain}},
    .indexes = {"owner, created", "data_key WHERE data_key <> x''"},
    .unique_indexes = {},
    .merge = merge_managed_objects,
    .peer = {.fixed = {"type", "data_key", "secret"}, .check = check_managed_object_row},
};

// Each server makes its own, of the objects that it has (ManagedObjects::take_in): what two servers did to
// the attributes of one object would leave terms that fit no merged object.
const TableSpec kObjectTermTable{
    .name = "object_term",
    .columns = {{"term", kBlob, kKey}, {"object", kBlob, kKey}, {"created", kInteger, kPlain}},
    .key_order = {"object", "term"},
    // Those of one term in the order of their making, of which there may be a million.
    .indexes = {"term, created, object, row_erased"},
    .unique_indexes = {},
    .replicated = false,
};

const TableSpec kKmipClientTable{
    .name = "kmip_client",
    .columns = {{"name", kText, kKey},
                {"fingerprint", kBlob, kPlain},
                {"owner", kText, kPlain},
                {"user", kText, kPlain},
                {"salt", kBlob, kPlain},
                {"verifier", kBlob, kSecret},
                {"scrypt_n", kInteger, kPlain},
                {"scrypt_r", kInteger, kPlain},
                {"scrypt_p", kInteger, kPlain},
                {"rights", kInteger, kPlain},
                {"added", kInteger, kPlain}},
    .indexes = {"fingerprint"},
    .unique_indexes = {},
    .remembered = true,
    .peer = {.may_erase = true, .check = check_kmip_client_row},
};

// A server's own: its key signs here and nowhere else.
const TableSpec kKmipIssuerTable{
    .name = "kmip_issuer",
    .columns = {{"place", kInteger, kKey},
                {"certificate", kBlob, kPlain},
                {"private_half", kBlob, kSecret},
                {"days", kInteger, kPlain},
                {"set_at", kInteger, kPlain}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = false,
    .remembered = true,
};

std::vector<const TableSpec*> object_tables() {
  return {&kManagedObjectTable, &kObjectTermTable, &kKmipClientTable, &kKmipIssuerTable};
}

}  // namespace tapewarden::keymgr
