// The peer's rules for keys of both kinds, and for what ends them.
#include "crypto/certificate.h"
#include "crypto/keys.h"
#include "keymgr/data_keys.h"
#include "keymgr/drive_table.h"
#include "keymgr/epoch.h"
#include "keymgr/incoming_row.h"
#include "keymgr/keks.h"
#include "keymgr/key_life.h"
#include "keymgr/limits.h"
#include "keymgr/peer_rules.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr {

using store::IncomingRow;
using store::TableSpec;

namespace {

constexpr std::size_t kLongestName = 256;  // of a person, a key or a certificate
constexpr std::size_t kLongestCertificate = 64U << 10;
constexpr std::size_t kLongestSignature = 256;
constexpr std::int64_t kMostTransfers = std::int64_t{1} << 20;

std::unexpected<Error> no(std::string why, std::string_view column) {
  return fail(ErrorCode::kPermissionDenied, std::move(why), std::string(column));
}

KeyState state_of(std::int64_t value) {
  return static_cast<KeyState>(value);
}

void check_life(RowChecks& checks) {
  checks.within("state", 1, 6).within("origin_kind", 1, 2);
  checks.counts({"created", "activated", "deactivated", "compromised", "destroyed", "quarantined"});
}

Status check_no_hold(const IncomingRow& in, KeyKind kind, const Bytes& key) {
  const auto rows =
      TRY(in.reader.query(kKeyHoldTable, "key_id = ? AND kind = ?", {key, static_cast<std::int64_t>(kind)}));
  for (const auto& row : rows) {
    const auto hold = KeyHold::from_row(row);
    if (hold.in_force(in.now)) return no("it destroys a key that is held here: " + hold.reason, "state");
  }
  return {};
}

// A row that says that the key is destroyed, where it is alive here (P4).
Status check_destruction(const IncomingRow& in, KeyKind kind, const Bytes& key, ByteView fingerprint) {
  const auto mark = TRY(strongest_tombstone(in.reader, kind, fingerprint));
  if (!mark || !is_tombstone(mark->state)) return no("it destroys a key without a tombstone", "state");
  return check_no_hold(in, kind, key);
}

// Whatever a tombstone of this fingerprint would destroy: a secret may be here under several aliases.
Result<std::vector<store::Row>> keys_that_would_die(const IncomingRow& in, ByteView fingerprint) {
  return in.reader.query(kDataKeyTable, "fingerprint = ? AND state < ?",
                         {to_bytes(fingerprint), static_cast<std::int64_t>(KeyState::kDestroyed)});
}

// A tombstone destroys by its fingerprint: whose id and name it tells is the signer's choice.
Status check_nobody_holds(const IncomingRow& in, const Tombstone& mark) {
  if (mark.kind == KeyKind::kKek) return check_no_hold(in, mark.kind, mark.fingerprint);
  for (const auto& key : TRY(keys_that_would_die(in, mark.fingerprint))) {
    TRY(check_no_hold(in, mark.kind, store::blob(key, 0)));
  }
  return check_no_hold(in, mark.kind, mark.key);
}

Result<bool> is_alive_here(const IncomingRow& in, const Tombstone& mark) {
  if (mark.kind == KeyKind::kDataKey) return !TRY(keys_that_would_die(in, mark.fingerprint)).empty();
  const auto row = TRY(in.reader.get(kKekTable, {mark.fingerprint}));
  return row && !is_tombstone(Kek::from_row(*row).state);
}

// A key that this server has not given out, as far as it remembers, stays in the epoch that it is in: in this
// one it would be given out again after a restore that forgot the first time.
Status check_unused_key_of_mine(const RowChecks& row, const IncomingRow& in) {
  if (in.mine == nullptr || row.uuid("owner") != in.self) return {};
  if (row.integer("uses") > 0 || row.my_integer("uses") > 0) return {};
  const bool was_mine = equal(row.my_blob("owner"), in.self.view());
  const std::int64_t most = was_mine ? row.my_integer("owner_epoch") : TRY(own_epoch(in.reader)) - 1;
  if (row.integer("owner_epoch") <= most) return {};
  return no("it moves this server's key to another epoch", "owner_epoch");
}

// Only a server itself gives out its keys, and only a promotion moves them.
Status check_ownership(const RowChecks& row, const IncomingRow& in) {
  TRY(check_unused_key_of_mine(row, in));
  if (in.everything) return {};
  const Uuid owner = row.uuid("owner");
  // A key that was imported may still be its old server's, which is none of ours and gives out nothing here.
  const bool imported = row.integer("origin_kind") == static_cast<std::int64_t>(KeyOrigin::kImported);
  const bool known = owner == in.sender || owner == in.self || owner.is_nil() || imported ||
                     TRY(in.reader.get(kServerTable, {row.blob("owner")})).has_value();
  if (!known) return no("its owner is not known here", "owner");
  if (in.mine == nullptr) {
    // One that a copy lost since had made comes back after a restore: its epoch is over.
    if (owner != in.self || row.integer("owner_epoch") < TRY(own_epoch(in.reader))) return {};
    return no("it says that this server made a key which it does not know", "owner");
  }
  if (row.integer("transfers") != row.my_integer("transfers")) return {};
  if (row.blob("owner") != row.my_blob("owner")) {
    return no("it takes a key from its owner without a promotion", "owner");
  }
  if (owner == in.self && row.integer("owner_epoch") > row.my_integer("owner_epoch")) {
    return no("it moves this server's key to another epoch", "owner_epoch");
  }
  return {};
}

Status check_data_key_secret(const RowChecks& row, const IncomingRow& in) {
  const bool held = !row.blob("secret").empty();
  if (is_tombstone(state_of(row.integer("state")))) {
    return held ? no("it brings the secret of a destroyed key", "secret") : Status();
  }
  if (!held) return no("it is a key without its secret", "secret");
  const bool compared = in.mine != nullptr && !row.my_blob("secret").empty();  // written once
  if (compared) return {};
  const auto secret = TRY(in.secret(kDataKeySecretColumn));
  if (secret.size() == kDataKeyBytes && equal(fingerprint_of(secret), row.blob("fingerprint"))) return {};
  return no("its secret is not the one of its fingerprint", "secret");
}

// So many keys of one name are looked at: more would hide those that are here.
Status check_name_has_room(const RowChecks& row, const IncomingRow& in) {
  if (in.mine != nullptr) return {};
  const auto named = TRY(in.reader.aggregate(kDataKeyTable, "COUNT(*)", "alias = ?", {row.text("alias")}));
  if (named < kMaximumKeysOfOneName) return {};
  return no("there are too many keys of this alias", "alias");
}

}  // namespace

Status check_data_key_row(const TableSpec& table, const IncomingRow& in) {
  RowChecks row(table, in);
  row.bytes("id", {16}).bytes("owner", {16}).bytes("fingerprint", {16});
  row.canonical("alias", eedk::canonical_alias(row.text("alias")));
  const auto dki = eedk::DataKeyIdentifier::from_alias(row.text("alias"));
  row.that(dki && equal(dki->view(), row.blob("dki")), "is not that of its alias", "dki");
  check_life(row);
  row.words({"group_name"}, kMaximumGroupNameCharacters).counts({"position", "uses"});
  row.within("owner_epoch", 0, kMaximumEpoch).within("transfers", 0, kMostTransfers);
  TRY(row.take());
  TRY(check_data_key_secret(row, in));
  TRY(check_ownership(row, in));
  TRY(check_name_has_room(row, in));
  const bool dies = in.mine != nullptr && is_tombstone(state_of(row.integer("state"))) &&
                    !is_tombstone(state_of(row.my_integer("state")));
  if (!dies) return {};
  return check_destruction(in, KeyKind::kDataKey, row.blob("id"), row.blob("fingerprint"));
}

Status check_kek_row(const TableSpec& table, const IncomingRow& in) {
  RowChecks row(table, in);
  row.bytes("id", {32}).most_bytes("certificate", kLongestCertificate);
  row.words({"common_name"}, kLongestName).flag("has_private").flag("proven");
  row.counts({"not_after", "proven_at"});
  check_life(row);
  const bool held = !row.blob("private_half").empty();
  const bool dead = is_tombstone(state_of(row.integer("state")));
  row.that(held == (row.integer("has_private") == 1), "contradicts its private half", "has_private");
  row.that(!(held && dead), "is there though it is destroyed", "private_half");
  TRY(row.take());
  const auto certificate = TRY(crypto::Certificate::from_der(row.blob("certificate")));
  if (!equal(TRY(certificate.public_key()).spki_hash(), row.blob("id"))) {
    return no("its certificate is another key's", "certificate");
  }
  if (held) {
    const auto key = TRY(crypto::PrivateKey::from_pkcs8(TRY(in.secret(kKekPrivateColumn))));
    if (!equal(key.public_key().spki_hash(), row.blob("id"))) {
      return no("its private half does not belong to its certificate", "private_half");
    }
  }
  const bool dies = in.mine != nullptr && dead && !is_tombstone(state_of(row.my_integer("state")));
  if (!dies) return {};
  return check_destruction(in, KeyKind::kKek, row.blob("id"), row.blob("id"));
}

Status check_kek_label_row(const TableSpec& table, const IncomingRow& in) {
  RowChecks row(table, in);
  row.bytes("kek", {32}).canonical("label", canonical_label(row.text("label")));
  if (in.erased) return row.take();
  return row.words({"display"}, kMaximumLabelCharacters).counts({"added"}).take();
}

Status check_hold_row(const TableSpec& table, const IncomingRow& in) {
  RowChecks row(table, in);
  row.bytes("id", {16});
  if (in.erased) return row.take();
  row.within("kind", 1, 3).bytes("key_id", {16, 32}).words({"name", "placed_by"}, kLongestName);
  return row.words({"reason"}, kMaximumHoldReasonBytes).counts({"until", "placed"}).take();
}

namespace {
// Of everything that a server has, the servers may come after what they signed. Until then a tombstone
// destroys nothing that lives here.
Status check_signer_to_come(const IncomingRow& in, const Tombstone& mark, const Error& why) {
  const bool to_come =
      in.everything && !TRY(in.reader.get(kServerTable, {to_bytes(mark.server.view())})).has_value();
  if (to_come && (!is_tombstone(mark.state) || !TRY(is_alive_here(in, mark)))) return {};
  return no(why.message, "signature");
}
}  // namespace

Status check_tombstone_row(const TableSpec& table, const IncomingRow& in) {
  RowChecks row(table, in);
  row.within("kind", 1, 2).within("state", 4, 6).bytes("server", {16});
  const auto kind = static_cast<KeyKind>(row.integer("kind"));
  const std::size_t size = kind == KeyKind::kDataKey ? std::tuple_size_v<KeyFingerprint> : 32;
  row.bytes("fingerprint", {size}).bytes("key_id", {size}).counts({"at", "cartridges"});
  row.words({"name", "done_by", "approved_by"}, kLongestName).most_bytes("signature", kLongestSignature);
  TRY(row.take());
  if (row.is_known()) return {};
  const auto mark = Tombstone::from_row(in.row);
  const Status signed_well = verify_tombstone(in.reader, mark);
  if (!signed_well) TRY(check_signer_to_come(in, mark, signed_well.error()));
  if (!is_tombstone(mark.state)) return {};
  return check_nobody_holds(in, mark);
}

}  // namespace tapewarden::keymgr
