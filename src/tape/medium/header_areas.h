// The areas before the data region, each in two slots that take turns: superblocks, cartridge memory, and the
// four copies of the key information. Not thread-safe. Internal to tape/medium.
//
// Invariant: a rewrite goes to the slot that does not hold the newest good content, so that a torn write
// leaves the old content readable. Nothing counts as written before the sync of the file that follows.
#pragma once

#include <array>
#include <optional>

#include "base/env.h"
#include "tape/medium/cartridge_memory.h"
#include "tape/medium/key_info.h"
#include "tape/medium/superblock.h"

namespace tapewarden::tape {

class SuperblockPair {
 public:
  // kInvalidArgument when neither slot looks like a superblock, kCorrupt when none can be read.
  static Result<SuperblockPair> load(File& file);
  // For a file that is being made.
  static SuperblockPair fresh(Superblock first);

  const Superblock& current() const { return current_; }
  // What load() found in a slot.
  const Result<Superblock>& slot(std::size_t number) const { return slots_.at(number); }
  std::size_t current_slot() const { return current_slot_; }

  // Writes `next` as a new generation into the other slot and syncs.
  Status write(File& file, Superblock next);

 private:
  SuperblockPair() = default;
  std::array<Result<Superblock>, 2> slots_{Superblock{}, Superblock{}};
  Superblock current_;
  std::size_t current_slot_ = 1;
};

class MemoryArea {
 public:
  static Result<MemoryArea> load(File& file);

  const AttributeMap& attributes() const { return attributes_; }
  const std::array<SlotHealth, 2>& slots() const { return slots_; }
  // Checks the limits, writes the next generation and syncs.
  Status write(File& file, AttributeMap attributes);

 private:
  AttributeMap attributes_;
  std::array<SlotHealth, 2> slots_{};
  std::uint64_t generation_ = 0;
  std::size_t current_slot_ = 1;
};

enum class SlotsToWrite : std::uint8_t {
  kOlder,  // the newest content before stays behind in the other slot
  kBoth,   // one after the other: nothing of what was there stays behind
};

class KeyArea {
 public:
  static Result<KeyArea> load(File& file);

  const KeyInfoReport& report() const { return report_; }
  // Checks the limits, writes the next generation to all four copies, syncs and reads back. kCorrupt when
  // what is read is not what was written.
  Status write(File& file, const KeyInfo& info, SlotsToWrite slots);

 private:
  Status write_once(File& file, const KeyInfo& info);
  Status reload(File& file);
  KeyInfoReport report_;
  std::array<std::size_t, kKeyCopies> newest_slot_{};
};

}  // namespace tapewarden::tape
