#include "tape/library/partition_robot.h"

#include <algorithm>

#include "base/assert.h"

namespace tapewarden::tape {

PartitionRobot::PartitionRobot(Library& library, const LibrarySpec& spec, const LibraryPartition& partition)
    : library_(library), partition_(partition), whole_(spec.layout), layout_(spec.layout) {
  layout_.storage.count = static_cast<std::uint16_t>(partition.slots.count);
  layout_.import_export.count = static_cast<std::uint16_t>(partition.ports.count);
  layout_.data_transfer.count = static_cast<std::uint16_t>(partition.drives.size());
  for (const auto& serial : partition.drives) {
    const auto found =
        std::ranges::find(library.bays(), serial, [](const auto& bay) { return bay->serial(); });
    TW_ASSERT(found != library.bays().end());
    const auto index = found - library.bays().begin();
    drives_.push_back(static_cast<std::uint16_t>(whole_.data_transfer.first + index));
    bays_.push_back(*found);
  }
}

PartitionRobot::~PartitionRobot() {
  prevent_removal(false);
}

std::uint16_t PartitionRobot::in_library(std::uint16_t address) const {
  if (layout_.storage.holds(address)) return static_cast<std::uint16_t>(address + partition_.slots.first);
  if (layout_.import_export.holds(address))
    return static_cast<std::uint16_t>(address + partition_.ports.first);
  if (layout_.transport.holds(address)) return address;
  TW_ASSERT(layout_.data_transfer.holds(address));
  return drives_[std::size_t{address} - layout_.data_transfer.first];
}

std::optional<std::uint16_t> PartitionRobot::own_slot(std::uint16_t address) const {
  if (!whole_.storage.holds(address)) return {};
  const auto index = static_cast<std::uint32_t>(address - whole_.storage.first);
  if (!partition_.slots.holds(index)) return {};
  return static_cast<std::uint16_t>(address - partition_.slots.first);
}

scsi::ElementDescriptor PartitionRobot::describe(std::uint16_t address) const {
  auto element = library_.describe(in_library(address));
  element.address = address;
  if (element.source) element.source = own_slot(*element.source);
  return element;
}

scsi::Outcome<void> PartitionRobot::move(std::uint16_t source, std::uint16_t destination) {
  return library_.move(in_library(source), in_library(destination));
}

scsi::Outcome<void> PartitionRobot::exchange(std::uint16_t source, std::uint16_t first,
                                             std::uint16_t second) {
  return library_.exchange(in_library(source), in_library(first), in_library(second));
}

scsi::Outcome<void> PartitionRobot::audit() {
  return library_.audit();
}

void PartitionRobot::prevent_removal(bool prevented) {
  library_.prevent_removal_in(partition_.name, prevented);
}

std::uint64_t PartitionRobot::outside_changes() const {
  return library_.outside_changes();
}

}  // namespace tapewarden::tape
