// One row of people_table() as a typed value: internal to people/.
#pragma once

#include <optional>

#include "people/password.h"
#include "people/person.h"
#include "people/tables.h"
#include "store/keystore.h"

namespace tapewarden::people {

struct Account {
  Person person;
  std::optional<PasswordVerifier> verifier;
  Bytes fingerprint;  // 32 bytes or empty
  std::int64_t generation = 0;
};

Result<Account> decode_account(store::Reader& reader, const store::Row& row);
Status put_account(store::Transaction& transaction, const Account& account);
Result<std::optional<Account>> get_account(store::Reader& reader, const std::string& canonical_name);

}  // namespace tapewarden::people
