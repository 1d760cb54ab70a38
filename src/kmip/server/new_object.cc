#include "kmip/server/new_object.h"

#include <algorithm>

#include "base/concat.h"
#include "crypto/hash.h"
#include "keymgr/serve_policy.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

constexpr std::int32_t kSoftware = static_cast<std::int32_t>(ProtectionStorageMask::kSoftware);

void set_absent(AttributeSet& set, ttlv::Tag tag, Bytes item) {
  if (set.find(AttributeId::of(tag)) == nullptr) set.set(AttributeId::of(tag), std::move(item));
}

Bytes generator_item() {
  ttlv::Writer out;
  out.begin(tag::kRandomNumberGenerator);
  add_generator(out);
  return out.end().take();
}

Status check_may_give(const AttributeSet& so_far, const GivenAttribute& given) {
  const auto* kind = given.id.kind();
  if (kind == nullptr) {
    if (given.id.vendor != "y") return {};
    return refuse(ResultReason::kReadOnlyAttribute, "attributes of y- are the server's", given.id.text());
  }
  if (kind->client == ClientMay::kRead) {
    return refuse(ResultReason::kReadOnlyAttribute, concat(kind->name, " is set by the server alone"),
                  std::string(kind->name));
  }
  if (!kind->many && so_far.find(given.id) != nullptr) {
    return refuse(ResultReason::kAttributeSingleValued, concat(kind->name, " has one value"),
                  std::string(kind->name));
  }
  return {};
}

// The template of the client that bears that name, as its structure.
Result<Bytes> named_template(const OperationContext& context, const ttlv::Item& name) {
  keymgr::ObjectQuery query;
  query.owner = context.client.owner;
  query.wanted = {{AttributeId::of(tag::kName), to_bytes(name.encoding())}};
  query.fits = [](const keymgr::ManagedObject& object) -> Result<bool> {
    return object.type == ObjectType::kTemplate && object.quarantined == keymgr::kNever;
  };
  query.maximum = 1;
  auto found = TRY(context.objects.locate(context.reader, query));
  if (!found.objects.empty()) return std::move(found.objects.front().content);
  return refuse(ResultReason::kItemNotFound, "the client has no template of this name", "Template-Attribute");
}

Status take_attribute(const OperationContext& context, const ttlv::Item& item, GivenBy by,
                      AttributeSet& into) {
  auto given = TRY(read_attribute(item, context.version));
  const auto* kind = given.id.kind();
  if (by == GivenBy::kOtherServer && kind != nullptr && kind->client == ClientMay::kRead) return {};
  TRY(check_may_give(into, given));
  if (into.size() >= kMaximumAttributeValues) {
    return refuse(ResultReason::kServerLimitExceeded,
                  concat("more than ", kMaximumAttributeValues, " attributes"), item.name());
  }
  into.add(given.id, std::move(given.item));
  return {};
}

// What the request does not give itself.
Status add_template(const OperationContext& context, const ttlv::Item& name, AttributeSet& into) {
  const auto content = TRY(named_template(context, name));
  const auto document = TRY(ttlv::decode(content));
  AttributeSet of_template;
  for (const ttlv::Item child : document.root().children()) {
    TRY(take_attribute(context, child, GivenBy::kClient, of_template));
  }
  const auto given = into;
  for (const auto& attribute : of_template.all()) {
    if (given.find(attribute.id) == nullptr) into.add(attribute.id, attribute.item);
  }
  return {};
}

// Usage Limits begin with all uses left.
Status fill_usage_limits(AttributeSet& attributes) {
  const auto id = AttributeId::of(tag::kUsageLimits);
  const auto* limits = attributes.find(id);
  if (limits == nullptr) return {};
  const auto document = TRY(ttlv::decode(limits->item));
  const auto total = TRY(document.root().find(tag::kUsageLimitsTotal)->as_long_integer());
  const auto count = document.root().find(tag::kUsageLimitsCount);
  const auto left = count ? TRY(count->as_long_integer()) : total;
  if (total < 0 || left < 0 || left > total) {
    return refuse(ResultReason::kInvalidField, "more uses would be left than there are", "Usage Limits");
  }
  ttlv::Writer out;
  out.begin(tag::kUsageLimits).add_long_integer(tag::kUsageLimitsTotal, total);
  out.add_long_integer(tag::kUsageLimitsCount, left);
  out.add_encoded(document.root().find(tag::kUsageLimitsUnit)->encoding());
  attributes.set(id, out.end().take());
  return {};
}

}  // namespace

Bytes digest_item(ByteView material, KeyFormatType format) {
  ttlv::Writer out;
  out.begin(tag::kDigest);
  out.add_enumeration(tag::kHashingAlgorithm, HashingAlgorithm::kSHA_256);
  out.add_bytes(tag::kDigestValue, ByteView(crypto::sha256(material)));
  out.add_enumeration(tag::kKeyFormatType, format);
  out.end();
  return out.take();
}

Bytes digested_bytes(const ttlv::Item& secret) {
  const auto material = secret.find(tag::kKeyMaterial);
  return to_bytes(material ? material->value() : secret.value());
}

void add_generator(ttlv::Writer& out) {
  out.add_enumeration(tag::kRNGAlgorithm, RNGAlgorithm::kDRBG);
  out.add_enumeration(tag::kCryptographicAlgorithm, CryptographicAlgorithm::kAES);
  out.add_integer(tag::kCryptographicLength, 256);
  out.add_enumeration(tag::kDRBGAlgorithm, DRBGAlgorithm::kCTR);
}

Result<AttributeSet> given_attributes(const OperationContext& context, const ttlv::Item& payload,
                                      ttlv::Tag tag_1, ttlv::Tag tag_2, GivenBy by) {
  AttributeSet out;
  const auto item = payload.find(context.version.is_2() ? tag_2 : tag_1);
  if (!item) return out;
  if (!item->is_structure()) {
    return refuse(ResultReason::kInvalidMessage, "attributes must be a structure", item->name());
  }
  const auto names_template = [&](const ttlv::Item& child) {
    return !context.version.is_2() && child.tag() == tag::kName;
  };
  for (const ttlv::Item child : item->children()) {
    if (!names_template(child)) TRY(take_attribute(context, child, by, out));
  }
  for (const ttlv::Item child : item->children()) {
    if (names_template(child)) TRY(add_template(context, child, out));
  }
  TRY(fill_usage_limits(out));
  return out;
}

void add_server_attributes(AttributeSet& attributes, ByteView material, KeyFormatType format, Origin origin) {
  attributes.set(AttributeId::of(tag::kDigest), digest_item(material, format));
  set_absent(attributes, tag::kFresh, boolean_item(tag::kFresh, true));
  set_absent(attributes, tag::kSensitive, boolean_item(tag::kSensitive, false));
  set_absent(attributes, tag::kExtractable, boolean_item(tag::kExtractable, true));
  const bool sensitive = boolean_of(attributes.find(AttributeId::of(tag::kSensitive))).value_or(false);
  const bool extractable = boolean_of(attributes.find(AttributeId::of(tag::kExtractable))).value_or(true);
  set_absent(attributes, tag::kAlwaysSensitive, boolean_item(tag::kAlwaysSensitive, sensitive));
  set_absent(attributes, tag::kNeverExtractable, boolean_item(tag::kNeverExtractable, !extractable));
  set_absent(attributes, tag::kKeyFormatType,
             enumeration_item(tag::kKeyFormatType, static_cast<std::uint32_t>(format)));
  set_absent(attributes, tag::kProtectionStorageMask, integer_item(tag::kProtectionStorageMask, kSoftware));
  if (origin == Origin::kGenerated) {
    set_absent(attributes, tag::kRandomNumberGenerator, generator_item());
  }
}

// Such a key is made with the commit that its client is told of: no backup can hold it by then, and the peer
// only when it follows at once.
Status check_may_draw(const OperationContext& context) {
  const auto& manager = context.objects.manager();
  const auto& server = manager.context();
  const auto gate = TRY(keymgr::write_gate(context.reader, server, manager.settings()));
  if (gate.replica == keymgr::WriteGate::kOpen && gate.backup == keymgr::WriteGate::kOpen) return {};
  const bool in_step = server.peer->configured() && server.peer->connected() &&
                       server.peer->acknowledged_commit() > 0 && !server.peer->rolled_back();
  if (in_step) return {};
  const auto rule = TRY(keymgr::serve_rule(context.reader, server, manager.settings()));
  return fail(
      ErrorCode::kUnavailable,
      concat("a key that is drawn now would exist on this server alone, and keys.serve is ",
             keymgr::to_string(rule.policy)),
      "keys.serve",
      "ask for an AES key of 256 bits, which lie ready; bring the peer back; or set keys.serve to at-once");
}

std::unexpected<Error> takes_long_within(std::string_view field) {
  return refuse(
      ResultReason::kServerLimitExceeded,
      "it takes long, and rests on what the same message makes or finds: send it in a message of its "
      "own, with the Unique Identifier",
      std::string(field));
}

WallTime time_of(std::int64_t seconds) {
  constexpr std::int64_t kEndOf9999 = 253'402'300'799;
  return WallTime(std::chrono::seconds(std::clamp(seconds, std::int64_t{0}, kEndOf9999)));
}

keymgr::KeyState first_state(const AttributeSet& attributes, WallTime now) {
  const auto activation = date_of(attributes.find(AttributeId::of(tag::kActivationDate)));
  const bool active = activation && *activation <= to_millis(now) / 1000;
  return active ? keymgr::KeyState::kActive : keymgr::KeyState::kPreActive;
}

}  // namespace tapewarden::kmip
