#include "kmip/client/object_carrier.h"

#include "base/concat.h"
#include "base/uuid.h"
#include "crypto/hash.h"
#include "kmip/attribute_wire.h"
#include "kmip/earlier_identifier.h"
#include "kmip/names.h"
#include "kmip/object_value.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using ttlv::Item;
using ttlv::Writer;

constexpr std::string_view kIdPurpose = "tapewarden earlier identifier 1";

ServerEnd::Question revoking(const std::string& id, RevocationReasonCode code) {
  return {Operation::kRevoke, [id, code](Writer& out) {
            out.add_text(tag::kUniqueIdentifier, id);
            out.begin(tag::kRevocationReason).add_enumeration(tag::kRevocationReasonCode, code).end();
          }};
}

}  // namespace

Result<MigratedObject> ObjectCarrier::take(const std::string& id) const {
  MigratedObject out{id, MigrationOutcome::kLeft, {}, LeftBecause::kRefused};
  Known known{id, here(id), {}, {}, {}};
  const auto described = TRY(from_.ask(Operation::kGetAttributes, naming(id)));
  if (!described.good || !described.payload) {
    if (is_not_found(described)) out.because = LeftBecause::kNotThere;
    out.remark = "its attributes: " + described.why;
    return out;
  }
  TRY(read(*described.payload, known));
  out.remark = known.left.empty() ? "" : "without " + known.left;
  if (known.state >= State::kDestroyed) {
    return MigratedObject{id, MigrationOutcome::kLeft, "it was destroyed there", LeftBecause::kDestroyed};
  }
  const auto before = TRY(state_here(known.as));
  if (before) {
    out = {id, MigrationOutcome::kHere, {}, LeftBecause::kNothing};
  } else {
    TRY(import(known, out));
  }
  if (out.outcome != MigrationOutcome::kLeft && !order_.dry_run) TRY(follow(known, out));
  return out;
}

std::string ObjectCarrier::here(const std::string& id) const {
  if (const auto uuid = Uuid::parse(id)) return uuid->text();
  ByteWriter named;
  named.bytes32(as_bytes(kIdPurpose)).bytes32(as_bytes(order_.source)).bytes32(as_bytes(id));
  const auto hash = crypto::sha256(named.view());
  return Uuid::from(ByteView(hash).first(16)).text();
}

Status ObjectCarrier::read(const Item& payload, Known& known) const {
  for (const Item child : payload.children()) {
    if (child.tag() != tag::kAttribute) continue;
    const auto name = child.find(tag::kAttributeName);
    const std::string shown(name ? TRY(name->as_text()) : std::string_view("an attribute without a name"));
    auto given = read_attribute(child, from_.version());
    const auto* kind = given ? given->id.kind() : nullptr;
    const Attribute value = given ? Attribute{given->id, 0, given->item} : Attribute();
    if (kind != nullptr && kind->tag == tag::kState) {
      known.state = static_cast<State>(enumeration_of(&value).value_or(1));
    }
    if (kind != nullptr && kind->client == ClientMay::kRead) continue;  // it follows from the object
    const bool fits = given && is_known_to(given->id, kCommonVersion) &&
                      (kind != nullptr || given->id.vendor == "x") &&
                      (kind == nullptr || kind->many || known.kept.find(given->id) == nullptr);
    if (fits) {
      known.kept.add(given->id, std::move(given->item));
    } else {
      known.left += (known.left.empty() ? "" : ", ") + shown;
    }
  }
  if (known.as != known.id && !Uuid::parse(known.id)) {
    known.kept.set(AttributeId::of_vendor("x", kEarlierIdentifier),
                   text_item(tag::kAttributeValue, known.id));
  }
  return {};
}

// Nothing: it is not here.
Result<std::optional<ObjectCarrier::State>> ObjectCarrier::state_here(const std::string& id) const {
  const auto reply = TRY(to_.ask(Operation::kGetAttributes, [&](Writer& out) {
    out.add_text(tag::kUniqueIdentifier, id).add_text(tag::kAttributeName, "State");
  }));
  if (!reply.good || !reply.payload) return std::nullopt;
  const auto attribute = reply.payload->find(tag::kAttribute);
  const auto value = attribute ? attribute->find(tag::kAttributeValue) : std::nullopt;
  return std::optional(value ? static_cast<State>(TRY(value->as_enumeration())) : State::kPreActive);
}

Status ObjectCarrier::import(const Known& known, MigratedObject& out) const {
  const auto got = TRY(from_.ask(Operation::kGet, naming(known.id)));
  const auto type = got.good && got.payload ? got.payload->find(tag::kObjectType) : std::nullopt;
  const auto tag = type ? tag_of_object(TRY(type->as_enumeration())) : std::nullopt;
  const auto object = tag ? got.payload->find(*tag) : std::nullopt;
  if (!object) {
    out.remark = got.good ? "it is of a type that is not known here" : "its key: " + got.why;
    return {};
  }
  if (order_.dry_run) {
    out.outcome = MigrationOutcome::kTaken;
    out.because = LeftBecause::kNothing;
    return {};
  }
  std::vector<ServerEnd::Question> batch{{Operation::kImport, [&](Writer& to) {
                                            to.add_text(tag::kUniqueIdentifier, known.as);
                                            to.add_encoded(type->encoding());
                                            write_attributes(to, tag::kTemplateAttribute, known.kept,
                                                             to_.version());
                                            to.add_encoded(object->encoding());
                                          }}};
  for (auto& step : steps_to_state(known)) batch.push_back(std::move(step));
  const auto done = TRY(to_.ask(batch));
  if (done.good) {
    out.outcome = MigrationOutcome::kTaken;
  } else if (TRY(state_here(known.as))) {  // somebody else brought it meanwhile
    out.outcome = MigrationOutcome::kHere;
  } else {
    out.remark = "refused here: " + done.why;
    return {};
  }
  out.because = LeftBecause::kNothing;
  return {};
}

// Dates that are attributes make their state themselves.
std::vector<ServerEnd::Question> ObjectCarrier::steps_to_state(const Known& known) const {
  std::vector<ServerEnd::Question> out;
  const auto has = [&](ttlv::Tag date) { return known.kept.find(AttributeId::of(date)) != nullptr; };
  const bool begun = known.state == State::kActive || known.state == State::kDeactivated;
  if (begun && !has(tag::kActivationDate)) out.push_back({Operation::kActivate, naming(known.as)});
  if (known.state == State::kDeactivated && !has(tag::kDeactivationDate)) {
    out.push_back(revoking(known.as, RevocationReasonCode::kCessationOfOperation));
  }
  if (known.state == State::kCompromised) {
    out.push_back(revoking(known.as, RevocationReasonCode::kKeyCompromise));
  }
  return out;
}

// The state that it has there, where it has not come to it.
Status ObjectCarrier::follow(const Known& known, MigratedObject& out) const {
  auto state = TRY(state_here(known.as)).value_or(State::kPreActive);
  std::string why;
  const auto say = [&](const ServerEnd::Question& step) -> Status {
    const auto reply = TRY(to_.ask({step}));
    if (!reply.good) why = reply.why;
    return {};
  };
  if (state == State::kPreActive && (known.state == State::kActive || known.state == State::kDeactivated)) {
    TRY(say({Operation::kActivate, naming(known.as)}));
    state = State::kActive;
  }
  if (state == State::kActive && known.state == State::kDeactivated) {
    TRY(say(revoking(known.as, RevocationReasonCode::kCessationOfOperation)));
  }
  if (state != State::kCompromised && known.state == State::kCompromised) {
    TRY(say(revoking(known.as, RevocationReasonCode::kKeyCompromise)));
  }
  if (!why.empty()) out.remark += concat(out.remark.empty() ? "" : "; ", "its state: ", why);
  return {};
}

}  // namespace tapewarden::kmip
