#include "keymgr/objects/managed_objects.h"

#include <algorithm>

#include "keymgr/objects/object_terms.h"
#include "keymgr/objects/tables.h"
#include "keymgr/row_codec.h"
#include "kmip/limits.h"
#include "kmip/tags.h"
#include "ttlv/item.h"

namespace tapewarden::keymgr {
namespace {

namespace tag = kmip::tag;
constexpr std::int64_t kLookedAtOnce = 256;

// Whether no other object of the owner may have the same value (O3).
bool must_be_unique(const kmip::Attribute& attribute) {
  if (attribute.id.tag == tag::kName) return true;
  if (attribute.id.tag != tag::kApplicationSpecificInformation) return false;
  const auto item = compared_item(attribute.id, attribute.item);
  const auto document = ttlv::decode(item);
  const auto space = document ? document->root().find(tag::kApplicationNamespace) : std::nullopt;
  return space && space->as_text() && space->as_text()->starts_with("LIBRARY-LTO");
}

bool has_value(const kmip::AttributeSet& attributes, const kmip::AttributeId& id, ByteView item) {
  const auto wanted = compared_item(id, item);
  return std::ranges::any_of(attributes.find_all(id), [&](const kmip::Attribute* attribute) {
    return equal(compared_item(id, attribute->item), wanted);
  });
}

}  // namespace

Status ManagedObjects::check_unique(store::Reader& reader, const ManagedObject& object,
                                    const kmip::AttributeSet* before) const {
  for (const auto& attribute : object.attributes.all()) {
    if (!must_be_unique(attribute)) continue;
    if (before != nullptr && has_value(*before, attribute.id, attribute.item)) continue;
    ObjectQuery query;
    query.owner = object.owner;
    query.wanted = {{attribute.id, attribute.item}};
    query.fits = [&](const ManagedObject& other) -> Result<bool> {
      return other.id != object.id && !is_gone(other);
    };
    query.maximum = 1;
    if (TRY(locate(reader, query)).objects.empty()) continue;
    const bool name = attribute.id.tag == tag::kName;
    auto refused = kmip::refuse(
        name ? kmip::ResultReason::kNonUniqueNameAttribute : kmip::ResultReason::kInvalidAttributeValue,
        "another object of this client has this value", attribute.id.text());
    refused.error().code = ErrorCode::kAlreadyExists;
    return refused;
  }
  return {};
}

Result<ManagedObject> ManagedObjects::add(store::Transaction& transaction, ManagedObject object,
                                          const crypto::SecretBytes& secret) const {
  const auto& context = manager_.context();
  if (object.id.is_nil()) object.id = Uuid::random(*context.env.random);
  object.server = context.server;
  object.times.created = context.now();
  object.changed = object.times.created;
  TRY(check_unique(transaction, object, nullptr));
  const store::Value id = to_bytes(object.id.view());
  object.sealed_secret = transaction.seal(kManagedObjectTable, {&id, 1}, "secret", secret);
  TRY(transaction.put(kManagedObjectTable, object.to_row()));
  for (const auto& term : terms_of(object.owner, object.attributes)) {
    TRY(transaction.put(kObjectTermTable, term_row(term, object)));
  }
  return object;
}

Status ManagedObjects::change(store::Transaction& transaction, const ManagedObject& before,
                              ManagedObject after) const {
  after.changed = manager_.context().now();
  TRY(check_unique(transaction, after, before.owner == after.owner ? &before.attributes : nullptr));
  const auto had = terms_of(before.owner, before.attributes);
  const auto has = terms_of(after.owner, after.attributes);
  for (const auto& term : had) {
    if (std::ranges::binary_search(has, term)) continue;
    TRY(transaction.erase(kObjectTermTable, {term, to_bytes(after.id.view())}));
  }
  for (const auto& term : has) {
    if (std::ranges::binary_search(had, term)) continue;
    TRY(transaction.put(kObjectTermTable, term_row(term, after)));
  }
  return transaction.put(kManagedObjectTable, after.to_row());
}

Result<std::optional<ManagedObject>> ManagedObjects::find(store::Reader& reader, const Uuid& id) const {
  const auto row = TRY(reader.get(kManagedObjectTable, {to_bytes(id.view())}));
  if (!row) return std::nullopt;
  return TRY(ManagedObject::from_row(*row));
}

Result<KeyState> ManagedObjects::state_of(store::Reader& reader, const ManagedObject& object) const {
  const auto now = manager_.context().now();
  if (object.data_key.is_nil()) return state_at(object, object.state, now);
  // That it was taken for an object made the data key active; what ends it ends the object.
  const auto key = TRY(data_key_of(reader, object)).state;
  const bool ended = key == KeyState::kCompromised || is_tombstone(key);
  return state_at(object, ended ? join(object.state, key) : object.state, now);
}

Result<DataKey> ManagedObjects::data_key_of(store::Reader& reader, const ManagedObject& object) const {
  auto key = TRY(manager_.keys().find_by_id(reader, object.data_key));
  if (!key) {
    return fail(ErrorCode::kCorrupt,
                "the data key of the object " + unique_identifier(object) + " is missing");
  }
  return *std::move(key);
}

Result<crypto::SecretBytes> ManagedObjects::open(store::Reader& reader, const ManagedObject& object) const {
  if (is_gone(object)) {
    return kmip::refuse(kmip::ResultReason::kObjectDestroyed, "the object was destroyed",
                        "Unique Identifier");
  }
  if (object.archived != kNever) {
    return kmip::refuse(kmip::ResultReason::kObjectArchived, "the object is in the archive: recover it first",
                        "Unique Identifier");
  }
  if (!object.data_key.is_nil()) return manager_.keys().open(reader, TRY(data_key_of(reader, object)));
  return reader.unseal(kManagedObjectTable, object.to_row(), kManagedObjectSecretColumn);
}

namespace {

// The term that most likely finds the fewest: what names an object alone comes first.
int order_of(const kmip::AttributeId& id) {
  if (id.tag == tag::kApplicationSpecificInformation) return 0;
  if (id.tag == tag::kName) return 1;
  if (id.tag == tag::kAlternativeName) return 2;
  return id.tag == tag::kLink ? 3 : 4;
}

}  // namespace

Result<std::vector<Bytes>> ManagedObjects::candidates(store::Reader& reader, const ObjectQuery& query,
                                                      bool& by_term) const {
  const AttributeWanted* best = nullptr;
  for (const auto& wanted : query.wanted) {
    if (!term_of(query.owner, wanted.id, wanted.item)) continue;
    if (best == nullptr || order_of(wanted.id) < order_of(best->id)) best = &wanted;
  }
  by_term = best != nullptr;
  std::vector<Bytes> out;
  if (!by_term) return out;
  const auto rows = TRY(reader.query(kObjectTermTable, "term = ? ORDER BY created, object",
                                     {*term_of(query.owner, best->id, best->item)}));
  for (const auto& row : rows) out.push_back(store::blob(row, 1));
  return out;
}

Result<bool> ManagedObjects::has_all(store::Reader& reader, const ManagedObject& object,
                                     const ObjectQuery& query) const {
  (void)reader;
  if (object.owner != query.owner) return false;
  for (const auto& wanted : query.wanted) {
    if (!has_value(object.attributes, wanted.id, wanted.item)) return false;
  }
  return query.fits ? query.fits(object) : Result<bool>(true);
}

Result<ObjectsFound> ManagedObjects::locate(store::Reader& reader, const ObjectQuery& query) const {
  bool by_term = false;
  const auto found = TRY(candidates(reader, query, by_term));
  ObjectsFound out;
  const auto take = [&](ManagedObject object) {
    ++out.total;
    const bool wanted =
        out.total > query.offset && (query.maximum == 0 || out.objects.size() < query.maximum);
    if (wanted) out.objects.push_back(std::move(object));
  };
  const auto enough = [&] { return query.maximum != 0 && out.objects.size() >= query.maximum; };
  for (const auto& id : found) {
    const auto row = TRY(reader.get(kManagedObjectTable, {id}));
    if (!row) continue;
    auto object = TRY(ManagedObject::from_row(*row));
    if (TRY(has_all(reader, object, query))) take(std::move(object));
  }
  std::ranges::sort(out.objects, {}, [](const ManagedObject& object) { return object.times.created; });
  if (by_term) return out;
  store::Row place{std::int64_t{0}, Bytes()};
  while (!enough()) {
    const auto rows = TRY(reader.query(kManagedObjectTable,
                                       "owner = ? AND (created, id) > (?, ?) ORDER BY created, id LIMIT ?",
                                       {query.owner, place[0], place[1], kLookedAtOnce}));
    for (const auto& row : rows) {
      auto object = TRY(ManagedObject::from_row(row));
      place = {to_millis(object.times.created), to_bytes(object.id.view())};
      if (!enough() && TRY(has_all(reader, object, query))) take(std::move(object));
    }
    if (std::cmp_less(rows.size(), kLookedAtOnce)) break;
  }
  return out;
}

}  // namespace tapewarden::keymgr
