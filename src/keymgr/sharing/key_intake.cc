#include "keymgr/sharing/key_intake.h"

#include "crypto/hash.h"
#include "keymgr/key_life.h"
#include "keymgr/limits.h"
#include "keymgr/sharing/limits.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr::sharing {
namespace {

Judgement refused(std::string remark) {
  return {KeyOutcome::kRefused, KeyState::kActive, std::nullopt, std::move(remark)};
}

std::string full_name(const DataKey& key) {
  return key.alias + "#" + to_hex(key.fingerprint);
}

// Same alias, same key.
Judgement judge_known(const DataKey& here, const SharedKey& key) {
  const KeyState merged = join(here.state, key.state);
  if (merged == here.state) return {KeyOutcome::kUnchanged, here.state, std::nullopt, ""};
  return {KeyOutcome::kStateMerged, merged, here,
          "was " + std::string(to_string(here.state)) + " here, is " + std::string(to_string(merged)) +
              " now: the partner says so"};
}

struct Neighbours {
  std::vector<DataKey> same_name;    // by the identifier on the tape
  std::vector<DataKey> same_secret;  // under whatever alias; those that decide come first
};

// A key may go by more aliases than are read, and its sender chose when each was made: what bars it comes
// first, then the alias that he says.
constexpr std::string_view kSameSecret =
    "fingerprint = ? ORDER BY (state >= ? OR quarantined <> ?) DESC, alias = ? DESC, created, id LIMIT ?";

Result<Neighbours> neighbours_of(store::Reader& reader, const KeyManager& manager, const SharedKey& key) {
  Neighbours out;
  out.same_name =
      TRY(manager.keys().find_by_dki(reader, TRY(eedk::DataKeyIdentifier::from_alias(key.alias))));
  for (const auto& row :
       TRY(reader.query(kDataKeyTable, std::string(kSameSecret),
                        {to_bytes(ByteView(key.fingerprint)), static_cast<std::int64_t>(KeyState::kDestroyed),
                         to_millis(kNever), key.alias, kMaximumKeysOfOneName}))) {
    out.same_secret.push_back(DataKey::from_row(row));
  }
  return out;
}

// The server that alone begins cartridges with it must be none of this site's: a partner's word makes no key
// writable here.
Result<Uuid> owner_of(store::Reader& reader, const KeyManager& manager, const SharedKey& key) {
  if (key.owner == manager.context().server) return Uuid{};
  const bool ours = TRY(reader.get(kServerTable, {to_bytes(key.owner.view())})).has_value();
  return ours ? Uuid{} : key.owner;
}

// The same wherever it is imported: when both servers of a pair take one file at the same time, their rows
// become one. It begins with the end of the identifier, which is a counter as a rule, so that keys that come
// one after the other lie side by side in the database.
Uuid id_of(const SharedKey& key, const eedk::DataKeyIdentifier& dki) {
  constexpr std::size_t kCounterBytes = 4;
  ByteWriter name;
  name.bytes16(as_bytes("tapewarden shared key")).bytes16(as_bytes(key.alias)).bytes(key.fingerprint);
  const auto hash = crypto::sha256(name.view());
  ByteWriter id;
  id.bytes(dki.view().last(kCounterBytes)).bytes(ByteView(hash).first(16 - kCounterBytes));
  Uuid out = Uuid::from(id.view());
  // Version 8, of a form of one's own (RFC 9562 section 5.8).
  out.bytes[6] = static_cast<std::uint8_t>(0x80 | (out.bytes[6] & 0x0F));
  out.bytes[8] = static_cast<std::uint8_t>(0x80 | (out.bytes[8] & 0x3F));
  return out;
}

Status add(store::Transaction& transaction, const KeyManager& manager, const Actor& actor,
           const SharedKey& key, KeyState state, const crypto::SecretBytes& secret) {
  const ServerContext& context = manager.context();
  DataKey row;
  row.alias = key.alias;
  row.dki = TRY(eedk::DataKeyIdentifier::from_alias(key.alias));
  row.id = id_of(key, row.dki);
  row.state = state;
  row.owner = TRY(owner_of(transaction, manager, key));
  const store::Value id = to_bytes(row.id.view());
  row.sealed_key = transaction.seal(kDataKeyTable, {&id, 1}, "secret", secret);
  row.fingerprint = key.fingerprint;
  row.times = key.times;
  if (row.times.created == kNever) row.times.created = context.now();
  if (state != key.state) mark(row.times, state, context.now());
  row.origin = KeyOrigin::kImported;
  row.uses = 1;
  row.created_commit = static_cast<std::int64_t>(transaction.sequence());
  TRY(manager.keys().put(transaction, row));
  // Its tombstone, so that no merge takes it back.
  if (state == KeyState::kCompromised) (void)TRY(manager.life().compromise(transaction, actor, ref_of(row)));
  return {};
}

Status merge_state(store::Transaction& transaction, const KeyManager& manager, const Actor& actor,
                   const DataKey& here, KeyState state) {
  if (state == KeyState::kCompromised) {
    (void)TRY(manager.life().compromise(transaction, actor, ref_of(here)));
    return {};
  }
  DataKey row = here;
  row.state = state;
  mark(row.times, state, manager.context().now());
  TRY(manager.keys().put(transaction, row));
  return KeyGroups::account(transaction, manager.context(), here, row);
}

}  // namespace

Result<Judgement> judge(store::Reader& reader, const KeyManager& manager, const SharedKey& key) {
  const auto near = TRY(neighbours_of(reader, manager, key));
  for (const auto& same : near.same_secret) {
    if (is_tombstone(same.state)) return refused("this key was destroyed here as " + same.alias);
    if (same.quarantined != kNever) return refused("this key is quarantined here as " + same.alias);
  }
  const auto mark = TRY(strongest_tombstone(reader, KeyKind::kDataKey, ByteView(key.fingerprint)));
  if (mark && is_tombstone(mark->state)) return refused("this key was destroyed here as " + mark->name);
  for (const auto& same : near.same_secret) {
    if (same.alias == key.alias) return judge_known(same, key);
  }
  const KeyState state = KeyLife::merged_state(key.state, key.state, mark);
  if (near.same_name.size() >= static_cast<std::size_t>(kMaximumKeysOfOneName)) {
    return refused("too many keys here bear this alias");
  }
  if (!near.same_name.empty()) {
    return Judgement{KeyOutcome::kKeptBoth, state, std::nullopt,
                     "another key has this alias here (" + full_name(near.same_name.front()) +
                         "): name this one " + key.alias + "#" + to_hex(key.fingerprint)};
  }
  Judgement out{KeyOutcome::kAdded, state, std::nullopt, ""};
  if (!near.same_secret.empty()) out.remark = "the same key is here as " + near.same_secret.front().alias;
  if (state != key.state)
    out.remark = "came in as " + std::string(to_string(state)) + ": it was marked so here";
  return out;
}

Status apply(store::Transaction& transaction, const KeyManager& manager, const Actor& actor,
             const SharedKey& key, const Judgement& judged, const crypto::SecretBytes& secret) {
  if (judged.here) return merge_state(transaction, manager, actor, *judged.here, judged.state);
  return add(transaction, manager, actor, key, judged.state, secret);
}

Result<crypto::SecretBytes> open_shared(backup::SecretSealer& opener, const SharedKey& key) {
  auto secret = opener.open(box_place(key), key.box);
  if (secret && secret->size() == kDataKeyBytes && fingerprint_of(*secret) == key.fingerprint) return secret;
  return fail(ErrorCode::kCorrupt, "the key " + key.alias + " in the file is not the one of its fingerprint",
              "file", "ask the partner to export the keys again");
}

}  // namespace tapewarden::keymgr::sharing
