// Who does something, as the audit names it. A value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tapewarden::keymgr {

enum class ActorKind : std::uint8_t {
  kSystem,           // the server itself: background generation, expiry watch
  kSecurityOfficer,  // the roles of people/
  kOperator,
  kAuditor,
  kDevice,  // a drive, a proxy or a KMIP client
  kPeer,    // the other server
};

struct Actor {
  std::string name;
  ActorKind kind = ActorKind::kSystem;

  // Access rules, proxies and what they guard are a security officer's (K22); the server itself keeps to
  // them.
  bool changes_access() const { return kind == ActorKind::kSecurityOfficer || kind == ActorKind::kSystem; }
  static Actor system() { return {"system", ActorKind::kSystem}; }
};

std::string_view to_string(ActorKind kind);

}  // namespace tapewarden::keymgr
