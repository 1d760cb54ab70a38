// The people who may operate a daemon: accounts in the locked database, login by password or client
// certificate, and the sessions that follow. Thread-safe. Functions that change something or log somebody in
// wait for a commit: never call them on the env's executor or on a loop thread.
//
// Invariants
//  P1 A password exists only as a sealed scrypt verifier. A wrong password, an unknown name, a disabled
//     account and one without password give the same error after the same work.
//  P2 A session is opened only after the audit record of its login is durable; a refused login is recorded
//     too, and attempts that the throttle refuses unchecked are counted in the next record.
//  P3 Each request sees the account as it is now: disabling it, or changing its role, password or
//     certificate, ends its sessions at once, also when the change came from the peer.
//  P4 At least one enabled security officer remains: no change may remove, disable or demote the last one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/kdf.h"
#include "people/account.h"
#include "people/login_throttle.h"
#include "people/password.h"
#include "people/person.h"
#include "people/session_table.h"
#include "store/keystore.h"

namespace tapewarden::people {

struct PeopleOptions {
  crypto::ScryptCost cost;  // for passwords set from now on
  SessionLimits sessions;
  ThrottleLimits throttle;
  unsigned hashing_at_once = 2;
  unsigned hashing_waiting = 32;
};

struct Login {
  Principal principal;
  crypto::SecretBytes token;  // text of kTokenTextBytes
  std::chrono::seconds idle_limit{};
  std::chrono::seconds absolute_limit{};
};

struct NewPerson {
  std::string name;
  Role role = Role::kAuditor;
  // At least one of the two.
  const crypto::SecretBytes* password = nullptr;
  std::optional<Hash256> certificate_fingerprint{};
};

// What is left out stays.
struct PersonChange {
  std::optional<Role> role{};
  std::optional<bool> disabled{};
  std::optional<Bytes> certificate_fingerprint{};  // 32 bytes, or empty to take it away
};

class People {
 public:
  // Both are borrowed. The keystore must have been opened with people_table().
  People(Env env, store::Keystore& keystore, PeopleOptions options = {});

  // kUnauthenticated: name or password is wrong (P1). kExhausted: too many failures, the remedy says how long
  // to wait. kUnavailable: too many logins at once, or the keystore takes no writes.
  Result<Login> log_in(std::string_view name, const crypto::SecretBytes& password, std::string_view source);
  // `fingerprint` is of a certificate that the TLS layer has verified. kUnauthenticated when no enabled
  // account has it.
  Result<Login> log_in_with_certificate(const Hash256& fingerprint, std::string_view source);
  // Who holds the token; its idle time begins anew. kUnauthenticated.
  Result<Principal> authenticate(ByteView token);
  Status log_out(ByteView token);
  // Records that `actor` was refused `what` ("POST /v1/keys") for want of a permission.
  Status record_refusal(const Principal& actor, std::string_view what, Permission permission);
  // Records that a change which `actor` may make failed: its own transaction, audit record included, was
  // undone.
  Status record_failure(const Principal& actor, std::string_view what, const Error& error);

  Result<std::vector<Person>> list();
  Result<Person> find(std::string_view name);  // kNotFound

  // These need Permission::kManagePeople: kPermissionDenied otherwise. kNotFound, kAlreadyExists, kConflict
  // (P4), kExhausted (kPeopleLimit), kInvalidArgument naming the field.
  Status create(const Principal& actor, const NewPerson& person);
  Status change(const Principal& actor, std::string_view name, const PersonChange& change);
  Status remove(const Principal& actor, std::string_view name);
  // The own password needs the current one (kUnauthenticated when wrong; counted like a failed login); that
  // of another needs kManagePeople.
  Status set_password(const Principal& actor, std::string_view name, const crypto::SecretBytes& password,
                      const crypto::SecretBytes* current);

  std::size_t open_sessions() { return sessions_.size(); }

 private:
  Result<std::optional<Account>> load(const std::string& canonical_name);
  Result<std::optional<Account>> load_by_fingerprint(const Hash256& fingerprint);
  // The password against the account, or the same work for nothing when there is nothing to compare with.
  Result<bool> check_password(const Account* account, const crypto::SecretBytes& password);
  Status admit(const std::string& name, const std::string& source, std::uint64_t& refused_unchecked);
  Result<Login> open_session(const Account& account, LoginMethod method, const std::string& source,
                             std::uint64_t refused_unchecked);
  Result<Login> refuse_login(const std::string& shown_name, LoginMethod method, const std::string& source,
                             std::uint64_t refused_unchecked);
  Status check_current_password(const Principal& actor, const crypto::SecretBytes* current);
  Result<PasswordVerifier> hash(const crypto::SecretBytes& password);
  Status write(std::function<Status(store::Transaction&)> work);

  const Env env_;
  store::Keystore& keystore_;
  const PeopleOptions options_;
  SessionTable sessions_;
  LoginThrottle throttle_;
  HashingSlots slots_;
  PasswordVerifier stand_in_;  // of a password that nobody knows
};

}  // namespace tapewarden::people
