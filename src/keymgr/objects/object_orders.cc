#include "keymgr/objects/object_orders.h"

#include <algorithm>

#include "keymgr/audit_note.h"
#include "keymgr/key_life.h"
#include "keymgr/objects/kmip_clients.h"
#include "keymgr/objects/tables.h"
#include "kmip/tags.h"
#include "ttlv/item.h"

namespace tapewarden::keymgr {
namespace {

namespace tag = kmip::tag;

// The text of one field of a structured attribute; empty: there is none.
std::string inner_text(const kmip::AttributeSet& attributes, ttlv::Tag attribute, ttlv::Tag field) {
  const auto* found = attributes.find(kmip::AttributeId::of(attribute));
  if (found == nullptr) return {};
  const auto document = ttlv::decode(found->item);
  const auto inner = document ? document->root().find(field) : std::nullopt;
  const auto text = inner ? inner->as_text() : Result<std::string_view>(std::string_view());
  return text ? std::string(*text) : std::string();
}

std::string barcode_of(const kmip::AttributeSet& attributes) {
  auto barcode = inner_text(attributes, tag::kAlternativeName, tag::kAlternativeNameValue);
  if (!barcode.empty()) return barcode;
  return kmip::text_of(attributes.find(kmip::AttributeId::of_vendor("x", "Barcode"))).value_or("");
}

Result<ManagedObject> require(store::Reader& reader, const ManagedObjects& objects, const Uuid& id) {
  auto object = TRY(objects.find(reader, id));
  if (object) return *std::move(object);
  return fail(ErrorCode::kNotFound, "there is no object of this identifier", "id",
              "list the objects to see their identifiers");
}

// What officers destroyed for good comes back by nobody's word.
Status check_not_ended(store::Reader& reader, const ManagedObjects& objects, const ManagedObject& object) {
  if (!is_tombstone(TRY(objects.state_of(reader, object)))) return {};
  return fail(ErrorCode::kConflict,
              object.data_key.is_nil()
                  ? std::string("officers purged the object: its secret is gone for good")
                  : "officers destroyed its data key " + TRY(objects.data_key_of(reader, object)).alias +
                        ": nothing is left to release",
              "id", "the client registers or makes a new object");
}

void audit(store::Transaction& transaction, const ManagedObjects& objects, const Actor& actor,
           std::string_view action, const ManagedObject& object,
           std::vector<std::pair<std::string_view, std::string>> fields) {
  fields.emplace(fields.begin(), "object", unique_identifier(object));
  note(transaction, objects.manager().context(),
       {.type = AuditType::kResourceManagement,
        .action = action,
        .actor = actor,
        .fields = std::move(fields)});
}

}  // namespace

Result<ObjectView> view_of(store::Reader& reader, const ManagedObjects& objects, ManagedObject object) {
  ObjectView out;
  out.state = TRY(objects.state_of(reader, object));
  out.name = inner_text(object.attributes, tag::kName, tag::kNameValue);
  out.barcode = barcode_of(object.attributes);
  out.application_data =
      inner_text(object.attributes, tag::kApplicationSpecificInformation, tag::kApplicationData);
  if (!object.data_key.is_nil()) out.alias = TRY(objects.data_key_of(reader, object)).alias;
  out.object = std::move(object);
  return out;
}

Result<Page<ObjectView>> list_objects(store::Reader& reader, const ManagedObjects& objects,
                                      const std::string& owner, const PageRequest& page) {
  const auto most = std::min(page.limit, kMaximumPage);
  std::string where = owner.empty() ? "1" : "owner = ?";
  std::vector<store::Value> values;
  if (!owner.empty()) values.emplace_back(owner);
  if (!page.after.empty()) {
    const auto id = Uuid::parse(page.after);
    const auto row = id ? TRY(reader.get(kManagedObjectTable, {to_bytes(id->view())})) : std::nullopt;
    if (!row) return fail(ErrorCode::kInvalidArgument, "this page never was", "after", "begin anew");
    const auto last = ManagedObject::without_attributes(*row);
    where += " AND (owner, created, id) > (?, ?, ?)";
    values.emplace_back(last.owner);
    values.emplace_back(to_millis(last.times.created));
    values.emplace_back(to_bytes(last.id.view()));
  }
  values.emplace_back(static_cast<std::int64_t>(most) + 1);
  const auto rows =
      TRY(reader.query(kManagedObjectTable, where + " ORDER BY owner, created, id LIMIT ?", values));
  Page<ObjectView> out;
  for (const auto& row : rows) {
    if (out.items.size() == most) {
      out.next = unique_identifier(out.items.back().object);
      break;
    }
    auto object = ManagedObject::from_row(row).value_or(ManagedObject::without_attributes(row));
    out.items.push_back(TRY(view_of(reader, objects, std::move(object))));
  }
  return out;
}

Result<ManagedObject> reassign_object(store::Transaction& transaction, const ManagedObjects& objects,
                                      const Actor& actor, const Uuid& id, const std::string& owner) {
  const auto before = TRY(require(transaction, objects, id));
  auto after = before;
  after.owner = TRY(canonical_kmip_client(owner, "owner"));
  const auto clients = TRY(KmipClients(objects.manager().context()).list(transaction));
  if (std::ranges::find(clients, after.owner, &KmipClient::owner) == clients.end()) {
    return fail(ErrorCode::kNotFound, "no registered KMIP client uses the objects of this owner", "owner",
                "register the client first, or name the group that its clients share");
  }
  TRY(objects.change(transaction, before, after));
  audit(transaction, objects, actor, "kmip.object.reassign", after,
        {{"before", before.owner}, {"owner", after.owner}});
  return after;
}

namespace {

// As KeyLife names it.
KeyRef ref_of(const ManagedObject& object) {
  return {.kind = KeyKind::kObject,
          .id = to_bytes(object.id.view()),
          .fingerprint = {},
          .name = unique_identifier(object),
          .state = object.state,
          .quarantined = object.quarantined,
          .ledger = {}};
}

Result<KeyRef> holdable(store::Reader& reader, const ManagedObjects& objects, const Uuid& id) {
  const auto object = TRY(require(reader, objects, id));
  if (object.data_key.is_nil()) return ref_of(object);
  const auto alias = TRY(objects.data_key_of(reader, object)).alias;
  return fail(ErrorCode::kConflict, "the object's secret is the data key " + alias, "id",
              "hold that: tapewarden key hold " + alias);
}

}  // namespace

Result<KeyHold> hold_object(store::Transaction& transaction, const ManagedObjects& objects,
                            const Actor& actor, const Uuid& id, std::string_view reason, WallTime until) {
  const auto object = TRY(holdable(transaction, objects, id));
  return objects.manager().life().hold(transaction, actor, object, reason, until);
}

Status remove_object_hold(store::Transaction& transaction, const ManagedObjects& objects, const Actor& actor,
                          const Uuid& id, const Uuid& hold, const Consent& consent) {
  const auto object = TRY(holdable(transaction, objects, id));
  return objects.manager().life().remove_hold(transaction, actor, object, hold, consent);
}

Result<std::vector<KeyHold>> holds_of_object(store::Reader& reader, const ManagedObjects& objects,
                                             const Uuid& id) {
  return objects.manager().life().holds_of(reader, TRY(holdable(reader, objects, id)));
}

namespace {

Result<ManagedObject> purgeable(store::Reader& reader, const ManagedObjects& objects, const Uuid& id) {
  auto object = TRY(require(reader, objects, id));
  if (!object.data_key.is_nil()) {
    const auto alias = TRY(objects.data_key_of(reader, object)).alias;
    return fail(ErrorCode::kConflict, "the object's secret is the data key " + alias, "id",
                "purge that: tapewarden key purge " + alias);
  }
  if (is_tombstone(object.state)) return fail(ErrorCode::kConflict, "the object was purged already", "id");
  if (object.quarantined == kNever) {
    return fail(ErrorCode::kConflict, "its client has not destroyed the object", "id",
                "the client sends Destroy first; of a client that is gone, give the object to another one");
  }
  TRY(objects.manager().life().check_holds(reader, ref_of(object), "the object"));
  return object;
}

}  // namespace

Status check_purge(store::Reader& reader, const ManagedObjects& objects, const Uuid& id) {
  (void)TRY(purgeable(reader, objects, id));
  return {};
}

Result<ManagedObject> purge_object(store::Transaction& transaction, const ManagedObjects& objects,
                                   const Actor& actor, const Uuid& id, const Consent& consent) {
  const auto before = TRY(purgeable(transaction, objects, id));
  TRY(take_consent(transaction, objects.manager().settings(), actor, consent));
  auto after = before;
  after.state = join(before.state, KeyState::kDestroyed);
  mark(after.times, after.state, objects.manager().context().now());
  after.quarantined = kNever;
  after.sealed_secret.clear();
  TRY(objects.change(transaction, before, after));
  audit(transaction, objects, actor, "kmip.object.purge", after,
        {{"owner", after.owner},
         {"before", std::string(to_string(before.state))},
         {"approved_by", consent.person}});
  return after;
}

Result<ManagedObject> release_object(store::Transaction& transaction, const ManagedObjects& objects,
                                     const Actor& actor, const Uuid& id) {
  const auto before = TRY(require(transaction, objects, id));
  TRY(check_not_ended(transaction, objects, before));
  if (before.quarantined == kNever) {
    return fail(ErrorCode::kConflict, "the object was not destroyed by its client", "id");
  }
  auto after = before;
  after.quarantined = kNever;
  TRY(objects.check_new(transaction, after));
  if (!after.data_key.is_nil()) {
    const auto key = TRY(objects.data_key_of(transaction, after));
    if (key.quarantined != kNever) {
      TRY(objects.manager().life().release(transaction, actor, ref_of(key)));
    }
  }
  TRY(objects.change(transaction, before, after));
  audit(transaction, objects, actor, "kmip.object.release", after, {{"owner", after.owner}});
  return after;
}

}  // namespace tapewarden::keymgr
