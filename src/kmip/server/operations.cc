#include "kmip/server/operations.h"

#include <algorithm>

#include "base/concat.h"
#include "kmip/earlier_identifier.h"
#include "kmip/names.h"
#include "kmip/server/rights.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

// What the client needs for the objects that are named.
constexpr std::optional<keymgr::Right> kNothing;
constexpr std::optional<keymgr::Right> kToWrite = keymgr::Right::kWrite;
constexpr std::optional<keymgr::Right> kToRead = keymgr::Right::kRead;
using enum OperationWork;
constexpr ProtocolVersion kEver = kNewest;
constexpr ProtocolVersion k10{1, 0};
constexpr ProtocolVersion k11{1, 1};
constexpr ProtocolVersion k12{1, 2};
constexpr ProtocolVersion k14{1, 4};
constexpr ProtocolVersion k20{2, 0};
constexpr ProtocolVersion k21{2, 1};

constexpr OperationSpec kOperations[] = {
    {Operation::kQuery, "kmip.query", k10, kEver, kReadsBriefly, kNothing, query},
    {Operation::kDiscoverVersions, "kmip.discover-versions", k11, kEver, kReadsBriefly, kNothing,
     discover_versions},
    {Operation::kCreate, "kmip.create", k10, kEver, kWritesBriefly, kNothing, create},
    {Operation::kRegister, "kmip.register", k10, kEver, kWrites, kNothing, register_object},
    {Operation::kLocate, "kmip.locate", k10, kEver, kReadsBriefly, kNothing, locate},
    {Operation::kGet, "kmip.get", k10, kEver, kReadsBriefly, kNothing, get},
    {Operation::kCheck, "kmip.check", k10, kEver, kReadsBriefly, kNothing, check},
    {Operation::kGetAttributes, "kmip.get-attributes", k10, kEver, kReadsBriefly, kNothing, get_attributes},
    {Operation::kGetAttributeList, "kmip.get-attribute-list", k10, kEver, kReadsBriefly, kNothing,
     get_attribute_list},
    {Operation::kAddAttribute, "kmip.add-attribute", k10, kEver, kWrites, kToWrite, add_attribute},
    {Operation::kModifyAttribute, "kmip.modify-attribute", k10, kEver, kWrites, kToWrite, modify_attribute},
    {Operation::kDeleteAttribute, "kmip.delete-attribute", k10, kEver, kWrites, kToWrite, delete_attribute},
    {Operation::kActivate, "kmip.activate", k10, kEver, kWritesBriefly, kToWrite, activate},
    {Operation::kRevoke, "kmip.revoke", k10, kEver, kWrites, kToWrite, revoke},
    {Operation::kDestroy, "kmip.destroy", k10, kEver, kWrites, kToWrite, destroy},
    {Operation::kCreateKeyPair, "kmip.create-key-pair", k10, kEver, kWrites, kNothing, create_key_pair,
     draw_key_pair},
    {Operation::kReKey, "kmip.re-key", k10, kEver, kWrites, kToWrite, re_key},
    {Operation::kReKeyKeyPair, "kmip.re-key-key-pair", k11, kEver, kWrites, kToWrite, re_key_key_pair,
     draw_replacing_pair},
    {Operation::kDeriveKey, "kmip.derive-key", k10, kEver, kWrites, kToWrite, derive_key, draw_derived_key},
    {Operation::kCertify, "kmip.certify", k10, kEver, kWrites, kToWrite, certify, nullptr, true},
    {Operation::kReCertify, "kmip.re-certify", k10, kEver, kWrites, kToWrite, re_certify, nullptr, true},
    {Operation::kValidate, "kmip.validate", k10, kEver, kReads, kNothing, validate},
    {Operation::kCreateSplitKey, "kmip.create-split-key", k12, kEver, kWrites, kToRead, create_split_key},
    {Operation::kJoinSplitKey, "kmip.join-split-key", k12, kEver, kWrites, kToRead, join_split_key},
    {Operation::kSetAttribute, "kmip.set-attribute", k20, kEver, kWrites, kToWrite, set_attribute},
    {Operation::kAdjustAttribute, "kmip.adjust-attribute", k20, kEver, kWrites, kToWrite, adjust_attribute},
    {Operation::kObtainLease, "kmip.obtain-lease", k10, kEver, kReadsBriefly, kNothing, obtain_lease},
    {Operation::kGetUsageAllocation, "kmip.get-usage-allocation", k10, kEver, kWrites, kToWrite,
     get_usage_allocation},
    {Operation::kArchive, "kmip.archive", k10, kEver, kWrites, kToWrite, archive},
    {Operation::kRecover, "kmip.recover", k10, kEver, kWrites, kToWrite, recover},
    {Operation::kImport, "kmip.import", k14, kEver, kWrites, kNothing, import_object},
    {Operation::kExport, "kmip.export", k14, kEver, kReads, kNothing, export_object},
    {Operation::kEncrypt, "kmip.encrypt", k12, kEver, kWrites, kToWrite, encrypt},
    {Operation::kDecrypt, "kmip.decrypt", k12, kEver, kReads, kToRead, decrypt},
    {Operation::kSign, "kmip.sign", k12, kEver, kWrites, kToWrite, sign},
    {Operation::kSignatureVerify, "kmip.signature-verify", k12, kEver, kReads, kToRead, signature_verify},
    {Operation::kMAC, "kmip.mac", k12, kEver, kWrites, kToWrite, mac},
    {Operation::kMACVerify, "kmip.mac-verify", k12, kEver, kReads, kToRead, mac_verify},
    {Operation::kHash, "kmip.hash", k12, kEver, kReads, kNothing, hash},
    {Operation::kRNGRetrieve, "kmip.rng-retrieve", k12, kEver, kReads, kNothing, rng_retrieve},
    {Operation::kRNGSeed, "kmip.rng-seed", k12, kEver, kReads, kNothing, rng_seed},
    {Operation::kLog, "kmip.log", k20, kEver, kReads, kNothing, log},
    {Operation::kInterop, "kmip.interop", k20, kEver, kReads, kNothing, interop},
    {Operation::kLogin, "kmip.login", k20, kEver, kReads, kNothing, login},
    {Operation::kLogout, "kmip.logout", k20, kEver, kReads, kNothing, logout},
    {Operation::kPing, "kmip.ping", k21, kEver, kReadsBriefly, kNothing, ping},
    {Operation::kSetEndpointRole, "kmip.set-endpoint-role", k20, kEver, kReads, kNothing, set_endpoint_role},
};

std::unexpected<Error> not_found() {
  return refuse(ResultReason::kObjectNotFound, "the client has no object of this identifier",
                "Unique Identifier");
}

Result<keymgr::ManagedObject> object_of_id(OperationContext& context, const Uuid& id, bool alive,
                                           std::string_view as_given = {}) {
  auto object = TRY(context.objects.find(context.reader, id));
  if (!object || object->owner != context.client.owner) {
    if (!as_given.empty()) TRY(seek_elsewhere(context, {std::string(as_given), {}}));
    return not_found();
  }
  context.audit.emplace_back("object", keymgr::unique_identifier(*object));
  if (alive && TRY(context.objects.is_gone(context.reader, *object))) {
    return refuse(ResultReason::kObjectDestroyed, "the object was destroyed", "Unique Identifier");
  }
  if (context.needs) TRY(check_right(context, *object, *context.needs));
  context.placeholder = object->id;
  return *std::move(object);
}

// Identifiers are UUIDs; an object that came from another server may bear the one that it had there, too. One
// that several bear stands for none.
Result<std::optional<Uuid>> id_of(OperationContext& context, std::string_view text) {
  if (const auto id = Uuid::parse(text)) return std::optional(*id);
  keymgr::ObjectQuery query;
  query.owner = context.client.owner;
  query.wanted = {{AttributeId::of_vendor("x", kEarlierIdentifier), text_item(tag::kAttributeValue, text)}};
  query.maximum = 1;
  const auto found = TRY(context.objects.locate(context.reader, query));
  if (found.total == 0) TRY(seek_elsewhere(context, {std::string(text), {}}));
  return found.total == 1 ? std::optional(found.objects.front().id) : std::nullopt;
}

}  // namespace

const OperationSpec* find_operation(std::uint32_t operation, const ProtocolVersion& version) {
  const auto* found = std::ranges::find(kOperations, Operation(operation), &OperationSpec::operation);
  const bool there = found != std::end(kOperations) && found->since <= version && version <= found->until;
  return there ? found : nullptr;
}

std::span<const OperationSpec> operations() {
  return kOperations;
}

Result<keymgr::ManagedObject> named_object(OperationContext& context, const ttlv::Item& payload, bool alive) {
  return object_named_by(context, payload, tag::kUniqueIdentifier, alive);
}

Result<keymgr::ManagedObject> object_named_by(OperationContext& context, const ttlv::Item& payload,
                                              ttlv::Tag field, bool alive) {
  if (const auto item = payload.find(field)) return object_by(context, *item, alive);
  if (context.placeholder) return object_of_id(context, *context.placeholder, alive);
  return refuse(ResultReason::kItemNotFound, "the item names no object, and none came before it in the batch",
                "Unique Identifier");
}

Result<keymgr::ManagedObject> object_by(OperationContext& context, const ttlv::Item& identifier, bool alive) {
  if (identifier.type() == ttlv::Type::kTextString) {
    const auto text = TRY(identifier.as_text());
    const auto id = TRY(id_of(context, text));
    return id ? object_of_id(context, *id, alive, text) : not_found();
  }
  const auto stands_for = TRY(identifier.as_enumeration());
  if (stands_for == static_cast<std::uint32_t>(UniqueIdentifier::kIDPlaceholder) && context.placeholder) {
    return object_of_id(context, *context.placeholder, alive);
  }
  return refuse(ResultReason::kInvalidField, "this stands for no object here", "Unique Identifier");
}

Status seek_elsewhere(OperationContext& context, SoughtObject sought) {
  return context.elsewhere == nullptr ? Status() : context.elsewhere->seek(std::move(sought));
}

// What is not Fresh never becomes so again: then there is nothing to look up and change when the message's
// records are written.
void note_served(OperationContext& context, const keymgr::ManagedObject& object) {
  context.serves_a_key = true;
  const auto fresh = boolean_of(object.attributes.find(AttributeId::of(tag::kFresh)));
  if (fresh.value_or(false)) context.served.push_back(object.id);
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
