#include "kmip/server/object_attributes.h"

#include "crypto/secret_bytes.h"
#include "kmip/object_value.h"
#include "kmip/server/new_object.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using keymgr::KeyState;
using keymgr::kNever;
using keymgr::ManagedObject;

std::int64_t seconds_of(WallTime time) {
  return to_millis(time) / 1000;
}

void set_date(AttributeSet& set, ttlv::Tag tag, WallTime time) {
  if (time != kNever) set.set(AttributeId::of(tag), date_item(tag, seconds_of(time)));
}

// A client that destroyed an object sees it destroyed, though it waits for officers.
KeyState seen_state(const ManagedObject& object, KeyState state) {
  if (object.quarantined == kNever) return state;
  return state == KeyState::kCompromised ? KeyState::kDestroyedCompromised : KeyState::kDestroyed;
}

void add_life(AttributeSet& set, const ManagedObject& object, const keymgr::ManagedObjects::Life& life) {
  set.set(AttributeId::of(tag::kState),
          enumeration_item(tag::kState, static_cast<std::uint32_t>(seen_state(object, life.state))));
  set_date(set, tag::kInitialDate, object.times.created);
  set_date(set, tag::kLastChangeDate, object.changed);
  set_date(set, tag::kCompromiseDate, life.times.compromised);
  set_date(set, tag::kDestroyDate, object.quarantined != kNever ? object.quarantined : life.times.destroyed);
  if (set.find(AttributeId::of(tag::kDeactivationDate)) == nullptr) {
    set_date(set, tag::kDeactivationDate, life.times.deactivated);
  }
  set_date(set, tag::kArchiveDate, object.archived);
  if (set.find(AttributeId::of(tag::kOriginalCreationDate)) == nullptr) {
    set_date(set, tag::kOriginalCreationDate, object.times.created);
  }
}

bool has_state(ObjectType type) {
  return type != ObjectType::kOpaqueObject && type != ObjectType::kTemplate;
}

}  // namespace

Result<AttributeSet> all_attributes(store::Reader& reader, const keymgr::ManagedObjects& objects,
                                    const ManagedObject& object, const ServerSettings& settings) {
  AttributeSet out = object.attributes;
  out.set(AttributeId::of(tag::kUniqueIdentifier),
          text_item(tag::kUniqueIdentifier, keymgr::unique_identifier(object)));
  out.set(AttributeId::of(tag::kShortUniqueIdentifier),
          bytes_item(tag::kShortUniqueIdentifier, object.id.view()));
  out.set(AttributeId::of(tag::kObjectType),
          enumeration_item(tag::kObjectType, static_cast<std::uint32_t>(object.type)));
  out.set(AttributeId::of(tag::kLeaseTime), interval_item(tag::kLeaseTime, settings.lease_seconds));
  if (has_state(object.type)) {
    add_life(out, object, TRY(objects.life_of(reader, object)));
  } else {
    set_date(out, tag::kInitialDate, object.times.created);
    set_date(out, tag::kLastChangeDate, object.changed);
  }
  return out;
}

Status add_digest(AttributeSet& attributes, store::Reader& reader, const keymgr::ManagedObjects& objects,
                  const ManagedObject& object) {
  const auto id = AttributeId::of(tag::kDigest);
  if (attributes.find(id) != nullptr || !object.data_key.is_nil() || object.fingerprint.empty()) return {};
  const auto secret = TRY(objects.own_secret(reader, object));
  if (secret.empty()) return {};
  if (object.content.empty()) {
    attributes.set(id, digest_item(secret.reveal(), KeyFormatType::kRaw));
    return {};
  }
  const auto content = TRY(ttlv::decode(object.content));
  const auto value = TRY(ttlv::decode(secret.reveal()));
  const auto terms = key_block_terms(content.root());
  auto digested = digested_bytes(value.root());
  attributes.set(id, digest_item(digested, terms ? terms->format : KeyFormatType::kOpaque));
  crypto::wipe(digested);
  return {};
}

}  // namespace tapewarden::kmip
