// What an operator does at the drive itself: looking at it, switching it off and on.
#include <thread>

#include "scsi/cdb.h"
#include "scsi/sense_codes.h"
#include "tape/library/drive_bay.h"
#include "tape/library/limits.h"

namespace tapewarden::tape {
namespace {

constexpr std::chrono::milliseconds kPoll{5};
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
  const MutexLock lock(mutex_);
  powered_ = false;
  Status closed = close();
  confirm_writes(kConfirmPatience);
  (void)drive_->power_cycle();  // without a cartridge it cannot fail
  note_state();
  return closed;
}

std::optional<DriveStatus> DriveBay::status(std::span<const scsi::NexusId> nexuses,
                                            std::chrono::milliseconds patience) {
  for (auto waited = std::chrono::milliseconds{0}; !mutex_.try_lock(); waited += kPoll) {
    if (waited >= patience) return std::nullopt;
    std::this_thread::sleep_for(kPoll);
  }
  auto status = drive_->status(nexuses);
  mutex_.unlock();
  return status;
}

}  // namespace tapewarden::tape
