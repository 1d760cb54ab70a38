#include "engine/catalogue/reclaim.h"

#include <algorithm>
#include <limits>

namespace tapewarden::engine {

namespace {

bool below(const PhysicalVolume& cartridge, std::uint8_t percent) {
  return cartridge.active_bytes * 100 < cartridge.written_bytes * percent;
}

bool elapsed(std::optional<WallTime> since, std::uint16_t days, WallTime now) {
  return days != 0 && since && *since + std::chrono::days(days) <= now;
}

std::optional<WallTime> last_touched(const PhysicalVolume& cartridge) {
  return std::max(cartridge.last_accessed, cartridge.last_written);
}

// The latest moment that lies that many days back; of a policy that is off, none does.
store::Value latest(std::uint16_t days, WallTime now) {
  if (days == 0) return std::numeric_limits<std::int64_t>::min();
  return to_millis(now - std::chrono::days(days));
}

}  // namespace

std::string_view to_string(ReclaimReason reason) {
  switch (reason) {
    case ReclaimReason::kThreshold:
      return "below the threshold";
    case ReclaimReason::kNotAccessed:
      return "days without access";
    case ReclaimReason::kNotWritten:
      return "days since last written";
    case ReclaimReason::kNothingMoreInactivated:
      return "days without inactivation";
  }
  return "";
}

std::optional<ReclaimReason> reclaim_reason(const PhysicalVolume& cartridge, const ReclaimPolicies& policies,
                                            WallTime now) {
  if (cartridge.state != CartridgeState::kFull && cartridge.state != CartridgeState::kClosed)
    return std::nullopt;
  // Of what a rebuild could not read, what is known is moved; the cartridge itself is not wanted back.
  if (cartridge.unexamined && cartridge.active_bytes == 0) return std::nullopt;
  if (below(cartridge, policies.threshold_percent)) return ReclaimReason::kThreshold;
  if (elapsed(last_touched(cartridge), policies.days_without_access, now)) return ReclaimReason::kNotAccessed;
  if (elapsed(cartridge.last_written, policies.days_since_written, now)) return ReclaimReason::kNotWritten;
  if (elapsed(cartridge.last_inactivated, policies.days_without_inactivation, now) &&
      below(cartridge, policies.max_active_percent))
    return ReclaimReason::kNothingMoreInactivated;
  return std::nullopt;
}

ReclaimCondition reclaim_condition(const ReclaimPolicies& policies, WallTime now) {
  return {
      "(active_bytes * 100 < written_bytes * ? OR "
      "(max(last_accessed, last_written) > 0 AND max(last_accessed, last_written) <= ?) OR "
      "(last_written > 0 AND last_written <= ?) OR "
      "(last_inactivated > 0 AND last_inactivated <= ? AND active_bytes * 100 < written_bytes * ?))",
      {std::int64_t{policies.threshold_percent}, latest(policies.days_without_access, now),
       latest(policies.days_since_written, now), latest(policies.days_without_inactivation, now),
       std::int64_t{policies.max_active_percent}}};
}

}  // namespace tapewarden::engine
