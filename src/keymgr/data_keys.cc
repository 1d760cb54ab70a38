#include "keymgr/data_keys.h"

#include <algorithm>

#include "base/text.h"
#include "crypto/hash.h"
#include "crypto/kdf.h"
#include "crypto/random.h"
#include "eedk/ekm_code.h"
#include "keymgr/alias_range.h"
#include "keymgr/audit_note.h"
#include "keymgr/epoch.h"
#include "keymgr/key_groups.h"
#include "keymgr/key_life.h"
#include "keymgr/limits.h"
#include "keymgr/row_codec.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr {
namespace {

constexpr std::string_view kAliasCounter = "alias";
constexpr std::int64_t kAliasCounterLimit = 0xFFFFFFFF;
constexpr std::size_t kFingerprintDigits = 2 * std::tuple_size_v<KeyFingerprint>;

std::vector<std::pair<std::string_view, std::string>> audit_fields(const DataKey& key) {
  return {{"alias", key.alias},
          {"dki", key.dki.hex()},
          {"fingerprint", to_hex(key.fingerprint)},
          {"group", key.group},
          {"state", std::string(to_string(key.state))}};
}

// The place after a key in the order of answers: ALIAS/ID, or an alias alone for after all keys of it.
struct PageMark {
  std::string alias;
  Bytes id;
};

Result<PageMark> read_page_mark(std::string_view text) {
  constexpr std::size_t kIdCharacters = 36;
  PageMark mark{std::string(text), Bytes(16, 0xFF)};
  if (text.size() <= kIdCharacters || text[text.size() - kIdCharacters - 1] != '/') return mark;
  const Uuid id = TRY(Uuid::parse(text.substr(text.size() - kIdCharacters)));
  return PageMark{std::string(text.substr(0, text.size() - kIdCharacters - 1)), to_bytes(id.view())};
}

}  // namespace

KeyFingerprint fingerprint_of(const crypto::SecretBytes& data_key) {
  KeyFingerprint out;
  copy_bytes(out, crypto::hkdf_sha256(data_key, {}, as_bytes("fingerprint"), out.size()).reveal());
  return out;
}

Result<std::int64_t> DataKeys::next_counter(store::Transaction& transaction, std::string_view name) const {
  const auto row = TRY(transaction.get(kLocalCounterTable, {std::string(name)}));
  const std::int64_t value = (row ? store::integer(*row, 1) : 0) + 1;
  TRY(transaction.put(kLocalCounterTable, RowWriter(kLocalCounterTable).text(name).integer(value).take()));
  return value;
}

Status DataKeys::put(store::Transaction& transaction, const DataKey& key) const {
  return transaction.put(kDataKeyTable, key.to_row());
}

// Attributes that count: group, state, owner, origin, uses.
Result<DataKey> DataKeys::insert(store::Transaction& transaction, std::string_view alias,
                                 const crypto::SecretBytes& secret, DataKey key, bool beside) const {
  key.id = Uuid::time_ordered(context_.now(), *context_.env.random);
  key.alias = alias;
  key.dki = TRY(eedk::DataKeyIdentifier::from_alias(alias));
  if (!beside &&
      (!TRY(find_all(transaction, key.alias)).empty() || !TRY(find_by_dki(transaction, key.dki)).empty())) {
    return fail(ErrorCode::kAlreadyExists, "the alias " + key.alias + " is taken", "alias",
                "choose other aliases, or leave them to the server");
  }
  const store::Value id = to_bytes(key.id.view());
  key.sealed_key = transaction.seal(kDataKeyTable, {&id, 1}, "secret", secret);
  key.fingerprint = fingerprint_of(secret);
  key.times.created = context_.now();
  if (key.state != KeyState::kPreActive) mark(key.times, key.state, context_.now());
  key.created_commit = static_cast<std::int64_t>(transaction.sequence());
  key.owner_epoch = TRY(own_epoch(transaction));
  TRY(put(transaction, key));
  return key;
}

Result<std::vector<DataKey>> DataKeys::generate(store::Transaction& transaction, const Actor& actor,
                                                std::size_t count, std::string_view prefix,
                                                std::string_view group) const {
  if (count == 0 || count > kMaximumKeysPerCall) {
    return fail(ErrorCode::kInvalidArgument, "the number of keys is 0 or too large", "count",
                "ask for at most " + std::to_string(kMaximumKeysPerCall) + " at once");
  }
  const bool letters = prefix.size() == 3 &&
                       std::ranges::all_of(to_upper(prefix), [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!letters) return fail(ErrorCode::kInvalidArgument, "a prefix of aliases has three letters", "prefix");
  const Place place = TRY(reserve(transaction, group, count));
  std::vector<DataKey> out;
  while (out.size() < count) {
    const std::int64_t counter = TRY(next_counter(transaction, kAliasCounter));
    if (counter > kAliasCounterLimit) {
      return fail(ErrorCode::kExhausted, "the counter of default aliases is used up", {},
                  "give aliases of your own");
    }
    const std::string alias =
        eedk::default_alias(to_upper(prefix), context_.installation, static_cast<std::uint32_t>(counter));
    if (!TRY(find_all(transaction, alias)).empty()) continue;  // only after an old backup came back
    out.push_back(TRY(generate_one(transaction, alias, place, out.size())));
  }
  note(transaction, context_,
       {.type = AuditType::kResourceManagement,
        .action = "key.generate",
        .actor = actor,
        .fields = {{"count", std::to_string(count)},
                   {"first", out.front().alias},
                   {"last", out.back().alias},
                   {"group", std::string(group)}}});
  return out;
}

Result<std::vector<DataKey>> DataKeys::generate_range(store::Transaction& transaction, const Actor& actor,
                                                      std::string_view range, std::string_view group) const {
  const auto aliases = TRY(aliases_of_range(range, "range"));
  if (aliases.size() > kMaximumKeysPerCall) {
    return fail(ErrorCode::kInvalidArgument, "the range holds too many aliases", "range",
                "ask for at most " + std::to_string(kMaximumKeysPerCall) + " at once");
  }
  const Place place = TRY(reserve(transaction, group, aliases.size()));
  std::vector<DataKey> out;
  for (const auto& alias : aliases) {
    out.push_back(TRY(generate_one(transaction, TRY(eedk::canonical_alias(alias)), place, out.size())));
  }
  note(transaction, context_,
       {.type = AuditType::kResourceManagement,
        .action = "key.generate",
        .actor = actor,
        .fields = {{"count", std::to_string(out.size())},
                   {"first", out.front().alias},
                   {"last", out.back().alias},
                   {"group", std::string(group)}}});
  return out;
}

Result<ImportOutcome> DataKeys::import(store::Transaction& transaction, const Actor& actor,
                                       const ImportedKey& imported) const {
  if (imported.key.size() != kDataKeyBytes) {
    return fail(ErrorCode::kInvalidArgument, "a data key has 32 bytes (AES-256)", "key");
  }
  const std::string alias = TRY(eedk::canonical_alias(imported.alias));
  const Namesakes namesakes = TRY(look_for_namesakes(transaction, alias, imported));
  if (namesakes.same) return ImportOutcome::kUnchanged;
  DataKey key;
  key.state = TRY(check_tombstone(transaction, imported));
  key.owner = imported.may_write ? context_.server : imported.owner;
  key.origin = KeyOrigin::kImported;
  key.uses = imported.may_write ? 0 : 1;
  if (!imported.group.empty()) {
    key.group = TRY(KeyGroups::require_name(transaction, imported.group));
    key.position = TRY(KeyGroups::next_positions(transaction, context_, key.group, 1));
  }
  key = TRY(insert(transaction, alias, imported.key, std::move(key), imported.beside));
  TRY(KeyGroups::account(transaction, context_, std::nullopt, key));
  note(transaction, context_,
       {.type = AuditType::kResourceManagement,
        .action = "key.import",
        .actor = actor,
        .fields = audit_fields(key)});
  return namesakes.others ? ImportOutcome::kKeptBoth : ImportOutcome::kAdded;
}

// An alias and its DKi say the same (eedk/data_key_identifier.h), so the alias is enough to look by.
Result<DataKeys::Namesakes> DataKeys::look_for_namesakes(store::Reader& reader, const std::string& alias,
                                                         const ImportedKey& imported) const {
  const auto fingerprint = fingerprint_of(imported.key);
  const auto here = TRY(find_all(reader, alias));
  for (const DataKey& key : here) {
    if (is_tombstone(key.state) && (key.fingerprint == fingerprint || !imported.beside)) {
      return fail(ErrorCode::kConflict, "the key " + alias + " was destroyed here", "alias",
                  "a destroyed key does not come back by import");
    }
    if (key.fingerprint == fingerprint) return Namesakes{.same = true, .others = here.size() > 1};
  }
  if (!here.empty() && !imported.beside) {
    return fail(ErrorCode::kAlreadyExists,
                "the alias " + alias + " names another key here (fingerprint " +
                    to_hex(here.front().fingerprint) + ")",
                "alias", "import it under another alias");
  }
  if (here.size() >= static_cast<std::size_t>(kMaximumKeysOfOneName)) {
    return fail(ErrorCode::kExhausted, "the alias " + alias + " names too many keys here", "alias",
                "import it under another alias");
  }
  return Namesakes{.same = false, .others = !here.empty()};
}

// A key that was destroyed here under whatever alias stays destroyed; one that was compromised comes in as
// compromised.
Result<KeyState> DataKeys::check_tombstone(store::Reader& reader, const ImportedKey& imported) const {
  const auto mark =
      TRY(strongest_tombstone(reader, KeyKind::kDataKey, ByteView(fingerprint_of(imported.key))));
  if (!mark) return imported.state;
  if (!is_tombstone(mark->state)) return KeyLife::merged_state(imported.state, imported.state, mark);
  return fail(ErrorCode::kConflict, "this key was destroyed here as " + mark->name, "alias",
              "a destroyed key does not come back by import");
}

Result<std::vector<DataKey>> DataKeys::find_all(store::Reader& reader, std::string_view alias) const {
  std::vector<DataKey> out;
  for (const auto& row : TRY(reader.query(kDataKeyTable, "alias = ? ORDER BY created, id LIMIT ?",
                                          {to_upper(alias), kMaximumKeysOfOneName}))) {
    out.push_back(DataKey::from_row(row));
  }
  return out;
}

Result<std::optional<DataKey>> DataKeys::find(store::Reader& reader, std::string_view name) const {
  const std::size_t mark = name.size() > kFingerprintDigits ? name.size() - kFingerprintDigits - 1 : 0;
  const bool chosen = mark > 0 && name[mark] == '#';
  auto keys = TRY(find_all(reader, chosen ? name.substr(0, mark) : name));
  if (chosen) {
    const std::string wanted = to_lower(name.substr(mark + 1));
    std::erase_if(keys, [&](const DataKey& key) { return to_hex(key.fingerprint) != wanted; });
  }
  if (keys.empty()) return std::optional<DataKey>();
  if (keys.size() == 1) return std::optional(std::move(keys.front()));
  std::string names;
  for (const DataKey& key : keys) {
    names += (names.empty() ? "" : ", ") + key.alias + "#" + to_hex(key.fingerprint);
  }
  return fail(ErrorCode::kConflict,
              "the alias " + keys.front().alias + " means " + std::to_string(keys.size()) + " keys here",
              "alias", "name one of " + names);
}

Result<std::vector<DataKey>> DataKeys::find_by_dki(store::Reader& reader,
                                                   const eedk::DataKeyIdentifier& dki) const {
  std::vector<DataKey> out;
  for (const auto& row : TRY(reader.query(kDataKeyTable, "dki = ? ORDER BY created, id LIMIT ?",
                                          {to_bytes(dki.folded().view()), kMaximumKeysOfOneName}))) {
    out.push_back(DataKey::from_row(row));
  }
  return out;
}

Result<std::optional<DataKey>> DataKeys::find_by_id(store::Reader& reader, const Uuid& id) const {
  const auto row = TRY(reader.get(kDataKeyTable, {to_bytes(id.view())}));
  if (!row) return std::optional<DataKey>();
  return std::optional(DataKey::from_row(*row));
}

Result<Page<DataKey>> DataKeys::list(store::Reader& reader, std::string_view group,
                                     std::optional<KeyState> state, const PageRequest& page) const {
  const auto limit = static_cast<std::int64_t>(std::min(page.limit, kMaximumPage));
  const std::string folded = to_upper(group);
  const auto wanted = state ? static_cast<std::int64_t>(*state) : 0;
  const PageMark mark = TRY(read_page_mark(page.after));
  const auto rows = TRY(reader.query(
      kDataKeyTable,
      "(alias > ? OR (alias = ? AND id > ?)) AND (? = '' OR group_name = ?) AND (? = 0 OR state = ?) "
      "ORDER BY alias, id LIMIT ?",
      {mark.alias, mark.alias, mark.id, folded, folded, wanted, wanted, limit}));
  Page<DataKey> out;
  for (const auto& row : rows) out.items.push_back(DataKey::from_row(row));
  if (limit > 0 && out.items.size() == static_cast<std::size_t>(limit)) {
    out.next = out.items.back().alias + "/" + out.items.back().id.text();
  }
  return out;
}

Result<crypto::SecretBytes> DataKeys::open(store::Reader& reader, const DataKey& key) const {
  if (is_tombstone(key.state)) {
    return eedk::fail_ekm(ErrorCode::kConflict, eedk::EkmCode::kKeyNotHeld,
                          "the key " + key.alias + " was destroyed", "alias",
                          "the data under it cannot be read again by anybody");
  }
  if (key.quarantined != kNever)
    return eedk::fail_ekm(ErrorCode::kConflict, eedk::EkmCode::kKeyNotHeld,
                          "the key " + key.alias + " is quarantined", "alias",
                          "a security officer releases it: tapewarden key release " + key.alias);
  auto secret = TRY(reader.unseal(kDataKeyTable, key.to_row(), kDataKeySecretColumn));
  if (secret.size() == kDataKeyBytes && fingerprint_of(secret) == key.fingerprint) return secret;
  return fail(ErrorCode::kCorrupt,
              "the secret of the key " + key.alias + " is not the one of its fingerprint", "alias",
              "restore the keystore from a backup");
}

Result<DataKey> DataKeys::change_state(store::Transaction& transaction, const Actor& actor,
                                       std::string_view alias, KeyState to) const {
  auto found = TRY(find(transaction, alias));
  if (!found) {
    return fail(ErrorCode::kNotFound, "there is no key " + escape_unprintable(alias.substr(0, 64)), "alias");
  }
  const DataKey before = *found;
  if (before.state == to) return before;
  if (!may_follow(before.state, to)) {
    return fail(ErrorCode::kConflict,
                "the key " + before.alias + " is " + std::string(to_string(before.state)) +
                    " and cannot become " + std::string(to_string(to)),
                "state", before.state == KeyState::kActive ? "deactivate it first" : "");
  }
  DataKey& key = *found;
  key.state = to;
  mark(key.times, to, context_.now());
  if (is_tombstone(to)) key.sealed_key.clear();
  TRY(put(transaction, key));
  TRY(KeyGroups::account(transaction, context_, before, key));
  auto fields = audit_fields(key);
  fields.emplace_back("before", std::string(to_string(before.state)));
  note(transaction, context_,
       {.type = AuditType::kResourceManagement, .action = "key.state", .actor = actor, .fields = fields});
  return key;
}

// Room at the end of a group for new keys of this server; no group is no room needed.
Result<DataKeys::Place> DataKeys::reserve(store::Transaction& transaction, std::string_view group,
                                          std::size_t count) const {
  Place place;
  if (group.empty()) return place;
  place.group = TRY(KeyGroups::require_name(transaction, group));
  place.first = TRY(KeyGroups::next_positions(transaction, context_, place.group, count));
  TRY(KeyGroups::account_new(transaction, context_, place.group, count));
  return place;
}

Result<DataKey> DataKeys::generate_one(store::Transaction& transaction, std::string_view alias,
                                       const Place& place, std::size_t index) const {
  DataKey key;
  key.owner = context_.server;
  key.group = place.group;
  if (!place.group.empty()) key.position = place.first + static_cast<std::int64_t>(index);
  return insert(transaction, alias, crypto::random_secret(*context_.env.random, kDataKeyBytes),
                std::move(key));
}

}  // namespace tapewarden::keymgr
