// Where every cartridge of a library is: the state that survives restarts. A value; codec in
// docs/formats/library-inventory.md. Not thread-safe.
//
// Invariants
//  1. A cartridge is in exactly one place, and a place inside the library holds at most one cartridge.
//  2. A call that fails changes nothing.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "tape/medium/superblock.h"

namespace tapewarden::tape {

enum class PlaceKind : std::uint8_t { kOutside, kSlot, kPort, kDrive };  // kPort: import/export slot

struct Place {
  PlaceKind kind = PlaceKind::kOutside;
  std::uint32_t index = 0;  // of a slot or port, from 0
  std::string drive{};      // serial
  auto operator<=>(const Place&) const = default;
  bool inside() const { return kind != PlaceKind::kOutside; }
  // "slot 1", "import/export slot 2", "drive 1000000001", "outside"; counted from 1, as mtx does.
  std::string text() const;
};
inline Place outside() {
  return {};
}
inline Place slot_place(std::uint32_t index) {
  return {PlaceKind::kSlot, index, {}};
}
inline Place port_place(std::uint32_t index) {
  return {PlaceKind::kPort, index, {}};
}
inline Place drive_place(std::string serial) {
  return {PlaceKind::kDrive, 0, std::move(serial)};
}

struct Holding {
  std::string barcode;
  Uuid volume{};  // of the cartridge file, so that another file under the same name is noticed
  MediumKind kind = MediumKind::kLto;
  Place place{};
  std::optional<std::uint32_t> home{};  // the slot that it was last taken from
  bool placed_by_operator = false;      // into the import/export slot where it is
  bool operator==(const Holding&) const = default;
};

class Inventory {
 public:
  const std::map<std::string, Holding>& cartridges() const { return cartridges_; }
  // nullptr: none.
  const Holding* find(const std::string& barcode) const;
  const Holding* at(const Place& place) const;

  // kAlreadyExists when the barcode is known, kConflict when the place is taken, kExhausted beyond
  // kMaxCartridges.
  Status add(Holding holding);
  // Makes the cartridges' rows what is given, all at once, so that two can change places. kNotFound for an
  // unknown barcode, kConflict when two would be in one place.
  Status update(const std::vector<Holding>& holdings);
  // kNotFound.
  Status remove(const std::string& barcode);

  Bytes encode() const;
  // kCorrupt naming the line.
  static Result<Inventory> decode(ByteView content);
  bool operator==(const Inventory&) const = default;

 private:
  std::map<std::string, Holding> cartridges_;  // by barcode
  std::map<Place, std::string> occupants_;     // of places inside; never out of step with cartridges_
};

}  // namespace tapewarden::tape
