// A partition of the library as a robot of its own: its slots, import/export slots and drives, with addresses
// that begin where the library's do. The changer of the partition works through it and reaches nothing else.
// Thread-safe. The library outlives it.
#pragma once

#include <memory>
#include <vector>

#include "tape/library/library.h"

namespace tapewarden::tape {

class PartitionRobot final : public ElementRobot {
 public:
  // REQUIRES: the partition is one of the library's specification.
  PartitionRobot(Library& library, const LibrarySpec& spec, const LibraryPartition& partition);
  ~PartitionRobot() override;

  const scsi::ElementAddressAssignment& layout() const override { return layout_; }
  scsi::ElementDescriptor describe(std::uint16_t address) const override;
  scsi::Outcome<void> move(std::uint16_t source, std::uint16_t destination) override;
  scsi::Outcome<void> exchange(std::uint16_t source, std::uint16_t first, std::uint16_t second) override;
  scsi::Outcome<void> audit() override;
  void prevent_removal(bool prevented) override;
  std::uint64_t outside_changes() const override;

  // Its drives, in the order of their addresses.
  const std::vector<std::shared_ptr<DriveBay>>& bays() const { return bays_; }

 private:
  // From an address of this partition to the library's.
  std::uint16_t in_library(std::uint16_t address) const;
  // The other way round for a slot; none: it is not of this partition.
  std::optional<std::uint16_t> own_slot(std::uint16_t address) const;

  Library& library_;
  const LibraryPartition partition_;
  const scsi::ElementAddressAssignment whole_;  // of the library
  scsi::ElementAddressAssignment layout_;
  std::vector<std::uint16_t> drives_;  // addresses in the library
  std::vector<std::shared_ptr<DriveBay>> bays_;
};

}  // namespace tapewarden::tape
