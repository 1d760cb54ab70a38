// Logging in and what a session allows: see people_accounts.cc for the management of accounts.
#include "base/text.h"
#include "crypto/random.h"
#include "people/events.h"
#include "people/people.h"

namespace tapewarden::people {
namespace {

constexpr std::string_view kUnknownSource = "-";
constexpr std::size_t kShownNameLimit = 64;  // of a name that nobody has, in an audit record

std::string source_or_dash(std::string_view source) {
  return std::string(source.empty() ? kUnknownSource : source);
}

std::unexpected<Error> not_logged_in() {
  return fail(ErrorCode::kUnauthenticated, "no session has this token, or it has expired", "authorization",
              "log in");
}

PasswordVerifier stand_in_verifier(const Env& env, crypto::ScryptCost cost) {
  PasswordVerifier verifier;
  verifier.salt.resize(kSaltBytes);
  env.random->fill(verifier.salt);
  verifier.cost = cost;
  verifier.hash = crypto::random_secret(*env.random, kVerifierBytes);
  return verifier;
}

}  // namespace

People::People(Env env, store::Keystore& keystore, PeopleOptions options)
    : env_(env),
      keystore_(keystore),
      options_(options),
      sessions_(env, options.sessions),
      throttle_(*env.clock, options.throttle),
      slots_(options.hashing_at_once, options.hashing_waiting),
      stand_in_(stand_in_verifier(env, options.cost)) {}

Result<std::optional<Account>> People::load(const std::string& canonical_name) {
  std::optional<Account> found;
  TRY(keystore_.read([&](store::Reader& reader) -> Status {
    found = TRY(get_account(reader, canonical_name));
    return {};
  }));
  return found;
}

Result<std::optional<Account>> People::load_by_fingerprint(const Hash256& fingerprint) {
  std::optional<Account> found;
  TRY(keystore_.read([&](store::Reader& reader) -> Status {
    const auto rows = TRY(reader.query(people_table(), "fingerprint = ? AND disabled = 0 LIMIT 1",
                                       {Bytes(fingerprint.begin(), fingerprint.end())}));
    if (!rows.empty()) found = TRY(decode_account(reader, rows.front()));
    return {};
  }));
  return found;
}

Result<bool> People::check_password(const Account* account, const crypto::SecretBytes& password) {
  const bool comparable = account != nullptr && !account->person.disabled && account->verifier.has_value();
  TRY(slots_.acquire());
  const auto fitting = fits(password, comparable ? *account->verifier : stand_in_);
  slots_.release();
  return TRY(fitting) && comparable;
}

Status People::admit(const std::string& name, const std::string& source, std::uint64_t& refused_unchecked) {
  const Admission admission = throttle_.admit(name, source);
  refused_unchecked = admission.refused_unchecked;
  if (admission.wait.count() == 0) return {};
  const auto seconds = (admission.wait.count() + 999) / 1000;
  return fail(ErrorCode::kExhausted, "too many failed logins", "name",
              "wait " + std::to_string(seconds) + " s, or log in with a client certificate");
}

Result<Login> People::log_in(std::string_view name, const crypto::SecretBytes& password,
                             std::string_view source) {
  const std::string from = source_or_dash(source);
  const auto canonical = canonical_name(name);
  // What cannot be a name is counted and answered like a name that nobody has.
  const std::string counted = canonical ? *canonical : "?";
  std::uint64_t refused_unchecked = 0;
  TRY(admit(counted, from, refused_unchecked));
  std::optional<Account> account;
  if (canonical) account = TRY(load(*canonical));
  if (!TRY(check_password(account ? &*account : nullptr, password))) {
    return refuse_login(escape_unprintable(name.substr(0, kShownNameLimit)), LoginMethod::kPassword, from,
                        refused_unchecked);
  }
  auto login = TRY(open_session(*account, LoginMethod::kPassword, from, refused_unchecked));
  throttle_.succeeded(counted, from);
  return login;
}

Result<Login> People::log_in_with_certificate(const Hash256& fingerprint, std::string_view source) {
  const std::string from = source_or_dash(source);
  const auto account = TRY(load_by_fingerprint(fingerprint));
  if (!account) return refuse_login("certificate " + to_hex(fingerprint), LoginMethod::kCertificate, from, 0);
  return open_session(*account, LoginMethod::kCertificate, from, 0);
}

Result<Login> People::open_session(const Account& account, LoginMethod method, const std::string& source,
                                   std::uint64_t refused_unchecked) {
  Login login;
  login.principal = {account.person.name, account.person.role, method, source};
  TRY(write([&](store::Transaction& transaction) -> Status {
    transaction.record(to_record({.type = EventType::kAuthentication,
                                  .action = "session.login",
                                  .actor = login.principal,
                                  .success = true,
                                  .fields = {{"refused_unchecked", std::to_string(refused_unchecked)}}}));
    return {};
  }));
  login.token =
      sessions_.open({account.person.name, account.generation, method, source, SteadyTime{}, SteadyTime{}});
  login.idle_limit = options_.sessions.idle;
  login.absolute_limit = options_.sessions.absolute;
  return login;
}

Result<Login> People::refuse_login(const std::string& shown_name, LoginMethod method,
                                   const std::string& source, std::uint64_t refused_unchecked) {
  const Principal nobody{shown_name, Role::kAuditor, method, source};
  TRY(write([&](store::Transaction& transaction) -> Status {
    transaction.record(to_record({.type = EventType::kAuthentication,
                                  .action = "session.login",
                                  .actor = nobody,
                                  .success = false,
                                  .fields = {{"refused_unchecked", std::to_string(refused_unchecked)}}}));
    return {};
  }));
  if (method == LoginMethod::kCertificate) {
    return fail(
        ErrorCode::kUnauthenticated, "no enabled account has this certificate", "certificate",
        "ask a security officer to enter its fingerprint " + shown_name.substr(shown_name.find(' ') + 1));
  }
  return fail(ErrorCode::kUnauthenticated, "the name or the password is wrong", "password",
              "check both; the account may also be disabled or have no password");
}

Result<Principal> People::authenticate(ByteView token) {
  const auto session = sessions_.use(token);
  if (!session) return not_logged_in();
  const auto account = TRY(load(session->person));
  if (!account || account->person.disabled || account->generation != session->generation) {
    sessions_.close(token);
    return not_logged_in();
  }
  return Principal{account->person.name, account->person.role, session->method, session->source};
}

Status People::log_out(ByteView token) {
  const Principal principal = TRY(authenticate(token));
  sessions_.close(token);
  return write([&](store::Transaction& transaction) -> Status {
    transaction.record(to_record({.type = EventType::kAuthentication,
                                  .action = "session.logout",
                                  .actor = principal,
                                  .success = true,
                                  .fields = {}}));
    return {};
  });
}

Status People::record_refusal(const Principal& actor, std::string_view what, Permission permission) {
  return write([&](store::Transaction& transaction) -> Status {
    transaction.record(to_record({.type = EventType::kAuthorization,
                                  .action = "request.refuse",
                                  .actor = actor,
                                  .success = false,
                                  .fields = {{"request", escape_unprintable(what)},
                                             {"permission", std::string(to_string(permission))}}}));
    return {};
  });
}

Status People::record_failure(const Principal& actor, std::string_view what, const Error& error) {
  return write([&](store::Transaction& transaction) -> Status {
    transaction.record(to_record({.type = EventType::kManagement,
                                  .action = "request.fail",
                                  .actor = actor,
                                  .success = false,
                                  .fields = {{"request", escape_unprintable(what)},
                                             {"code", std::string(tapewarden::to_string(error.code))},
                                             {"field", escape_unprintable(error.field)},
                                             {"message", escape_unprintable(error.message)}}}));
    return {};
  });
}

Status People::write(std::function<Status(store::Transaction&)> work) {
  TRY(keystore_.write(std::move(work)));
  return {};
}

}  // namespace tapewarden::people
