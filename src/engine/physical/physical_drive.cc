#include "engine/physical/physical_drive.h"

#include "base/assert.h"
#include "base/text.h"
#include "scsi/sense_codes.h"

namespace tapewarden::engine {
namespace {

using scsi::EncryptionMethod;
using tape::TapeFault;

std::string_view words(EncryptionMethod method) {
  switch (method) {
    case EncryptionMethod::kSystem:
      return "system-managed";
    case EncryptionMethod::kLibrary:
      return "library-managed";
    case EncryptionMethod::kApplication:
      return "application-managed";
    case EncryptionMethod::kController:
      return "controller-managed";
    case EncryptionMethod::kInternal:
      return "managed inside the drive";
    case EncryptionMethod::kNone:
      break;
  }
  return "switched off";
}

// What the drive does not offer it need not tell of.
template <typename T>
bool not_offered(const tape::TapeResult<T>& result) {
  return !result && (result.error().fault == TapeFault::kIllegalRequest);
}

}  // namespace

std::string_view to_string(TapeEncryption encryption) {
  switch (encryption) {
    case TapeEncryption::kWrapped:
      return "wrapped key";
    case TapeEncryption::kIdentified:
      return "identified key";
    case TapeEncryption::kClear:
      break;
  }
  return "clear";
}

bool PhysicalDriveStatus::can_encrypt() const {
  return facts.key_path && facts.management == EncryptionMethod::kSystem;
}

PhysicalDrive::PhysicalDrive(std::string serial, tape::Transport& transport)
    : serial_(std::move(serial)), tape_(transport) {
  const MutexLock lock(mutex_);
  status_.reason = "it was not asked yet";
  status_.asked_again = true;
}

PhysicalDriveStatus PhysicalDrive::status() const {
  const MutexLock lock(mutex_);
  return status_;
}

tape::TapeStatus PhysicalDrive::ask_encryption(PhysicalDriveFacts& facts) {
  const auto method = tape_.encryption_method();
  if (!method && !not_offered(method) && method.error().fault != TapeFault::kTransport)
    return std::unexpected(method.error());
  facts.management = method.value_or(EncryptionMethod::kNone);
  facts.key_path = false;
  facts.method = TapeEncryption::kClear;
  const auto path = tape_.key_path_status();
  if (!path) return not_offered(path) ? tape::TapeStatus{} : std::unexpected(path.error());
  facts.key_path = true;
  const bool wrapped = TRY(tape_.key_request()).method == scsi::KeyMethodCode::kWrappedKey;
  facts.method = wrapped ? TapeEncryption::kWrapped : TapeEncryption::kIdentified;
  return {};
}

tape::TapeResult<PhysicalDriveFacts> PhysicalDrive::ask() {
  TRY(tape_.drain_attentions());
  const auto inquiry = TRY(tape_.inquiry());
  PhysicalDriveFacts facts{
      .vendor = inquiry.vendor, .product = inquiry.product, .revision = inquiry.revision};
  TRY(ask_encryption(facts));
  return facts;
}

std::unexpected<Error> PhysicalDrive::unusable(const std::string& reason, std::string field,
                                               std::string remedy) {
  take_offline(reason);
  return mount_fail(MountFault::kConfiguration, ErrorCode::kConflict, name() + " is offline: " + reason,
                    std::move(field), std::move(remedy));
}

// One that is starting, or busy, knows better later. The key servers' refusal has pauses of its own.
std::unexpected<Error> PhysicalDrive::not_asked(const std::string& doing, const tape::TapeError& error) {
  auto told = failed(doing, error);
  const MutexLock lock(mutex_);
  const bool offline = status_.state == PhysicalDriveStatus::State::kOffline;
  if (offline && !status_.refused && error.fault != TapeFault::kHardwareError) status_.asked_again = true;
  return told;
}

Status PhysicalDrive::probe() {
  const auto told = tape_.serial_number();
  if (!told) return not_asked("asking the drive who it is", told.error());
  if (trim(*told) != serial_)
    return unusable("another drive answers there: " + escape_unprintable(trim(*told)), "serial",
                    "correct the address of the drive");
  auto facts = ask();
  if (!facts) return not_asked("asking the drive how it is set up", facts.error());
  const MutexLock lock(mutex_);
  if (status_.state == PhysicalDriveStatus::State::kOffline) refused_block_of_.clear();
  status_.facts = *std::move(facts);
  status_.reason.clear();
  status_.switched_off = false;
  status_.asked_again = false;
  status_.state =
      status_.barcode.empty() ? PhysicalDriveStatus::State::kIdle : PhysicalDriveStatus::State::kMounted;
  return {};
}

Status PhysicalDrive::require(TapeEncryption wanted) {
  TW_ASSERT(wanted != TapeEncryption::kClear);
  auto now = status().facts;
  if (const auto asked = ask_encryption(now); !asked)
    return failed("asking the drive how its encryption is set up", asked.error());
  {
    const MutexLock lock(mutex_);
    status_.facts = now;
  }
  if (now.management != EncryptionMethod::kSystem)
    return unusable("its encryption is " + std::string(words(now.management)) +
                        ", and a pool that encrypts needs it system-managed",
                    "encryption method", "set the drive to system-managed encryption, then vary it online");
  if (!now.key_path)
    return unusable("it does not tell the engine when it needs a key", "key path",
                    "use a drive that is capable of encryption with external keys");
  if (now.method == wanted) return {};
  return mount_fail(MountFault::kConfiguration, ErrorCode::kConflict,
                    name() + " encrypts by the method " + std::string(to_string(now.method)) + ", not " +
                        std::string(to_string(wanted)),
                    "encryption", "set the pool's encryption to the method of its drives");
}

void PhysicalDrive::take_offline(const std::string& reason) {
  const MutexLock lock(mutex_);
  status_.state = PhysicalDriveStatus::State::kOffline;
  status_.reason = reason;
  status_.refused = false;
  status_.switched_off = false;
  status_.asked_again = false;
}

void PhysicalDrive::note_stuck(const Error& error) {
  if (fault_of(error) == MountFault::kDrive) return;
  take_offline(error.message);
  const MutexLock lock(mutex_);
  status_.asked_again = fault_of(error) == MountFault::kLibrary && error.code == ErrorCode::kUnavailable;
}

void PhysicalDrive::note_refused(const Error& error) {
  take_offline("the key servers refuse it: " + error.message +
               (error.remedy.empty() ? std::string() : "; " + error.remedy));
  const MutexLock lock(mutex_);
  status_.refused = true;
}

void PhysicalDrive::note_served() {
  const MutexLock lock(mutex_);
  status_.refused = false;
  served_ = true;
}

bool PhysicalDrive::note_block_refused(const std::string& barcode, const std::string& why) {
  std::string before;
  {
    const MutexLock lock(mutex_);
    refused_block_ = true;
    before = refused_block_of_;
    if (before.empty()) refused_block_of_ = barcode;
  }
  if (before.empty() || before == barcode) return false;
  take_offline("it refuses a second cartridge in a row for its encryption, " + barcode + " after " + before +
               ": " + why + "; have the drive looked at, and then " + before + " tried again");
  return true;
}

void PhysicalDrive::forget_breaks() {
  const MutexLock lock(mutex_);
  status_.breaks = 0;
}

void PhysicalDrive::note_mounted(const std::string& barcode) {
  const MutexLock lock(mutex_);
  status_.barcode = barcode;
  goes_well_ = true;
  served_ = false;
  refused_block_ = false;
  if (status_.state != PhysicalDriveStatus::State::kOffline)
    status_.state = PhysicalDriveStatus::State::kMounted;
}

void PhysicalDrive::note_empty() {
  const MutexLock lock(mutex_);
  status_.barcode.clear();
  if (goes_well_) status_.breaks = 0;
  goes_well_ = false;
  if (served_ && !refused_block_) refused_block_of_.clear();
  served_ = false;
  refused_block_ = false;
  if (status_.state != PhysicalDriveStatus::State::kOffline)
    status_.state = PhysicalDriveStatus::State::kIdle;
}

std::unexpected<Error> PhysicalDrive::failed(const std::string& doing, const tape::TapeError& error) {
  if (fault_of(error.fault) == MountFault::kDrive) {
    const bool at_work = status().state != PhysicalDriveStatus::State::kOffline;
    take_offline(doing + ": " + error.text());
    const MutexLock lock(mutex_);
    status_.switched_off = error.sense.code == scsi::sense_codes::kUnitOffline;
    status_.asked_again = status_.switched_off || error.fault == TapeFault::kTransport;
    if (at_work && status_.asked_again) ++status_.breaks;
    goes_well_ = false;
  }
  return mount_fail(name() + ", " + doing, error);
}

}  // namespace tapewarden::engine
