#include "tape/initiator/exclusive_use.h"

#include <utility>

#include "base/assert.h"
#include "scsi/sense_codes.h"

namespace tapewarden::tape {
namespace {

bool not_offered(const TapeError& error) {
  return error.fault == TapeFault::kIllegalRequest &&
         error.sense.code != scsi::sense_codes::kNoRegistrationResources;
}

}  // namespace

TapeResult<ExclusiveUse> ExclusiveUse::take(TapeDrive& drive, std::uint64_t key) {
  TW_ASSERT(key != 0);
  const auto registered = drive.register_key(0, key);
  if (registered) {
    const auto reserved = drive.reserve_exclusively(key);
    if (reserved) return ExclusiveUse(drive, key, Way::kPersistent);
    (void)drive.register_key(key, 0);  // what kept it from reserving is the error
    return std::unexpected(reserved.error());
  }
  if (!not_offered(registered.error())) return std::unexpected(registered.error());
  const auto reserved = drive.reserve();
  if (reserved) return ExclusiveUse(drive, key, Way::kReserve);
  if (!not_offered(reserved.error())) return std::unexpected(reserved.error());
  return ExclusiveUse(drive, key, Way::kNone);
}

ExclusiveUse::ExclusiveUse(ExclusiveUse&& other) noexcept
    : drive_(other.drive_), key_(other.key_), way_(std::exchange(other.way_, Way::kNone)) {}

// Whoever took the reservation away has ended it: then there is nothing to release, and no error to tell.
ExclusiveUse::~ExclusiveUse() {
  if (way_ == Way::kPersistent) (void)drive_->register_key(key_, 0);
  if (way_ == Way::kReserve) (void)drive_->release();
}

}  // namespace tapewarden::tape
