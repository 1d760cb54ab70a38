#include "people/person.h"

#include <algorithm>

#include "base/text.h"

namespace tapewarden::people {
namespace {

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

}  // namespace

Result<std::string> canonical_name(std::string_view name) {
  std::string lower = to_lower(name);
  const bool fits = !lower.empty() && lower.size() <= kNameLimit && is_letter_or_digit(lower.front()) &&
                    std::all_of(lower.begin(), lower.end(), [](char c) {
                      return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-';
                    });
  if (!fits) {
    return fail(ErrorCode::kInvalidArgument, "this cannot be the name of a person", "name",
                "use 1 to 32 letters, digits, '.', '_' or '-', beginning with a letter or digit");
  }
  return lower;
}

std::string_view to_string(LoginMethod method) {
  switch (method) {
    case LoginMethod::kPassword:
      return "password";
    case LoginMethod::kCertificate:
      return "certificate";
    case LoginMethod::kLocal:
      return "local";
  }
  return "unknown";
}

Principal local_principal(std::string_view command) {
  return {std::string(command), Role::kSecurityOfficer, LoginMethod::kLocal, ""};
}

Status require(const Principal& actor, Permission permission) {
  if (actor.may(permission)) return {};
  std::string holders;
  for (const Role role : all_roles()) {
    if (!allowed(role, permission)) continue;
    if (!holders.empty()) holders += " or ";
    holders += to_string(role);
  }
  return fail(ErrorCode::kPermissionDenied,
              "the role " + std::string(to_string(actor.role)) + " lacks the permission " +
                  std::string(to_string(permission)),
              "role", "ask somebody with the role " + holders);
}

}  // namespace tapewarden::people
