// A person's account as others see it, and the proof of who is acting that every operator action takes.
// Values.
#pragma once

#include <string>

#include "base/env.h"
#include "people/role.h"

namespace tapewarden::people {

inline constexpr std::size_t kNameLimit = 32;
inline constexpr std::size_t kPasswordLimit = 256;  // bytes
inline constexpr std::size_t kPeopleLimit = 1024;   // accounts

// 1 to 32 letters, digits, '.', '_' or '-', beginning with a letter or digit; in lower case, as it is stored.
// kInvalidArgument naming field "name".
Result<std::string> canonical_name(std::string_view name);

struct Person {
  std::string name;
  Role role = Role::kAuditor;
  bool disabled = false;
  bool has_password = false;
  std::string certificate_fingerprint;  // SHA-256 in lower-case hex, or empty
  WallTime created{};
  WallTime password_changed{};
};

enum class LoginMethod : std::uint8_t { kPassword, kCertificate, kLocal };
std::string_view to_string(LoginMethod method);  // "password", "certificate", "local"

// Who acts. Comes from People::authenticate(), or from local_principal() for a command that holds the
// keystore itself; whoever has one may trust its role for the length of one request.
struct Principal {
  std::string name;
  Role role = Role::kAuditor;
  LoginMethod method = LoginMethod::kLocal;
  std::string source;  // the address that the request came from, or empty

  bool may(Permission permission) const { return allowed(role, permission); }
};

// The principal of a command on the server's own machine that has opened the keystore with the master key,
// for example "site-init". It acts as a security officer: whoever holds the master key could do all that
// anyway.
Principal local_principal(std::string_view command);

// kPermissionDenied naming the permission and the roles that have it, when `actor` has it not.
Status require(const Principal& actor, Permission permission);

}  // namespace tapewarden::people
