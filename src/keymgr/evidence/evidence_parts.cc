#include "keymgr/evidence/evidence_parts.h"

#include <algorithm>

#include "base/base64.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr {
namespace {

namespace json = boost::json;

std::string time_of(WallTime time) {
  return time == kNever ? std::string() : format_utc(time);
}

json::object times_of(const StateTimes& times) {
  return {{"created", time_of(times.created)},
          {"activated", time_of(times.activated)},
          {"deactivated", time_of(times.deactivated)},
          {"compromised", time_of(times.compromised)},
          {"destroyed", time_of(times.destroyed)}};
}

json::value label_of(const LabelChoice& choice) {
  if (choice.label.empty()) return nullptr;
  return json::object{{"label", choice.label}, {"mode", eedk::to_string(choice.mode)}};
}

}  // namespace

json::object evidence_of(const LedgerEntry& entry) {
  return {{"server", entry.server.text()},
          {"sequence", entry.sequence},
          {"volser", entry.volser},
          {"volume", entry.volume.text()},
          {"purpose", to_string(entry.purpose)},
          {"state", to_string(entry.state)},
          {"issued", time_of(entry.issued)},
          {"confirmed", time_of(entry.confirmed)},
          {"method", to_string(entry.method)},
          {"alias", entry.alias},
          {"dki", to_hex(entry.dki)},
          {"group", entry.group},
          {"label_1", label_of(entry.label_1)},
          {"label_2", label_of(entry.label_2)},
          {"kek_1", to_hex(entry.kek_1)},
          {"kek_2", to_hex(entry.kek_2)},
          {"eedks", to_base64(entry.eedk_set)},
          {"key_check_value", to_hex(entry.kcv)},
          {"drive", entry.drive},
          {"wwnn", entry.wwnn},
          {"proxy", entry.proxy},
          {"request", to_hex(entry.request_id)}};
}

json::object evidence_of(const DataKey& key) {
  return {{"alias", key.alias},
          {"dki", key.dki.hex()},
          {"state", to_string(key.state)},
          {"fingerprint", to_hex(key.fingerprint)},
          {"owner", key.owner.text()},
          {"group", key.group},
          {"origin", to_string(key.origin)},
          {"times", times_of(key.times)}};
}

json::object evidence_of(const KekView& view) {
  json::array labels;
  for (const auto& label : view.labels) labels.emplace_back(label);
  return {{"id", to_hex(view.kek.id)},
          {"state", to_string(view.kek.state)},
          {"labels", std::move(labels)},
          {"private_half_here", view.kek.has_private},
          {"certificate", to_base64(view.kek.certificate)},
          {"times", times_of(view.kek.times)}};
}

json::object evidence_of(const Drive& drive) {
  return {{"serial", drive.serial},
          {"wwnn", drive.wwnn},
          {"kind", to_string(drive.kind)},
          {"state", to_string(drive.state)},
          {"certificate", to_base64(drive.certificate)},
          {"identity", to_hex(drive.identity_hash)},
          {"wrapping_key", to_base64(drive.wrapping_spki)},
          {"decided", time_of(drive.decided_at)},
          {"decided_by", drive.decided_by}};
}

json::object evidence_of(const ServerRow& server) {
  return {{"id", server.id.text()},
          {"name", server.name},
          {"certificate", to_base64(server.signing_certificate)}};
}

json::object evidence_of(const Actor& actor) {
  return {{"name", actor.name}, {"role", to_string(actor.kind)}};
}

Result<proof::Signer> signer_of(store::Reader& reader, const ServerContext& context) {
  const auto row = TRY(reader.get(kServerTable, {to_bytes(context.server.view())}));
  if (!row) return fail(ErrorCode::kCorrupt, "this server's identity is not in its keystore");
  return proof::Signer{context.server, ServerRow::from_row(*row).name, context.signing_certificate};
}

Result<std::vector<LedgerEntry>> all_rows(store::Reader& reader, const Ledger& ledger,
                                          const LedgerQuery& query, std::size_t limit) {
  std::vector<LedgerEntry> rows;
  PageRequest request{.limit = kMaximumPage, .after = {}};
  do {
    auto page = TRY(ledger.query(reader, query, request));
    for (auto& row : page.items) rows.push_back(std::move(row));
    if (rows.size() > limit) {
      return fail(ErrorCode::kExhausted,
                  "the ledger has more than " + std::to_string(limit) + " rows for this", "volser",
                  "read them page by page: GET /v1/ledger");
    }
    request.after = page.next;
  } while (!request.after.empty());
  std::ranges::reverse(rows);
  return rows;
}

}  // namespace tapewarden::keymgr
