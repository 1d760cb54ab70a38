// What the catalogue knows of a physical volume: a cartridge of the back end and what lies on it (feature
// rows T3, T6, T10, T13). Values; functions are pure and thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/env.h"
#include "base/uuid.h"

namespace tapewarden::engine {

// The numbers are those of the cartridge format.
enum class MediumKind : std::uint8_t { kLto = 1, k3592 = 2 };
std::string_view to_string(MediumKind kind);  // "LTO", "3592"

enum class CartridgeState : std::uint8_t {
  kScratch,        // holds nothing, free for writing
  kFilling,        // written, takes more
  kFull,           // filled: what reclaim looks at
  kClosed,         // readable, takes no more
  kDamaged,        // not to be relied on
  kAwaitingErase,  // holds nothing active, and is to be overwritten before it is scratch
  kEjected,        // out of the library, with what lies on it
  kExported,       // the same, for another site
};
std::string_view to_string(CartridgeState state);
// In the library and fit to be read from.
bool readable(CartridgeState state);

// How it was written from its beginning.
enum class MediumEncryption : std::uint8_t {
  kUnknown,     // never written
  kClear,       // without encryption
  kWrapped,     // data key wrapped to the KEKs of its labels
  kIdentified,  // data key known by its alias
};
std::string_view to_string(MediumEncryption encryption);

// How a label stands in an EEDK; the numbers are those of the drive key exchange.
enum class LabelMode : std::uint8_t { kClear = 1, kHash = 2 };
std::string_view to_string(LabelMode mode);
struct KeyLabel {
  std::string text;  // empty: none
  LabelMode mode = LabelMode::kClear;
  friend bool operator==(const KeyLabel&, const KeyLabel&) = default;
};

// An operator's wish to have its volumes on other cartridges (row T7).
struct MoveRequest {
  enum class When : std::uint8_t { kNone, kWhenEligible, kNow };
  When when = When::kNone;
  std::uint8_t target_pool = 0;
  // Who settles encryption said that it may lie there in clear (needs_clear_leave()).
  bool to_clear = false;
  friend bool operator==(const MoveRequest&, const MoveRequest&) = default;
};

// An operator's wish to have its data key wrapped to the KEKs of these labels instead (row K9). It ends with
// the cartridge's medium generation: what is begun anew has the keys of its pool.
struct RekeyRequest {
  std::array<KeyLabel, 2> labels;
  bool wanted() const { return !labels[0].text.empty(); }
  friend bool operator==(const RekeyRequest&, const RekeyRequest&) = default;
};

struct PhysicalVolume {
  std::string barcode;
  Uuid volume;
  MediumKind kind = MediumKind::kLto;
  std::uint8_t pool = 0;
  std::uint8_t home_pool = 0;  // where it belongs
  bool borrowed = false;       // from the common pool
  CartridgeState state = CartridgeState::kScratch;
  std::uint64_t medium = 0;  // how often it was begun from its beginning
  MediumEncryption encryption = MediumEncryption::kUnknown;
  std::array<KeyLabel, 2> labels;
  std::string alias;
  std::uint64_t written_bytes = 0;   // since it was begun
  std::uint64_t active_bytes = 0;    // kept by the catalogue, as are the next one and last_inactivated
  std::uint32_t active_volumes = 0;  // images of now; what a caller puts is not looked at
  std::uint32_t next_file = 0;       // tape file number of the append point
  std::string library;
  std::optional<WallTime> first_written;
  std::optional<WallTime> last_written;
  std::optional<WallTime> last_accessed;  // by a recall
  std::optional<WallTime> last_inactivated;
  std::optional<WallTime> full_since;
  MoveRequest move;
  std::string note;
  RekeyRequest rekey;
  // A rebuild of the catalogue could not read it, or did not take all contents that it found there: more lies
  // on it than is known, and it is never written. Once put, it stays until the cartridge is withdrawn.
  bool unexamined = false;
  // It was to be erased, and is not yet: before it is scratch it will be. Kept by the catalogue once put.
  bool erase_first = false;

  friend bool operator==(const PhysicalVolume&, const PhysicalVolume&) = default;
};

// kInvalidArgument naming the field.
Status check_barcode(std::string_view barcode, std::string_view field = "barcode");
Status check_label(const KeyLabel& label, std::string_view field);
Status check(const PhysicalVolume& cartridge);

}  // namespace tapewarden::engine
