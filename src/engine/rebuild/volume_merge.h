// What all cartridges together say of each volume: the newest content that is not void, where its copies lie,
// and up to which generation it was deleted. Small enough for a million volumes in memory; the order in which
// things are told does not matter. Not thread-safe.
//
// Images of one volser and generation are of one content when they name the same volume and the same time of
// writing. Where they do not, a generation was given out twice: of the contents that lie on a cartridge that
// was read (else of all) the one that was written last is taken, and others() has the rest, which nobody may
// overwrite before somebody looked at them.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "base/uuid.h"
#include "engine/catalogue/volume.h"
#include "engine/rebuild/examination.h"

namespace tapewarden::engine {

// Names that stand in place of their texts.
class NameTable {
 public:
  std::uint32_t of(const std::string& name);
  const std::string& text(std::uint32_t index) const { return names_.at(index); }

 private:
  std::unordered_map<std::string, std::uint32_t> indexes_;
  std::vector<std::string> names_;
};

// Which of two images of the same content is taken: the one that was read, on a cartridge of which nothing
// bad is known, on the one begun last.
struct CartridgeRank {
  bool read = false;
  bool sound = false;
  WallTime begun{};
  friend auto operator<=>(const CartridgeRank&, const CartridgeRank&) = default;
};

// Where one copy was seen. `cartridge` is the caller's number for it.
struct SeenCopy {
  std::uint32_t cartridge = 0;
  std::uint32_t file = 0;  // 0: not seen
  std::uint64_t block = 0;
  std::uint64_t bytes = 0;
  friend bool operator==(const SeenCopy&, const SeenCopy&) = default;
};

// One content, and where it lies.
struct SeenContent {
  std::uint64_t generation = 0;  // 0: no image
  Uuid volume{};
  std::array<SeenCopy, 2> copies{};  // primary, secondary
  std::array<SeenCopy, 2> others{};  // the next best ones, on other cartridges than those
  WallTime inserted{};
  WallTime written{};
  std::uint32_t storage_group = 0;  // in names()
  std::uint32_t management_class = 0;
  ImageCategory category = ImageCategory::kPrivate;
  std::uint8_t preference = 1;
};

// The content that is taken, of the newest generation, and what goes for the whole volume.
struct VolumeFate : SeenContent {
  std::uint64_t deleted = 0;  // up to this generation
  bool told_deleted = false;  // `deleted` stands in a trailer
  bool withdrawn = false;     // the backup says so
  bool settled = false;       // the caller has dealt with it

  bool has_content() const { return generation > deleted; }
};

class VolumeMerge {
 public:
  // Ranks by the caller's numbers.
  explicit VolumeMerge(std::vector<CartridgeRank> ranks) : ranks_(std::move(ranks)) {}

  // False when the volser is none that a catalogue has. A void image says nothing.
  bool see_image(std::uint32_t cartridge, const FoundImage& image);
  // A copy of which only a backup says that it lies there.
  void see_copy(std::uint32_t cartridge, const LogicalVolume& volume, CopyNumber number);
  // Deleted up to this generation. `told`: a trailer says so.
  bool see_deletion(std::string_view volser, std::uint64_t generation, bool told);
  void see_withdrawn(const std::string& volser, std::uint64_t generation);

  VolumeFate* find(std::string_view volser);
  // The contents of its newest generation that are not taken.
  std::vector<SeenContent> others(std::string_view volser) const;
  // Where its copies are to count, primary and secondary: never both on one cartridge. A copy that was moved
  // leaves an image behind, and the other copy may have been moved to that very cartridge since.
  std::array<SeenCopy, 2> places(const VolumeFate& fate) const;
  // In order.
  std::vector<std::string> volsers() const;
  const NameTable& names() const { return names_; }

 private:
  using Rank = std::tuple<CartridgeRank, std::uint32_t, std::uint32_t>;
  void see(std::uint64_t number, const SeenContent& told, std::uint8_t copy, const SeenCopy& where);
  // What is known of this content by now. Nothing: it is older than what was seen.
  SeenContent* same_content(std::uint64_t number, const SeenContent& content);
  // A place of this content was told.
  void choose(std::uint64_t number);
  bool beats(const SeenContent& content, const SeenContent& taken) const;
  Rank rank(const SeenCopy& seen) const;
  void place(SeenContent& content, std::uint8_t copy, const SeenCopy& where);

  std::vector<CartridgeRank> ranks_;
  std::unordered_map<std::uint64_t, VolumeFate> fates_;  // by the characters of the volser
  // Those that are not taken, of the fate's generation; few volumes have any.
  std::unordered_map<std::uint64_t, std::vector<SeenContent>> others_;
  NameTable names_;
};

}  // namespace tapewarden::engine
