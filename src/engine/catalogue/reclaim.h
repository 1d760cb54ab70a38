// Which filled and closed cartridges are eligible for reclaim (feature row T6). Pure, thread-safe.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "engine/catalogue/constructs.h"
#include "store/schema.h"

namespace tapewarden::engine {

enum class ReclaimReason : std::uint8_t {
  kThreshold,              // little of it is active
  kNotAccessed,            // nothing of it was recalled for long; of one never read, since it was written
  kNotWritten,             // it was last written long ago
  kNothingMoreInactivated  // nothing became inactive for long, and not much is active
};
std::string_view to_string(ReclaimReason reason);

struct ReclaimCandidate {
  PhysicalVolume cartridge;
  ReclaimReason reason = ReclaimReason::kThreshold;
};

// The first of the pool's policies that makes the cartridge eligible, or nothing. Only kFull and
// kClosed ones ever are.
std::optional<ReclaimReason> reclaim_reason(const PhysicalVolume& cartridge, const ReclaimPolicies& policies,
                                            WallTime now);

// The same as a condition on rows of kCartridgeTable, with its parameters in order.
struct ReclaimCondition {
  std::string_view sql;
  std::vector<store::Value> parameters;
};
ReclaimCondition reclaim_condition(const ReclaimPolicies& policies, WallTime now);

}  // namespace tapewarden::engine
