// A tape library behind the engine: its changer, and which of its drive elements is which drive. Says where
// cartridges are by their barcodes, and moves them into drives and back.
//
// Thread-safe: one move at a time; who asks where cartridges are does not wait for moves. The transport
// outlives it.
//
// Invariants
//  1. What find() and inventory() tell is what the changer said last and the moves made since; it is asked
//     anew when it announces that something changed, and when a move fails. A status of all elements may take
//     minutes, so it is not asked after each move.
//  2. A cartridge is moved only when its barcode stands in exactly one element.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "base/thread_annotations.h"
#include "engine/physical/mount_fault.h"
#include "tape/initiator/medium_changer.h"

namespace tapewarden::engine {

struct LibraryDrivePort {
  std::string serial{};
  // Of its data transfer element, for a library that does not tell which drive stands where.
  std::optional<std::uint16_t> element{};
};

struct PlacedCartridge {
  std::string barcode{};
  std::uint16_t element = 0;
  scsi::ElementType type = scsi::ElementType::kStorage;
  std::string drive{};     // serial, when it is in a drive that the engine knows
  bool accessible = true;  // the robot reaches it
  bool operator==(const PlacedCartridge&) const = default;
};

class PhysicalLibrary {
 public:
  PhysicalLibrary(std::string name, tape::Transport& changer, std::vector<LibraryDrivePort> drives);

  const std::string& name() const { return name_; }
  // Asks the changer what it is and where everything is. Once before anything else, and again whenever the
  // operator wants: kLibrary when it does not answer as a changer does.
  Status open() TW_EXCLUDES(changer_mutex_, mutex_);
  Status refresh() TW_EXCLUDES(changer_mutex_, mutex_);

  std::vector<PlacedCartridge> inventory() const TW_EXCLUDES(mutex_);  // by barcode
  std::optional<PlacedCartridge> find(const std::string& barcode) const TW_EXCLUDES(mutex_);
  // The barcode in the drive, "" for a cartridge without one; nothing when it is empty or not in the library.
  std::optional<std::string> in_drive(const std::string& serial) const TW_EXCLUDES(mutex_);
  // More than one element has it.
  bool twice(const std::string& barcode) const TW_EXCLUDES(mutex_);
  // What an operator should know: drives that the library does not have, barcodes that stand there twice.
  std::vector<std::string> problems() const TW_EXCLUDES(mutex_);

  // Moves the cartridge into the drive, which is empty, and gives the element that it came from; nothing
  // moves when it is there already. kNotFound when the library does not have it; kConflict when it is in
  // another drive, or the drive holds another cartridge.
  Result<std::uint16_t> mount(const std::string& barcode, const std::string& serial)
      TW_EXCLUDES(changer_mutex_, mutex_);
  // Out of its slot, to the first free import/export element, where an operator takes it; gives that element.
  // kNotFound, kConflict as mount(), and while it is in a drive; kExhausted when no such element is free,
  // kUnsupported when the library has none.
  Result<std::uint16_t> hand_out(const std::string& barcode) TW_EXCLUDES(changer_mutex_, mutex_);
  // Out of the drive, to the slot that it came from or else the first free one; gives that element. The
  // drive has unloaded it. kConflict when the drive is empty, kExhausted when no slot is free.
  Result<std::uint16_t> demount(const std::string& serial) TW_EXCLUDES(changer_mutex_, mutex_);

 private:
  // What the changer said.
  struct View {
    std::map<std::string, PlacedCartridge, std::less<>> cartridges{};
    std::set<std::string, std::less<>> twice{};
    std::map<std::string, scsi::ElementDescriptor, std::less<>> drives{};  // by serial
    std::set<std::uint16_t> free_slots{};
    std::set<std::uint16_t> free_ports{};
    std::vector<std::string> problems{};
  };
  tape::TapeResult<View> look() TW_REQUIRES(changer_mutex_);
  void take_drives(View& view, std::vector<scsi::ElementDescriptor> elements) const;
  static void take_cartridges(View& view, scsi::ElementType type,
                              const std::vector<scsi::ElementDescriptor>& elements);
  Status refresh_now() TW_REQUIRES(changer_mutex_) TW_EXCLUDES(mutex_);
  // From where to where, as the view has it now.
  struct Way {
    std::uint16_t source = 0;
    std::uint16_t destination = 0;
  };
  Result<Way> way_in(const std::string& barcode, const std::string& serial) const TW_EXCLUDES(mutex_);
  Result<Way> way_out(const std::string& serial) const TW_EXCLUDES(mutex_);
  Result<Way> way_to_port(const std::string& barcode) const TW_EXCLUDES(mutex_);
  // Moves; when the changer refuses because something changed, looks anew and tries once more by `plan`.
  void note_move(const Way& way) TW_REQUIRES(changer_mutex_) TW_EXCLUDES(mutex_);
  template <typename Plan>
  Result<Way> move_by(const std::string& doing, Plan plan) TW_REQUIRES(changer_mutex_) TW_EXCLUDES(mutex_);

  const std::string name_;
  const std::vector<LibraryDrivePort> ports_;
  Mutex changer_mutex_;  // taken before mutex_
  tape::MediumChanger changer_ TW_GUARDED_BY(changer_mutex_);
  scsi::ElementAddressAssignment layout_ TW_GUARDED_BY(changer_mutex_){};
  mutable Mutex mutex_;
  View view_ TW_GUARDED_BY(mutex_);
};

}  // namespace tapewarden::engine
