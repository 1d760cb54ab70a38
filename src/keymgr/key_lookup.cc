#include "keymgr/key_lookup.h"

#include <algorithm>

#include "crypto/key_check.h"
#include "eedk/ekm_code.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr {
namespace {

// The one candidate whose secret has the check value that the entry noted. One that is quarantined is not
// opened: when no other fits, it is the one that must be meant, and whoever asks is told of the quarantine.
Result<std::optional<DataKey>> by_check_value(store::Reader& reader, const KeyManager& manager,
                                              const std::vector<DataKey>& candidates,
                                              const LedgerEntry& entry) {
  std::optional<DataKey> hidden;
  for (const DataKey& key : candidates) {
    if (is_tombstone(key.state) || entry.kcv.empty()) continue;
    if (key.quarantined != kNever) {
      if (!hidden) hidden = key;
      continue;
    }
    const auto secret = TRY(manager.keys().open(reader, key));
    if (equal(crypto::key_check_value(secret, entry.volume), entry.kcv)) return std::optional(key);
  }
  return hidden;
}

std::optional<DataKey> only_one_of(const std::vector<DataKey>& candidates, const Uuid& owner) {
  std::optional<DataKey> found;
  for (const DataKey& key : candidates) {
    if (key.owner != owner) continue;
    if (found) return std::nullopt;
    found = key;
  }
  return found;
}

Result<std::optional<DataKey>> told_by(store::Reader& reader, const KeyManager& manager,
                                       const std::vector<DataKey>& candidates, const LedgerEntry& entry) {
  auto key = TRY(by_check_value(reader, manager, candidates, entry));
  if (key) return key;
  return only_one_of(candidates, entry.server);
}

// Rows of one and the same key, brought together from two sites: the one that permits least.
std::optional<DataKey> same_key_of(const std::vector<DataKey>& candidates) {
  const auto same = [&](const DataKey& key) { return key.fingerprint == candidates.front().fingerprint; };
  if (!std::ranges::all_of(candidates, same)) return std::nullopt;
  return *std::ranges::max_element(
      candidates, {}, [](const DataKey& key) { return std::pair(key.quarantined != kNever, key.state); });
}

std::string names_of(const std::vector<DataKey>& keys) {
  std::string out;
  for (const DataKey& key : keys) {
    out += (out.empty() ? "" : ", ") + key.alias + "#" + to_hex(key.fingerprint);
  }
  return out;
}

}  // namespace

Result<std::optional<DataKey>> key_of_entry(store::Reader& reader, const KeyManager& manager,
                                            const LedgerEntry& entry) {
  const auto candidates = TRY(manager.keys().find_all(reader, entry.alias));
  if (candidates.empty()) return std::optional<DataKey>();
  if (candidates.size() == 1) return std::optional(candidates.front());
  return told_by(reader, manager, candidates, entry);
}

Result<std::optional<DataKey>> key_to_write(store::Reader& reader, const KeyManager& manager,
                                            std::string_view alias) {
  const auto candidates = TRY(manager.keys().find_all(reader, alias));
  if (candidates.size() > 1) {
    auto key = only_one_of(candidates, manager.context().server);
    if (key) return key;
  }
  return manager.keys().find(reader, alias);
}

Result<std::optional<DataKey>> key_of_tape(store::Reader& reader, const KeyManager& manager,
                                           const KeyRequest& request) {
  const auto candidates = TRY(manager.keys().find_by_dki(reader, *request.dki));
  if (candidates.empty()) return std::optional<DataKey>();
  if (auto key = same_key_of(candidates)) return key;
  const auto rows = TRY(reader.query(kLedgerTable, "volume = ? ORDER BY issued DESC LIMIT 64",
                                     {to_bytes(request.volume.view())}));
  for (const auto& row : rows) {
    const auto entry = LedgerEntry::from_row(row);
    if (!equal(entry.dki, request.dki->view())) continue;
    auto key = TRY(told_by(reader, manager, candidates, entry));
    if (key) return key;
  }
  if (request.alias.contains('#')) {
    const auto named = TRY(manager.keys().find(reader, request.alias));
    const bool among =
        named && std::ranges::any_of(candidates, [&](const DataKey& key) { return key.id == named->id; });
    if (among) return named;
  }
  return eedk::fail_ekm(ErrorCode::kConflict, eedk::EkmCode::kKeyNotHeld,
                        "this tape's identifier means several keys, and no ledger entry tells which", "dki",
                        "ask with one of these as alias: " + names_of(candidates));
}

}  // namespace tapewarden::keymgr
