#include "keymgr/evidence/evidence_pack.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/text.h"
#include "keymgr/audit_note.h"
#include "keymgr/evidence/audit_excerpt.h"
#include "keymgr/evidence/evidence_parts.h"

namespace tapewarden::keymgr {
namespace {

namespace json = boost::json;

constexpr std::string_view kAbout =
    "What a Tapewarden key server knows about the keys of one cartridge. It holds no key: data keys are "
    "named "
    "by fingerprint and key check value, EEDKs are wrapped. How to check it without Tapewarden: the "
    "signature "
    "covers every byte before the last line; see docs/formats/evidence.md.";

Result<std::string> checked_volser(std::string_view volser) {
  std::string folded = to_upper(trim(volser));
  if (!folded.empty() && folded.size() <= kMaximumVolserCharacters && is_printable(folded)) return folded;
  return fail(ErrorCode::kInvalidArgument, "this is no volser", "volser", "give the cartridge's label");
}

// The rows of the volser, and those of its volumes under whatever other volser they once had.
Result<std::vector<LedgerEntry>> rows_of(store::Reader& reader, const Ledger& ledger,
                                         const std::string& volser, std::set<Uuid>& volumes) {
  std::map<std::pair<Uuid, std::int64_t>, LedgerEntry> rows;
  const auto keep = [&](std::vector<LedgerEntry> found) {
    for (auto& row : found) rows.emplace(std::pair(row.server, row.sequence), std::move(row));
  };
  LedgerQuery query;
  query.volser = volser;
  keep(TRY(all_rows(reader, ledger, query, kMaximumEvidenceRows)));
  for (const auto& [place, row] : rows) {
    if (!row.volume.is_nil()) volumes.insert(row.volume);
  }
  for (const auto& volume : volumes) {
    LedgerQuery of_volume;
    of_volume.volume = volume;
    keep(TRY(all_rows(reader, ledger, of_volume, kMaximumEvidenceRows)));
  }
  std::vector<LedgerEntry> out;
  for (auto& [place, row] : rows) out.push_back(std::move(row));
  std::ranges::sort(out, {}, [](const LedgerEntry& entry) {
    return std::tuple(entry.issued, entry.server, entry.sequence);
  });
  return out;
}

// What the rows name.
struct Named {
  std::set<std::string> aliases;
  std::set<std::string> drives;
  std::set<Hash256> keks;
  std::set<Uuid> servers;
};

void name_kek(Named& named, const Bytes& id) {
  Hash256 hash{};
  if (id.size() != hash.size()) return;
  copy_bytes(hash, id);
  named.keks.insert(hash);
}

Named named_by(const std::vector<LedgerEntry>& rows) {
  Named named;
  for (const auto& row : rows) {
    named.servers.insert(row.server);
    if (!row.alias.empty()) named.aliases.insert(row.alias);
    if (!row.drive.empty()) named.drives.insert(row.drive);
    name_kek(named, row.kek_1);
    name_kek(named, row.kek_2);
    const auto set = eedk::decode_eedk_set(row.eedk_set);
    if (set && set->seal) named.servers.insert(set->seal->server);
  }
  return named;
}

// What is no longer in the keystore is left out: the row still names it.
Result<json::object> describe(store::Reader& reader, const KeyManager& manager,
                              const std::vector<LedgerEntry>& rows,
                              const std::vector<ServerRow>& known_servers) {
  const Named named = named_by(rows);
  json::array ledger;
  json::array servers;
  json::array keys;
  json::array keks;
  json::array drives;
  for (const auto& row : rows) ledger.push_back(evidence_of(row));
  for (const auto& server : known_servers) {
    if (named.servers.contains(server.id)) servers.push_back(evidence_of(server));
  }
  for (const auto& alias : named.aliases) {
    for (const DataKey& key : TRY(manager.keys().find_all(reader, alias))) keys.push_back(evidence_of(key));
  }
  for (const auto& id : named.keks) {
    const auto kek = TRY(manager.keks().find(reader, id));
    if (kek) keks.push_back(evidence_of(KekView{*kek, TRY(manager.keks().labels_of(reader, id))}));
  }
  for (const auto& serial : named.drives) {
    if (const auto drive = TRY(manager.drives().find(reader, serial))) drives.push_back(evidence_of(*drive));
  }
  return json::object{{"servers", std::move(servers)},
                      {"ledger", std::move(ledger)},
                      {"data_keys", std::move(keys)},
                      {"keks", std::move(keks)},
                      {"drives", std::move(drives)}};
}

}  // namespace

Result<std::string> make_evidence(KeyManager& manager, const AuditFolder& audit, const Actor& actor,
                                  std::string_view volser) {
  const std::string name = TRY(checked_volser(volser));
  const auto servers = TRY(manager.list_servers());
  const auto& context = manager.context();
  json::object content{{"about", kAbout}, {"volser", name}, {"made_by", evidence_of(actor)}};
  AuditSubject subject{name, {}};
  std::optional<proof::Signer> signer;
  std::size_t count = 0;
  TRY(manager.keystore().read([&](store::Reader& reader) -> Status {
    const auto rows = TRY(rows_of(reader, manager.ledger(), name, subject.volumes));
    count = rows.size();
    signer = TRY(signer_of(reader, context));
    for (auto& [member, value] : TRY(describe(reader, manager, rows, servers))) {
      content.insert_or_assign(member, value);
    }
    return {};
  }));
  if (count == 0) {
    return fail(ErrorCode::kNotFound, "the ledger knows nothing of " + escape_unprintable(name), "volser",
                "look for it: tapewarden ledger query");
  }
  TRY(manager.keystore().write([&](store::Transaction& transaction) -> Status {
    note(transaction, context,
         {.type = AuditType::kAuditManagement,
          .action = "evidence.make",
          .actor = actor,
          .fields = {{"volser", name}, {"rows", std::to_string(count)}}});
    return {};
  }));
  auto excerpt = TRY(audit_excerpt(*audit.disk, audit.directory, subject, kMaximumEvidenceLines));
  excerpt.emplace("server", context.server.text());
  content.insert_or_assign("audit", std::move(excerpt));
  return proof::sign_document(proof::DocumentKind::kEvidence, content, *signer, context.signing_key,
                              context.now());
}

}  // namespace tapewarden::keymgr
