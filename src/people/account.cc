#include "people/account.h"

namespace tapewarden::people {
namespace {

constexpr std::size_t at(PeopleColumn column) {
  return static_cast<std::size_t>(column);
}

Result<Role> stored_role(std::int64_t value) {
  for (const Role role : all_roles()) {
    if (static_cast<std::int64_t>(role) == value) return role;
  }
  return fail(ErrorCode::kCorrupt, "an account holds an unknown role", "role",
              "this program may be older than the keystore");
}

}  // namespace

Result<Account> decode_account(store::Reader& reader, const store::Row& row) {
  Account account;
  account.person.name = store::text(row, at(PeopleColumn::kName));
  account.person.role = TRY(stored_role(store::integer(row, at(PeopleColumn::kRole))));
  account.person.disabled = store::integer(row, at(PeopleColumn::kDisabled)) != 0;
  account.person.created = from_millis(store::integer(row, at(PeopleColumn::kCreated)));
  account.person.password_changed = from_millis(store::integer(row, at(PeopleColumn::kPasswordChanged)));
  account.fingerprint = store::blob(row, at(PeopleColumn::kFingerprint));
  account.person.certificate_fingerprint = to_hex(account.fingerprint);
  account.generation = store::integer(row, at(PeopleColumn::kGeneration));
  const Bytes& salt = store::blob(row, at(PeopleColumn::kSalt));
  account.person.has_password = !salt.empty();
  if (!salt.empty()) {
    PasswordVerifier verifier;
    verifier.salt = salt;
    verifier.cost = {static_cast<std::uint64_t>(store::integer(row, at(PeopleColumn::kScryptN))),
                     static_cast<std::uint32_t>(store::integer(row, at(PeopleColumn::kScryptR))),
                     static_cast<std::uint32_t>(store::integer(row, at(PeopleColumn::kScryptP)))};
    verifier.hash = TRY(reader.unseal(people_table(), row, at(PeopleColumn::kVerifier)));
    account.verifier = std::move(verifier);
  }
  return account;
}

Status put_account(store::Transaction& transaction, const Account& account) {
  const store::Value key = account.person.name;
  const crypto::SecretBytes nothing;
  const bool has_password = account.verifier.has_value();
  const crypto::ScryptCost cost = has_password ? account.verifier->cost : crypto::ScryptCost{};
  const crypto::SecretBytes& hash = has_password ? account.verifier->hash : nothing;
  return transaction.put(
      people_table(),
      {key, static_cast<std::int64_t>(account.person.role), std::int64_t{account.person.disabled ? 1 : 0},
       has_password ? account.verifier->salt : Bytes{},
       transaction.seal(people_table(), std::span(&key, 1), "verifier", hash),
       static_cast<std::int64_t>(cost.n), std::int64_t{cost.r}, std::int64_t{cost.p}, account.fingerprint,
       to_millis(account.person.created), to_millis(account.person.password_changed), account.generation});
}

Result<std::optional<Account>> get_account(store::Reader& reader, const std::string& canonical_name) {
  const auto row = TRY(reader.get(people_table(), {canonical_name}));
  if (!row) return std::optional<Account>{};
  return TRY(decode_account(reader, *row));
}

}  // namespace tapewarden::people
