#include "tape/library/inventory.h"

#include <sstream>

#include "base/crc32c.h"
#include "base/text.h"
#include "tape/library/barcode.h"
#include "tape/library/limits.h"

namespace tapewarden::tape {
namespace {

constexpr std::string_view kHeading = "tapewarden library inventory 1";
constexpr std::string_view kRobot = "robot";
constexpr std::string_view kOperator = "operator";
constexpr std::size_t kColumns = 6;

std::string written(const Place& place) {
  switch (place.kind) {
    case PlaceKind::kOutside:
      return "outside";
    case PlaceKind::kSlot:
      return "slot:" + std::to_string(place.index);
    case PlaceKind::kPort:
      return "port:" + std::to_string(place.index);
    case PlaceKind::kDrive:
      return "drive:" + place.drive;
  }
  return {};
}

std::unexpected<Error> damaged(std::size_t line, const std::string& what) {
  return fail(ErrorCode::kCorrupt, "line " + std::to_string(line) + " of the inventory: " + what,
              "inventory");
}

Result<Place> read_place(const std::string& text) {
  if (text == "outside") return outside();
  const auto colon = text.find(':');
  const auto kind = text.substr(0, colon);
  const auto rest = colon == std::string::npos ? std::string() : text.substr(colon + 1);
  if (kind == "drive" && !rest.empty()) return drive_place(rest);
  if (kind == "slot")
    return slot_place(static_cast<std::uint32_t>(TRY(parse_number(rest, 0, kMaxSlots, kind))));
  if (kind == "port")
    return port_place(static_cast<std::uint32_t>(TRY(parse_number(rest, 0, kMaxPorts, kind))));
  return fail(ErrorCode::kCorrupt, "no place", "place");
}

Result<Holding> read_holding(const std::string& line) {
  const auto columns = split(line, ' ');
  if (columns.size() != kColumns) return fail(ErrorCode::kCorrupt, "it does not have six columns");
  Holding holding;
  holding.barcode = TRY(checked_barcode(columns[0]));
  holding.volume = TRY(Uuid::parse(columns[1]));
  const bool lto = columns[2] == to_string(MediumKind::kLto);
  if (!lto && columns[2] != to_string(MediumKind::k3592)) return fail(ErrorCode::kCorrupt, "no kind");
  holding.kind = lto ? MediumKind::kLto : MediumKind::k3592;
  holding.place = TRY(read_place(columns[3]));
  if (columns[4] != "-")
    holding.home = static_cast<std::uint32_t>(TRY(parse_number(columns[4], 0, kMaxSlots, "home")));
  if (columns[5] != kRobot && columns[5] != kOperator) return fail(ErrorCode::kCorrupt, "no placer");
  holding.placed_by_operator = columns[5] == kOperator;
  return holding;
}

std::string ending(std::size_t count, ByteView body) {
  const auto checksum = ByteWriter().u32(crc32c(body)).take();
  return "end " + std::to_string(count) + " crc32c " + to_hex(checksum) + "\n";
}

}  // namespace

std::string Place::text() const {
  switch (kind) {
    case PlaceKind::kOutside:
      return "outside";
    case PlaceKind::kSlot:
      return "slot " + std::to_string(index + 1);
    case PlaceKind::kPort:
      return "import/export slot " + std::to_string(index + 1);
    case PlaceKind::kDrive:
      return "drive " + drive;
  }
  return {};
}

const Holding* Inventory::find(const std::string& barcode) const {
  const auto found = cartridges_.find(barcode);
  return found == cartridges_.end() ? nullptr : &found->second;
}

const Holding* Inventory::at(const Place& place) const {
  const auto found = occupants_.find(place);
  return found == occupants_.end() ? nullptr : &cartridges_.at(found->second);
}

Status Inventory::add(Holding holding) {
  if (cartridges_.contains(holding.barcode))
    return fail(ErrorCode::kAlreadyExists, "the library has a cartridge " + holding.barcode, "barcode");
  if (at(holding.place) != nullptr)
    return fail(ErrorCode::kConflict, holding.place.text() + " holds a cartridge", "place");
  if (cartridges_.size() >= kMaxCartridges)
    return fail(ErrorCode::kExhausted, "the library knows as many cartridges as it can", "barcode",
                "remove some that are outside");
  if (holding.place.inside()) occupants_[holding.place] = holding.barcode;
  auto barcode = holding.barcode;
  cartridges_[std::move(barcode)] = std::move(holding);
  return {};
}

Status Inventory::update(const std::vector<Holding>& holdings) {
  auto occupants_before = std::vector<std::pair<Place, std::string>>();
  for (const auto& holding : holdings) {
    const auto* known = find(holding.barcode);
    if (known == nullptr)
      return fail(ErrorCode::kNotFound, "the library has no cartridge " + holding.barcode, "barcode");
    if (known->place.inside()) occupants_before.emplace_back(known->place, known->barcode);
  }
  for (const auto& [place, barcode] : occupants_before) occupants_.erase(place);
  std::vector<Place> taken;
  for (const auto& holding : holdings) {
    if (!holding.place.inside()) continue;
    if (occupants_.emplace(holding.place, holding.barcode).second) {
      taken.push_back(holding.place);
      continue;
    }
    for (const auto& place : taken) occupants_.erase(place);
    for (const auto& [place, barcode] : occupants_before) occupants_[place] = barcode;
    return fail(ErrorCode::kConflict, holding.place.text() + " holds a cartridge", "place");
  }
  for (const auto& holding : holdings) cartridges_[holding.barcode] = holding;
  return {};
}

Status Inventory::remove(const std::string& barcode) {
  const auto* known = find(barcode);
  if (known == nullptr)
    return fail(ErrorCode::kNotFound, "the library has no cartridge " + barcode, "barcode");
  occupants_.erase(known->place);
  cartridges_.erase(barcode);
  return {};
}

Bytes Inventory::encode() const {
  std::string out{kHeading};
  out += '\n';
  for (const auto& [barcode, holding] : cartridges_) {
    out += barcode + ' ' + holding.volume.text() + ' ' + std::string(to_string(holding.kind)) + ' ' +
           written(holding.place) + ' ' + (holding.home ? std::to_string(*holding.home) : "-") + ' ' +
           std::string(holding.placed_by_operator ? kOperator : kRobot) + '\n';
  }
  out += ending(cartridges_.size(), as_bytes(out));
  return to_bytes(out);
}

Result<Inventory> Inventory::decode(ByteView content) {
  const auto text = as_text(content);
  const auto last = text.rfind("\nend ");
  if (!text.starts_with(kHeading) || last == std::string_view::npos)
    return fail(ErrorCode::kCorrupt, "this is no inventory of a library, or not a whole one", "inventory");
  const auto body = text.substr(0, last + 1);
  Inventory inventory;
  const auto lines = split(body, '\n');
  if (lines.front() != kHeading) return damaged(1, "it is of an unknown version");
  for (std::size_t i = 1; i + 1 < lines.size(); ++i) {  // the last one is what follows the last line end
    auto holding = read_holding(lines[i]);
    if (!holding) return damaged(i + 1, holding.error().message);
    if (const auto added = inventory.add(*std::move(holding)); !added)
      return damaged(i + 1, added.error().message);
  }
  if (text.substr(last + 1) != ending(inventory.cartridges_.size(), as_bytes(body)))
    return damaged(lines.size(), "its checksum or number of cartridges does not fit");
  return inventory;
}

}  // namespace tapewarden::tape
