// Counts and bytes of the catalogue, kept as rows so that statistics cost no search (feature row T10).
// Values; functions are pure and thread-safe.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "engine/catalogue/cartridge.h"
#include "engine/catalogue/volume.h"

namespace tapewarden::engine {

// The cartridges of one pool that were written in one way and are in one state.
struct CartridgeTotal {
  struct Key {
    std::uint8_t pool = 0;
    MediumEncryption encryption = MediumEncryption::kUnknown;
    CartridgeState state = CartridgeState::kScratch;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Sums {
    std::int64_t cartridges = 0;
    std::int64_t written_bytes = 0;
    std::int64_t active_bytes = 0;
    std::int64_t active_volumes = 0;
    friend bool operator==(const Sums&, const Sums&) = default;
  };
  Key key;
  Sums sums;

  static CartridgeTotal of(const PhysicalVolume& cartridge);
  void add(const Sums& other, std::int64_t sign);
  bool sound() const;  // no sum below zero
};

// The volumes of one category and storage group whose content is in one place.
struct VolumeTotal {
  struct Key {
    Category category = Category::kScratch;
    Residence residence = Residence::kEmpty;
    std::string storage_group;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Sums {
    std::int64_t volumes = 0;
    std::int64_t cached_bytes = 0;
    std::int64_t primary_bytes = 0;  // active ones, on tape
    std::int64_t secondary_bytes = 0;
    std::int64_t primary_due = 0;  // volumes
    std::int64_t secondary_due = 0;
    std::int64_t primary_due_bytes = 0;  // of their files in the cache
    std::int64_t secondary_due_bytes = 0;
    friend bool operator==(const Sums&, const Sums&) = default;
  };
  Key key;
  Sums sums;

  static VolumeTotal of(const LogicalVolume& volume);
  void add(const Sums& other, std::int64_t sign);
  bool sound() const;
};

// What the engine did within one interval (kStatisticsInterval), as the engine words it.
struct StatisticsRecord {
  WallTime began{};
  std::string content;
  friend bool operator==(const StatisticsRecord&, const StatisticsRecord&) = default;
};

}  // namespace tapewarden::engine
