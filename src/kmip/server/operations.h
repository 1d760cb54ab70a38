// The handlers of the operations, one file each.
#pragma once

#include "kmip/server/operation.h"

namespace tapewarden::kmip {

Status query(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status discover_versions(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
Status create(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);
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

}  // namespace tapewarden::kmip
