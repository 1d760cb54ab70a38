// The bay's part in exchanges with key servers: it lends them the drive's key path and keeps nobody waiting
// meanwhile.
#include "tape/library/drive_bay.h"
#include "tape/library/limits.h"

namespace tapewarden::tape {

// The drive's key path and nothing else of it; the bay's mutex for each command of its own.
class DriveBay::KeyPathPort final : public scsi::LogicalUnit {
 public:
  explicit KeyPathPort(DriveBay& bay) : bay_(bay) {}
  scsi::Response execute(const scsi::Command& command) override {
    const TimedMutexLock lock(bay_.mutex_);
    return bay_.drive_->execute_key_path(command);
  }
  void nexus_lost(scsi::NexusId) override {}
  void reset() override {}

 private:
  DriveBay& bay_;
};

void DriveBay::end_exchange() {
  exchanging_ = false;
  exchange_over_.notify_all();
}

bool DriveBay::bring_key() {
  waiting_ = Waiting::kForKey;
  while (exchanging_) exchange_over_.wait(mutex_);
  exchanging_ = true;
  mutex_.unlock();
  KeyPathPort port(*this);
  keys_->serve(port);
  mutex_.lock();
  end_exchange();
  unanswered_ = false;
  return std::exchange(waiting_, Waiting::kNone) == Waiting::kForKey;
}

bool DriveBay::time_to_try_again() const {
  return !try_again_ || drive_->clock().steady_now() >= *try_again_;
}

void DriveBay::confirm_after_command() {
  if (!unanswered_ || time_to_try_again()) confirm_writes(kConfirmPatience);
}

void DriveBay::confirm_writes(std::chrono::milliseconds patience) {
  if (!library_managed() || exchanging_) return;
  const bool again = time_to_try_again();
  drive_->show_refused_confirmations(again);
  if (!drive_->confirmation_due()) return;
  const auto what = "drive " + serial_ + ", cartridge " + drive_->cartridge_to_confirm();
  exchanging_ = true;
  mutex_.unlock();
  KeyPathPort port(*this);
  const bool told = keys_->confirm(port, what, patience);
  mutex_.lock();
  end_exchange();
  for (const auto& volser : drive_->take_given_up_confirmations())
    keys_->gave_up("drive " + serial_ + ", cartridge " + volser);
  drive_->show_refused_confirmations(false);
  unanswered_ = drive_->confirmation_due();
  if (again) try_again_.reset();
  if (!told && !try_again_) try_again_ = drive_->clock().steady_now() + kConfirmAgain;
}

// Behind an exchange that goes on: what is to be told may have come after that one began.
void DriveBay::confirm(std::chrono::milliseconds patience) {
  const TimedMutexLock lock(mutex_);
  Clock& clock = drive_->clock();
  const auto until = clock.steady_now() + patience;
  const auto left = [&clock, until] {
    return std::chrono::floor<std::chrono::milliseconds>(until - clock.steady_now());
  };
  while (exchanging_) {
    if (left() <= std::chrono::milliseconds{0} || !exchange_over_.wait_for(mutex_, left())) return;
  }
  confirm_writes(left());
}

}  // namespace tapewarden::tape
