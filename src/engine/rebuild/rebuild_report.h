// What a rebuild found, and what it could not find out. Values.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"

namespace tapewarden::engine {

enum class FindingKind : std::uint8_t {
  kNoBackup,         // no backup of the catalogue was found: settings are those of a new one
  kSettingsSince,    // settings that were changed after the backup was made are as before
  kLostVolume,       // its content was in the cache only; subject: volser
  kOlderContent,     // newer content was in the cache only, and an older one is on tape
  kOneCopyLess,      // its constructs want a copy that was not found
  kNeedsCartridge,   // its newest content is said to lie on a cartridge that was not read
  kDeletedSince,     // deleted after the backup was made: known by its tombstone
  kNewVolume,        // not in the backup
  kUnreadCartridge,  // no key, damaged; subject: barcode
  kAbsentCartridge,  // the backup knows it, and no library has it
  kOtherEngine,      // another engine's
  kNoLabel,          // blank, or written by something else
  kUnknownLabels,    // encrypted, and by which key labels or alias is not known
  kNewConstruct,     // images name it, and the backup does not know it; subject: its name
  kDamagedImage,     // in the middle of a cartridge
  kTornImage,        // at its end: what a crash left
  kLibrary,          // what a library says of itself
  kTwoContents,      // images of one volser and generation that are not of one content
  kLabelsDropped,    // its new key labels were asked for before the backup was made: not asked for any more
  kMoveDropped,      // what lies on it was to be moved, as the backup has it: not asked for any more
  kToBeErased,       // it was to be erased, as the backup has it, and still is
  kHeldPool,         // how it is to be written is not known: nothing is, until it is set; subject: the pool
  kTakesMore,        // whether an operator had closed it is not known: it takes more volumes
};
inline constexpr std::size_t kFindingKinds = 23;
std::string_view to_string(FindingKind kind);  // "lost-volume" and so on
// In words, for people: what it means and what to do.
std::string_view explanation(FindingKind kind);

struct Finding {
  FindingKind kind = FindingKind::kNoBackup;
  std::string subject;
  std::string text;
  friend bool operator==(const Finding&, const Finding&) = default;
};

struct RebuildReport {
  std::optional<WallTime> backup_made;  // of the backup that was used
  std::uint64_t cartridges_read = 0;
  std::uint64_t volumes = 0;       // in the catalogue now
  std::uint64_t with_content = 0;  // of them
  std::array<std::uint64_t, kFindingKinds> counts{};
  std::vector<Finding> findings;  // of each kind the first kMaxFindings

  void find(FindingKind kind, std::string subject, std::string text);
  std::uint64_t count(FindingKind kind) const { return counts.at(static_cast<std::size_t>(kind)); }
};

}  // namespace tapewarden::engine
