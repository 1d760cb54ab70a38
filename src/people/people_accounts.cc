// Managing accounts. Every change is one transaction with its audit record; hashing happens before it, so
// that the writer thread never waits for scrypt.
#include "people/events.h"
#include "people/people.h"

namespace tapewarden::people {
namespace {

std::unexpected<Error> no_such_person(const std::string& name) {
  return fail(ErrorCode::kNotFound, "nobody is called " + name, "name", "list the people to see the names");
}

Result<Account> must_get(store::Reader& reader, const std::string& name) {
  auto account = TRY(get_account(reader, name));
  if (!account) return no_such_person(name);
  return std::move(*account);
}

// P4: an enabled officer other than `leaving`.
Status keep_an_officer(store::Transaction& transaction, const std::string& leaving) {
  const auto others =
      TRY(transaction.aggregate(people_table(), "COUNT(*)", "role = ? AND disabled = 0 AND name <> ?",
                                {static_cast<std::int64_t>(Role::kSecurityOfficer), leaving}));
  if (others > 0) return {};
  return fail(ErrorCode::kConflict, leaving + " is the last enabled security officer", "name",
              "make another security officer first");
}

Status check_fingerprint_free(store::Transaction& transaction, const Bytes& fingerprint,
                              const std::string& name) {
  const auto rows =
      TRY(transaction.query(people_table(), "fingerprint = ? AND name <> ? LIMIT 1", {fingerprint, name}));
  if (rows.empty()) return {};
  return fail(ErrorCode::kAlreadyExists, "another person has this certificate", "certificate_fingerprint",
              "give every person a certificate of their own");
}

Status check_fingerprint_size(ByteView fingerprint) {
  if (fingerprint.empty() || fingerprint.size() == std::tuple_size_v<Hash256>) return {};
  return fail(ErrorCode::kInvalidArgument, "a certificate's fingerprint is a SHA-256",
              "certificate_fingerprint", "give 64 hex digits");
}

bool leaves_the_officers(const Account& account, const PersonChange& change) {
  const bool is_officer = account.person.role == Role::kSecurityOfficer && !account.person.disabled;
  const bool demoted = change.role && *change.role != Role::kSecurityOfficer;
  const bool disabled = change.disabled && *change.disabled;
  return is_officer && (demoted || disabled);
}

PasswordVerifier copy_of(const PasswordVerifier& verifier) {
  return {verifier.salt, verifier.cost, verifier.hash.clone()};
}

std::string described(const PersonChange& change) {
  std::string text;
  const auto add = [&](std::string_view part) { text += (text.empty() ? "" : ", ") + std::string(part); };
  if (change.role) add("role " + std::string(to_string(*change.role)));
  if (change.disabled) add(*change.disabled ? "disabled" : "enabled");
  if (change.certificate_fingerprint) {
    add("certificate " +
        (change.certificate_fingerprint->empty() ? "none" : to_hex(*change.certificate_fingerprint)));
  }
  return text.empty() ? "nothing" : text;
}

}  // namespace

Result<PasswordVerifier> People::hash(const crypto::SecretBytes& password) {
  TRY(slots_.acquire());
  auto verifier = make_verifier(password, options_.cost, *env_.random);
  slots_.release();
  return verifier;
}

Result<std::vector<Person>> People::list() {
  std::vector<Person> people;
  TRY(keystore_.read([&](store::Reader& reader) -> Status {
    people.clear();
    for (const store::Row& row : TRY(reader.query(people_table(), "1 = 1 ORDER BY name", {}))) {
      people.push_back(TRY(decode_account(reader, row)).person);
    }
    return {};
  }));
  return people;
}

Result<Person> People::find(std::string_view name) {
  const std::string canonical = TRY(canonical_name(name));
  const auto account = TRY(load(canonical));
  if (!account) return no_such_person(canonical);
  return account->person;
}

Status People::create(const Principal& actor, const NewPerson& person) {
  TRY(require(actor, Permission::kManagePeople));
  const std::string name = TRY(canonical_name(person.name));
  if (person.password == nullptr && !person.certificate_fingerprint) {
    return fail(ErrorCode::kInvalidArgument, "a person needs a way to log in", "password",
                "give a password or a certificate's fingerprint");
  }
  std::optional<PasswordVerifier> verifier;
  if (person.password != nullptr) {
    TRY(check_new_password(*person.password, name));
    verifier = TRY(hash(*person.password));
  }
  return write([&](store::Transaction& transaction) -> Status {
    if (TRY(get_account(transaction, name))) {
      return fail(ErrorCode::kAlreadyExists, "somebody is called " + name, "name", "choose another name");
    }
    const auto count = TRY(transaction.aggregate(people_table(), "COUNT(*)", "1 = 1", {}));
    if (count >= static_cast<std::int64_t>(kPeopleLimit)) {
      return fail(ErrorCode::kExhausted, "there are too many accounts", "name", "remove unused ones");
    }
    Account account;
    account.person.name = name;
    account.person.role = person.role;
    account.person.created = env_.clock->wall_now();
    // Not zero: a session of an account that was removed must not fit one made later under its name.
    account.generation = static_cast<std::int64_t>(transaction.sequence());
    if (person.certificate_fingerprint) {
      account.fingerprint = to_bytes(*person.certificate_fingerprint);
      TRY(check_fingerprint_free(transaction, account.fingerprint, name));
    }
    if (verifier) {
      account.person.password_changed = account.person.created;
      account.verifier = copy_of(*verifier);
    }
    transaction.record(to_record({.type = EventType::kManagement,
                                  .action = "person.create",
                                  .actor = actor,
                                  .success = true,
                                  .fields = {{"name", name},
                                             {"role", std::string(to_string(person.role))},
                                             {"certificate", to_hex(account.fingerprint)}}}));
    return put_account(transaction, account);
  });
}

Status People::change(const Principal& actor, std::string_view name, const PersonChange& change) {
  TRY(require(actor, Permission::kManagePeople));
  const std::string canonical = TRY(canonical_name(name));
  if (change.certificate_fingerprint) TRY(check_fingerprint_size(*change.certificate_fingerprint));
  return write([&](store::Transaction& transaction) -> Status {
    Account account = TRY(must_get(transaction, canonical));
    if (leaves_the_officers(account, change)) TRY(keep_an_officer(transaction, canonical));
    if (change.role) account.person.role = *change.role;
    if (change.disabled) account.person.disabled = *change.disabled;
    if (change.certificate_fingerprint) {
      account.fingerprint = *change.certificate_fingerprint;
      if (!account.fingerprint.empty()) {
        TRY(check_fingerprint_free(transaction, account.fingerprint, canonical));
      }
    }
    if (!account.verifier && account.fingerprint.empty()) {
      return fail(ErrorCode::kConflict, canonical + " would have no way to log in", "certificate_fingerprint",
                  "set a password first, or disable the account");
    }
    account.generation += 1;
    transaction.record(to_record({.type = EventType::kManagement,
                                  .action = "person.change",
                                  .actor = actor,
                                  .success = true,
                                  .fields = {{"name", canonical}, {"change", described(change)}}}));
    return put_account(transaction, account);
  });
}

Status People::remove(const Principal& actor, std::string_view name) {
  TRY(require(actor, Permission::kManagePeople));
  const std::string canonical = TRY(canonical_name(name));
  if (actor.method != LoginMethod::kLocal && actor.name == canonical) {
    return fail(ErrorCode::kConflict, "nobody removes the account that he is logged in with", "name",
                "another security officer removes it");
  }
  TRY(write([&](store::Transaction& transaction) -> Status {
    const Account account = TRY(must_get(transaction, canonical));
    if (account.person.role == Role::kSecurityOfficer && !account.person.disabled) {
      TRY(keep_an_officer(transaction, canonical));
    }
    transaction.record(to_record({.type = EventType::kManagement,
                                  .action = "person.remove",
                                  .actor = actor,
                                  .success = true,
                                  .fields = {{"name", canonical}}}));
    return transaction.erase(people_table(), {canonical});
  }));
  sessions_.close_all_of(canonical);
  return {};
}

Status People::set_password(const Principal& actor, std::string_view name,
                            const crypto::SecretBytes& password, const crypto::SecretBytes* current) {
  const std::string canonical = TRY(canonical_name(name));
  const bool own = actor.method != LoginMethod::kLocal && actor.name == canonical;
  TRY(require(actor, own ? Permission::kOwnAccount : Permission::kManagePeople));
  TRY(check_new_password(password, canonical));
  if (own) TRY(check_current_password(actor, current));
  const PasswordVerifier verifier = TRY(hash(password));
  TRY(write([&](store::Transaction& transaction) -> Status {
    Account account = TRY(must_get(transaction, canonical));
    account.verifier = copy_of(verifier);
    account.person.password_changed = env_.clock->wall_now();
    account.generation += 1;
    transaction.record(to_record({.type = EventType::kManagement,
                                  .action = "person.set-password",
                                  .actor = actor,
                                  .success = true,
                                  .fields = {{"name", canonical}}}));
    return put_account(transaction, account);
  }));
  sessions_.close_all_of(canonical);
  return {};
}

Status People::check_current_password(const Principal& actor, const crypto::SecretBytes* current) {
  const auto account = TRY(load(actor.name));
  // Somebody who logs in by certificate alone has none to show.
  if (account && !account->verifier) return {};
  if (current == nullptr) {
    return fail(ErrorCode::kInvalidArgument, "the current password is missing", "current_password",
                "give it beside the new one");
  }
  std::uint64_t refused_unchecked = 0;
  TRY(admit(actor.name, actor.source, refused_unchecked));
  if (TRY(check_password(account ? &*account : nullptr, *current))) {
    throttle_.succeeded(actor.name, actor.source);
    return {};
  }
  TRY(write([&](store::Transaction& transaction) -> Status {
    transaction.record(to_record({.type = EventType::kAuthentication,
                                  .action = "person.set-password",
                                  .actor = actor,
                                  .success = false,
                                  .fields = {{"name", actor.name}}}));
    return {};
  }));
  return fail(ErrorCode::kUnauthenticated, "the current password is wrong", "current_password", "");
}

}  // namespace tapewarden::people
