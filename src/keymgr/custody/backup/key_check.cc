#include "keymgr/custody/backup/key_check.h"

#include "base/text.h"
#include "crypto/keys.h"
#include "keymgr/data_keys.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr::backup {

namespace {

// Places in tables.cc; rows of a backup may be short or hold anything, so each value is asked for.
enum DataKeyColumn : std::size_t { kAlias = 1, kState = 3, kFingerprint = 8 };
enum KekColumn : std::size_t { kKekId = 0, kCommonName = 2, kHasPrivate = 4, kKekState = 6 };

template <typename T>
const T* value(const store::SnapshotRow& row, std::size_t column) {
  return column < row.row.size() ? std::get_if<T>(&row.row[column]) : nullptr;
}

std::unexpected<Error> bad(const std::string& what, std::string_view name) {
  return fail(ErrorCode::kCorrupt, what + " " + escape_unprintable(name) + " in the backup is not whole",
              "key", "use another backup for this key");
}

bool destroyed(const store::SnapshotRow& row, std::size_t column) {
  const auto* state = value<std::int64_t>(row, column);
  return state != nullptr && is_tombstone(static_cast<KeyState>(*state));
}

}  // namespace

Status KeyCheck::check_data_key(const store::SnapshotRow& row, std::span<const crypto::SecretBytes> secrets) {
  const auto* alias = value<std::string>(row, kAlias);
  const auto* fingerprint = value<Bytes>(row, kFingerprint);
  if (alias == nullptr || fingerprint == nullptr || secrets.size() <= kDataKeySecretColumn) {
    return bad("the data key", alias == nullptr ? "" : *alias);
  }
  const auto& secret = secrets[kDataKeySecretColumn];
  if (destroyed(row, kState)) {
    ++counts_.destroyed;
    return secret.empty() ? Status{} : bad("the destroyed data key", *alias);
  }
  if (secret.size() != kDataKeyBytes || !equal(fingerprint_of(secret), *fingerprint)) {
    return bad("the data key", *alias);
  }
  ++counts_.data_keys;
  return {};
}

Status KeyCheck::check_kek(const store::SnapshotRow& row, std::span<const crypto::SecretBytes> secrets) {
  const auto* id = value<Bytes>(row, kKekId);
  const auto* name = value<std::string>(row, kCommonName);
  const auto* has_private = value<std::int64_t>(row, kHasPrivate);
  if (id == nullptr || name == nullptr || has_private == nullptr || secrets.size() <= kKekPrivateColumn) {
    return bad("the KEK", name == nullptr ? "" : *name);
  }
  if (destroyed(row, kKekState)) ++counts_.destroyed;
  if (*has_private == 0 || destroyed(row, kKekState)) return {};
  const auto key = crypto::PrivateKey::from_pkcs8(secrets[kKekPrivateColumn]);
  if (!key || !equal(key->public_key().spki_hash(), *id) || !key->fits_together())
    return bad("the KEK", *name);
  ++counts_.keks;
  return {};
}

Status KeyCheck::check(const store::TableSpec& table, const store::SnapshotRow& row,
                       std::span<const crypto::SecretBytes> secrets) {
  if (row.erased) return {};
  if (table.name == kDataKeyTable.name) return check_data_key(row, secrets);
  if (table.name == kKekTable.name) return check_kek(row, secrets);
  for (const auto& secret : secrets) {
    if (!secret.empty()) ++counts_.others;
  }
  return {};
}

}  // namespace tapewarden::keymgr::backup
