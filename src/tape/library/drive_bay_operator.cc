// What an operator does at the drive itself: looking at it, switching it off and on.
#include "scsi/cdb.h"
#include "scsi/sense_codes.h"
#include "tape/library/drive_bay.h"
#include "tape/library/limits.h"

namespace tapewarden::tape {
namespace {

// Standard INQUIRY data whose peripheral qualifier says that the unit is not connected now (SPC-4 table 176).
constexpr std::uint8_t kNotConnectedTape = 0x21;
constexpr std::size_t kInquiryBytes = 36;
constexpr std::size_t kInquiryLengthByte = 4;

Bytes inquiry_of_the_dark() {
  Bytes data(kInquiryBytes, 0);
  data[0] = kNotConnectedTape;
  data[kInquiryLengthByte] = kInquiryBytes - kInquiryLengthByte - 1;
  return data;
}

}  // namespace

scsi::Response DriveBay::answer_of_the_dark(const scsi::Command& command) {
  const bool inquiry =
      !command.cdb.empty() && command.cdb[0] == static_cast<std::uint8_t>(scsi::Opcode::kInquiry);
  if (!inquiry) return scsi::check_condition({.code = scsi::sense_codes::kUnitOffline});
  const auto parsed = scsi::Inquiry::decode(command.cdb);
  if (!parsed || parsed->vital_product_data)
    return scsi::check_condition({.code = scsi::sense_codes::kUnitOffline});
  auto data = inquiry_of_the_dark();
  if (data.size() > parsed->allocation_length) data.resize(parsed->allocation_length);
  return scsi::good(std::move(data));
}

Status DriveBay::switch_off() {
  const TimedMutexLock lock(mutex_);
  powered_ = false;
  switching_off_ = true;
  Status closed = close();
  while (exchanging_) exchange_over_.wait(mutex_);
  confirm_writes(kConfirmPatience);
  (void)drive_->power_cycle();  // without a cartridge it cannot fail
  switching_off_ = false;
  note_state();
  return closed;
}

Status DriveBay::switch_on() {
  const TimedMutexLock lock(mutex_);
  if (switching_off_)
    return fail(ErrorCode::kConflict, "drive " + serial_ + " is being switched off", "drive",
                "wait until the key servers were told of its writes");
  powered_ = true;
  return {};
}

std::optional<DriveStatus> DriveBay::status(std::span<const scsi::NexusId> nexuses,
                                            std::chrono::milliseconds patience) {
  if (!mutex_.try_lock_for(patience)) return std::nullopt;
  auto status = drive_->status(nexuses);
  mutex_.unlock();
  return status;
}

}  // namespace tapewarden::tape
