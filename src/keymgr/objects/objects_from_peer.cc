// The part of ManagedObjects that lives with another server: what depends on rows that came from it.
#include <algorithm>

#include "keymgr/audit_note.h"
#include "keymgr/objects/kmip_clients.h"
#include "keymgr/objects/managed_objects.h"
#include "keymgr/objects/object_terms.h"
#include "keymgr/objects/tables.h"

namespace tapewarden::keymgr {
namespace {

constexpr std::size_t kRecordsOfOneMessage = 256;

using Fields = std::vector<std::pair<std::string_view, std::string>>;

// The terms of the object as it is now, whatever was there.
Status set_terms(store::Transaction& transaction, const ManagedObject& object) {
  const auto wanted = terms_of(object.owner, object.attributes);
  const Bytes id = to_bytes(object.id.view());
  std::vector<Bytes> had;
  for (const auto& row : TRY(transaction.query(kObjectTermTable, "object = ? ORDER BY term", {id}))) {
    had.push_back(store::blob(row, 0));
  }
  for (const auto& term : had) {
    if (!std::ranges::binary_search(wanted, term)) TRY(transaction.erase(kObjectTermTable, {term, id}));
  }
  for (const auto& term : wanted) {
    if (std::ranges::binary_search(had, term)) continue;
    TRY(transaction.put(kObjectTermTable, term_row(term, object)));
  }
  return {};
}

// What one message did, for the audit.
class Notes {
 public:
  Notes(store::Transaction& transaction, const ServerContext& context)
      : transaction_(transaction), context_(context) {}

  void write(std::string_view action, Fields fields, bool success = true) {
    if (++written_ > kRecordsOfOneMessage) return;
    fields.emplace_back("from", "the peer");
    note(transaction_, context_,
         {.type = AuditType::kDataSynchronization,
          .action = action,
          .actor = {"peer", ActorKind::kPeer},
          .success = success,
          .fields = std::move(fields)});
  }
  void client(const store::ApplyReport::Changed& row) {
    Fields fields{{"client", store::text(row.key, 0)},
                  {"change", !row.after   ? "removed"
                             : row.before ? "changed"
                                          : "added"}};
    if (row.after) {
      const auto client = KmipClient::from_row(*row.after);
      fields.emplace_back("certificate", to_hex(client.fingerprint));
      fields.emplace_back("owner", client.owner);
      fields.emplace_back("may_export", client.may_export ? "yes" : "no");
    }
    write("kmip.client.change", std::move(fields));
  }
  void object(const std::optional<ManagedObject>& before, const ManagedObject& after) {
    if (!before) {
      ++made_;
      return;
    }
    const bool hidden = (before->quarantined == kNever) != (after.quarantined == kNever);
    if (before->state == after.state && before->owner == after.owner && !hidden) return;
    Fields fields{{"object", unique_identifier(after)}, {"state", std::string(to_string(after.state))}};
    if (before->owner != after.owner) fields.emplace_back("owner", after.owner);
    if (hidden) fields.emplace_back("quarantined", after.quarantined == kNever ? "no" : "yes");
    write("kmip.object.change", std::move(fields));
  }
  void close() {
    if (made_ > 0) write("kmip.object.copy", {{"count", std::to_string(made_)}});
    const auto more = written_ > kRecordsOfOneMessage ? written_ - kRecordsOfOneMessage : 0;
    if (more == 0) return;
    written_ = 0;
    write("peer.more-changes", {{"table", "managed_object"}, {"rows", std::to_string(more)}});
  }

 private:
  store::Transaction& transaction_;
  const ServerContext& context_;
  std::size_t written_ = 0;
  std::size_t made_ = 0;
};

// Two servers that were apart took different objects under one identifier. Each keeps its own, hidden from
// its client until an operator releases it: nobody knows which of the two a client means.
Status note_clash(store::Transaction& transaction, const ManagedObjects& objects,
                  const store::ApplyReport::Refused& row, Notes& notes) {
  if (!row.another) return {};
  const auto id = from_hex(row.key);
  const auto mine = id && id->size() == 16 ? TRY(objects.find(transaction, Uuid::from(*id))) : std::nullopt;
  if (!mine) return {};
  notes.write("kmip.object.clash", {{"object", unique_identifier(*mine)}, {"reason", row.why}}, false);
  if (is_gone(*mine)) return {};
  auto after = *mine;
  after.quarantined = objects.manager().context().now();
  return objects.change(transaction, *mine, std::move(after));
}

// One certificate under two names, which two servers that were apart each took: the earlier registration is
// the one that counts (KmipClients::find_by_certificate).
Status note_twins(store::Reader& reader, const KmipClient& client, Notes& notes) {
  const auto same = TRY(reader.query(kKmipClientTable, "fingerprint = ? ORDER BY added, name LIMIT 2",
                                     {to_bytes(ByteView(client.fingerprint))}));
  if (same.size() < 2) return {};
  notes.write("kmip.client.twice",
              {{"certificate", to_hex(client.fingerprint)},
               {"counts", KmipClient::from_row(same[0]).name},
               {"withdraw", KmipClient::from_row(same[1]).name}},
              false);
  return {};
}

}  // namespace

Status ManagedObjects::take_in(store::Transaction& transaction, const store::ApplyReport& report) const {
  Notes notes(transaction, manager_.context());
  for (const auto& row : report.changed) {
    if (row.table == kKmipClientTable.name) notes.client(row);
    if (row.table == kKmipClientTable.name && row.after) {
      TRY(note_twins(transaction, KmipClient::from_row(*row.after), notes));
    }
    if (row.table != kManagedObjectTable.name || !row.after) continue;
    const auto after = TRY(ManagedObject::from_row(*row.after));
    std::optional<ManagedObject> before;
    if (row.before) before = TRY(ManagedObject::from_row(*row.before));
    TRY(set_terms(transaction, after));
    notes.object(before, after);
    if (TRY(is_gone(transaction, after))) continue;
    const Status alone = check_unique(transaction, after, before ? &before->attributes : nullptr);
    if (alone) continue;
    if (alone.error().code != ErrorCode::kAlreadyExists) return alone;
    notes.write("kmip.object.twice",
                {{"object", unique_identifier(after)}, {"attribute", alone.error().field}}, false);
  }
  for (const auto& row : report.refused) {
    if (row.table == kManagedObjectTable.name) TRY(note_clash(transaction, *this, row, notes));
  }
  notes.close();
  return {};
}

}  // namespace tapewarden::keymgr
