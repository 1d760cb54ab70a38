#include "keymgr/objects/managed_objects.h"

#include <algorithm>

#include "base/concat.h"
#include "keymgr/objects/object_terms.h"
#include "keymgr/objects/tables.h"
#include "keymgr/row_codec.h"
#include "kmip/limits.h"
#include "kmip/tags.h"
#include "ttlv/item.h"

namespace tapewarden::keymgr {
namespace {

namespace tag = kmip::tag;
constexpr std::size_t kLookedAtFirst = 16;
constexpr std::size_t kLookedAtOnce = 256;
constexpr std::size_t kTermsTried = 8;
constexpr std::size_t kFewCandidates = 16;
constexpr std::size_t kSomeCandidates = 1024;  // counted in a millisecond or two
constexpr std::size_t kFewWanted = 1000;       // of terms that all find more, any will do

// Whether no other object of the owner may have the same value (O3).
bool must_be_unique(const kmip::Attribute& attribute) {
  return attribute.id.tag == tag::kName || names_a_cartridge(attribute);
}

bool has_value(const kmip::AttributeSet& attributes, const kmip::AttributeId& id, ByteView item) {
  const auto wanted = compared_item(id, item);
  return std::ranges::any_of(attributes.find_all(id), [&](const kmip::Attribute* attribute) {
    return equal(compared_item(id, attribute->item), wanted);
  });
}

// What is written can be read again (AttributeSet::decode), here and at a peer.
Status check_size(const ManagedObject& object) {
  bool fits = object.attributes.encode().size() <= kmip::kMaximumAttributeBytes;
  for (const auto& attribute : object.attributes.all()) {
    fits = fits && attribute.item.size() <= kmip::kMaximumObjectBytes &&
           attribute.id.vendor.size() <= kmip::kMaximumAttributeName &&
           attribute.id.name.size() <= kmip::kMaximumAttributeName;
  }
  if (fits && object.content.size() <= kmip::kMaximumObjectBytes) return {};
  auto refused = kmip::refuse(kmip::ResultReason::kServerLimitExceeded,
                              concat("the object and its attributes are too large: of attributes, ",
                                     kmip::kMaximumAttributeBytes, " bytes are kept. Delete some first"),
                              "Attribute");
  refused.error().code = ErrorCode::kExhausted;
  return refused;
}

bool is_public(const ManagedObject& object) {
  using enum kmip::ObjectType;
  return object.type == kCertificate || object.type == kPublicKey || object.type == kCertificateRequest;
}

bool hides_its_secret(const ManagedObject& object) {
  return object.data_key.is_nil() && !object.fingerprint.empty() && !is_public(object);
}

// O4. The fingerprint then says that there is a secret, and no more.
void hide_secret(ManagedObject& object, Random& random) {
  object.attributes.remove_all(kmip::AttributeId::of(tag::kDigest));
  object.fingerprint = to_bytes(Uuid::random(random).view());
}

}  // namespace

// Two objects of one data key would give one client what another one's tapes are written with.
Status ManagedObjects::check_held_by_none(store::Reader& reader, const ManagedObject& object) const {
  if (object.data_key.is_nil()) return {};
  const auto held = TRY(reader.aggregate(kManagedObjectTable, "COUNT(*)", "data_key = ? AND data_key <> x''",
                                         {to_bytes(object.data_key.view())}));
  if (held == 0) return {};
  return fail(ErrorCode::kConflict, "the data key is another object's already", "data_key");
}

Status ManagedObjects::check_unique(store::Reader& reader, const ManagedObject& object,
                                    const kmip::AttributeSet* before) const {
  for (const auto& attribute : object.attributes.all()) {
    if (!must_be_unique(attribute)) continue;
    if (before != nullptr && has_value(*before, attribute.id, attribute.item)) continue;
    ObjectQuery query;
    query.owner = object.owner;
    query.wanted = {{attribute.id, attribute.item}};
    query.fits = [&](const ManagedObject& other) -> Result<bool> {
      return other.id != object.id && !TRY(is_gone(reader, other));
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
  if (object.id.is_nil()) object.id = Uuid::time_ordered(context.now(), *context.env.random);
  object.server = context.server;
  object.times.created = context.now();
  object.changed = object.times.created;
  if (hides_its_secret(object)) hide_secret(object, *context.env.random);
  TRY(check_size(object));
  TRY(check_held_by_none(transaction, object));
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
  // A row of an older release.
  const bool tells = after.attributes.find(kmip::AttributeId::of(tag::kDigest)) != nullptr;
  if (hides_its_secret(after) && tells) hide_secret(after, *manager_.context().env.random);
  TRY(check_size(after));
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

Result<ManagedObjects::Life> ManagedObjects::life_of(store::Reader& reader,
                                                     const ManagedObject& object) const {
  const auto now = manager_.context().now();
  Life out{state_at(object, object.state, now), object.times};
  if (object.data_key.is_nil()) return out;
  // That it was taken for an object made the data key active; what ends it ends the object.
  const auto key = TRY(data_key_of(reader, object));
  if (key.state < KeyState::kDeactivated) return out;
  const auto created = out.times.created;
  const auto activated = out.times.activated;
  out.times = join(out.times, key.times);
  out.times.created = created;
  out.times.activated = activated;
  out.state = join(out.state, key.state);
  return out;
}

Result<KeyState> ManagedObjects::state_of(store::Reader& reader, const ManagedObject& object) const {
  return TRY(life_of(reader, object)).state;
}

Result<bool> ManagedObjects::is_gone(store::Reader& reader, const ManagedObject& object) const {
  if (keymgr::is_gone(object)) return true;
  return !object.data_key.is_nil() && is_tombstone(TRY(data_key_of(reader, object)).state);
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
  std::optional<DataKey> key;
  if (!object.data_key.is_nil()) key = TRY(data_key_of(reader, object));
  if (keymgr::is_gone(object) || (key && is_tombstone(key->state))) {
    return kmip::refuse(kmip::ResultReason::kObjectDestroyed, "the object was destroyed",
                        "Unique Identifier");
  }
  if (object.archived != kNever) {
    return kmip::refuse(kmip::ResultReason::kObjectArchived, "the object is in the archive: recover it first",
                        "Unique Identifier");
  }
  return key ? manager_.keys().open(reader, *key) : own_secret(reader, object);
}

Result<crypto::SecretBytes> ManagedObjects::own_secret(store::Reader& reader,
                                                       const ManagedObject& object) const {
  if (is_tombstone(object.state)) return crypto::SecretBytes();
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

// Of the likeliest few terms the one that finds the fewest; nothing: objects are not found by any of them.
// How many a term finds is looked at no further than it takes to tell, and than is worth it for what is
// wanted.
Result<std::optional<Bytes>> ManagedObjects::best_term(store::Reader& reader,
                                                       const ObjectQuery& query) const {
  std::vector<std::pair<int, Bytes>> terms;
  for (const auto& wanted : query.wanted) {
    if (auto term = term_of(query.owner, wanted.id, wanted.item)) {
      terms.emplace_back(order_of(wanted.id), *std::move(term));
    }
  }
  if (terms.empty()) return std::nullopt;
  std::ranges::sort(terms);
  terms.resize(std::min(terms.size(), kTermsTried));
  if (terms.size() == 1) return std::move(terms.front().second);
  const bool few = query.maximum != 0 && query.maximum <= kFewWanted;
  for (const auto most : {kFewCandidates, kSomeCandidates, few ? kSomeCandidates : query.most_looked_at}) {
    const Bytes* best = nullptr;
    auto fewest = most + 1;
    for (const auto& [order, term] : terms) {
      const auto rows = TRY(reader.hints(kObjectTermTable, {kObjectTermObjectColumn}, "term = ? LIMIT ?",
                                         {term, static_cast<std::int64_t>(fewest)}));
      if (rows.size() >= fewest) continue;
      fewest = rows.size();
      best = &term;
      if (fewest == 0) break;
    }
    if (best != nullptr) return *best;
  }
  return std::move(terms.front().second);
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

namespace {

// What a search has found so far. It looks for one object more than was asked for, so that a client who asks
// for one learns whether it is the only one.
class Finds {
 public:
  explicit Finds(const ObjectQuery& query) : query_(query) {}

  bool enough() const { return query_.maximum != 0 && found_.total > query_.offset + query_.maximum; }
  // False: no more may be looked at.
  bool may_look() { return looked_at_++ < query_.most_looked_at; }
  void take(ManagedObject object) {
    ++found_.total;
    const bool full = query_.maximum != 0 && found_.objects.size() >= query_.maximum;
    if (found_.total > query_.offset && !full) found_.objects.push_back(std::move(object));
  }
  // Enough was found, or there are no more.
  ObjectsFound done() { return std::move(found_); }
  // There may be more.
  Result<ObjectsFound> stopped() {
    if (!query_.exact && query_.maximum != 0 && found_.objects.size() == query_.maximum) {
      ++found_.total;
      return std::move(found_);
    }
    return fail(ErrorCode::kExhausted,
                concat("more than ", query_.most_looked_at, " objects would have to be looked at"), {},
                "search by a name, or by another attribute that fewer objects have");
  }

 private:
  const ObjectQuery& query_;
  ObjectsFound found_;
  std::size_t looked_at_ = 0;
};

}  // namespace

namespace {

// Goes through the objects of a term, or of an owner, in the order of their making or against it, page by
// page: who wants the newest of a million reads no more than a page. Of a term it reads the index alone:
// which object has what is wanted is seen at the object itself.
class ObjectWalk {
 public:
  ObjectWalk(const ObjectQuery& query, const std::optional<Bytes>& term) : query_(query), term_(term) {
    if (query.newest_first) place_[0] = INT64_MAX;
    const auto wanted = query.maximum == 0 ? kLookedAtOnce : query.offset + query.maximum + 1;
    page_ = std::clamp(wanted, kLookedAtFirst, kLookedAtOnce);
  }

  bool ended() const { return ended_; }

  // Rows of kManagedObjectTable, or where there is a term: `object` and `created`. REQUIRES: it has not
  // ended.
  Result<std::vector<store::Row>> next(store::Reader& reader) {
    const std::string object = term_ ? "object" : "id";
    const std::string down = query_.newest_first ? " DESC" : "";
    const std::string where = std::string(term_ ? "term" : "owner") + " = ? AND (created, " + object + ") " +
                              (query_.newest_first ? "<" : ">") + " (?, ?) ORDER BY created" + down + ", " +
                              object + down + " LIMIT ?";
    const store::Value of = term_ ? store::Value(*term_) : store::Value(query_.owner);
    const std::initializer_list<store::Value> from{of, place_[0], place_[1],
                                                   static_cast<std::int64_t>(page_)};
    auto rows = TRY(term_ ? reader.hints(kObjectTermTable,
                                         {kObjectTermObjectColumn, kObjectTermCreatedColumn}, where, from)
                          : reader.query(kManagedObjectTable, where, from));
    ended_ = rows.size() < page_;
    if (!ended_) go_behind(rows.back());
    page_ = kLookedAtOnce;
    return rows;
  }

 private:
  void go_behind(const store::Row& row) {
    if (term_) {
      place_ = {store::integer(row, 1), store::blob(row, 0)};
      return;
    }
    const auto last = ManagedObject::without_attributes(row);
    place_ = {to_millis(last.times.created), to_bytes(last.id.view())};
  }

  const ObjectQuery& query_;
  const std::optional<Bytes>& term_;
  store::Row place_{std::int64_t{0}, Bytes()};
  std::size_t page_ = kLookedAtOnce;
  bool ended_ = false;
};

}  // namespace

Result<ObjectsFound> ManagedObjects::locate(store::Reader& reader, const ObjectQuery& query) const {
  const auto term = TRY(best_term(reader, query));
  Finds finds(query);
  const auto look_at = [&](const store::Row& row) -> Status {
    auto object = ManagedObject::from_row(row);
    if (object && TRY(has_all(reader, *object, query))) finds.take(*std::move(object));
    return {};
  };
  ObjectWalk walk(query, term);
  while (!walk.ended() && !finds.enough()) {
    const auto rows = TRY(walk.next(reader));
    for (const auto& row : rows) {
      if (finds.enough()) break;
      if (!finds.may_look()) return finds.stopped();
      if (!term) {
        TRY(look_at(row));
      } else if (const auto found = TRY(reader.get(kManagedObjectTable, {store::blob(row, 0)}))) {
        TRY(look_at(*found));
      }
    }
  }
  return finds.done();
}

}  // namespace tapewarden::keymgr
