#include "tape/library/drive_bay.h"

#include "scsi/cdb.h"
#include "scsi/inquiry.h"

namespace tapewarden::tape {
namespace {

constexpr scsi::NexusId kBayNexus{1};  // smaller than those that a transport gives out
constexpr std::uint16_t kIdentificationRoom = 255;

std::string identifier_of(Drive& drive) {
  const auto cdb = scsi::Inquiry{.vital_product_data = true,
                                 .page = scsi::vpd::kDeviceIdentification,
                                 .allocation_length = kIdentificationRoom}
                       .encode();
  const auto response = drive.execute({.cdb = cdb, .nexus = kBayNexus, .data_out = {}});
  drive.nexus_lost(kBayNexus);
  const auto content = scsi::vpd_page_content(response.data_in, scsi::vpd::kDeviceIdentification);
  if (!content) return {};
  const auto designators = scsi::decode_designators(*content);
  if (!designators) return {};
  for (const auto& designator : *designators)
    if (designator.kind == scsi::DesignatorKind::kVendorId) return std::string(as_text(designator.value));
  return {};
}

}  // namespace

DriveBay::DriveBay(std::unique_ptr<Drive> drive)
    : drive_(std::move(drive)),
      serial_(drive_->identity().serial()),
      kind_(drive_->identity().facts().kind),
      identifier_(identifier_of(*drive_)) {
  const MutexLock lock(mutex_);
  note_state();
}

scsi::Response DriveBay::execute(const scsi::Command& command) {
  const MutexLock lock(mutex_);
  auto response = drive_->execute(command);
  note_state();
  return response;
}

void DriveBay::nexus_lost(scsi::NexusId nexus) {
  const MutexLock lock(mutex_);
  drive_->nexus_lost(nexus);
}

void DriveBay::reset() {
  const MutexLock lock(mutex_);
  drive_->reset();
  note_state();
}

Status DriveBay::insert(const std::string& path, const Uuid& volume) {
  const MutexLock lock(mutex_);
  const auto inserted = drive_->insert(path);
  if (inserted && drive_->cartridge()->identity().volume != volume) {
    (void)drive_->eject();
    note_state();
    return fail(ErrorCode::kConflict, path + " is another cartridge than the one that was here", "volume",
                "put the right file back");
  }
  note_state();
  return inserted;
}

Status DriveBay::eject() {
  const MutexLock lock(mutex_);
  const auto ejected = drive_->eject();
  note_state();
  if (!ejected) return std::unexpected(ejected.error());
  return {};
}

Status DriveBay::power_off() {
  const MutexLock lock(mutex_);
  if (!drive_->holds_cartridge()) return {};
  drive_->reset();
  const auto ejected = drive_->eject();
  note_state();
  if (!ejected) return std::unexpected(ejected.error());
  return {};
}

void DriveBay::note_state() {
  holds_ = drive_->holds_cartridge();
  loaded_ = drive_->cartridge() != nullptr;
}

}  // namespace tapewarden::tape
