// Activate, Revoke and Destroy (Specification 1.4 sections 4.19 to 4.21, 2.1 sections 6.1.1, 6.1.46 and
// 6.1.15; the states are those of section 3.22 and 4.57).
#include "base/concat.h"
#include "kmip/attribute_shapes.h"
#include "kmip/server/operations.h"
#include "kmip/tags.h"
#include "ttlv/cursor.h"

namespace tapewarden::kmip {
namespace {

using keymgr::KeyState;
using keymgr::ManagedObject;

std::unexpected<Error> wrong_state(KeyState state) {
  return refuse(ResultReason::kWrongKeyLifecycleState,
                concat("the object is ", keymgr::to_string(state), ": that does not follow from it"),
                "State");
}

std::int64_t seconds_now(const OperationContext& context) {
  return to_millis(context.now()) / 1000;
}

// The data key goes along; an object with a secret of its own keeps its state itself.
Status move_data_key(OperationContext& context, const ManagedObject& object, KeyState to) {
  if (object.data_key.is_nil()) return {};
  auto& manager = context.objects.manager();
  const auto key = TRY(context.objects.data_key_of(*context.transaction, object));
  if (key.state == to) return {};
  if (to == KeyState::kCompromised) {
    TRY(manager.life().compromise(*context.transaction, context.actor(), keymgr::ref_of(key)));
    return {};
  }
  TRY(manager.keys().change_state(*context.transaction, context.actor(),
                                  concat(key.alias, "#", to_hex(key.fingerprint)), to));
  return {};
}

Status change_state(OperationContext& context, const ManagedObject& object, ManagedObject after,
                    KeyState to) {
  after.state = to;
  keymgr::mark(after.times, to, context.now());
  TRY(move_data_key(context, object, to));
  context.audit.emplace_back("state", std::string(keymgr::to_string(to)));
  return context.objects.change(*context.transaction, object, std::move(after));
}

}  // namespace

Status activate(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kUniqueIdentifier}));
  const auto object = TRY(named_object(context, payload, true));
  const auto state = TRY(context.objects.state_of(context.reader, object));
  if (state != KeyState::kPreActive) return wrong_state(state);
  auto after = object;
  after.attributes.set(AttributeId::of(tag::kActivationDate),
                       date_item(tag::kActivationDate, seconds_now(context)));
  TRY(change_state(context, object, std::move(after), KeyState::kActive));
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(object));
  return {};
}

namespace {

Result<RevocationReasonCode> reason_code(const ttlv::Item& payload) {
  const auto reason = payload.find(tag::kRevocationReason);
  const auto code = reason ? reason->find(tag::kRevocationReasonCode) : std::nullopt;
  if (!code) return refuse(ResultReason::kInvalidMessage, "it is missing", "Revocation Reason Code");
  const auto value = TRY(code->as_enumeration());
  if (value >= 1 && value <= 7) return RevocationReasonCode(value);
  return refuse(ResultReason::kInvalidField, "this is none that there is", "Revocation Reason Code");
}

void note_compromise(OperationContext& context, const ttlv::Item& payload, AttributeSet& attributes) {
  if (const auto date = payload.find(tag::kCompromiseOccurrenceDate)) {
    attributes.set(AttributeId::of(tag::kCompromiseOccurrenceDate), to_bytes(date->encoding()));
  } else {
    attributes.set(AttributeId::of(tag::kCompromiseOccurrenceDate),
                   date_item(tag::kCompromiseOccurrenceDate, seconds_now(context)));
  }
}

}  // namespace

Status revoke(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload,
                   {tag::kUniqueIdentifier, tag::kRevocationReason, tag::kCompromiseOccurrenceDate}));
  const auto object = TRY(named_object(context, payload, true));
  const auto code = TRY(reason_code(payload));
  for (const auto tag : {tag::kRevocationReason, tag::kCompromiseOccurrenceDate}) {
    if (const auto item = payload.find(tag)) TRY(check_shape(*attribute_kind(tag), *item));
  }
  const auto state = TRY(context.objects.state_of(context.reader, object));
  const bool compromised =
      code == RevocationReasonCode::kKeyCompromise || code == RevocationReasonCode::kCACompromise;
  const auto to = compromised ? KeyState::kCompromised : KeyState::kDeactivated;
  if (state == to || !keymgr::may_follow(state, to)) return wrong_state(state);
  auto after = object;
  after.attributes.set(AttributeId::of(tag::kRevocationReason),
                       to_bytes(payload.find(tag::kRevocationReason)->encoding()));
  if (compromised) {
    note_compromise(context, payload, after.attributes);
  } else {
    after.attributes.set(AttributeId::of(tag::kDeactivationDate),
                         date_item(tag::kDeactivationDate, seconds_now(context)));
  }
  TRY(change_state(context, object, std::move(after), to));
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(object));
  return {};
}

// Done for the client; for the officers it is a quarantine, which they end by a purge or a release (K10).
Status destroy(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kUniqueIdentifier}));
  const auto object = TRY(named_object(context, payload, true));
  const auto state = TRY(context.objects.state_of(context.reader, object));
  if (state == KeyState::kActive) return wrong_state(state);
  auto after = object;
  after.quarantined = context.now();
  if (!object.data_key.is_nil()) {
    const auto key = TRY(context.objects.data_key_of(*context.transaction, object));
    TRY(context.objects.manager().life().quarantine(*context.transaction, context.actor(),
                                                    keymgr::ref_of(key)));
  }
  TRY(context.objects.change(*context.transaction, object, std::move(after)));
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(object));
  return {};
}

}  // namespace tapewarden::kmip
