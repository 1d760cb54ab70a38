// What stands on a cartridge behind the cache beside the images themselves: the label in tape file 0, and a
// header before and a trailer behind each image. Layout: docs/formats/stacked-cartridge.md. Values; the codec
// is pure and thread-safe.
//
// Encoders REQUIRE what check() of the value says. Decoders: kInvalidArgument for a block that is something
// else, kCorrupt for a damaged one, kUnsupported for one that a later program wrote.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/uuid.h"
#include "engine/stack/limits.h"

namespace tapewarden::engine {

// The only block of tape file 0.
struct CartridgeLabel {
  Uuid engine{};             // that wrote the cartridge
  std::string barcode{};     // 1 to kMaxBarcodeBytes
  std::uint64_t medium = 0;  // how often the cartridge was begun from the beginning of tape
  std::uint8_t pool = 0;     // at that time
  WallTime created{};        // of this beginning
  bool operator==(const CartridgeLabel&) const = default;
  // kInvalidArgument naming the member.
  Status check() const;
  Bytes encode() const;
  static Result<CartridgeLabel> decode(ByteView block);
};

enum class ImageKind : std::uint8_t { kLogicalVolume = 1, kCatalogueBackup = 2 };
enum class ImageCategory : std::uint8_t { kScratch = 1, kPrivate = 2 };

// Which image it is and where it stands: in header and trailer, so that neither is taken for another's.
struct ImageIdentity {
  ImageKind kind = ImageKind::kLogicalVolume;
  std::string volser{};          // 1 to 8 printable characters; of a catalogue backup it may be empty
  Uuid volume{};                 // of the logical volume
  std::uint64_t generation = 0;  // of its content
  std::uint8_t copy = 1;         // 1 primary, 2 secondary
  Uuid engine{};                 // engine, barcode and medium as on the cartridge's label
  std::string barcode{};
  std::uint64_t medium = 0;
  std::uint32_t file = 0;  // tape file, from 1
  bool operator==(const ImageIdentity&) const = default;
  Status check() const;
};

// One file of the image: a cartridge file, or one of its partitions.
struct ImagePart {
  std::uint8_t index = 0;
  std::string name{};  // up to kMaxPartNameBytes
  std::uint64_t bytes = 0;
  bool operator==(const ImagePart&) const = default;
};

struct ImageHeader {
  ImageIdentity identity{};
  std::string storage_group{};  // constructs: up to 8 printable characters
  std::string management_class{};
  ImageCategory category = ImageCategory::kPrivate;
  std::uint8_t preference = 1;     // 0 or 1
  WallTime inserted{};             // of the logical volume
  WallTime written{};              // of this generation
  std::vector<ImagePart> parts{};  // their bytes follow in this order
  bool operator==(const ImageHeader&) const = default;
  std::uint64_t total_bytes() const;
  Status check() const;
  Bytes encode() const;
  static Result<ImageHeader> decode(ByteView block);
};

// A logical volume whose content up to this generation is gone for good.
struct Tombstone {
  std::string volser{};
  std::uint64_t generation = 0;
  bool operator==(const Tombstone&) const = default;
};

struct ImageTrailer {
  ImageIdentity identity{};
  std::uint64_t bytes = 0;  // of all data blocks
  Hash256 sha256{};         // of all data bytes
  bool is_void = false;     // the image changed while it was copied: not to be used
  // What this engine deleted since the trailer that it wrote before.
  std::vector<Tombstone> tombstones{};
  bool operator==(const ImageTrailer&) const = default;
  Status check() const;
  Bytes encode() const;
  static Result<ImageTrailer> decode(ByteView block);
};

}  // namespace tapewarden::engine
