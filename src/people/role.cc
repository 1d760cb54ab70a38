#include "people/role.h"

#include <array>
#include <string>

#include "base/assert.h"
#include "base/text.h"

namespace tapewarden::people {
namespace {

struct PermissionRow {
  Permission permission;
  std::string_view name;
  bool officer;
  bool op;
  bool auditor;
};

constexpr std::array kPermissions{
    PermissionRow{Permission::kOwnAccount, "own-account", true, true, true},
    PermissionRow{Permission::kView, "view", true, true, true},
    PermissionRow{Permission::kViewAudit, "view-audit", true, false, true},
    PermissionRow{Permission::kChangeDrives, "change-drives", true, true, false},
    PermissionRow{Permission::kChangeGroups, "change-groups", true, true, false},
    PermissionRow{Permission::kChangeKeys, "change-keys", true, false, false},
    PermissionRow{Permission::kChangeKeks, "change-keks", true, false, false},
    PermissionRow{Permission::kExportKeys, "export-keys", true, false, false},
    PermissionRow{Permission::kChangeAccess, "change-access", true, false, false},
    PermissionRow{Permission::kChangeSettings, "change-settings", true, false, false},
    PermissionRow{Permission::kBackUp, "back-up", true, true, false},
    PermissionRow{Permission::kCertifyErasure, "certify-erasure", true, true, false},
    PermissionRow{Permission::kRestore, "restore", true, false, false},
    PermissionRow{Permission::kShare, "share", true, false, false},
    PermissionRow{Permission::kManagePeople, "manage-people", true, false, false},
    PermissionRow{Permission::kChangeLibrary, "change-library", true, true, false},
    PermissionRow{Permission::kApprove, "approve", true, false, false},
};
static_assert(kPermissions.size() == static_cast<std::size_t>(kLastPermission) + 1);

constexpr std::array kRoles{Role::kSecurityOfficer, Role::kOperator, Role::kAuditor};

const PermissionRow& row_of(Permission permission) {
  const auto index = static_cast<std::size_t>(permission);
  TW_ASSERT(index < kPermissions.size() && kPermissions[index].permission == permission);
  return kPermissions[index];
}

}  // namespace

std::string_view to_string(Role role) {
  switch (role) {
    case Role::kSecurityOfficer:
      return "security-officer";
    case Role::kOperator:
      return "operator";
    case Role::kAuditor:
      return "auditor";
  }
  return "unknown";
}

std::string_view to_string(Permission permission) {
  return row_of(permission).name;
}

Result<Role> parse_role(std::string_view text) {
  for (const Role role : kRoles) {
    if (equal_ignoring_case(text, to_string(role))) return role;
  }
  return fail(ErrorCode::kInvalidArgument, "this is not a role", "role",
              "use security-officer, operator or auditor");
}

std::span<const Role> all_roles() {
  return kRoles;
}

bool allowed(Role role, Permission permission) {
  const PermissionRow& row = row_of(permission);
  switch (role) {
    case Role::kSecurityOfficer:
      return row.officer;
    case Role::kOperator:
      return row.op;
    case Role::kAuditor:
      return row.auditor;
  }
  return false;
}

}  // namespace tapewarden::people
