#include "people/testing/people_fixture.h"

#include "base/assert.h"
#include "people/tables.h"

namespace tapewarden::people::testing {

PeopleFixture::PeopleFixture(std::vector<const store::TableSpec*> others) : server_(Uuid::random(random_)) {
  store::KeystoreOptions options;
  options.path = directory_.file("keystore.db");
  options.server = server_;
  options.tables = std::move(others);
  for (const auto* table : people::tables()) options.tables.push_back(table);
  auto keystore = store::Keystore::open(env(), options, crypto::random_secret(random_, 32), log_);
  TW_ASSERT(keystore.has_value());
  keystore_ = std::move(*keystore);
  PeopleOptions people_options;
  people_options.cost = {1U << 4, 8, 1};  // tests prove nothing by hashing long
  people_ = std::make_unique<People>(env(), *keystore_, people_options);
  const auto password = crypto::SecretBytes::copy_of(as_bytes(kPassword));
  for (const Role role : all_roles()) {
    TW_ASSERT(people_->create(local_principal("test"), {name_of(role), role, &password, {}}).has_value());
  }
}

PeopleFixture::~PeopleFixture() = default;

std::string PeopleFixture::name_of(Role role) {
  return role == Role::kSecurityOfficer ? "officer" : std::string(to_string(role));
}

std::string PeopleFixture::log_in(const std::string& name) {
  const auto login = people_->log_in(name, crypto::SecretBytes::copy_of(as_bytes(kPassword)), "192.0.2.1");
  TW_ASSERT(login.has_value());
  return std::string(as_text(login->token.reveal()));
}

}  // namespace tapewarden::people::testing
