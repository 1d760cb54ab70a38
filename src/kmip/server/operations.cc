#include "kmip/server/operations.h"

#include <algorithm>

#include "base/concat.h"
#include "kmip/names.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

constexpr bool kWrites = true;
constexpr bool kReads = false;
constexpr ProtocolVersion k10{1, 0};
constexpr ProtocolVersion k11{1, 1};

constexpr OperationSpec kOperations[] = {
    {Operation::kQuery, "kmip.query", k10, kReads, query},
    {Operation::kDiscoverVersions, "kmip.discover-versions", k11, kReads, discover_versions},
    {Operation::kCreate, "kmip.create", k10, kWrites, create},
    {Operation::kLocate, "kmip.locate", k10, kReads, locate},
    {Operation::kGet, "kmip.get", k10, kReads, get},
    {Operation::kCheck, "kmip.check", k10, kReads, check},
    {Operation::kGetAttributes, "kmip.get-attributes", k10, kReads, get_attributes},
    {Operation::kGetAttributeList, "kmip.get-attribute-list", k10, kReads, get_attribute_list},
    {Operation::kAddAttribute, "kmip.add-attribute", k10, kWrites, add_attribute},
    {Operation::kModifyAttribute, "kmip.modify-attribute", k10, kWrites, modify_attribute},
    {Operation::kDeleteAttribute, "kmip.delete-attribute", k10, kWrites, delete_attribute},
    {Operation::kActivate, "kmip.activate", k10, kWrites, activate},
    {Operation::kRevoke, "kmip.revoke", k10, kWrites, revoke},
    {Operation::kDestroy, "kmip.destroy", k10, kWrites, destroy},
};

std::unexpected<Error> not_found() {
  return refuse(ResultReason::kObjectNotFound, "the client has no object of this identifier",
                "Unique Identifier");
}

}  // namespace

const OperationSpec* find_operation(std::uint32_t operation, const ProtocolVersion& version) {
  const auto* found = std::ranges::find(kOperations, Operation(operation), &OperationSpec::operation);
  return found != std::end(kOperations) && found->since <= version ? found : nullptr;
}

std::span<const OperationSpec> operations() {
  return kOperations;
}

Result<keymgr::ManagedObject> named_object(OperationContext& context, const ttlv::Item& payload, bool alive) {
  std::optional<Uuid> id = context.placeholder;
  if (const auto item = payload.find(tag::kUniqueIdentifier)) {
    if (item->type() == ttlv::Type::kTextString) {
      const auto parsed = Uuid::parse(TRY(item->as_text()));
      if (!parsed) return not_found();
      id = *parsed;
    } else if (TRY(item->as_enumeration()) != static_cast<std::uint32_t>(UniqueIdentifier::kIDPlaceholder)) {
      return refuse(ResultReason::kInvalidField, "this stands for no object here", "Unique Identifier");
    }
  }
  if (!id) {
    return refuse(ResultReason::kItemNotFound,
                  "the item names no object, and none came before it in the batch", "Unique Identifier");
  }
  auto object = TRY(context.objects.find(context.reader, *id));
  if (!object || object->owner != context.client.owner) return not_found();
  context.audit.emplace_back("object", keymgr::unique_identifier(*object));
  const bool gone = object->quarantined != keymgr::kNever || keymgr::is_tombstone(object->state);
  if (alive && gone) {
    return refuse(ResultReason::kObjectDestroyed, "the object was destroyed", "Unique Identifier");
  }
  context.placeholder = object->id;
  return *std::move(object);
}

Status check_fields(const ttlv::Item& payload, std::initializer_list<ttlv::Tag> known) {
  for (const ttlv::Item child : payload.children()) {
    if (std::ranges::find(known, child.tag()) != known.end()) continue;
    return refuse(ResultReason::kInvalidField, concat(child.name(), " does not belong to this operation"),
                  child.name());
  }
  return {};
}

}  // namespace tapewarden::kmip
