// What an operator does at the library's panel while hosts use it.
#include <algorithm>

#include "scsi/sense_codes.h"
#include "tape/library/library.h"

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;

// Rules of encryption name partitions: a cartridge does not get out of its own by the way. One that is in
// none may be brought into any.
Status check_stays_in_partition(const LibrarySpec& spec, const Holding& holding, const Place& to) {
  const auto* own = spec.partition_at(holding.place);
  if (own == nullptr || spec.partition_at(to) == own) return {};
  return fail(ErrorCode::kConflict,
              "cartridge " + holding.barcode + " is in partition " + own->name + ", " + to.text() + " is not",
              "to", "name a place of that partition; or export the cartridge and import it into another");
}

std::unexpected<Error> refused(const scsi::Sense& sense, const std::string& barcode, const Place& to,
                               const std::string& load_fault = {}, bool kept = false) {
  const auto code = sense.code;
  if (code == codes::kDestinationFull)
    return fail(ErrorCode::kConflict, to.text() + " is taken", "to", "name an empty place");
  if (code == codes::kCartridgeDoesNotFit)
    return fail(ErrorCode::kInvalidArgument, "cartridge " + barcode + " does not fit " + to.text(), "to",
                "use a drive of its kind");
  if (code == codes::kRemovalPreventedByDrive)
    return fail(ErrorCode::kConflict,
                "a host prevents the removal of cartridge " + barcode + " from its drive", "barcode",
                "end the host's use of it, or unload the drive by force");
  if (code == codes::kNotReadyLoading)
    return fail(ErrorCode::kUnavailable, "the drive that holds cartridge " + barcode + " waits for a key",
                "barcode", "try again when the key has come, or unload the drive by force");
  if (code == codes::kElementStatusUnknown)
    return fail(ErrorCode::kNotFound, "the file of cartridge " + barcode + " is missing", "barcode",
                "put it back into cartridges/");
  if (code == codes::kElementLoadFailed)
    return fail(
        ErrorCode::kIo,
        "cartridge " + barcode + " could not be loaded into " + to.text() +
            (load_fault.empty() ? "" : ": " + load_fault),
        "to",
        kept ? "it is where it was; `tapewarden intervention list` and the log of tapewarden-taped tell more"
             : "it is where it was; `tapewarden cartridge inspect` of its file tells more");
  return fail(ErrorCode::kIo, "cartridge " + barcode + " could not be moved", "barcode",
              "see the log of tapewarden-taped; it is where it was");
}

}  // namespace

void Library::look(const std::function<void(const LibraryFolder&)>& look) const {
  const MutexLock lock(mutex_);
  look(*folder_);
}

bool Library::removal_prevented() const {
  const MutexLock lock(mutex_);
  return !preventing_.empty();
}

Result<DriveBay*> Library::find_bay(const std::string& serial) const {
  const auto found = std::ranges::find(bays_, serial, [](const auto& bay) { return bay->serial(); });
  if (found != bays_.end()) return found->get();
  return fail(ErrorCode::kNotFound, "the library has no drive of this serial", "drive",
              "see tapewarden library drives");
}

Result<std::uint16_t> Library::address_of(const Place& place) const {
  const auto within = [&place](const scsi::ElementRange& range) -> Result<std::uint16_t> {
    if (place.index < range.count) return static_cast<std::uint16_t>(range.first + place.index);
    return fail(ErrorCode::kInvalidArgument, "the library has no " + place.text(), "to",
                "it has " + std::to_string(range.count) + " of them");
  };
  if (place.kind == PlaceKind::kSlot) return within(layout_.storage);
  if (place.kind == PlaceKind::kPort) return within(layout_.import_export);
  if (place.kind == PlaceKind::kOutside)
    return fail(ErrorCode::kConflict, "the cartridge is outside", "barcode", "import it first");
  const auto* bay = TRY(find_bay(place.drive));
  const auto at = std::ranges::find(bays_, bay, [](const auto& one) { return one.get(); });
  return static_cast<std::uint16_t>(layout_.data_transfer.first + (at - bays_.begin()));
}

// In the partition in which the cartridge is: hosts of another do not come into it by an operator's
// unloading.
Result<Place> Library::place_for(const Holding& holding) const {
  const auto& inventory = folder_->inventory();
  const auto& spec = folder_->spec();
  const auto* partition = spec.partition_at(holding.place);
  if (holding.place.kind == PlaceKind::kSlot) return holding.place;
  const auto fits = [&](std::uint32_t slot) {
    return spec.partition_of_slot(slot) == partition && inventory.at(slot_place(slot)) == nullptr;
  };
  if (holding.home && *holding.home < layout_.storage.count && fits(*holding.home))
    return slot_place(*holding.home);
  for (std::uint32_t i = 0; i < layout_.storage.count; ++i)
    if (fits(i)) return slot_place(i);
  return fail(ErrorCode::kExhausted, "no slot is free", "to", "name an import/export slot, or empty a slot");
}

Result<Place> Library::move_held(const Holding& holding, const std::optional<Place>& to) {
  const auto barcode = holding.barcode;
  const auto place = to ? *to : TRY(place_for(holding));
  (void)TRY(address_of(place));
  const auto source = TRY(address_of(holding.place));
  if (holding.place == place) return place;
  TRY(check_stays_in_partition(folder_->spec(), holding, place));
  if (const auto* bay = bay_of(place); bay != nullptr && !bay->powered())
    return fail(ErrorCode::kConflict, "drive " + bay->serial() + " is switched off", "to", "switch it on");
  const auto step = step_from(source, place);
  if (!step) return refused(step.error(), barcode, place);
  if (folder_->inventory().at(place) != nullptr)
    return refused({.code = codes::kDestinationFull}, barcode, place);
  if (const auto moved = run({*step}); !moved)
    return refused(moved.error(), barcode, place, load_fault_, folder_->spec().kept);
  ++outside_changes_;
  return place;
}

Result<Place> Library::move_by_hand(const std::string& barcode, const std::optional<Place>& to) {
  Result<Place> moved = outside();
  std::vector<DriveBay*> emptied;
  {
    const MutexLock lock(mutex_);
    const auto* holding = folder_->inventory().find(barcode);
    if (holding == nullptr)
      return fail(ErrorCode::kNotFound, "the library has no cartridge " + barcode, "barcode");
    moved = move_held(*holding, to);
    emptied = take_emptied();
  }
  confirm(emptied);
  return moved;
}

Result<Place> Library::unload_by_hand(const std::string& serial, const std::optional<Place>& to, bool force) {
  Result<Place> moved = outside();
  std::vector<DriveBay*> emptied;
  {
    const MutexLock lock(mutex_);
    moved = unload_under_lock(serial, to, force);
    emptied = take_emptied();
  }
  confirm(emptied);
  return moved;
}

Result<Place> Library::unload_under_lock(const std::string& serial, const std::optional<Place>& to,
                                         bool force) {
  auto* bay = TRY(find_bay(serial));
  const auto* holding = folder_->inventory().at(drive_place(serial));
  if (holding == nullptr) return fail(ErrorCode::kNotFound, "drive " + serial + " is empty", "drive");
  if (force) bay->reset();
  return move_held(*holding, to);
}

Status Library::switch_drive(const std::string& serial, bool on) {
  auto* bay = TRY(find_bay(serial));
  if (!on) {
    if (!bay->powered()) return {};
    auto off = bay->switch_off();  // waits for key servers: nobody else with it
    if (keeper_ == nullptr) return off;
    const MutexLock lock(mutex_);
    if (!bay->powered()) (void)hand_back(*bay);  // else it was switched on meanwhile, and has been fetched
    return off;
  }
  const MutexLock lock(mutex_);
  if (bay->powered()) return {};
  TRY(bay->switch_on());
  const auto* holding = folder_->inventory().at(drive_place(serial));
  return holding == nullptr ? Status{} : load(*bay, *holding);
}

}  // namespace tapewarden::tape
