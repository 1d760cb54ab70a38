#include "tape/library/library.h"

#include <algorithm>

#include "base/assert.h"
#include "scsi/sense_codes.h"
#include "tape/library/limits.h"

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;

Status check_bays(const LibrarySpec& spec, const std::vector<std::shared_ptr<DriveBay>>& bays) {
  const auto fits = [](const LibraryDrive& drive, const std::shared_ptr<DriveBay>& bay) {
    return bay->serial() == drive.serial && bay->kind() == drive.kind;
  };
  if (std::ranges::equal(spec.drives, bays, fits)) return {};
  return fail(ErrorCode::kInvalidArgument, "the drives are not those of the configuration", "library.drives",
              "the kind in each drive's identity must be the one that is configured");
}

}  // namespace

Library::Library(std::unique_ptr<LibraryFolder> folder, std::vector<std::shared_ptr<DriveBay>> bays,
                 LibraryNotes notes, VolumeKeeper* keeper)
    : layout_(folder->spec().layout),
      bays_(std::move(bays)),
      notes_(std::move(notes)),
      keeper_(keeper),
      folder_(std::move(folder)) {
  TW_ASSERT(folder_->spec().kept == (keeper_ != nullptr));
}

Library::~Library() {
  stop_listening();
}

Result<std::unique_ptr<Library>> Library::open(std::unique_ptr<LibraryFolder> folder,
                                               std::vector<std::shared_ptr<DriveBay>> bays,
                                               LibraryNotes notes, VolumeKeeper* keeper) {
  TRY(check_bays(folder->spec(), bays));
  std::unique_ptr<Library> library(new Library(std::move(folder), std::move(bays), std::move(notes), keeper));
  const MutexLock lock(library->mutex_);
  for (const auto& barcode : library->folder_->missing())
    library->note("the file of cartridge " + barcode + " is missing");
  for (const auto& name : library->folder_->strays())
    library->note("the file " + name + " in cartridges/ is not in the inventory");
  library->note_partitions();
  library->listen_to_keeper();
  library->fill_drives();
  return library;
}

// The configuration may have changed since the cartridges came to where they are.
void Library::note_partitions() const {
  constexpr std::size_t kTold = 20;
  std::size_t odd = 0;
  for (const auto& [barcode, holding] : folder_->inventory().cartridges()) {
    const auto fault = folder_->partition_fault(holding);
    if (!fault.empty() && ++odd <= kTold) note("cartridge " + barcode + " is " + fault);
  }
  if (odd > kTold) note(std::to_string(odd - kTold) + " more cartridges lie in no partition or in another's");
}

void Library::fill_drives() {
  for (const auto& bay : bays_) {
    const auto* holding = folder_->inventory().at(drive_place(bay->serial()));
    if (holding != nullptr) (void)load(*bay, *holding);
  }
}

Place Library::place_of(std::uint16_t address) const {
  if (layout_.storage.holds(address)) return slot_place(std::uint32_t{address} - layout_.storage.first);
  if (layout_.import_export.holds(address))
    return port_place(std::uint32_t{address} - layout_.import_export.first);
  TW_ASSERT(layout_.data_transfer.holds(address));
  return drive_place(bays_[std::size_t{address} - layout_.data_transfer.first]->serial());
}

std::uint16_t Library::slot_address(std::uint32_t index) const {
  return static_cast<std::uint16_t>(layout_.storage.first + index);
}

DriveBay* Library::bay_of(const Place& place) const {
  if (place.kind != PlaceKind::kDrive) return nullptr;
  const auto found = std::ranges::find(bays_, place.drive, [](const auto& bay) { return bay->serial(); });
  TW_ASSERT(found != bays_.end());
  return found->get();
}

scsi::ElementDescriptor Library::describe(std::uint16_t address) const {
  scsi::ElementDescriptor element{.address = address};
  if (layout_.transport.holds(address)) return element;
  const MutexLock lock(mutex_);
  const auto place = place_of(address);
  const auto* bay = bay_of(place);
  if (bay != nullptr) element.identifier = bay->identifier();
  const auto* holding = folder_->inventory().at(place);
  if (holding == nullptr) return element;
  element.full = true;
  element.volume_tag = holding->barcode;
  if (holding->home) element.source = slot_address(*holding->home);
  element.placed_by_operator = place.kind == PlaceKind::kPort && holding->placed_by_operator;
  if (bay != nullptr) element.accessible = !bay->loaded();
  if (folder_->missing(holding->barcode)) {
    element.exception = codes::kElementStatusUnknown;
  } else if (bay != nullptr && !bay->awaits_cartridge() && !bay->holds_cartridge()) {
    element.exception = codes::kElementLoadFailed;
  }
  if (element.exception) element.exception->key = scsi::SenseKey::kNoSense;  // a descriptor has no key
  return element;
}

scsi::Outcome<Library::Step> Library::step_from(std::uint16_t source, const Place& to) const {
  const auto* holding = folder_->inventory().at(place_of(source));
  if (holding == nullptr) return scsi::check(codes::kSourceEmpty);
  if (folder_->missing(holding->barcode)) return scsi::check(codes::kElementStatusUnknown);
  if (const auto* bay = bay_of(to); bay != nullptr && bay->kind() != holding->kind)
    return scsi::check(codes::kCartridgeDoesNotFit);
  Step step{*holding, *holding};
  step.after.place = to;
  step.after.placed_by_operator = false;
  if (holding->place.kind == PlaceKind::kSlot) step.after.home = holding->place.index;
  return step;
}

scsi::Outcome<void> Library::move(std::uint16_t source, std::uint16_t destination) {
  scsi::Outcome<void> moved;
  std::vector<DriveBay*> emptied;
  {
    const MutexLock lock(mutex_);
    moved = move_under_lock(source, destination);
    emptied = take_emptied();
  }
  confirm(emptied);
  return moved;
}

scsi::Outcome<void> Library::exchange(std::uint16_t source, std::uint16_t first, std::uint16_t second) {
  scsi::Outcome<void> moved;
  std::vector<DriveBay*> emptied;
  {
    const MutexLock lock(mutex_);
    moved = exchange_under_lock(source, first, second);
    emptied = take_emptied();
  }
  confirm(emptied);
  return moved;
}

void Library::confirm(const std::vector<DriveBay*>& emptied) {
  for (auto* bay : emptied) bay->confirm(kConfirmPatience);
}

scsi::Outcome<void> Library::move_under_lock(std::uint16_t source, std::uint16_t destination) {
  const auto to = place_of(destination);
  const auto step = TRY(step_from(source, to));
  if (source == destination) return {};
  if (folder_->inventory().at(to) != nullptr) return scsi::check(codes::kDestinationFull);
  return run({step});
}

scsi::Outcome<void> Library::exchange_under_lock(std::uint16_t source, std::uint16_t first,
                                                 std::uint16_t second) {
  const auto there = place_of(first);
  const auto onward = place_of(second);
  const auto coming = TRY(step_from(source, there));
  if (source == first || first == second) return scsi::check(codes::kDestinationFull);
  const auto leaving = TRY(step_from(first, onward));
  if (second != source && folder_->inventory().at(onward) != nullptr)
    return scsi::check(codes::kDestinationFull);
  return run({coming, leaving});
}

scsi::Outcome<void> Library::run(const std::vector<Step>& steps) {
  std::vector<const Step*> out;
  std::vector<const Step*> in;
  auto moved = take_out(steps, out);
  if (moved) moved = put_in(steps, in);
  if (moved) {
    std::vector<Holding> after;
    for (const auto& step : steps) after.push_back(step.after);
    const auto kept = folder_->commit([&after](Inventory& inventory) { return inventory.update(after); });
    if (kept) return {};
    note("the inventory could not be written: " + kept.error().text());
    moved = scsi::check(codes::kInternalTargetFailure);
  }
  undo(out, in);
  return moved;
}

scsi::Outcome<void> Library::take_out(const std::vector<Step>& steps, std::vector<const Step*>& out) {
  for (const auto& step : steps) {
    auto* bay = bay_of(step.before.place);
    if (bay == nullptr) continue;
    const bool on_its_way = hand_back(*bay);
    if (on_its_way) out.push_back(&step);
    if (!bay->holds_cartridge()) continue;
    const auto ejected = bay->eject();
    if (!bay->holds_cartridge()) {
      (void)hand_back(*bay);
      out.push_back(&step);
      emptied_.push_back(bay);
    }
    if (ejected) continue;
    if (bay->holds_cartridge())
      return scsi::check(ejected.error().code == ErrorCode::kUnavailable ? codes::kNotReadyLoading
                                                                         : codes::kRemovalPreventedByDrive);
    note("cartridge " + step.before.barcode + " could not be unloaded: " + ejected.error().text());
    return scsi::check(codes::kElementEjectFailed);
  }
  return {};
}

scsi::Outcome<void> Library::put_in(const std::vector<Step>& steps, std::vector<const Step*>& in) {
  for (const auto& step : steps) {
    auto* bay = bay_of(step.after.place);
    if (bay == nullptr) continue;
    if (!load(*bay, step.after)) {
      (void)hand_back(*bay);
      return scsi::check(codes::kElementLoadFailed);
    }
    in.push_back(&step);
  }
  return {};
}

void Library::undo(const std::vector<const Step*>& out, const std::vector<const Step*>& in) {
  for (const auto* step : in) {
    auto& bay = *bay_of(step->after.place);
    if (hand_back(bay)) continue;
    if (const auto ejected = bay.force_eject(); !ejected)
      note("cartridge " + step->after.barcode + " could not be unloaded: " + ejected.error().text());
    (void)hand_back(bay);
  }
  for (const auto* step : out) (void)load(*bay_of(step->before.place), step->before);
}

Status Library::load(DriveBay& bay, const Holding& holding) {
  const auto& spec = folder_->spec();
  const auto* partition = spec.partition_of_drive(bay.serial());
  const auto policy =
      policy_for(spec.encryption, holding.barcode, partition == nullptr ? std::string() : partition->name);
  auto inserted = keeper_ != nullptr ? fetch(bay, holding, policy)
                                     : bay.insert(folder_->path_of(holding.barcode), holding.volume, policy);
  load_fault_ = inserted ? std::string() : inserted.error().text();
  if (!inserted) note_not_loaded(holding.barcode, bay, inserted.error());
  return inserted;
}

scsi::Outcome<void> Library::audit() {
  const MutexLock lock(mutex_);
  if (const auto seen = folder_->rescan(); !seen) {
    note("the library's folder cannot be read: " + seen.error().text());
    return scsi::check(codes::kElementStatusUnknown);
  }
  return {};
}

void Library::prevent_removal(bool prevented) {
  prevent_removal_in("", prevented);
}

void Library::prevent_removal_in(const std::string& partition, bool prevented) {
  const MutexLock lock(mutex_);
  if (prevented) {
    preventing_.insert(partition);
  } else {
    preventing_.erase(partition);
  }
}

Status Library::act(const std::function<Status(LibraryFolder&)>& action) {
  const MutexLock lock(mutex_);
  if (!preventing_.empty())
    return fail(ErrorCode::kConflict, "a host prevents the removal of cartridges", "library",
                "end the host's use of the library");
  TRY(action(*folder_));
  ++outside_changes_;
  return {};
}

Status Library::power_off() {
  const MutexLock lock(mutex_);
  stop_listening();
  for (const auto& bay : bays_)
    if (bay->awaits_cartridge()) (void)hand_back(*bay);
  Status first;
  for (const auto& bay : bays_) {
    auto off = bay->power_off();
    if (off) continue;
    note("drive " + bay->serial() + ": " + off.error().text());
    if (first) first = std::move(off);
  }
  const auto until = folder_->env().clock->steady_now() + kFarewellPatience;
  for (const auto& bay : bays_) {
    const auto left =
        std::chrono::floor<std::chrono::milliseconds>(until - folder_->env().clock->steady_now());
    if (left <= std::chrono::milliseconds{0}) {
      note("there was no time to tell the key servers of every write");
      break;
    }
    bay->confirm(left);
  }
  return first;
}

void Library::note(const std::string& text) const {
  const MutexLock lock(notes_mutex_);
  if (notes_) notes_(text);
}

}  // namespace tapewarden::tape
