// A drive with its library and its keys: mounts cartridges in the sequences of the overview "TS7700
// encryption" (Writing Physical Tapes; append; Reading Physical Tapes), and puts them away again. Belongs to
// the drive's worker; what it is made of outlives it.
//
// Invariants
//  1. A mount that fails leaves the drive empty and its cartridge in a slot, or the drive offline with the
//     reason. So the next mount finds nothing of it: no key, no policy, no position.
//  2. Nothing is written on a cartridge before its label was found to be the one that the catalogue knows,
//     but for the label itself in a write from the beginning.
//  3. What a cartridge is, clear or encrypted and how, is settled at its beginning by the policy; a drive
//     that would do otherwise is found out before the first image.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "engine/meter.h"
#include "engine/physical/limits.h"
#include "engine/physical/mounted_cartridge.h"
#include "engine/physical/physical_library.h"

namespace tapewarden::engine {

// How a cartridge is written from its beginning: the settings of its pool.
struct TapeWritePolicy {
  TapeEncryption encryption = TapeEncryption::kClear;
  std::vector<scsi::KeyLabel> labels{};  // wrapped key: up to two; none: the key server's defaults
  std::string alias_or_group{};          // identified key; empty: the key server's default
};

// A cartridge as the catalogue knows it.
struct CartridgeWanted {
  std::string barcode{};
  Uuid engine{};
  std::uint64_t medium = 0;
  TapeEncryption encryption = TapeEncryption::kClear;
};

struct StationOptions {
  // Room that images leave for a backup of the catalogue, in bytes; 0: none.
  std::uint64_t reserve_bytes = 0;
  std::chrono::milliseconds ready_patience = kReadyPatience;
  std::chrono::milliseconds confirmation_patience = kConfirmationPatience;
  // Waits between two looks at a drive that loads.
  std::function<void(std::chrono::milliseconds)> pause{};
  Meter* meter = &no_meter();  // of mounts and key exchanges; outlives the station
  // What the disk under the library's virtual cartridges has free; nothing: it cannot be told. Thread-safe.
  // None: they are no files here.
  std::function<std::optional<std::uint64_t>()> free_on_disk{};
};

struct DemountOutcome {
  // Why the key servers could not be told of a write with a new key: the drive still remembers it, and the
  // next demount tries again.
  std::optional<Error> unconfirmed{};
};

class TapeStation {
 public:
  // REQUIRES: options.pause.
  TapeStation(PhysicalLibrary& library, PhysicalDrive& drive, DriveKeys& keys, Clock& clock,
              StationOptions options)
      : library_(library), drive_(drive), keys_(keys), clock_(clock), options_(std::move(options)) {}

  PhysicalDrive& drive() { return drive_; }
  // The barcode of the cartridge that the library says is in the drive. Thread-safe.
  std::optional<std::string> loaded() const { return library_.in_drive(drive_.serial()); }
  const std::string& library_name() const { return library_.name(); }

  // The disk under the virtual cartridges has so little room that nothing more is written to them. Where the
  // cartridges are others: false. Thread-safe.
  bool disk_is_short() const;
  // As an error of whoever would write. REQUIRES: disk_is_short() was true.
  std::unexpected<Error> no_room(const std::string& doing) const;

  // Each gives the cartridge ready for what its name says; it is put away by its demount(). The trace lives
  // as long. Errors carry a MountFault.

  // Begins the cartridge anew, whatever it holds, with this label. REQUIRES: label.check().
  Result<std::unique_ptr<MountedCartridge>> mount_for_write_from_beginning(const CartridgeLabel& label,
                                                                           const TapeWritePolicy& policy,
                                                                           MountTrace& trace);
  // To write on behind tape file next_file - 1; what is there from `next_file` on is written over.
  Result<std::unique_ptr<MountedCartridge>> mount_for_append(const CartridgeWanted& wanted,
                                                             std::uint32_t next_file, MountTrace& trace);
  Result<std::unique_ptr<MountedCartridge>> mount_for_read(const CartridgeWanted& wanted, MountTrace& trace);

  // To read a cartridge of which nothing is known but its barcode, for putting a catalogue together again:
  // its label says the rest. kIdentity when the label is none of ours or names another barcode.
  Result<std::unique_ptr<MountedCartridge>> mount_to_examine(const std::string& barcode, MountTrace& trace);

  // Overwrites the whole cartridge, label and all, and puts it away again: as a write from the beginning,
  // whatever it holds, and without any key. Takes hours on a real drive.
  Status erase(const std::string& barcode, MountTrace& trace);

  // Unloads what is in the drive, brings it back to its slot, and has what was written with a new key
  // confirmed. Nothing happens when the drive is empty.
  Result<DemountOutcome> demount(MountTrace& trace);

 private:
  using Mounted = Result<std::unique_ptr<MountedCartridge>>;
  Mounted write_from_beginning(const CartridgeLabel& label, const TapeWritePolicy& policy, MountTrace& trace);
  Mounted append(const CartridgeWanted& wanted, std::uint32_t next_file, MountTrace& trace);
  Mounted read(const CartridgeWanted& wanted, MountTrace& trace);
  Mounted examine(const std::string& barcode, MountTrace& trace);
  Status erase_loaded(const std::string& barcode, MountTrace& trace);
  void note_encryption(TapeEncryption encryption, MountTrace& trace);
  // The mount, or the cartridge put away again and the error.
  Mounted whole_or_nothing(Mounted mounted, MountTrace& trace);
  std::unique_ptr<MountedCartridge> handle(const std::string& barcode, MountTrace& trace);

  // Drive and library (tape_station_load.cc).
  Status check_disk(const std::string& barcode) const;
  Status check_drive(TapeEncryption wanted);
  Status load(const std::string& barcode, MountTrace& trace);
  Status bring_in(const std::string& barcode, MountTrace& trace);
  Status wait_until_ready(const std::string& barcode);
  Status check_volser(const std::string& barcode);
  Status empty_drive(MountTrace& trace);
  Status unload();
  std::optional<Error> confirm();

  Result<TapeEncryption> recognised();
  Status turn_off_encryption(const std::string& barcode);
  Status set_policy(const std::string& barcode, scsi::WritePolicyPage policy);
  Status expect(TapeEncryption wanted, const std::string& barcode);
  // Reads the label and compares it.
  Status identify(MountedCartridge& cartridge, const CartridgeWanted& wanted);

  PhysicalLibrary& library_;
  PhysicalDrive& drive_;
  DriveKeys& keys_;
  Clock& clock_;
  const StationOptions options_;
};

}  // namespace tapewarden::engine
