// The handlers of the operations, one file each.
#pragma once

#include "kmip/server/operation.h"

namespace tapewarden::kmip {

Status query(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status discover_versions(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status create(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status register_object(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status get(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status locate(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status check(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status get_attributes(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status get_attribute_list(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status add_attribute(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status modify_attribute(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status delete_attribute(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status activate(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status revoke(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status destroy(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);

Status create_key_pair(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Result<DrawingWork> draw_key_pair(OperationContext& context, const ttlv::Item& payload);
Result<DrawingWork> draw_replacing_pair(OperationContext& context, const ttlv::Item& payload);
Result<DrawingWork> draw_derived_key(OperationContext& context, const ttlv::Item& payload);
Status re_key(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status re_key_key_pair(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status derive_key(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status certify(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status re_certify(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status validate(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status create_split_key(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status join_split_key(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status set_attribute(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status adjust_attribute(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status obtain_lease(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status get_usage_allocation(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status archive(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status recover(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status import_object(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status export_object(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status encrypt(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status decrypt(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status sign(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status signature_verify(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status mac(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status mac_verify(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status hash(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status rng_retrieve(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status rng_seed(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status log(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status interop(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status login(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status logout(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status ping(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status set_endpoint_role(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);

// The object's structure as Get and Export give it, by the payload's Key Format Type, Key Wrap Type and Key
// Wrapping Specification.
Status write_object_of(OperationContext& context, const keymgr::ManagedObject& object,
                       const ttlv::Item& payload, ttlv::Writer& out);

}  // namespace tapewarden::kmip
