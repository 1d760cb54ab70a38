#include "tape/device/block_protection.h"

#include "base/crc32c.h"
#include "scsi/sense_codes.h"

namespace tapewarden::tape {

std::array<std::uint8_t, kGuardBytes> guard_of(ByteView block) {
  auto crc = crc32c(block);
  std::array<std::uint8_t, kGuardBytes> out{};
  for (auto& byte : out) {
    byte = static_cast<std::uint8_t>(crc & 0xffU);
    crc >>= 8U;
  }
  return out;
}

scsi::Outcome<ByteView> without_guard(ByteView guarded) {
  if (guarded.size() <= kGuardBytes) return scsi::check(scsi::sense_codes::kBlockGuardCheckFailed);
  const auto block = guarded.first(guarded.size() - kGuardBytes);
  if (!equal(guard_of(block), guarded.last(kGuardBytes)))
    return scsi::check(scsi::sense_codes::kBlockGuardCheckFailed);
  return block;
}

}  // namespace tapewarden::tape
