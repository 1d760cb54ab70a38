// What the catalogue knows of a logical volume: a cartridge of the virtual library, its file in the cache and
// its copies on physical cartridges (feature rows T1, T5). Values; functions are pure and thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/env.h"
#include "base/uuid.h"

namespace tapewarden::engine {

// The construct that volumes have whose host named none.
inline constexpr std::string_view kDefaultConstruct = "--------";

enum class Category : std::uint8_t { kScratch, kPrivate };
std::string_view to_string(Category category);  // "scratch", "private"

enum class CopyNumber : std::uint8_t { kPrimary = 1, kSecondary = 2 };
std::string_view to_string(CopyNumber copy);  // "primary", "secondary"

// Where an image of a volume lies on tape.
struct Copy {
  std::string cartridge;         // barcode
  std::uint64_t medium = 0;      // the cartridge's medium generation then: begun anew, it holds this no more
  std::uint32_t file = 0;        // tape file number
  std::uint64_t block = 0;       // logical object number of its header block
  std::uint64_t bytes = 0;       // on tape, header and trailer included
  std::uint64_t generation = 0;  // of the volume's content
  friend bool operator==(const Copy&, const Copy&) = default;
};

// Where a volume's content is.
enum class Residence : std::uint8_t {
  kEmpty,        // it has none
  kCached,       // in the cache, and still to be copied
  kPremigrated,  // in the cache and, as often as its constructs want, on tape
  kMigrated,     // on tape only
  kMissing,      // nowhere: it lay on a cartridge that went bad
};
std::string_view to_string(Residence residence);

struct LogicalVolume {
  std::string volser;  // 1 to 8 of A-Z 0-9
  Uuid volume;         // of its cartridge file
  Category category = Category::kScratch;
  std::string storage_group = std::string(kDefaultConstruct);
  std::string management_class = std::string(kDefaultConstruct);
  std::uint64_t generation = 0;          // of its content; 0: never written
  std::uint64_t deleted_generation = 0;  // content up to this one was deleted
  Bytes stamp;                           // the cartridge file's content stamp at this generation
  std::string mounted;                   // serial of the drive; empty: in none
  bool cached = false;
  std::uint64_t cache_file =
      0;  // number of its file in the cache, there or the last one; each new one has a new number
  std::uint64_t cached_bytes = 0;  // of the sealed file
  bool has_cache_key = false;      // told by a read; CatalogueChange::set_cache_key() changes it
  std::uint64_t capacity_bytes = 0;
  std::uint8_t preference = 1;  // 0: leaves the cache first, the largest before the others; 1: by last access
  std::optional<Copy> primary;
  std::optional<Copy> secondary;
  bool primary_due = false;  // a copy is to be written
  bool secondary_due = false;
  std::uint8_t primary_pool = 0;  // where the copies that are due go, settled when the host unmounted it
  std::uint8_t secondary_pool = 0;
  WallTime inserted{};
  WallTime written{};
  WallTime accessed{};
  WallTime scratched{};                  // when it last became scratch, or was inserted as scratch
  std::optional<WallTime> delete_after;  // of a scratch volume: when its content may be deleted

  bool has_content() const { return generation > deleted_generation; }
  const std::optional<Copy>& copy(CopyNumber number) const {
    return number == CopyNumber::kPrimary ? primary : secondary;
  }
  // There is such a copy, and it holds the content of now: what is called active data.
  bool active(CopyNumber number) const {
    return has_content() && copy(number) && copy(number)->generation == generation;
  }
  Residence residence() const;
  // Whether its file may leave the cache: in no drive, nothing due, and nothing lost with it.
  bool may_leave_cache() const;

  friend bool operator==(const LogicalVolume&, const LogicalVolume&) = default;
};

// kInvalidArgument naming the field.
Status check_volser(std::string_view volser);
Status check(const LogicalVolume& volume);

}  // namespace tapewarden::engine
