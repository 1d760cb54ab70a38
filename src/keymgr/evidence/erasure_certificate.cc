#include "keymgr/evidence/erasure_certificate.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "keymgr/audit_note.h"
#include "keymgr/evidence/evidence_parts.h"

namespace tapewarden::keymgr {
namespace {

namespace json = boost::json;

constexpr std::string_view kAbout =
    "A Tapewarden key server certifies what was reported to it about the erasure of one cartridge. The "
    "signature "
    "covers every byte before the last line; how to check it: docs/formats/evidence.md.";
constexpr std::string_view kWitness =
    "The program that erased the cartridge reported this over an authenticated session of the person named "
    "in "
    "made_by. The key server did not see the cartridge itself.";

struct Words {
  std::string_view method;
  std::string_view guarantees;
  std::string_view does_not_guarantee;
};

Words words_of(ErasureMethod method) {
  if (method == ErasureMethod::kOverwrite) {
    return {
        "overwrite",
        "Every byte of the cartridge's files, one for each partition, behind their superblocks was "
        "overwritten and synced to stable storage: "
        "records, labels, EEDKs and identifiers cannot be read through it any more.",
        "Copies made earlier, snapshots, blocks that the storage below had remapped, and remnants on a real "
        "medium behind the last overwritten block."};
  }
  return {
      "cryptographic",
      "Every copy of the EEDKs, seals, key identifiers and key check values in the cartridge's key areas was "
      "overwritten in both generations and synced: from the cartridge alone its data key cannot be had.",
      "That the data key is gone elsewhere. The sealed records are still on the cartridge: whoever holds the "
      "data key, or an EEDK copied earlier together with its KEK, can read them. Whether this key server "
      "still "
      "holds the key is told under key_at_this_server."};
}

// The stored keys of the cartridge: those that its rows name, and the one of its DKi.
Result<std::set<std::string>> aliases_of(store::Reader& reader, const KeyManager& manager,
                                         const CartridgeKey& key, const std::vector<LedgerEntry>& own) {
  std::set<std::string> aliases;
  for (const auto& row : own) {
    if (!row.alias.empty()) aliases.insert(row.alias);
  }
  if (!key.dki) return aliases;
  const auto stored = TRY(manager.keys().find_by_dki(reader, *key.dki));
  for (const DataKey& found : stored) aliases.insert(found.alias);
  const auto alias = key.dki->alias();
  if (stored.empty() && alias) aliases.insert(to_upper(*alias));
  return aliases;
}

Result<std::vector<LedgerEntry>> own_rows(store::Reader& reader, const KeyManager& manager,
                                          const CartridgeKey& key) {
  LedgerQuery query;
  query.volume = key.volume;
  return all_rows(reader, manager.ledger(), query, kMaximumSharedCartridges);
}

Result<std::vector<SealedCartridge>> others_of(store::Reader& reader, const KeyManager& manager,
                                               const CartridgeKey& key,
                                               const std::set<std::string>& aliases) {
  std::map<std::pair<std::string, Uuid>, SealedCartridge> others;
  for (const auto& alias : aliases) {
    LedgerQuery query;
    query.alias = alias;
    for (const auto& row : TRY(all_rows(reader, manager.ledger(), query, kMaximumSharedCartridges))) {
      const bool own =
          row.volume == key.volume || (row.volume.is_nil() && row.volser == to_upper(key.volser));
      if (!own) others[{row.volser, row.volume}] = {row.volser, row.volume, alias, row.issued};
    }
  }
  std::vector<SealedCartridge> out;
  for (auto& [place, cartridge] : others) out.push_back(std::move(cartridge));
  return out;
}

Status check(const Erasure& erasure) {
  const auto& volser = erasure.cartridge.volser;
  if (volser.empty() || volser.size() > kMaximumVolserCharacters || !is_printable(volser)) {
    return fail(ErrorCode::kInvalidArgument, "this is no volser", "volser", "give the cartridge's label");
  }
  if (erasure.cartridge.volume.is_nil()) {
    return fail(ErrorCode::kInvalidArgument, "the volume is missing", "volume", "give the cartridge's UUID");
  }
  if (erasure.ended < erasure.began) {
    return fail(ErrorCode::kInvalidArgument, "the erasure ended before it began", "ended");
  }
  constexpr std::uint64_t kMostPartitions = 2;
  if (erasure.partitions == 0 || erasure.partitions > kMostPartitions) {
    return fail(ErrorCode::kInvalidArgument, "a cartridge has 1 or 2 partitions", "partitions");
  }
  if (erasure.check_values.size() > kMaximumErasedKeys) {
    return fail(ErrorCode::kInvalidArgument, "these are too many keys", "key_check_values");
  }
  for (const auto& value : erasure.check_values) {
    if (value.empty() || value.size() > 64 || !from_hex(value)) {
      return fail(ErrorCode::kInvalidArgument, "this is no key check value", "key_check_values", "give hex");
    }
  }
  return {};
}

Status check_volser(const Erasure& erasure, const std::vector<LedgerEntry>& own) {
  if (own.empty() || own.back().volser == to_upper(erasure.cartridge.volser)) return {};
  return fail(ErrorCode::kConflict,
              "the ledger knows volume " + erasure.cartridge.volume.text() + " as " +
                  escape_unprintable(own.back().volser),
              "volser", "certify it under that volser");
}

json::array keys_of(const Erasure& erasure, const std::vector<LedgerEntry>& own) {
  std::set<std::string> known;
  for (const auto& row : own) known.insert(to_hex(row.kcv));
  json::array keys;
  for (const auto& value : erasure.check_values) {
    keys.push_back(
        json::object{{"key_check_value", to_lower(value)}, {"in_ledger", known.contains(to_lower(value))}});
  }
  return keys;
}

json::object report_of(const Erasure& erasure) {
  const Words words = words_of(erasure.method);
  return {{"volser", to_upper(erasure.cartridge.volser)},
          {"volume", erasure.cartridge.volume.text()},
          {"method", words.method},
          {"began", format_utc(erasure.began)},
          {"ended", format_utc(erasure.ended)},
          {"bytes_overwritten", erasure.bytes_overwritten},
          {"records_dropped", erasure.records_dropped},
          {"partitions", erasure.partitions},
          {"key_area_generation", erasure.key_generation},
          {"dki", erasure.cartridge.dki ? erasure.cartridge.dki->hex() : std::string()},
          {"guarantees", words.guarantees},
          {"does_not_guarantee", words.does_not_guarantee}};
}

Status add_knowledge(store::Reader& reader, const KeyManager& manager, const Erasure& erasure,
                     json::object& content) {
  const auto own = TRY(own_rows(reader, manager, erasure.cartridge));
  TRY(check_volser(erasure, own));
  const auto aliases = TRY(aliases_of(reader, manager, erasure.cartridge, own));
  json::array stored;
  for (const auto& alias : aliases) {
    for (const DataKey& key : TRY(manager.keys().find_all(reader, alias))) stored.push_back(evidence_of(key));
  }
  json::array rows;
  for (const auto& row : own) {
    if (row.purpose != Purpose::kRead) rows.push_back(evidence_of(row));
  }
  json::array others;
  for (const auto& other : TRY(others_of(reader, manager, erasure.cartridge, aliases))) {
    others.push_back(
        json::object{{"volser", other.volser}, {"volume", other.volume.text()}, {"alias", other.alias}});
  }
  content.emplace("keys", keys_of(erasure, own));
  content.emplace("key_at_this_server", std::move(stored));
  content.emplace("same_key_also_seals", std::move(others));
  content.emplace("ledger", std::move(rows));
  return {};
}

}  // namespace

Result<std::vector<SealedCartridge>> sealed_with_same_key(KeyManager& manager, const CartridgeKey& key) {
  std::vector<SealedCartridge> out;
  TRY(manager.keystore().read([&](store::Reader& reader) -> Status {
    const auto own = TRY(own_rows(reader, manager, key));
    out = TRY(others_of(reader, manager, key, TRY(aliases_of(reader, manager, key, own))));
    return {};
  }));
  return out;
}

Result<std::string> certify_erasure(KeyManager& manager, const Actor& actor, const Erasure& erasure) {
  TRY(check(erasure));
  const auto& context = manager.context();
  json::object content{{"about", kAbout}, {"made_by", evidence_of(actor)}, {"witness", kWitness}};
  for (auto& [name, value] : report_of(erasure)) content.emplace(name, value);
  std::optional<proof::Signer> signer;
  TRY(manager.keystore().read([&](store::Reader& reader) -> Status {
    signer = TRY(signer_of(reader, context));
    return add_knowledge(reader, manager, erasure, content);
  }));
  TRY(manager.keystore().write([&](store::Transaction& transaction) -> Status {
    note(transaction, context,
         {.type = AuditType::kResourceManagement,
          .action = "cartridge.erase",
          .actor = actor,
          .fields = {{"volser", to_upper(erasure.cartridge.volser)},
                     {"volume", erasure.cartridge.volume.text()},
                     {"method", std::string(words_of(erasure.method).method)}}});
    return {};
  }));
  return proof::sign_document(proof::DocumentKind::kErasure, content, *signer, context.signing_key,
                              context.now());
}

}  // namespace tapewarden::keymgr
