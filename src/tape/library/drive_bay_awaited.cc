// A cartridge whose file is brought: the bay waits for it, and says what becomes of the file.
#include "tape/library/drive_bay.h"

namespace tapewarden::tape {

Status DriveBay::await(AwaitedCartridge cartridge) {
  const TimedMutexLock lock(mutex_);
  if (!powered_)
    return fail(ErrorCode::kUnavailable, "drive " + serial_ + " is switched off", "drive", "switch it on");
  if (awaited_ || !given_.empty() || drive_->holds_cartridge())
    return fail(ErrorCode::kConflict, "drive " + serial_ + " has a cartridge already", "drive",
                "take it out first");
  awaited_ = std::move(cartridge);
  note_state();
  return {};
}

Result<bool> DriveBay::arrive(const std::string& barcode, const std::string& path) {
  const TimedMutexLock lock(mutex_);
  if (!powered_ || !awaited_ || awaited_->barcode != barcode) return false;
  const auto cartridge = *std::exchange(awaited_, std::nullopt);
  given_ = barcode;
  TRY(insert_under_lock(path, cartridge.volume, cartridge.policy));
  return true;
}

bool DriveBay::wait_no_longer(const std::string& barcode) {
  const TimedMutexLock lock(mutex_);
  if (!awaited_ || awaited_->barcode != barcode) return false;
  awaited_.reset();
  note_state();
  return true;
}

std::optional<DriveBay::KeptCartridge> DriveBay::let_go() {
  const TimedMutexLock lock(mutex_);
  if (awaited_) {
    KeptCartridge kept{std::exchange(awaited_, std::nullopt)->barcode, false};
    note_state();
    return kept;
  }
  if (given_.empty() || drive_->holds_cartridge()) return std::nullopt;
  return KeptCartridge{std::exchange(given_, {}), true};
}

}  // namespace tapewarden::tape
