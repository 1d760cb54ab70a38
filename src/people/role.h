// Roles and what each may do (K22), as data. The table in role.cc is the only place that decides it; the REST
// routes and the key server's operator actions name a Permission and ask allowed(). Pure, thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.h"

namespace tapewarden::people {

enum class Role : std::uint8_t {
  kSecurityOfficer = 1,  // everything about keys and people
  kOperator = 2,         // the daily work: drives, groups, supply of keys, backups
  kAuditor = 3,          // sees everything but secrets, changes nothing
};

enum class Permission : std::uint8_t {
  kOwnAccount,      // log out, own password
  kView,            // drives, groups, attributes of keys, KEKs, access rules, ledger, status
  kViewAudit,       // the audit record and its verification
  kChangeDrives,    // the drive table: add, modify, delete, accept, reject, import, export
  kChangeGroups,    // key groups; generating data keys
  kChangeKeys,      // states of data keys
  kChangeKeks,      // generate, import, label KEKs; export their public halves
  kExportKeys,      // anything that carries a secret out: private KEKs, data keys for a partner
  kChangeAccess,    // access rules and proxies
  kChangeSettings,  // the server's settings
  kBackUp,          // make and verify backups
  kCertifyErasure,  // certificates of erasure for cartridges that were erased
  kRestore,         // restore into a live server, promotion
  kShare,           // partners, import of their keys
  kManagePeople,    // accounts, roles, passwords of others
  kChangeLibrary,   // the tape engine: cartridges and drives of its library
  kApprove,         // be the second person: approve and refuse what another officer asked for
};
inline constexpr Permission kLastPermission = Permission::kApprove;

// Stable lower-case names for interfaces: "security-officer", "change-drives".
std::string_view to_string(Role role);
std::string_view to_string(Permission permission);
// kInvalidArgument naming field "role" and listing the roles.
Result<Role> parse_role(std::string_view text);

std::span<const Role> all_roles();
bool allowed(Role role, Permission permission);

}  // namespace tapewarden::people
