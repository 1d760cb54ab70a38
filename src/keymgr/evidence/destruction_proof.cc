#include "keymgr/evidence/destruction_proof.h"

#include <algorithm>

#include "base/base64.h"
#include "keymgr/audit_note.h"
#include "keymgr/evidence/evidence_parts.h"
#include "keymgr/limits.h"

namespace tapewarden::keymgr {
namespace {

namespace json = boost::json;

constexpr std::string_view kAbout = "a key that was destroyed";
constexpr std::string_view kGuarantees =
    "the row of the key in this server's keystore holds no secret; the sealed secret was overwritten in the "
    "file, and the write-ahead log that had held it was cut; no import and no merge brings the key back "
    "here; "
    "backups made from now on do not hold it";
constexpr std::string_view kDoesNotGuarantee =
    "copies outside this keystore: exports, other sites, backups made before, snapshots of the file system, "
    "remapped blocks of flash storage; the peer server overwrites its copy when the change reaches it";

json::object tombstone_json(const Tombstone& mark) {
  return {{"kind", to_string(mark.kind)},
          {"name", mark.name},
          {"fingerprint", to_hex(mark.fingerprint)},
          {"key", to_hex(mark.key)},
          {"state", to_string(mark.state)},
          {"at", format_utc(mark.at)},
          {"by", mark.by},
          {"approved_by", mark.approved_by},
          {"cartridges_lost", mark.cartridges},
          {"server", mark.server.text()},
          {"signed_bytes", to_base64(mark.signed_bytes())},
          {"signature", to_base64(mark.signature)}};
}

json::object backups_json(const std::optional<std::vector<BackupHolding>>& backups) {
  json::array list;
  for (const auto& backup : backups.value_or(std::vector<BackupHolding>{})) {
    list.push_back(
        json::object{{"name", backup.name}, {"place", backup.place}, {"made", format_utc(backup.made)}});
  }
  const std::string_view note =
      !backups ? "this server keeps no record of backups: any made before may hold the key"
      : list.empty()
          ? "no backup made before is known to this server"
          : "these backups were made before: they may hold the key until they are destroyed themselves";
  return {{"recorded", backups.has_value()}, {"note", note}, {"holding_the_key", std::move(list)}};
}

json::object partners_json(const std::vector<PartnerHolding>& partners) {
  json::array list;
  for (const auto& partner : partners) {
    list.push_back(json::object{{"name", partner.name},
                                {"fingerprint", partner.fingerprint},
                                {"direction", partner.given ? "given" : "received"},
                                {"at", format_utc(partner.at)}});
  }
  const std::string_view note =
      list.empty()
          ? "this server knows of no partner that was given the key"
          : "these partners were given the key, or it came from them: they may hold it, and only they "
            "can destroy it there";
  return {{"note", note}, {"holding_the_key", std::move(list)}};
}

// That the keystore itself says so: the row is looked at, not believed.
Result<bool> row_is_empty(store::Reader& reader, const KeyManager& manager, const KeyRef& key) {
  if (key.kind == KeyKind::kDataKey) {
    const auto row = TRY(manager.keys().find(reader, key.name));
    return row && row->sealed_key.empty() && is_tombstone(row->state);
  }
  const auto row = TRY(manager.keks().find(reader, std::get<Hash256>(key.ledger)));
  return row && row->sealed_private.empty() && !row->has_private && is_tombstone(row->state);
}

std::unexpected<Error> not_destroyed(const KeyRef& key) {
  return fail(ErrorCode::kConflict, key.name + " is " + std::string(to_string(key.state)) + ", not destroyed",
              "state", "there is nothing to prove");
}

}  // namespace

std::string text_of(const std::vector<PartnerHolding>& partners) {
  std::vector<std::string> parts;
  for (const auto& partner : partners) {
    std::string part = (partner.given ? "given to " : "came from ") + partner.name;
    if (std::ranges::find(parts, part) == parts.end()) parts.push_back(std::move(part));
  }
  std::string out;
  for (const auto& part : parts) out += (out.empty() ? "" : ", ") + part;
  return out;
}

BackupsWith no_backups() {
  return [](const KeyRef&) -> Result<std::optional<std::vector<BackupHolding>>> {
    return std::optional<std::vector<BackupHolding>>();
  };
}

Result<std::string> prove_destruction(KeyManager& manager, const Actor& actor, const KeyRef& key,
                                      const BackupsWith& backups, const PartnersWith& partners) {
  const auto& context = manager.context();
  std::optional<Tombstone> mark;
  std::optional<proof::Signer> signer;
  bool empty = false;
  TRY(manager.keystore().read([&](store::Reader& reader) -> Status {
    mark = TRY(manager.life().find_tombstone(reader, key.kind, key.fingerprint));
    if (!mark || !is_tombstone(mark->state)) return not_destroyed(key);
    TRY(manager.life().verify(reader, *mark));
    empty = TRY(row_is_empty(reader, manager, key));
    signer = TRY(signer_of(reader, context));
    return {};
  }));
  if (!empty) return not_destroyed(key);
  TRY(manager.keystore().wait_scrubbed(kScrubPatience));
  const json::object content{{"about", kAbout},
                             {"made_by", evidence_of(actor)},
                             {"tombstone", tombstone_json(*mark)},
                             {"row_holds_no_secret", true},
                             {"overwritten_in_files", true},
                             {"backups", backups_json(TRY(backups(key)))},
                             {"partners", partners_json(TRY(partners(key)))},
                             {"guarantees", kGuarantees},
                             {"does_not_guarantee", kDoesNotGuarantee}};
  (void)TRY(manager.keystore().write([&](store::Transaction& transaction) -> Status {
    note(transaction, context,
         {.type = AuditType::kResourceManagement,
          .action = "key.prove-destruction",
          .actor = actor,
          .fields = {{"name", key.name}, {"fingerprint", to_hex(key.fingerprint)}}});
    return {};
  }));
  return proof::sign_document(proof::DocumentKind::kDestruction, content, *signer, context.signing_key,
                              context.now());
}

}  // namespace tapewarden::keymgr
