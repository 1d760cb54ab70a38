#include "keymgr/key_life.h"

#include <algorithm>

#include "base/counted.h"
#include "base/text.h"
#include "keymgr/audit_note.h"
#include "keymgr/key_groups.h"
#include "keymgr/limits.h"
#include "keymgr/row_codec.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr {
namespace {

constexpr std::string_view kTombstonePurpose = "tapewarden key tombstone 1";

std::unexpected<Error> in_the_way(std::string message, std::string field, std::string remedy) {
  return fail(ErrorCode::kConflict, std::move(message), std::move(field), std::move(remedy));
}

// Tombstones that a key's row does not obey: it says less, or destroyed alone of a key that is compromised.
constexpr std::string_view kContradicted =
    "(kind = 1 AND EXISTS (SELECT 1 FROM data_key WHERE data_key.fingerprint = key_tombstone.fingerprint AND "
    "data_key.row_erased = 0 AND (data_key.state < key_tombstone.state OR (data_key.state = 5 AND "
    "key_tombstone.state = 4)))) OR (kind = 2 AND EXISTS (SELECT 1 FROM kek WHERE kek.id = "
    "key_tombstone.fingerprint AND kek.row_erased = 0 AND (kek.state < key_tombstone.state OR (kek.state = 5 "
    "AND key_tombstone.state = 4))))";

bool is_compromised(KeyState state) {
  return state == KeyState::kCompromised || state == KeyState::kDestroyedCompromised;
}

KeyState destroyed_from(KeyState state) {
  return is_compromised(state) ? KeyState::kDestroyedCompromised : KeyState::kDestroyed;
}

}  // namespace

Result<std::optional<Tombstone>> strongest_tombstone(store::Reader& reader, KeyKind kind,
                                                     ByteView fingerprint) {
  const auto rows = TRY(reader.query(kTombstoneTable,
                                     "kind = ? AND fingerprint = ? ORDER BY state DESC, at, server LIMIT 1",
                                     {static_cast<std::int64_t>(kind), to_bytes(fingerprint)}));
  if (rows.empty()) return std::optional<Tombstone>();
  return std::optional(Tombstone::from_row(rows.front()));
}

std::string_view to_string(KeyKind kind) {
  if (kind == KeyKind::kObject) return "kmip-object";
  return kind == KeyKind::kDataKey ? "data-key" : "kek";
}

KeyRef ref_of(const DataKey& key) {
  return {KeyKind::kDataKey,
          to_bytes(key.id.view()),
          to_bytes(ByteView(key.fingerprint)),
          key.alias,
          key.state,
          key.quarantined,
          key.alias};
}

KeyRef ref_of(const Kek& kek) {
  const Bytes id = to_bytes(ByteView(kek.id));
  return {KeyKind::kKek, id, id, kek.common_name, kek.state, kek.quarantined, kek.id};
}

Result<KeyRef> KeyLife::data_key(store::Reader& reader, std::string_view alias) const {
  const auto key = TRY(keys_.find(reader, alias));
  if (key) return ref_of(*key);
  return fail(ErrorCode::kNotFound, "there is no key " + escape_unprintable(alias.substr(0, 64)), "alias");
}

Result<KeyRef> KeyLife::kek(store::Reader& reader, const Hash256& id) const {
  const auto kek = TRY(keks_.find(reader, id));
  if (kek) return ref_of(*kek);
  return fail(ErrorCode::kNotFound, "there is no KEK " + to_hex(id), "kek");
}

// By its id: two keys of one alias may be here after two installations were merged.
Result<DataKey> KeyLife::require_key(store::Reader& reader, const KeyRef& key) const {
  auto row = TRY(keys_.find_by_id(reader, Uuid::from(key.id)));
  if (row) return *std::move(row);
  return fail(ErrorCode::kNotFound, "there is no key " + key.name, "alias");
}

// The key as it is within this transaction.
Result<KeyRef> KeyLife::again(store::Reader& reader, const KeyRef& key) const {
  if (key.kind == KeyKind::kObject) return key;
  if (key.kind == KeyKind::kDataKey) return ref_of(TRY(require_key(reader, key)));
  return kek(reader, std::get<Hash256>(key.ledger));
}

void KeyLife::audit(store::Transaction& transaction, const Actor& actor, std::string_view verb,
                    const KeyRef& key, std::vector<std::pair<std::string_view, std::string>> fields) const {
  struct Words {
    std::string_view prefix, name;
  };
  static constexpr Words kWords[] = {{"key.", "alias"}, {"kek.", "common_name"}, {"kmip.object.", "object"}};
  const Words& words = kWords[static_cast<std::size_t>(key.kind) - 1];
  const std::string action = std::string(words.prefix) + std::string(verb);
  if (!key.fingerprint.empty()) fields.emplace(fields.begin(), "fingerprint", to_hex(key.fingerprint));
  fields.emplace(fields.begin(), words.name, key.name);
  note(transaction, context_,
       {.type = AuditType::kResourceManagement,
        .action = action,
        .actor = actor,
        .fields = std::move(fields)});
}

// Holds.

store::Row KeyHold::to_row() const {
  return RowWriter(kKeyHoldTable)
      .uuid(id)
      .number_of(kind)
      .blob(key)
      .text(name)
      .text(reason)
      .time(until)
      .text(placed_by)
      .time(placed)
      .take();
}

KeyHold KeyHold::from_row(const store::Row& row) {
  RowReader in(kKeyHoldTable, row);
  KeyHold hold;
  hold.id = in.uuid();
  hold.kind = in.enumeration<KeyKind>();
  hold.key = in.blob();
  hold.name = in.text();
  hold.reason = in.text();
  hold.until = in.time();
  hold.placed_by = in.text();
  hold.placed = in.time();
  return hold;
}

Result<KeyHold> KeyLife::hold(store::Transaction& transaction, const Actor& actor, const KeyRef& wanted,
                              std::string_view reason, WallTime until) const {
  const KeyRef key = TRY(again(transaction, wanted));
  if (trim(reason).empty() || reason.size() > kMaximumHoldReasonBytes || !is_printable(reason)) {
    return fail(ErrorCode::kInvalidArgument, "a hold needs a reason of up to 256 printable characters",
                "reason");
  }
  if (until != kNever && until <= context_.now()) {
    return fail(ErrorCode::kInvalidArgument, "the date is past already", "until", "name a day to come");
  }
  if (is_tombstone(key.state))
    return in_the_way(key.name + " is destroyed", "state", "there is nothing to keep");
  if (TRY(holds_of(transaction, key)).size() >= kMaximumHoldsPerKey) {
    return fail(ErrorCode::kExhausted, key.name + " has too many holds", "reason",
                "take old ones away first");
  }
  const KeyHold placed{Uuid::random(*context_.env.random), key.kind, key.id,     key.name,
                       std::string(trim(reason)),          until,    actor.name, context_.now()};
  TRY(transaction.put(kKeyHoldTable, placed.to_row()));
  audit(transaction, actor, "hold", key,
        {{"hold", placed.id.text()},
         {"reason", placed.reason},
         {"until", until == kNever ? "taken away by two people" : format_utc(until)}});
  return placed;
}

Status KeyLife::remove_hold(store::Transaction& transaction, const Actor& actor, const KeyRef& wanted,
                            const Uuid& id, const Consent& consent) const {
  const KeyRef key = TRY(again(transaction, wanted));
  const auto row = TRY(transaction.get(kKeyHoldTable, {to_bytes(id.view())}));
  if (!row || KeyHold::from_row(*row).key != key.id) {
    return fail(ErrorCode::kNotFound, key.name + " has no such hold", "hold",
                "list its holds to see their ids");
  }
  const auto hold = KeyHold::from_row(*row);
  TRY(take_consent(transaction, settings_, actor, consent));
  TRY(transaction.erase(kKeyHoldTable, {to_bytes(id.view())}));
  audit(transaction, actor, "remove-hold", key,
        {{"hold", id.text()},
         {"reason", hold.reason},
         {"placed_by", hold.placed_by},
         {"approved_by", consent.person}});
  return {};
}

Result<std::vector<KeyHold>> KeyLife::holds_of(store::Reader& reader, const KeyRef& key) const {
  std::vector<KeyHold> out;
  for (const auto& row : TRY(reader.query(kKeyHoldTable, "key_id = ? AND kind = ? ORDER BY placed, id",
                                          {key.id, static_cast<std::int64_t>(key.kind)}))) {
    out.push_back(KeyHold::from_row(row));
  }
  return out;
}

// Quarantine.

Status KeyLife::set_quarantine(store::Transaction& transaction, const KeyRef& key, WallTime since) const {
  if (key.kind == KeyKind::kDataKey) {
    DataKey row = TRY(require_key(transaction, key));
    row.quarantined = since;
    return keys_.put(transaction, row);
  }
  auto row = TRY(keks_.find(transaction, std::get<Hash256>(key.ledger)));
  row->quarantined = since;
  return transaction.put(kKekTable, row->to_row());
}

Status KeyLife::quarantine(store::Transaction& transaction, const Actor& actor, const KeyRef& wanted) const {
  const KeyRef key = TRY(again(transaction, wanted));
  if (is_tombstone(key.state)) return in_the_way(key.name + " is destroyed", "state", "");
  if (key.quarantined != kNever) return {};
  TRY(set_quarantine(transaction, key, context_.now()));
  audit(transaction, actor, "quarantine", key, {});
  return {};
}

Status KeyLife::release(store::Transaction& transaction, const Actor& actor, const KeyRef& wanted) const {
  const KeyRef key = TRY(again(transaction, wanted));
  if (is_tombstone(key.state)) return in_the_way(key.name + " is destroyed", "state", "");
  if (key.quarantined == kNever) return {};
  TRY(set_quarantine(transaction, key, kNever));
  audit(transaction, actor, "release", key, {{"since", format_utc(key.quarantined)}});
  return {};
}

// Compromise and destruction.

Status KeyLife::set_state(store::Transaction& transaction, const KeyRef& key, KeyState to) const {
  if (key.kind == KeyKind::kDataKey) {
    DataKey row = TRY(require_key(transaction, key));
    const DataKey before = row;
    row.state = to;
    mark(row.times, to, context_.now());
    if (is_tombstone(to)) {
      row.sealed_key.clear();
      row.quarantined = kNever;
    }
    TRY(keys_.put(transaction, row));
    return KeyGroups::account(transaction, context_, before, row);
  }
  auto row = TRY(keks_.find(transaction, std::get<Hash256>(key.ledger)));
  row->state = to;
  mark(row->times, to, context_.now());
  if (is_tombstone(to)) {
    row->sealed_private.clear();
    row->has_private = false;
    row->quarantined = kNever;
  }
  return transaction.put(kKekTable, row->to_row());
}

// One secret may stand under several aliases: an import or a migration brought it once more.
Result<std::vector<KeyRef>> KeyLife::twins_of(store::Reader& reader, const KeyRef& key) const {
  std::vector<KeyRef> out;
  if (key.kind != KeyKind::kDataKey) return out;
  for (const auto& row : TRY(reader.query(kDataKeyTable, "fingerprint = ? AND id <> ? ORDER BY alias, id",
                                          {key.fingerprint, key.id}))) {
    KeyRef twin = ref_of(DataKey::from_row(row));
    if (!is_tombstone(twin.state)) out.push_back(std::move(twin));
  }
  return out;
}

Result<std::int64_t> KeyLife::count_sealed(store::Reader& reader, const KeyRef& key,
                                           CartridgeFilter filter) const {
  std::int64_t count = TRY(count_cartridges(reader, key.ledger, filter));
  for (const KeyRef& twin : TRY(twins_of(reader, key))) {
    count += TRY(count_cartridges(reader, twin.ledger, filter));
  }
  return count;
}

Result<Tombstone> KeyLife::compromise(store::Transaction& transaction, const Actor& actor,
                                      const KeyRef& wanted) const {
  const KeyRef key = TRY(again(transaction, wanted));
  if (is_compromised(key.state)) {
    if (auto mark = TRY(find_tombstone(transaction, key.kind, key.fingerprint))) return *std::move(mark);
  }
  const KeyState to = is_tombstone(key.state) ? KeyState::kDestroyedCompromised : KeyState::kCompromised;
  const auto exposed = TRY(count_sealed(transaction, key, CartridgeFilter::kEver));
  if (key.state != to) TRY(set_state(transaction, key, to));
  audit(transaction, actor, "compromise", key,
        {{"before", std::string(to_string(key.state))}, {"cartridges", std::to_string(exposed)}});
  for (const KeyRef& twin : TRY(twins_of(transaction, key))) {
    if (is_compromised(twin.state)) continue;
    TRY(set_state(transaction, twin, KeyState::kCompromised));
    audit(transaction, actor, "compromise", twin,
          {{"before", std::string(to_string(twin.state))}, {"same_key_as", key.name}});
  }
  return bury(transaction, actor, key, to, exposed, "");
}

Status KeyLife::check_holds(store::Reader& reader, const KeyRef& key, const std::string& shown) const {
  for (const auto& hold : TRY(holds_of(reader, key))) {
    if (!hold.in_force(context_.now())) continue;
    return in_the_way(shown + " is held" +
                          (hold.until == kNever ? std::string() : " until " + format_utc(hold.until)) + ": " +
                          hold.reason + " (" + hold.placed_by + ")",
                      "hold", "two officers take the hold " + hold.id.text() + " away first");
  }
  return {};
}

Status KeyLife::check_destroyable(store::Reader& reader, const KeyRef& key, const Destruction& what) const {
  const std::string noun = key.kind == KeyKind::kDataKey ? "key" : "kek";
  if (is_tombstone(key.state)) return in_the_way(key.name + " is destroyed already", "state", "");
  if (what.purge && key.quarantined == kNever) {
    return in_the_way(key.name + " is not quarantined", "state",
                      "quarantine it first, or use " + noun + " destroy");
  }
  if (!what.purge && !may_follow(key.state, destroyed_from(key.state))) {
    return in_the_way(
        "the key " + key.name + " is " + std::string(to_string(key.state)) + " and cannot be destroyed",
        "state", "deactivate it first");
  }
  return check_holds(reader, key, key.name);
}

// What dies with a key must be no more in use than the key itself.
Status KeyLife::check_twin(store::Reader& reader, const KeyRef& twin, const KeyRef& key) const {
  const std::string shown = twin.name + ", the same key as " + key.name + ",";
  if (twin.quarantined == kNever && !may_follow(twin.state, destroyed_from(twin.state))) {
    return in_the_way(shown + " is " + std::string(to_string(twin.state)) + " and would be destroyed with it",
                      "state", "deactivate " + twin.name + " first");
  }
  return check_holds(reader, twin, shown);
}

Status KeyLife::check_lost(const KeyRef& key, const Destruction& what, std::int64_t needing) {
  if (needing == what.cartridges_lost.value_or(0)) return {};
  return in_the_way(
      counted(needing, "cartridge") + " in the ledger cannot be read without " + key.name, "cartridges_lost",
      "list them (tapewarden " + std::string(key.kind == KeyKind::kDataKey ? "key" : "kek") +
          " cartridges); re-encrypt or " + (key.kind == KeyKind::kKek ? "re-wrap them, " : "copy them, ") +
          "or say that they are lost: --cartridges-lost " + std::to_string(needing));
}

Result<KeyLife::Destroying> KeyLife::plan_destruction(store::Reader& reader, const KeyRef& wanted,
                                                      const Destruction& what) const {
  Destroying plan;
  plan.key = TRY(again(reader, wanted));
  plan.twins = TRY(twins_of(reader, plan.key));
  plan.needing = TRY(count_sealed(reader, plan.key, CartridgeFilter::kNeeding));
  TRY(check_destroyable(reader, plan.key, what));
  for (const KeyRef& twin : plan.twins) TRY(check_twin(reader, twin, plan.key));
  TRY(check_lost(plan.key, what, plan.needing));
  return plan;
}

Status KeyLife::check_destroy(store::Reader& reader, const KeyRef& key, const Destruction& what) const {
  (void)TRY(plan_destruction(reader, key, what));
  return {};
}

Result<Tombstone> KeyLife::destroy(store::Transaction& transaction, const Actor& actor, const KeyRef& wanted,
                                   const Destruction& what, const Consent& consent) const {
  const auto [key, twins, needing] = TRY(plan_destruction(transaction, wanted, what));
  TRY(take_consent(transaction, settings_, actor, consent));
  const std::string_view verb = what.purge ? "purge" : "destroy";
  KeyState to = destroyed_from(key.state);
  for (const KeyRef& twin : twins) to = join(to, destroyed_from(twin.state));
  TRY(set_state(transaction, key, to));
  audit(transaction, actor, verb, key,
        {{"before", std::string(to_string(key.state))},
         {"cartridges_lost", std::to_string(needing)},
         {"approved_by", consent.person}});
  for (const KeyRef& twin : twins) {
    TRY(set_state(transaction, twin, to));
    audit(transaction, actor, verb, twin,
          {{"before", std::string(to_string(twin.state))},
           {"same_key_as", key.name},
           {"approved_by", consent.person}});
  }
  return bury(transaction, actor, key, to, needing, consent.person);
}

// Tombstones.

Bytes Tombstone::signed_bytes() const {
  ByteWriter out;
  out.bytes32(as_bytes(kTombstonePurpose)).u8(static_cast<std::uint8_t>(kind)).bytes32(fingerprint);
  out.bytes32(key).bytes32(as_bytes(name)).u8(static_cast<std::uint8_t>(state));
  out.u64(static_cast<std::uint64_t>(to_millis(at))).bytes32(as_bytes(by)).bytes32(as_bytes(approved_by));
  out.u64(static_cast<std::uint64_t>(cartridges)).bytes(server.view());
  return out.take();
}

store::Row Tombstone::to_row() const {
  return RowWriter(kTombstoneTable)
      .number_of(kind)
      .blob(fingerprint)
      .uuid(server)
      .blob(key)
      .text(name)
      .number_of(state)
      .time(at)
      .text(by)
      .text(approved_by)
      .integer(cartridges)
      .blob(signature)
      .take();
}

Tombstone Tombstone::from_row(const store::Row& row) {
  RowReader in(kTombstoneTable, row);
  Tombstone out;
  out.kind = in.enumeration<KeyKind>();
  out.fingerprint = in.blob();
  out.server = in.uuid();
  out.key = in.blob();
  out.name = in.text();
  out.state = in.enumeration<KeyState>();
  out.at = in.time();
  out.by = in.text();
  out.approved_by = in.text();
  out.cartridges = in.integer();
  out.signature = in.blob();
  return out;
}

Result<Tombstone> KeyLife::bury(store::Transaction& transaction, const Actor& actor, const KeyRef& key,
                                KeyState state, std::int64_t cartridges,
                                const std::string& approved_by) const {
  const auto earlier = TRY(find_tombstone(transaction, key.kind, key.fingerprint));
  Tombstone out{key.kind,
                key.fingerprint,
                key.id,
                key.name,
                merged_state(state, state, earlier),
                context_.now(),
                actor.name,
                approved_by,
                cartridges,
                context_.server,
                {}};
  out.signature = context_.signing_key.sign(out.signed_bytes());
  TRY(transaction.put(kTombstoneTable, out.to_row()));
  return out;
}

Result<std::optional<Tombstone>> KeyLife::find_tombstone(store::Reader& reader, KeyKind kind,
                                                         ByteView fingerprint) const {
  return strongest_tombstone(reader, kind, fingerprint);
}

KeyState KeyLife::merged_state(KeyState a, KeyState b, const std::optional<Tombstone>& mark) {
  const auto stronger = [](KeyState x, KeyState y) {
    const KeyState last = std::max(x, y);
    // Compromised here and destroyed there is both.
    if (last == KeyState::kDestroyed && (is_compromised(x) || is_compromised(y))) {
      return KeyState::kDestroyedCompromised;
    }
    return last;
  };
  const KeyState merged = stronger(a, b);
  return mark ? stronger(merged, mark->state) : merged;
}

Result<std::size_t> KeyLife::enforce(store::Transaction& transaction) const {
  std::vector<std::pair<KeyRef, Tombstone>> wrong;
  for (const auto& row : TRY(transaction.query(kTombstoneTable, std::string(kContradicted), {}))) {
    const auto mark = Tombstone::from_row(row);
    if (mark.kind == KeyKind::kKek) {
      wrong.emplace_back(ref_of(Kek::from_row(*TRY(transaction.get(kKekTable, {mark.fingerprint})))), mark);
      continue;
    }
    for (const auto& key : TRY(transaction.query(kDataKeyTable, "fingerprint = ?", {mark.fingerprint}))) {
      wrong.emplace_back(ref_of(DataKey::from_row(key)), mark);
    }
  }
  std::size_t changed = 0;
  for (const auto& [found, mark] : wrong) {
    const KeyRef key = TRY(again(transaction, found));
    const KeyState to = join(key.state, mark.state);
    if (to == key.state) continue;  // another key of this secret contradicts it, or another tombstone did
    ++changed;
    TRY(set_state(transaction, key, to));
    audit(transaction, Actor::system(), "tombstone-holds", key,
          {{"before", std::string(to_string(key.state))}, {"state", std::string(to_string(to))}});
  }
  return changed;
}

Status verify_tombstone(store::Reader& reader, const Tombstone& tombstone) {
  const auto row = TRY(reader.get(kServerTable, {to_bytes(tombstone.server.view())}));
  if (!row) {
    return fail(ErrorCode::kUnauthenticated, "the tombstone was signed by a server that is not known here",
                "server");
  }
  const auto certificate = TRY(crypto::Certificate::from_der(ServerRow::from_row(*row).signing_certificate));
  const auto key = TRY(certificate.public_key());
  if (key.verify(tombstone.signed_bytes(), tombstone.signature)) return {};
  return fail(ErrorCode::kUnauthenticated, "the tombstone's signature does not fit", "signature");
}

}  // namespace tapewarden::keymgr
