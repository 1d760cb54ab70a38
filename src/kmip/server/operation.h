// One operation of a KMIP request: what it is given and what it gives. Each has a file of its own in this
// folder, named after it; operations.cc lists them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/asymmetric_key.h"
#include "keymgr/objects/kmip_clients.h"
#include "keymgr/objects/managed_objects.h"
#include "keymgr/refusal_records.h"
#include "kmip/enumerations.h"
#include "kmip/protocol.h"
#include "kmip/server/elsewhere.h"
#include "kmip/server/settings.h"
#include "kmip/server/stream_changes.h"
#include "kmip/server/tickets.h"
#include "ttlv/item.h"
#include "ttlv/writer.h"

namespace tapewarden::kmip {

// What the audit says of an operation besides who, what and whether.
using AuditFields = std::vector<std::pair<std::string_view, std::string>>;

// What an operation takes long to make.
struct Drawn {
  std::optional<crypto::AsymmetricKey> pair;
  crypto::SecretBytes derived;  // by PBKDF2
};

// Lives while one message is carried out; one thread.
struct OperationContext {
  const keymgr::ManagedObjects& objects;
  const keymgr::KmipClient& client;
  const ServerSettings& settings;
  ProtocolVersion version;
  store::Reader& reader;
  store::Transaction* transaction = nullptr;  // nullptr: the operation does not write
  // The ID placeholder (Specification 1.4 section 4: "ID Placeholder"; 2.1 section 5.26): of this message
  // alone.
  std::optional<Uuid>& placeholder;
  std::vector<Uuid>& served;  // objects that are Fresh no more with this message
  StreamBook& streams;
  StreamChanges& stream_changes;  // take effect when the message is durable
  const TicketBook& tickets;
  TicketChanges& ticket_changes;                  // likewise
  std::optional<Hash256> ticket;                  // that this message stands on
  std::uint64_t message = 0;                      // its number, from 1
  keymgr::RefusalRecords* log_records = nullptr;  // how much each client's Log may write; nullptr: nothing
  Elsewhere* elsewhere = nullptr;                 // nullptr: what is not here is nowhere
  const Drawn* drawn = nullptr;                   // what Drawer made before the transaction; nullptr: nothing
  bool brief =
      false;  // on a thread that others wait for: what takes long ends with kExhausted, to be done anew
  AuditFields audit{};
  bool serves_a_key = false;             // the audit counts it among the keys that left
  bool unrecorded = false;               // its refusal has no record of its own: it was one of too many
  std::optional<keymgr::Right> needs{};  // OperationSpec::needs

  WallTime now() const { return objects.manager().context().now(); }
  keymgr::Actor actor() const { return {client.name, keymgr::ActorKind::kDevice}; }
};

// The error of an operation that only read so far, and must write after all: its message is carried out anew
// in a transaction.
inline constexpr std::uint32_t kNeedsTransaction = 1U << 29U;

// Reads the Request Payload, does what it says and writes what belongs into the Response Payload. Checks
// what it can before it writes; what an item wrote that failed later is undone by the engine. Errors are
// refusals (protocol.h) or errors that reason_of() understands.
using Handler = Status (*)(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out);

// What takes long, to be done before the transaction, which others wait for, and without a snapshot. An error
// of Drawer is told by the handler, who meets it again; an error of the work is the item's. Where Drawer
// cannot know what is wanted, because the same message makes it, the handler refuses what takes long.
using DrawingWork = std::function<Result<Drawn>()>;
using Drawer = Result<DrawingWork> (*)(OperationContext& context, const ttlv::Item& payload);

// What an operation does to the keystore. Briefly: what a library asks all day long, a few reads of rows that
// are found by a key, or work for the writer alone; it is done on the connection's own thread.
enum class OperationWork : std::uint8_t { kReads, kReadsBriefly, kWrites, kWritesBriefly };

struct OperationSpec {
  Operation operation{};
  std::string_view name;  // for the audit: "kmip.get"
  ProtocolVersion since = kOldest;
  ProtocolVersion until = kNewest;
  OperationWork work = OperationWork::kReads;
  // What the client must be let to do with the objects that the request names (rights.h). Nothing: the
  // handler asks, or there is nothing to ask for.
  std::optional<keymgr::Right> needs;
  Handler run = nullptr;
  Drawer draw = nullptr;
  bool needs_issuer = false;  // is told of where this server issues certificates

  constexpr bool writes() const {
    return work == OperationWork::kWrites || work == OperationWork::kWritesBriefly;
  }
  constexpr bool is_brief() const {
    return work == OperationWork::kReadsBriefly || work == OperationWork::kWritesBriefly;
  }
};

// Of those that this server offers; nullptr: it does not, or the version has it not.
const OperationSpec* find_operation(std::uint32_t operation, const ProtocolVersion& version);
std::span<const OperationSpec> operations();

// The object that the payload's Unique Identifier names, or, where there is none, the placeholder. Refusals:
// it is none of the client's (Item Not Found; nobody learns of others' objects), or destroyed when `alive`,
// or the client has not the right that the operation needs.
Result<keymgr::ManagedObject> named_object(OperationContext& context, const ttlv::Item& payload, bool alive);
// Likewise, by another of the payload's fields.
Result<keymgr::ManagedObject> object_named_by(OperationContext& context, const ttlv::Item& payload,
                                              ttlv::Tag field, bool alive);
// By an item that holds an identifier.
Result<keymgr::ManagedObject> object_by(OperationContext& context, const ttlv::Item& identifier, bool alive);
// What is not here is looked for where the client's keys were before. Success: there is none. Otherwise an
// error that the operation gives.
Status seek_elsewhere(OperationContext& context, SoughtObject sought);
// The object leaves the server with this message.
void note_served(OperationContext& context, const keymgr::ManagedObject& object);
// The payload's items that are none of `known` are refused (Invalid Field).
Status check_fields(const ttlv::Item& payload, std::initializer_list<ttlv::Tag> known);

}  // namespace tapewarden::kmip
