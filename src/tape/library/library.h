// The virtual library: a robot over the inventory on disk and the drives in their bays. The changer (SMC) and
// the operator work through it.
//
// The cartridges' files lie in the library's folder, or a keeper has them (volume_keeper.h,
// library_keeper.cc).
//
// Thread-safe: one move at a time; describe() does not wait for drives. Nobody waits for key servers under
// the library's mutex: a bay leaves its own while it does. Lock order: the library's mutex, then whatever the
// keeper takes within a call, then a bay's. The keeper is called with the library's mutex held and no bay's.
// What the keeper calls, when a cartridge was brought, takes a bay's mutex and none of the library's, so that
// the keeper may wait for that call to end while the library waits for the keeper. Whether a cartridge that
// comes is still awaited is settled under the bay's mutex alone: whoever takes the cartridge away ends the
// waiting there first, and tells the keeper then.
//
// Invariants
//  1. What the inventory says is the truth: a cartridge that is in a drive by the inventory is put into it
//     again when the library is opened, and one that is not is in no drive.
//  2. A move goes: out of the source drive (everything written there is durable), into the destination drive,
//     the inventory durable. Cut off anywhere, the cartridge is where the inventory on disk says. A step that
//     fails undoes those before it.
//  3. A drive whose cartridge could not be loaded is empty, while the inventory still has the cartridge
//     there: its element is full, with an exception, and the cartridge can be moved away.
//  4. With a keeper: a cartridge that the inventory has in a drive was fetched for it, and while it is being
//     brought it is in the drive for the changer, which is becoming ready for hosts. Each fetch() that was
//     answered by a path, at once or later, is followed by one returned() when the cartridge leaves the drive
//     or the drive is switched off; each that was not is followed by one give_up() then, unless the keeper
//     said meanwhile that it will not come. At power_off() nothing is returned.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/thread_annotations.h"
#include "tape/device/element_robot.h"
#include "tape/library/drive_bay.h"
#include "tape/library/library_folder.h"
#include "tape/library/volume_keeper.h"

namespace tapewarden::tape {

// Told of what an operator should know. One call at a time, from any thread, with the library's mutex held or
// a bay's work under way: must not call the library, its drives or its keeper.
using LibraryNotes = std::function<void(const std::string& text)>;

class Library final : public ElementRobot {
 public:
  // `bays` are those of the folder's specification, in its order. Drives get the cartridges that the
  // inventory has in them; what cannot be loaded is told and stays as invariant 3 says. kInvalidArgument when
  // the bays do not fit the specification. `keeper`: where the cartridges' files come from; it outlives the
  // library, which waits for none of them here. REQUIRES: a keeper when the specification says `kept`, and
  // only then.
  static Result<std::unique_ptr<Library>> open(std::unique_ptr<LibraryFolder> folder,
                                               std::vector<std::shared_ptr<DriveBay>> bays,
                                               LibraryNotes notes = {}, VolumeKeeper* keeper = nullptr);
  ~Library() override;

  const scsi::ElementAddressAssignment& layout() const override { return layout_; }
  scsi::ElementDescriptor describe(std::uint16_t address) const override TW_EXCLUDES(mutex_);
  scsi::Outcome<void> move(std::uint16_t source, std::uint16_t destination) override TW_EXCLUDES(mutex_);
  scsi::Outcome<void> exchange(std::uint16_t source, std::uint16_t first, std::uint16_t second) override
      TW_EXCLUDES(mutex_);
  scsi::Outcome<void> audit() override TW_EXCLUDES(mutex_);
  void prevent_removal(bool prevented) override TW_EXCLUDES(mutex_);
  // The same for the hosts of one partition: it takes all to allow it.
  void prevent_removal_in(const std::string& partition, bool prevented) TW_EXCLUDES(mutex_);
  std::uint64_t outside_changes() const override { return outside_changes_.load(); }  // waits for no move

  // Runs an operator's action on the folder; when it succeeds, hosts are told that cartridges came or went.
  // kConflict while an initiator prevents the removal of cartridges. Errors of the action.
  Status act(const std::function<Status(LibraryFolder&)>& action) TW_EXCLUDES(mutex_);
  // For the operator beside running hosts (library_operator.cc).
  // Looks at inventory and folder, between moves.
  void look(const std::function<void(const LibraryFolder&)>& look) const TW_EXCLUDES(mutex_);
  bool removal_prevented() const TW_EXCLUDES(mutex_);
  // Moves by the operator's hand, of which hosts are told; where nothing is said, to the slot that the
  // cartridge came from, else to the first free one. The new place. kNotFound; kInvalidArgument for a place
  // that is none of this library or a cartridge that does not fit; kConflict when the place is taken or a
  // host prevents it, kExhausted when no slot is free, kIo.
  Result<Place> move_by_hand(const std::string& barcode, const std::optional<Place>& to) TW_EXCLUDES(mutex_);
  // Empties the drive as move_by_hand(). `force`: resets it first, which ends what hosts hold there
  // (reservations, prevention of removal, keys). kNotFound for an unknown or empty drive.
  Result<Place> unload_by_hand(const std::string& serial, const std::optional<Place>& to, bool force)
      TW_EXCLUDES(mutex_);
  // Switches the drive off and on. A cartridge stays in it, and is loaded again: one of a keeper is returned
  // and fetched. kNotFound; errors of loading.
  Status switch_drive(const std::string& serial, bool on) TW_EXCLUDES(mutex_);

  // Closes the cartridges in the drives, all of them before key servers are told of what was written, which
  // goes on for 10 s at most. The keeper is told what need not be brought any more, and nothing else. To be
  // called when no host is served any more. The first error.
  Status power_off() TW_EXCLUDES(mutex_);

  const std::vector<std::shared_ptr<DriveBay>>& bays() const { return bays_; }

 private:
  // A cartridge on its way.
  struct Step {
    Holding before;
    Holding after;
  };
  Library(std::unique_ptr<LibraryFolder> folder, std::vector<std::shared_ptr<DriveBay>> bays,
          LibraryNotes notes, VolumeKeeper* keeper);

  void note_partitions() const TW_REQUIRES(mutex_);
  void fill_drives() TW_REQUIRES(mutex_);
  scsi::Outcome<void> move_under_lock(std::uint16_t source, std::uint16_t destination) TW_REQUIRES(mutex_);
  scsi::Outcome<void> exchange_under_lock(std::uint16_t source, std::uint16_t first, std::uint16_t second)
      TW_REQUIRES(mutex_);
  Result<Place> unload_under_lock(const std::string& serial, const std::optional<Place>& to, bool force)
      TW_REQUIRES(mutex_);
  // Of the drives that a move has emptied; called behind it.
  std::vector<DriveBay*> take_emptied() TW_REQUIRES(mutex_) { return std::exchange(emptied_, {}); }
  void confirm(const std::vector<DriveBay*>& emptied) TW_EXCLUDES(mutex_);
  Place place_of(std::uint16_t address) const;
  std::uint16_t slot_address(std::uint32_t index) const;
  // nullptr unless the place is a drive.
  DriveBay* bay_of(const Place& place) const;
  scsi::Outcome<Step> step_from(std::uint16_t source, const Place& to) const TW_REQUIRES(mutex_);
  scsi::Outcome<void> run(const std::vector<Step>& steps) TW_REQUIRES(mutex_);
  scsi::Outcome<void> take_out(const std::vector<Step>& steps, std::vector<const Step*>& out)
      TW_REQUIRES(mutex_);
  scsi::Outcome<void> put_in(const std::vector<Step>& steps, std::vector<const Step*>& in)
      TW_REQUIRES(mutex_);
  void undo(const std::vector<const Step*>& out, const std::vector<const Step*>& in) TW_REQUIRES(mutex_);
  Status load(DriveBay& bay, const Holding& holding) TW_REQUIRES(mutex_);
  // library_keeper.cc. All but brought() do nothing without a keeper.
  void listen_to_keeper() TW_REQUIRES(mutex_);
  void stop_listening();
  Status fetch(DriveBay& bay, const Holding& holding, const scsi::WritePolicyPage& policy)
      TW_REQUIRES(mutex_);
  // What the drive needs no longer. True when there was something, so that the cartridge would have to be
  // fetched again.
  bool hand_back(DriveBay& bay) TW_REQUIRES(mutex_);
  // Called by the keeper.
  void brought(const std::string& drive, const std::string& barcode, const Result<std::string>& path);
  void note_not_loaded(const std::string& barcode, const DriveBay& bay, const Error& error) const;
  // library_operator.cc
  Result<DriveBay*> find_bay(const std::string& serial) const;
  Result<std::uint16_t> address_of(const Place& place) const;
  Result<Place> place_for(const Holding& holding) const TW_REQUIRES(mutex_);
  Result<Place> move_held(const Holding& holding, const std::optional<Place>& to) TW_REQUIRES(mutex_);
  void note(const std::string& text) const TW_EXCLUDES(notes_mutex_);

  const scsi::ElementAddressAssignment layout_;
  const std::vector<std::shared_ptr<DriveBay>> bays_;
  const LibraryNotes notes_;
  VolumeKeeper* const keeper_;  // nullptr: the files are in the folder
  mutable Mutex notes_mutex_;   // behind all others
  mutable Mutex mutex_;
  std::unique_ptr<LibraryFolder> folder_ TW_GUARDED_BY(mutex_);
  std::string load_fault_ TW_GUARDED_BY(mutex_);          // why the last cartridge that did not load did not
  std::vector<DriveBay*> emptied_ TW_GUARDED_BY(mutex_);  // what was written there is to be confirmed
  std::atomic<std::uint64_t> outside_changes_{0};
  std::set<std::string> preventing_ TW_GUARDED_BY(mutex_);  // partitions; "": hosts of the whole library
};

}  // namespace tapewarden::tape
