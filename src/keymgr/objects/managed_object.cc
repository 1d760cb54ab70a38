#include "keymgr/objects/managed_object.h"

#include "keymgr/objects/tables.h"
#include "keymgr/row_codec.h"
#include "kmip/tags.h"

namespace tapewarden::keymgr {
namespace {

bool has_come(const ManagedObject& object, ttlv::Tag date, WallTime now) {
  const auto seconds = kmip::date_of(object.attributes.find(kmip::AttributeId::of(date)));
  return seconds && *seconds <= to_millis(now) / 1000;
}

}  // namespace

store::Row ManagedObject::to_row() const {
  return RowWriter(kManagedObjectTable)
      .uuid(id)
      .number_of(type)
      .text(owner)
      .number_of(state)
      .blob(data_key.is_nil() ? ByteView() : ByteView(data_key.view()))
      .blob(sealed_secret)
      .blob(fingerprint)
      .blob(content)
      .blob(attributes.encode())
      .time(times.created)
      .time(times.activated)
      .time(times.deactivated)
      .time(times.compromised)
      .time(times.destroyed)
      .time(changed)
      .time(archived)
      .time(quarantined)
      .uuid(server)
      .take();
}

namespace {

// `attributes`: where those go, still encoded.
ManagedObject read_row(const store::Row& row, Bytes& attributes) {
  RowReader in(kManagedObjectTable, row);
  ManagedObject out;
  out.id = in.uuid();
  out.type = in.enumeration<kmip::ObjectType>();
  out.owner = in.text();
  out.state = in.enumeration<KeyState>();
  const auto& key = in.blob();
  if (!key.empty()) out.data_key = Uuid::from(key);
  out.sealed_secret = in.blob();
  out.fingerprint = in.blob();
  out.content = in.blob();
  attributes = in.blob();
  out.times.created = in.time();
  out.times.activated = in.time();
  out.times.deactivated = in.time();
  out.times.compromised = in.time();
  out.times.destroyed = in.time();
  out.changed = in.time();
  out.archived = in.time();
  out.quarantined = in.time();
  out.server = in.uuid();
  return out;
}

}  // namespace

Result<ManagedObject> ManagedObject::from_row(const store::Row& row) {
  Bytes attributes;
  auto out = read_row(row, attributes);
  out.attributes = TRY(kmip::AttributeSet::decode(attributes));
  return out;
}

ManagedObject ManagedObject::without_attributes(const store::Row& row) {
  Bytes attributes;
  return read_row(row, attributes);
}

KeyState state_at(const ManagedObject& object, KeyState stored, WallTime now) {
  KeyState state = stored;
  if (state == KeyState::kPreActive && has_come(object, kmip::tag::kActivationDate, now)) {
    state = KeyState::kActive;
  }
  if (state == KeyState::kActive && has_come(object, kmip::tag::kDeactivationDate, now)) {
    state = KeyState::kDeactivated;
  }
  return state;
}

}  // namespace tapewarden::keymgr
