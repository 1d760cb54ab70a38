#include "engine/physical/physical_library.h"

#include <algorithm>

#include "base/text.h"
#include "engine/physical/limits.h"

namespace tapewarden::engine {
namespace {

using scsi::ElementType;
using tape::TapeFault;

// The identifier of a drive element ends with the drive's serial number (T10 vendor identification).
bool names_drive(std::string_view identifier, std::string_view serial) {
  identifier = trim(identifier);
  if (!identifier.ends_with(serial)) return false;
  const auto before = identifier.size() - serial.size();
  constexpr std::size_t kVendorAndProduct = 24;
  return before == 0 || before == kVendorAndProduct || identifier[before - 1] == ' ';
}

std::unexpected<Error> library_fail(ErrorCode code, std::string message, std::string field,
                                    std::string remedy = {}) {
  return mount_fail(MountFault::kLibrary, code, std::move(message), std::move(field), std::move(remedy));
}

// One that did not answer is told from one that said no.
std::unexpected<Error> library_fail(const std::string& doing, const tape::TapeError& error) {
  auto told = error.error();
  if (error.fault == TapeFault::kTransport) told.code = ErrorCode::kUnavailable;
  return mount_fail(MountFault::kLibrary, doing, told);
}

}  // namespace

PhysicalLibrary::PhysicalLibrary(std::string name, tape::Transport& changer,
                                 std::vector<LibraryDrivePort> drives)
    : name_(std::move(name)), ports_(std::move(drives)), changer_(changer) {}

Status PhysicalLibrary::open() {
  const MutexLock lock(changer_mutex_);
  if (ports_.size() > kMaxLibraryDrives)
    return library_fail(ErrorCode::kInvalidArgument, "too many drives in library " + name_, "drives");
  const auto fault = [this](const tape::TapeError& error) { return library_fail("library " + name_, error); };
  if (const auto seen = changer_.drain_attentions(); !seen) return fault(seen.error());
  if (const auto inquiry = changer_.inquiry(); !inquiry) return fault(inquiry.error());
  auto layout = changer_.layout();
  if (!layout) return fault(layout.error());
  layout_ = *layout;
  return refresh_now();
}

Status PhysicalLibrary::refresh() {
  const MutexLock lock(changer_mutex_);
  return refresh_now();
}

Status PhysicalLibrary::refresh_now() {
  auto view = look();
  if (!view && view.error().fault == TapeFault::kUnitAttention) {
    (void)changer_.drain_attentions();
    view = look();
  }
  if (!view) return library_fail("library " + name_ + ", where its cartridges are", view.error());
  const MutexLock lock(mutex_);
  view_ = *std::move(view);
  return {};
}

tape::TapeResult<PhysicalLibrary::View> PhysicalLibrary::look() {
  View view;
  auto drives = changer_.elements(layout_, ElementType::kDataTransfer, {.device_ids = true});
  if (!drives && drives.error().fault == TapeFault::kIllegalRequest)
    drives = changer_.elements(layout_, ElementType::kDataTransfer);
  if (!drives) return std::unexpected(std::move(drives).error());
  take_drives(view, *std::move(drives));
  for (const auto type : {ElementType::kStorage, ElementType::kImportExport})
    take_cartridges(view, type, TRY(changer_.elements(layout_, type)));
  for (const auto& barcode : view.twice)
    view.problems.push_back("barcode " + barcode + " stands in more than one element");
  return view;
}

void PhysicalLibrary::take_drives(View& view, std::vector<scsi::ElementDescriptor> elements) const {
  take_cartridges(view, ElementType::kDataTransfer, elements);
  for (const auto& port : ports_) {
    const auto is_it = [&port](const scsi::ElementDescriptor& element) {
      return port.element ? element.address == *port.element : names_drive(element.identifier, port.serial);
    };
    const auto count = std::ranges::count_if(elements, is_it);
    if (count != 1) {
      view.problems.push_back("drive " + port.serial +
                              (count == 0 ? " is not in the library" : " is named by more than one element"));
      continue;
    }
    const auto& element = *std::ranges::find_if(elements, is_it);
    const auto same = std::ranges::find_if(
        view.drives, [&](const auto& known) { return known.second.address == element.address; });
    if (same != view.drives.end()) {
      view.problems.push_back("drive " + port.serial + " stands where drive " + same->first + " does");
      continue;
    }
    view.drives.emplace(port.serial, element);
    const auto held = view.cartridges.find(element.volume_tag);
    if (element.full && held != view.cartridges.end() && held->second.element == element.address)
      held->second.drive = port.serial;
  }
}

void PhysicalLibrary::take_cartridges(View& view, ElementType type,
                                      const std::vector<scsi::ElementDescriptor>& elements) {
  for (const auto& element : elements) {
    if (!element.full && type == ElementType::kStorage && element.accessible && !element.exception)
      view.free_slots.insert(element.address);
    if (!element.full && type == ElementType::kImportExport && element.accessible && !element.exception)
      view.free_ports.insert(element.address);
    if (!element.full || element.volume_tag.empty()) continue;
    const PlacedCartridge placed{.barcode = element.volume_tag,
                                 .element = element.address,
                                 .type = type,
                                 .accessible = type == ElementType::kDataTransfer || element.accessible};
    if (!view.cartridges.emplace(placed.barcode, placed).second) view.twice.insert(placed.barcode);
  }
}

std::vector<PlacedCartridge> PhysicalLibrary::inventory() const {
  const MutexLock lock(mutex_);
  std::vector<PlacedCartridge> all;
  for (const auto& [barcode, placed] : view_.cartridges) all.push_back(placed);
  return all;
}

std::optional<PlacedCartridge> PhysicalLibrary::find(const std::string& barcode) const {
  const MutexLock lock(mutex_);
  const auto found = view_.cartridges.find(barcode);
  if (found == view_.cartridges.end()) return {};
  return found->second;
}

std::optional<std::string> PhysicalLibrary::in_drive(const std::string& serial) const {
  const MutexLock lock(mutex_);
  const auto found = view_.drives.find(serial);
  if (found == view_.drives.end() || !found->second.full) return {};
  return found->second.volume_tag;
}

bool PhysicalLibrary::twice(const std::string& barcode) const {
  const MutexLock lock(mutex_);
  return view_.twice.contains(barcode);
}

std::vector<std::string> PhysicalLibrary::problems() const {
  const MutexLock lock(mutex_);
  return view_.problems;
}

Result<PhysicalLibrary::Way> PhysicalLibrary::way_in(const std::string& barcode,
                                                     const std::string& serial) const {
  const MutexLock lock(mutex_);
  const auto drive = view_.drives.find(serial);
  if (drive == view_.drives.end())
    return library_fail(ErrorCode::kNotFound, "library " + name_ + " has no drive " + serial, "drive",
                        "correct its serial number, or say at which element it stands");
  const auto cartridge = view_.cartridges.find(barcode);
  if (cartridge == view_.cartridges.end())
    return library_fail(ErrorCode::kNotFound, "cartridge " + barcode + " is not in library " + name_,
                        "barcode", "put it into the library");
  if (view_.twice.contains(barcode))
    return library_fail(ErrorCode::kConflict, "two cartridges in library " + name_ + " bear " + barcode,
                        "barcode", "take the wrong one out");
  const auto& placed = cartridge->second;
  if (placed.element == drive->second.address) return Way{placed.element, placed.element};
  if (placed.type == ElementType::kDataTransfer)
    return library_fail(ErrorCode::kConflict, "cartridge " + barcode + " is in another drive", "barcode");
  if (!placed.accessible)
    return library_fail(ErrorCode::kConflict, "the robot does not reach cartridge " + barcode, "barcode");
  if (drive->second.full)
    return library_fail(ErrorCode::kConflict,
                        "drive " + serial + " holds another cartridge: " + drive->second.volume_tag, "drive");
  return Way{placed.element, drive->second.address};
}

Result<PhysicalLibrary::Way> PhysicalLibrary::way_to_port(const std::string& barcode) const {
  const MutexLock lock(mutex_);
  const auto cartridge = view_.cartridges.find(barcode);
  if (cartridge == view_.cartridges.end())
    return library_fail(ErrorCode::kNotFound, "cartridge " + barcode + " is not in library " + name_,
                        "barcode", "put it into the library");
  if (view_.twice.contains(barcode))
    return library_fail(ErrorCode::kConflict, "two cartridges in library " + name_ + " bear " + barcode,
                        "barcode", "take the wrong one out");
  const auto& placed = cartridge->second;
  if (placed.type == ElementType::kImportExport) return Way{placed.element, placed.element};
  if (placed.type == ElementType::kDataTransfer)
    return library_fail(ErrorCode::kConflict, "cartridge " + barcode + " is in a drive", "barcode");
  if (view_.free_ports.empty())
    return library_fail(ErrorCode::kExhausted, "library " + name_ + " has no free import/export element",
                        "element", "take out what lies there");
  return Way{placed.element, *view_.free_ports.begin()};
}

Result<PhysicalLibrary::Way> PhysicalLibrary::way_out(const std::string& serial) const {
  const MutexLock lock(mutex_);
  const auto drive = view_.drives.find(serial);
  if (drive == view_.drives.end())
    return library_fail(ErrorCode::kNotFound, "library " + name_ + " has no drive " + serial, "drive");
  const auto& element = drive->second;
  if (!element.full) return library_fail(ErrorCode::kConflict, "drive " + serial + " is empty", "drive");
  if (element.source && view_.free_slots.contains(*element.source))
    return Way{element.address, *element.source};
  if (view_.free_slots.empty())
    return library_fail(ErrorCode::kExhausted, "library " + name_ + " has no free slot", "slot",
                        "take cartridges out");
  return Way{element.address, *view_.free_slots.begin()};
}

void PhysicalLibrary::note_move(const Way& way) {
  const auto type = layout_.type_of(way.destination);
  const MutexLock lock(mutex_);
  std::string barcode;
  std::string drive;
  for (auto& [serial, element] : view_.drives) {
    if (element.address == way.source) {
      barcode = element.volume_tag;
      element = {.address = element.address, .identifier = element.identifier};
    } else if (element.address == way.destination) {
      drive = serial;
    }
  }
  for (auto& [name, placed] : view_.cartridges) {
    if (placed.element != way.source || view_.twice.contains(name)) continue;
    barcode = name;
    placed.element = way.destination;
    placed.type = type.value_or(placed.type);
    placed.drive = drive;
  }
  if (!drive.empty()) {
    auto& element = view_.drives.at(drive);
    element.full = true;
    element.volume_tag = barcode;
    if (layout_.storage.holds(way.source)) element.source = way.source;
  }
  if (layout_.storage.holds(way.source)) view_.free_slots.insert(way.source);
  if (layout_.import_export.holds(way.source)) view_.free_ports.insert(way.source);
  view_.free_slots.erase(way.destination);
  view_.free_ports.erase(way.destination);
}

template <typename Plan>
Result<PhysicalLibrary::Way> PhysicalLibrary::move_by(const std::string& doing, Plan plan) {
  for (bool again = false;; again = true) {
    const auto way = plan();
    // What is believed may be old: cartridges come and go by an operator's hand.
    if (!way && !again && refresh_now()) continue;
    if (!way) return std::unexpected(way.error());
    if (way->source == way->destination) return *way;
    const auto moved = changer_.move(way->source, way->destination);
    if (moved) {
      note_move(*way);
      return *way;
    }
    const bool may_differ =
        moved.error().fault == TapeFault::kUnitAttention || moved.error().fault == TapeFault::kIllegalRequest;
    const bool looked = refresh_now().has_value();
    if (again || !may_differ || !looked)
      return library_fail("library " + name_ + ", " + doing, moved.error());
  }
}

Result<std::uint16_t> PhysicalLibrary::mount(const std::string& barcode, const std::string& serial) {
  const MutexLock lock(changer_mutex_);
  const auto doing = "moving cartridge " + barcode + " to drive " + serial;
  return TRY(move_by(doing, [&] { return way_in(barcode, serial); })).source;
}

Result<std::uint16_t> PhysicalLibrary::demount(const std::string& serial) {
  const MutexLock lock(changer_mutex_);
  const auto doing = "moving the cartridge out of drive " + serial;
  return TRY(move_by(doing, [&] { return way_out(serial); })).destination;
}

Result<std::uint16_t> PhysicalLibrary::hand_out(const std::string& barcode) {
  const MutexLock lock(changer_mutex_);
  if (layout_.import_export.count == 0)
    return library_fail(ErrorCode::kUnsupported, "library " + name_ + " has no import/export element",
                        "library", "take the cartridge out of its slot by hand");
  return TRY(move_by("handing out cartridge " + barcode, [&] { return way_to_port(barcode); })).destination;
}

}  // namespace tapewarden::engine
