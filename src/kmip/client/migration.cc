#include "kmip/client/migration.h"

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include "base/concat.h"
#include "base/uuid.h"
#include "crypto/hash.h"
#include "crypto/secret_bytes.h"
#include "kmip/attribute_wire.h"
#include "kmip/earlier_identifier.h"
#include "kmip/names.h"
#include "kmip/object_value.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using ttlv::Item;
using ttlv::Writer;

// The newest version whose attributes have the same form at both ends, and what older servers speak.
constexpr ProtocolVersion kHere{1, 4};
constexpr ProtocolVersion kThere[] = {{1, 4}, {1, 3}, {1, 2}, {1, 1}, {1, 0}};
constexpr ProtocolVersion kOffsetsSince{1, 3};
constexpr std::int32_t kLocatedAtOnce = 500;
constexpr std::size_t kMostObjects = 1'000'000;
constexpr std::string_view kIdPurpose = "tapewarden earlier identifier 1";

enum class State : std::uint32_t { kPreActive = 1, kActive, kDeactivated, kCompromised, kDestroyed };

using Payload = std::function<void(Writer&)>;

// An answer with one item. Wiped: keys are in it.
struct Reply {
  Bytes message;
  ttlv::Document document;
  std::optional<Item> payload;
  bool good = false;
  std::string why;

  Reply() = default;
  Reply(Reply&&) = default;
  Reply& operator=(Reply&&) = default;
  ~Reply() { crypto::wipe(message); }
};

// One end: says one item, in one version.
class End {
 public:
  End(const Exchange& exchange, ProtocolVersion version) : exchange_(exchange), version_(version) {}

  Result<Reply> ask(Operation operation, const Payload& payload) const {
    Writer out;
    out.begin(tag::kRequestMessage).begin(tag::kRequestHeader).begin(tag::kProtocolVersion);
    out.add_integer(tag::kProtocolVersionMajor, version_.major);
    out.add_integer(tag::kProtocolVersionMinor, version_.minor).end();
    out.add_integer(tag::kBatchCount, 1).end();
    out.begin(tag::kBatchItem).add_enumeration(tag::kOperation, operation).begin(tag::kRequestPayload);
    payload(out);
    out.end().end().end();
    return read(TRY(exchange_(out.take())));
  }
  const ProtocolVersion& version() const { return version_; }

 private:
  static Result<Reply> read(Bytes message) {
    Reply out;
    out.message = std::move(message);
    out.document = TRY(ttlv::decode(out.message, {}, tag_name));
    const auto item = out.document.root().find(tag::kBatchItem);
    const auto status = item ? item->find(tag::kResultStatus) : std::nullopt;
    if (!status) return fail(ErrorCode::kCorrupt, "the answer is no KMIP response with an item");
    out.good = TRY(status->as_enumeration()) == static_cast<std::uint32_t>(ResultStatus::kSuccess);
    if (const auto reason = item->find(tag::kResultReason)) {
      out.why = value_text(tag::kResultReason, TRY(reason->as_enumeration()));
    }
    if (const auto text = item->find(tag::kResultMessage)) out.why += concat(": ", TRY(text->as_text()));
    out.payload = item->find(tag::kResponsePayload);
    return out;
  }

  const Exchange& exchange_;
  ProtocolVersion version_;
};

Payload naming(const std::string& id) {
  return [id](Writer& out) { out.add_text(tag::kUniqueIdentifier, id); };
}

// The newest version that the old server speaks.
Result<End> meet(const Exchange& exchange) {
  std::string why;
  for (const auto& version : kThere) {
    End out(exchange, version);
    const auto reply =
        TRY(out.ask(Operation::kLocate, [](Writer& to) { to.add_integer(tag::kMaximumItems, 1); }));
    if (reply.good) return out;
    why = reply.why;
  }
  return fail(ErrorCode::kUnsupported, "the old server answers no Locate of KMIP 1.0 to 1.4: " + why, "HOST",
              "check that the certificate is that of a client of the old server");
}

class Migration {
 public:
  Migration(const End& from, const End& to, const MigrationOrder& order,
            const std::function<void(const MigratedObject&)>& tell)
      : from_(from), to_(to), order_(order), tell_(tell) {}

  Status run() {
    while (TRY(take_page())) {
    }
    return {};
  }

 private:
  // What is known of an object before it is imported.
  struct Known {
    std::string id;     // there
    std::string as;     // here
    AttributeSet kept;  // what goes along
    std::string left;   // attributes that do not
    State state = State::kPreActive;
  };

  // False: that was the last one.
  Result<bool> take_page() {
    const bool paged = from_.version() >= kOffsetsSince;
    const auto reply = TRY(from_.ask(Operation::kLocate, [&](Writer& out) {
      if (!paged) return;
      out.add_integer(tag::kMaximumItems, kLocatedAtOnce);
      out.add_integer(tag::kOffsetItems, static_cast<std::int32_t>(seen_.size()));
    }));
    if (!reply.good)
      return fail(ErrorCode::kUnavailable, "the old server does not locate: " + reply.why, "HOST");
    bool news = false;
    if (!reply.payload) return false;
    for (const Item child : reply.payload->children()) {
      if (child.tag() != tag::kUniqueIdentifier) continue;
      const std::string id(TRY(child.as_text()));
      if (!seen_.insert(id).second) continue;
      news = true;
      tell_(TRY(take(id)));
    }
    return paged && news && seen_.size() < kMostObjects;
  }

  Result<MigratedObject> take(const std::string& id) {
    MigratedObject out{id, MigrationOutcome::kLeft, {}};
    Known known{id, here(id), {}, {}, {}};
    const auto described = TRY(from_.ask(Operation::kGetAttributes, naming(id)));
    if (!described.good) {
      out.remark = "its attributes: " + described.why;
      return out;
    }
    TRY(read(*described.payload, known));
    out.remark = known.left.empty() ? "" : "without " + known.left;
    if (known.state >= State::kDestroyed) {
      out.remark = "it was destroyed there";
      return out;
    }
    const auto before = TRY(state_here(known.as));
    if (before) {
      out = {id, MigrationOutcome::kHere, {}};
    } else {
      TRY(import(known, out));
    }
    if (out.outcome != MigrationOutcome::kLeft && !order_.dry_run) TRY(follow(known, out));
    return out;
  }

  std::string here(const std::string& id) const {
    if (const auto uuid = Uuid::parse(id)) return uuid->text();
    ByteWriter named;
    named.bytes32(as_bytes(kIdPurpose)).bytes32(as_bytes(order_.source)).bytes32(as_bytes(id));
    const auto hash = crypto::sha256(named.view());
    return Uuid::from(ByteView(hash).first(16)).text();
  }

  Status read(const Item& payload, Known& known) const {
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
      const bool fits = given && is_known_to(given->id, kHere) &&
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
  Result<std::optional<State>> state_here(const std::string& id) const {
    const auto reply = TRY(to_.ask(Operation::kGetAttributes, [&](Writer& out) {
      out.add_text(tag::kUniqueIdentifier, id).add_text(tag::kAttributeName, "State");
    }));
    if (!reply.good || !reply.payload) return std::nullopt;
    const auto attribute = reply.payload->find(tag::kAttribute);
    const auto value = attribute ? attribute->find(tag::kAttributeValue) : std::nullopt;
    return std::optional(value ? static_cast<State>(TRY(value->as_enumeration())) : State::kPreActive);
  }

  Status import(const Known& known, MigratedObject& out) const {
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
      return {};
    }
    const auto done = TRY(to_.ask(Operation::kImport, [&](Writer& to) {
      to.add_text(tag::kUniqueIdentifier, known.as);
      to.add_encoded(type->encoding());
      write_attributes(to, tag::kTemplateAttribute, known.kept, to_.version());
      to.add_encoded(object->encoding());
    }));
    if (done.good) {
      out.outcome = MigrationOutcome::kTaken;
    } else {
      out.remark = "refused here: " + done.why;
    }
    return {};
  }

  // The state that it has there.
  Status follow(const Known& known, MigratedObject& out) const {
    auto state = TRY(state_here(known.as)).value_or(State::kPreActive);
    std::string why;
    const auto say = [&](Operation operation, const Payload& payload) -> Status {
      const auto reply = TRY(to_.ask(operation, payload));
      if (!reply.good) why = reply.why;
      return {};
    };
    const auto revoke = [&](RevocationReasonCode code) -> Status {
      return say(Operation::kRevoke, [&](Writer& to) {
        to.add_text(tag::kUniqueIdentifier, known.as);
        to.begin(tag::kRevocationReason).add_enumeration(tag::kRevocationReasonCode, code).end();
      });
    };
    if (state == State::kPreActive && (known.state == State::kActive || known.state == State::kDeactivated)) {
      TRY(say(Operation::kActivate, naming(known.as)));
      state = State::kActive;
    }
    if (state == State::kActive && known.state == State::kDeactivated) {
      TRY(revoke(RevocationReasonCode::kCessationOfOperation));
    }
    if (state != State::kCompromised && known.state == State::kCompromised) {
      TRY(revoke(RevocationReasonCode::kKeyCompromise));
    }
    if (!why.empty()) out.remark += concat(out.remark.empty() ? "" : "; ", "its state: ", why);
    return {};
  }

  const End& from_;
  const End& to_;
  const MigrationOrder& order_;
  const std::function<void(const MigratedObject&)>& tell_;
  std::set<std::string> seen_;
};

}  // namespace

std::string_view to_string(MigrationOutcome outcome) {
  switch (outcome) {
    case MigrationOutcome::kTaken:
      return "taken";
    case MigrationOutcome::kHere:
      return "here";
    case MigrationOutcome::kLeft:
      return "left";
  }
  return "unknown";
}

Status migrate_objects(const Exchange& from, const Exchange& to, const MigrationOrder& order,
                       const std::function<void(const MigratedObject&)>& tell) {
  const End old = TRY(meet(from));
  const End here(to, kHere);
  const auto reply = TRY(here.ask(Operation::kQuery, [](Writer& out) {
    out.add_enumeration(tag::kQueryFunction, QueryFunction::kQueryServerInformation);
  }));
  if (!reply.good) {
    return fail(ErrorCode::kPermissionDenied, "this key server refuses the client: " + reply.why, "--to",
                "register it first: tapewarden kmip register-client");
  }
  return Migration(old, here, order, tell).run();
}

}  // namespace tapewarden::kmip
