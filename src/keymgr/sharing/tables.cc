#include "keymgr/sharing/tables.h"

#include "keymgr/sharing/peer_rules.h"

namespace tapewarden::keymgr::sharing {

using store::TableSpec;
using enum store::ColumnType;
using enum store::ColumnRole;

const TableSpec kOwnCertificateTable{
    .name = "sharing_certificate",
    .columns = {{"id", kBlob, kKey},
                {"name", kText, kPlain},
                {"identity", kBlob, kPlain},
                {"certificate", kBlob, kPlain},
                {"made", kInteger, kPlain},
                {"identity_key", kBlob, kSecret},
                {"sealing_key", kBlob, kSecret}},
    .indexes = {},
    .unique_indexes = {},
    .peer = {.fixed = {"name", "identity", "certificate", "identity_key", "sealing_key"},
             .check = check_own_certificate_row},
};

const TableSpec kPartnerTable{
    .name = "partner",
    .columns = {{"name", kText, kKey},
                {"display", kText, kPlain},
                {"identity", kBlob, kPlain},
                {"certificate", kBlob, kPlain},
                {"fingerprint", kBlob, kPlain},
                {"added", kInteger, kPlain},
                {"added_by", kText, kPlain},
                {"confirmed", kInteger, kPlain},
                {"confirmed_by", kText, kPlain},
                {"read_by", kText, kPlain}},
    .indexes = {},
    .unique_indexes = {},
    .remembered = true,
    .peer = {.may_erase = true, .check = check_partner_row},
};

const TableSpec kTransferTable{
    .name = "key_transfer",
    .columns = {{"file", kBlob, kKey},
                {"direction", kInteger, kKey},
                {"partner", kText, kPlain},
                {"fingerprint", kBlob, kPlain},
                {"server", kBlob, kPlain},
                {"keys", kInteger, kPlain},
                {"added", kInteger, kPlain},
                {"kept_both", kInteger, kPlain},
                {"merged", kInteger, kPlain},
                {"refused", kInteger, kPlain},
                {"made", kInteger, kPlain},
                {"began", kInteger, kPlain},
                {"ended", kInteger, kPlain},
                {"by_person", kText, kPlain},
                {"approved_by", kText, kPlain}},
    .indexes = {"began"},
    .unique_indexes = {},
    .peer = {.fixed = {"fingerprint", "server", "keys", "made"}, .check = check_transfer_row},
};

const TableSpec kTransferKeysTable{
    .name = "key_transfer_keys",
    .columns = {{"file", kBlob, kKey},
                {"direction", kInteger, kKey},
                {"number", kInteger, kKey},
                {"fingerprints", kBlob, kPlain}},
    .indexes = {},
    .unique_indexes = {},
    .peer = {.check = check_transfer_keys_row},
};

std::vector<const TableSpec*> tables() {
  return {&kOwnCertificateTable, &kPartnerTable, &kTransferTable, &kTransferKeysTable};
}

}  // namespace tapewarden::keymgr::sharing
