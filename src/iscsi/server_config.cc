#include "iscsi/server_config.h"

#include <limits>
#include <set>

#include "base/text.h"
#include "iscsi/chap.h"
#include "iscsi/memory_budget.h"
#include "iscsi/text.h"
#include "net/loop.h"

namespace tapewarden::iscsi {

namespace {

constexpr std::size_t kMaxAliasBytes = 255;
constexpr std::size_t kMinSegment = 512;  // RFC 7143 section 13.12
constexpr std::size_t kMaxSegmentBytes = (1U << 24) - 1;

std::unexpected<Error> wrong(std::string field, std::string message, std::string remedy = {}) {
  return fail(ErrorCode::kInvalidArgument, std::move(message), std::move(field), std::move(remedy));
}

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1";
}

Status check_portals(const ServerConfig& config) {
  if (config.portals.empty()) return wrong("portals", "there is no portal", "give at least one address");
  for (const auto& portal : config.portals)
    if (!is_loopback(portal.address) && !config.unprotected_network)
      return wrong(
          "portals", "iSCSI is not encrypted, and " + portal.address + " is not the loopback network",
          "listen on 127.0.0.1, or say that an unprotected network is meant and run it inside IPsec or "
          "WireGuard");
  return {};
}

Status check_units(const TargetConfig& target) {
  std::set<std::uint16_t> luns;
  for (const auto& place : target.units) {
    const auto name = "LUN " + std::to_string(place.lun) + " of " + target.name;
    if (place.unit == nullptr) return wrong("units", name + " has no unit");
    if (place.lun > kMaxLun)
      return wrong("lun", name + " is too high", "take up to " + std::to_string(kMaxLun));
    if (!luns.insert(place.lun).second) return wrong("lun", name + " is there twice");
  }
  return {};
}

Status check_target(const TargetConfig& target) {
  if (!is_node_name(target.name))
    return wrong("name", "'" + escape_unprintable(target.name) + "' is not an iSCSI name",
                 "write for example iqn.2026-01.org.example:library (lower case)");
  if (target.alias.size() > kMaxAliasBytes || !is_printable(target.alias))
    return wrong("alias", "the alias of " + target.name + " is too long or not printable");
  for (const auto& initiator : target.allowed_initiators)
    if (!is_node_name(initiator))
      return wrong("allowed_initiators", "'" + escape_unprintable(initiator) + "' is not an iSCSI name");
  TRY(check_authentication(target.authentication, "authentication"));
  return check_units(target);
}

Status check_limits(const Limits& limits) {
  for (const auto& [field, bytes] : {std::pair{"max_receive_segment", limits.max_receive_segment},
                                     {"max_burst", limits.max_burst},
                                     {"first_burst", limits.first_burst}})
    if (bytes < kMinSegment || bytes > kMaxSegmentBytes)
      return wrong(field, std::string(field) + " is not between 512 and 16777215");
  if (limits.max_sessions == 0 || limits.command_window == 0 || limits.max_immediate == 0)
    return wrong("limits", "a limit that lets nothing through");
  if (limits.max_outstanding_r2t == 0 || limits.max_outstanding_r2t > 65535)
    return wrong("max_outstanding_r2t", "max_outstanding_r2t is not between 1 and 65535");
  const auto largest = limits.max_transfer > (1U << 30) ? std::numeric_limits<std::size_t>::max()
                                                        : BufferPool::size_for(limits.max_transfer);
  if (largest > limits.session_memory || largest > limits.total_memory)
    return wrong("max_transfer", "one command may need more memory than there is",
                 "raise session_memory and total_memory, or lower max_transfer");
  return {};
}

}  // namespace

Status check_config(const ServerConfig& config) {
  TRY(check_portals(config));
  TRY(check_limits(config.limits));
  TRY(check_authentication(config.discovery, "discovery"));
  if (config.threads == 0 || config.threads > net::kMaxLoopThreads)
    return wrong("threads", "the number of threads is not between 1 and 64");
  std::set<std::string> names;
  for (const auto& target : config.targets) {
    TRY(check_target(target));
    if (!names.insert(target.name).second) return wrong("name", target.name + " is there twice");
  }
  return {};
}

}  // namespace tapewarden::iscsi
