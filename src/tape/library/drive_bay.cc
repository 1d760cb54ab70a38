#include "tape/library/drive_bay.h"

#include "scsi/cdb.h"
#include "scsi/inquiry.h"
#include "scsi/sense_codes.h"
#include "scsi/tape_encryption.h"
#include "tape/library/limits.h"

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

bool has_opcode(ByteView cdb, scsi::Opcode opcode) {
  return !cdb.empty() && cdb[0] == static_cast<std::uint8_t>(opcode);
}

// A host could otherwise make the drive write in clear by its write policy.
bool sends_to_key_path(ByteView cdb) {
  return has_opcode(cdb, scsi::Opcode::kSecurityProtocolOut) && cdb.size() > 1 &&
         cdb[1] == scsi::security_protocol::kKeyPath;
}

bool moves_data(ByteView cdb) {
  return has_opcode(cdb, scsi::Opcode::kRead6) || has_opcode(cdb, scsi::Opcode::kWrite6);
}

bool asks_for_key(const scsi::Response& response) {
  return response.status == scsi::ScsiStatus::kCheckCondition &&
         (response.sense.code == scsi::sense_codes::kKeyGenerationNeeded ||
          response.sense.code == scsi::sense_codes::kKeyTranslationNeeded);
}

Status without_path(const Result<std::string>& ejected) {
  if (!ejected) return std::unexpected(ejected.error());
  return {};
}

// What tells nothing of the cartridge is answered at any time.
bool answered_always(ByteView cdb) {
  return has_opcode(cdb, scsi::Opcode::kInquiry) || has_opcode(cdb, scsi::Opcode::kRequestSense) ||
         has_opcode(cdb, scsi::Opcode::kReportLuns);
}

}  // namespace

DriveBay::DriveBay(std::unique_ptr<Drive> drive, BayKeys* keys)
    : drive_(std::move(drive)),
      keys_(keys),
      serial_(drive_->identity().serial()),
      kind_(drive_->identity().facts().kind),
      identifier_(identifier_of(*drive_)) {
  const TimedMutexLock lock(mutex_);
  note_state();
}

scsi::Response DriveBay::execute(const scsi::Command& command) {
  const TimedMutexLock lock(mutex_);
  if (!powered_) return answer_of_the_dark(command);
  if (becoming_ready() && !answered_always(command.cdb))
    return scsi::check_condition({.code = scsi::sense_codes::kNotReadyLoading});
  auto response = library_managed() ? execute_with_keys(command) : drive_->execute(command);
  note_state();
  return response;
}

std::optional<scsi::Response> DriveBay::execute_at_once(const scsi::Command& command) {
  if (!moves_data(command.cdb) || !mutex_.try_lock()) return std::nullopt;
  std::optional<scsi::Response> response;
  if (powered_ && !becoming_ready()) response = drive_->execute_at_once(command);
  // It changed nothing; to bring the key takes time, so the command comes again by execute().
  if (response && library_managed() && asks_for_key(*response)) response.reset();
  mutex_.unlock();
  return response;
}

void DriveBay::look_ahead() {
  const TimedMutexLock lock(mutex_);
  if (waiting_ == Waiting::kNone) drive_->look_ahead();
}

void DriveBay::rest() {
  const TimedMutexLock lock(mutex_);
  drive_->rest();
}

std::optional<std::uint64_t> DriveBay::place() const {
  const Cartridge* cartridge = drive_->cartridge();
  if (cartridge == nullptr) return std::nullopt;
  return cartridge->position().logical_object;
}

bool DriveBay::library_managed() const {
  return keys_ != nullptr && drive_->management() == KeyManagement::kLibrary;
}

scsi::Response DriveBay::execute_with_keys(const scsi::Command& command) {
  if (sends_to_key_path(command.cdb))
    return scsi::check_condition({.code = scsi::sense_codes::kConfigurationPrevented});
  const auto before = place();
  auto response = drive_->execute(command);
  if (asks_for_key(response)) {
    const bool goes_on = bring_key();
    // A command that came some way before it met the key is not run again: what it read would be lost. The
    // host sees how far it came, and its next command has the key.
    if (goes_on && place() == before) response = drive_->execute(command);
  }
  // Whatever became of the command: a filemark behind the early warning ends with CHECK CONDITION.
  if (!moves_data(command.cdb)) confirm_after_command();
  return response;
}

void DriveBay::nexus_named(scsi::NexusId nexus, const scsi::NexusNames& names) {
  const TimedMutexLock lock(mutex_);
  drive_->nexus_named(nexus, names);
}

void DriveBay::nexus_lost(scsi::NexusId nexus) {
  const TimedMutexLock lock(mutex_);
  drive_->nexus_lost(nexus);
}

void DriveBay::reset() {
  const TimedMutexLock lock(mutex_);
  drive_->reset();
  if (waiting_ == Waiting::kForKey) waiting_ = Waiting::kCancelled;
  note_state();
}

Status DriveBay::insert(const std::string& path, const Uuid& volume, const scsi::WritePolicyPage& policy) {
  const TimedMutexLock lock(mutex_);
  return insert_under_lock(path, volume, policy);
}

Status DriveBay::insert_under_lock(const std::string& path, const Uuid& volume,
                                   const scsi::WritePolicyPage& policy) {
  if (!powered_)
    return fail(ErrorCode::kUnavailable, "drive " + serial_ + " is switched off", "drive", "switch it on");
  if (library_managed() && !drive_->holds_cartridge()) drive_->set_default_policy(policy);
  const auto inserted = drive_->insert(path);
  if (inserted && drive_->cartridge()->identity().volume != volume) {
    (void)drive_->force_eject();
    note_state();
    return fail(ErrorCode::kConflict, path + " is another cartridge than the one that was here", "volume",
                "put the right file back");
  }
  note_state();
  return inserted;
}

Status DriveBay::eject() {
  const TimedMutexLock lock(mutex_);
  if (waiting_ == Waiting::kForKey)
    return fail(ErrorCode::kUnavailable, "drive " + serial_ + " waits for a key", "drive",
                "try again when the key has come, or unload the drive by force");
  const auto ejected = drive_->eject();
  note_state();
  return without_path(ejected);
}

Status DriveBay::force_eject() {
  const TimedMutexLock lock(mutex_);
  if (waiting_ == Waiting::kForKey) waiting_ = Waiting::kCancelled;
  const auto ejected = drive_->force_eject();
  note_state();
  return without_path(ejected);
}

Status DriveBay::power_off() {
  const TimedMutexLock lock(mutex_);
  return close();
}

Status DriveBay::close() {
  if (waiting_ == Waiting::kForKey) waiting_ = Waiting::kCancelled;
  if (!drive_->holds_cartridge()) return {};
  const auto ejected = drive_->force_eject();
  note_state();
  return without_path(ejected);
}

void DriveBay::note_state() {
  holds_ = drive_->holds_cartridge();
  loaded_ = drive_->cartridge() != nullptr;
  awaits_ = awaited_.has_value();  // last: what has arrived is held before it is awaited no longer
}

}  // namespace tapewarden::tape
