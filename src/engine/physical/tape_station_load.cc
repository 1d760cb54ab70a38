// What a mount does with drive and library: loading, encryption settings, and putting the cartridge away.
#include <utility>

#include "base/text.h"
#include "engine/physical/tape_station.h"
#include "scsi/sense_codes.h"

namespace tapewarden::engine {
namespace {

using tape::TapeFault;
namespace codes = scsi::sense_codes;

bool may_become_ready(const scsi::SenseCode& code) {
  return code == codes::kNotReadyLoading || code == codes::kMediumNotPresent ||
         code.key == scsi::SenseKey::kUnitAttention;
}

}  // namespace

bool TapeStation::disk_is_short() const {
  const auto free = options_.free_on_disk ? options_.free_on_disk() : std::nullopt;
  return free && *free < kDiskLeastBytes;
}

std::unexpected<Error> TapeStation::no_room(const std::string& doing) const {
  return mount_fail(MountFault::kDisk, ErrorCode::kUnavailable,
                    doing + ": the disk under the virtual cartridges of library " + library_.name() +
                        " has less than " + std::to_string(kDiskLeastBytes >> 20U) + " MiB free",
                    "disk", "make room on it; writing goes on by itself");
}

Status TapeStation::check_disk(const std::string& barcode) const {
  if (disk_is_short()) return no_room("writing cartridge " + barcode);
  return {};
}

Status TapeStation::check_drive(TapeEncryption wanted) {
  const auto status = drive_.status();
  if (status.state == PhysicalDriveStatus::State::kOffline)
    return mount_fail(MountFault::kDrive, ErrorCode::kUnavailable,
                      drive_.name() + " is offline: " + status.reason, "drive",
                      "mend it, then vary it online");
  if (wanted != TapeEncryption::kClear) return drive_.require(wanted);
  // Otherwise only the robot says no, which would look like the library's fault.
  const auto ready = drive_.tape().test_ready();
  if (!ready && ready.error().sense.code == codes::kUnitOffline)
    return drive_.failed("asking whether it is switched on", ready.error());
  return {};
}

// One that another cartridge keeps the drive from is no mount.
Status TapeStation::load(const std::string& barcode, MountTrace& trace) {
  TRY(empty_drive(trace));
  const auto began = clock_.steady_now();
  auto loaded = bring_in(barcode, trace);
  if (loaded)
    options_.meter->physical_mount(
        std::chrono::duration_cast<std::chrono::milliseconds>(clock_.steady_now() - began));
  else
    options_.meter->physical_mount_failed();
  return loaded;
}

Status TapeStation::bring_in(const std::string& barcode, MountTrace& trace) {
  trace.note("1", "engine", "library " + library_.name(),
             "move cartridge " + barcode + " to drive " + drive_.serial());
  (void)TRY(library_.mount(barcode, drive_.serial()));
  drive_.note_mounted(barcode);
  TRY(wait_until_ready(barcode));
  if (const auto rewound = drive_.tape().rewind(); !rewound)
    return drive_.failed("rewinding cartridge " + barcode, rewound.error());
  if (const auto variable = drive_.tape().set_block_length(0); !variable)
    return drive_.failed("setting variable blocks", variable.error());
  TRY(check_volser(barcode));
  trace.note("1", drive_.name(), "engine", "cartridge " + barcode + " is loaded");
  return {};
}

// What an earlier run left in the drive goes back to its slot first.
Status TapeStation::empty_drive(MountTrace& trace) {
  if (!library_.in_drive(drive_.serial())) return {};
  (void)TRY(demount(trace));
  return {};
}

Status TapeStation::wait_until_ready(const std::string& barcode) {
  const auto until = clock_.steady_now() + options_.ready_patience;
  auto& tape = drive_.tape();
  bool told_to_load = false;
  while (true) {
    (void)tape.drain_attentions();
    const auto ready = tape.test_ready();
    if (ready) return {};
    const auto& error = ready.error();
    const bool wants_load = error.sense.code == codes::kInitializingCommandRequired;
    if (!wants_load && !may_become_ready(error.sense.code))
      return drive_.failed("waiting for cartridge " + barcode, error);
    if (clock_.steady_now() >= until)
      return mount_fail(MountFault::kInterrupted, ErrorCode::kTimeout,
                        drive_.name() + " did not get cartridge " + barcode + " ready: " + error.text());
    if (wants_load && !std::exchange(told_to_load, true)) {
      if (const auto loaded = tape.load(); !loaded && loaded.error().fault != TapeFault::kUnitAttention)
        return drive_.failed("loading cartridge " + barcode, loaded.error());
    } else {
      options_.pause(kReadyInterval);
    }
  }
}

// The cartridge memory of a virtual cartridge knows its volser; the robot read a barcode. Six characters of
// volser stand before a media suffix.
Status TapeStation::check_volser(const std::string& barcode) {
  if (!drive_.status().facts.key_path) return {};
  const auto page = drive_.tape().key_request();
  if (!page) return drive_.failed("asking for the cartridge's volser", page.error());
  constexpr std::size_t kBareVolser = 6;
  const auto& volser = page->volser;
  if (volser.empty() || volser == barcode) return {};
  if (volser.size() == kBareVolser && barcode.starts_with(volser)) return {};
  return mount_fail(MountFault::kIdentity, ErrorCode::kConflict,
                    drive_.name() + " holds cartridge " + escape_unprintable(volser) +
                        ", where the library says " + barcode,
                    "barcode", "look at the barcode on the cartridge, and have the library take stock");
}

Result<TapeEncryption> TapeStation::recognised() {
  const auto page = drive_.tape().key_request();
  if (!page) return drive_.failed("asking how the cartridge is encrypted", page.error());
  if (!page->eedks.empty()) return TapeEncryption::kWrapped;
  return page->data_key_identifier.empty() ? TapeEncryption::kClear : TapeEncryption::kIdentified;
}

Status TapeStation::expect(TapeEncryption wanted, const std::string& barcode) {
  if (!drive_.status().facts.key_path) return {};
  const auto found = TRY(recognised());
  if (found == wanted) return {};
  return mount_fail(MountFault::kIdentity, ErrorCode::kConflict,
                    "cartridge " + barcode + " is " + std::string(to_string(found)) + ", not " +
                        std::string(to_string(wanted)) + " as it should be",
                    "encryption", "look at the drive's encryption settings and at the cartridge");
}

Status TapeStation::set_policy(const std::string& barcode, scsi::WritePolicyPage policy) {
  if (const auto set = drive_.tape().set_write_policy(policy); !set)
    return drive_.failed("setting the encryption of cartridge " + barcode, set.error());
  return {};
}

// A host may have left a key in a drive that lets applications set them.
Status TapeStation::turn_off_encryption(const std::string& barcode) {
  const auto facts = drive_.status().facts;
  if (facts.key_path) return set_policy(barcode, {});
  if (facts.management != scsi::EncryptionMethod::kApplication) return {};
  const auto off = drive_.tape().set_encryption({.scope = scsi::KeyScope::kAllNexuses});
  if (off || off.error().fault == TapeFault::kIllegalRequest) return {};
  return drive_.failed("turning encryption off for cartridge " + barcode, off.error());
}

Status TapeStation::unload() {
  // A drive that was reset meanwhile tells so first; it unloads all the same.
  constexpr int kMaxAttentions = 8;
  auto unloaded = drive_.tape().unload();
  for (int told = 0; !unloaded && unloaded.error().fault == TapeFault::kUnitAttention; ++told) {
    if (told == kMaxAttentions) break;
    unloaded = drive_.tape().unload();
  }
  if (unloaded || unloaded.error().fault == TapeFault::kNoCartridge) return {};
  return drive_.failed("unloading", unloaded.error());
}

Result<DemountOutcome> TapeStation::demount(MountTrace& trace) {
  if (!library_.in_drive(drive_.serial())) {
    drive_.note_empty();
    return DemountOutcome{};
  }
  trace.note("4", "engine", drive_.name(), "unload");
  const auto unloaded = unload();
  // A cartridge whose last blocks were not written is out all the same; whether it can be taken out of a
  // drive that is switched off, the robot knows.
  const bool dark = !unloaded && drive_.status().switched_off;
  if (!unloaded && !dark && fault_of(unloaded.error()) != MountFault::kMedium)
    return std::unexpected(unloaded.error());
  trace.note("4", "engine", "library " + library_.name(), "move the cartridge back to its slot");
  if (const auto moved = library_.demount(drive_.serial()); !moved)
    return std::unexpected(dark ? unloaded.error() : moved.error());
  drive_.note_empty();
  DemountOutcome outcome{.unconfirmed = confirm()};
  if (outcome.unconfirmed)
    trace.note("4", "engine", "key server", "not confirmed yet: " + outcome.unconfirmed->message);
  if (!unloaded) return std::unexpected(unloaded.error());
  return outcome;
}

std::optional<Error> TapeStation::confirm() {
  if (!drive_.status().facts.key_path) return {};
  (void)drive_.tape().drain_attentions();
  const auto status = drive_.tape().key_path_status();
  if (!status || !status->confirm_due) return {};
  auto told = keys_.confirm(drive_.tape(), options_.confirmation_patience);
  if (told) return {};
  return std::move(told).error();
}

}  // namespace tapewarden::engine
