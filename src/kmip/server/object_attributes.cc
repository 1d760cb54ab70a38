#include "kmip/server/object_attributes.h"

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

void add_life(AttributeSet& set, const ManagedObject& object, KeyState state) {
  set.set(AttributeId::of(tag::kState),
          enumeration_item(tag::kState, static_cast<std::uint32_t>(seen_state(object, state))));
  set_date(set, tag::kInitialDate, object.times.created);
  set_date(set, tag::kLastChangeDate, object.changed);
  set_date(set, tag::kCompromiseDate, object.times.compromised);
  set_date(set, tag::kDestroyDate, object.quarantined);
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
    add_life(out, object, TRY(objects.state_of(reader, object)));
  } else {
    set_date(out, tag::kInitialDate, object.times.created);
    set_date(out, tag::kLastChangeDate, object.changed);
  }
  return out;
}

}  // namespace tapewarden::kmip
