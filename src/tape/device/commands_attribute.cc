// READ ATTRIBUTE and WRITE ATTRIBUTE (SPC-4 sections 6.16 and 6.50): the cartridge memory.
#include <algorithm>

#include "scsi/fields.h"
#include "scsi/medium_attribute.h"
#include "tape/device/density.h"
#include "tape/device/limits.h"
#include "tape/device/medium_access.h"
#include "tape/medium/host_attributes.h"

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;

constexpr std::uint64_t kMebibyte = 1U << 20;
constexpr AttributeId kRemainingCapacity = 0x0000;
constexpr AttributeId kMaximumCapacity = 0x0001;
constexpr AttributeId kMemorySpaceRemaining = 0x0004;
constexpr AttributeId kOrganizationOfFormat = 0x0005;
constexpr AttributeId kFormatDensity = 0x0006;
constexpr AttributeId kDeviceOfLastLoad = 0x020a;
constexpr AttributeId kMediumWidth = 0x0403;
constexpr AttributeId kOrganizationOfMedium = 0x0404;
constexpr AttributeId kMemoryCapacity = 0x0407;

std::uint64_t remaining_mib(const CapacityState& capacity) {
  return capacity.used_bytes >= capacity.capacity_bytes
             ? 0
             : (capacity.capacity_bytes - capacity.used_bytes) / kMebibyte;
}

// What the drive itself tells about the mounted volume, beside what the memory keeps (SPC-4 tables 352 to
// 354).
std::vector<scsi::MediumAttribute> told_by_drive(const DriveState& drive, scsi::NexusId nexus,
                                                 std::uint8_t partition) {
  const auto& cartridge = *drive.cartridge;
  const auto number = [](AttributeId id, std::uint64_t value, std::size_t width) {
    return scsi::MediumAttribute{id, true, 0, number_attribute(value, width).value};
  };
  const auto text = [](AttributeId id, Bytes value) {
    return scsi::MediumAttribute{id, true, 1, std::move(value)};
  };
  const auto organization = ByteWriter().padded(kDensityOrganization, 8).take();
  const auto left = memory_bytes_left(cartridge.attributes(partition));
  ByteWriter device;
  device.padded(drive.options.vendor, 8).padded(drive.identity->serial(), 32);
  const auto capacity = cartridge.capacity(partition);
  return {number(kRemainingCapacity, remaining_mib(capacity), 8),
          number(kMaximumCapacity, capacity.capacity_bytes / kMebibyte, 8),
          number(attribute::kTapeAlertFlags, drive.alerts.active(nexus), 8),
          number(attribute::kVolumeChangeReference, cartridge.volume_change_reference(), 4),
          number(kMemorySpaceRemaining, left ? *left : 0, 8),
          text(kOrganizationOfFormat, organization),
          number(kFormatDensity, cartridge.identity().density, 1),
          text(kDeviceOfLastLoad, device.take()),
          number(kMediumWidth, kMediaWidth, 4),
          text(kOrganizationOfMedium, organization),
          number(kMemoryCapacity, kMemorySlotBytes, 8)};
}

// Everything that READ ATTRIBUTE can give, in ascending order. What hosts wrote belongs to the partition that
// they named, what drive and medium have is the same for all.
std::vector<scsi::MediumAttribute> attributes_of(const DriveState& drive, scsi::NexusId nexus,
                                                 std::uint8_t partition) {
  auto attributes = told_by_drive(drive, nexus, partition);
  const auto take = [&attributes](const AttributeMap& memory, bool of_host) {
    for (const auto& [id, attribute] : memory)
      if (is_host_attribute(id) == of_host &&
          std::ranges::find(attributes, id, &scsi::MediumAttribute::id) == attributes.end())
        attributes.push_back({id, !of_host, static_cast<std::uint8_t>(attribute.format), attribute.value});
  };
  take(drive.cartridge->attributes(), false);
  take(drive.cartridge->attributes(partition), true);
  std::ranges::sort(attributes, {}, &scsi::MediumAttribute::id);
  return attributes;
}

scsi::Outcome<void> check_partition(const Cartridge& cartridge, std::uint8_t partition) {
  if (partition >= cartridge.partitions()) return scsi::invalid_in_cdb(7);
  if (partition != 0 && cartridge.lost_partition()) return scsi::check(codes::kCartridgeMemoryFailure);
  return {};
}

// The parameter list with its length right: the bytes behind the length field, or, as LTFS says it, all.
scsi::Outcome<Bytes> attribute_list(ByteView list) {
  if (list.size() < 4) return scsi::check(codes::kParameterListLengthError);
  const auto said = scsi::u32_at(list, 0);
  if (said != list.size() - 4 && said != list.size()) return scsi::check(codes::kParameterListLengthError);
  Bytes out = to_bytes(list);
  copy_bytes(out, ByteWriter().u32(static_cast<std::uint32_t>(list.size() - 4)).view());
  return out;
}

// `offset`: where the attribute begins in the parameter list.
scsi::Outcome<void> take_attribute(const scsi::MediumAttribute& attribute, std::size_t offset,
                                   AttributeMap& changes) {
  if (!is_host_attribute(attribute.id)) return scsi::invalid_in_parameters(offset);
  if (attribute.read_only || attribute.format > 2) return scsi::invalid_in_parameters(offset + 2);
  if (attribute.value.size() > kMaxAttributeBytes) return scsi::invalid_in_parameters(offset + 3);
  changes[attribute.id] = {static_cast<AttributeFormat>(attribute.format), attribute.value};
  return {};
}

}  // namespace

scsi::Outcome<scsi::Response> read_attribute(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::ReadAttribute::decode(command.cdb));
  TRY(check_partition(*drive.cartridge, cdb.partition));
  auto attributes = attributes_of(drive, command.nexus, cdb.partition);
  const bool known =
      cdb.first_attribute == 0 ||
      std::ranges::find(attributes, cdb.first_attribute, &scsi::MediumAttribute::id) != attributes.end();
  // SPC-4 section 6.16.2: an attribute that does not exist.
  if (cdb.action == scsi::AttributeAction::kValues && !known) return scsi::invalid_in_cdb(8);
  if (cdb.action == scsi::AttributeAction::kValues &&
      cdb.first_attribute <= attribute::kVolumeChangeReference)
    drive.cartridge->volume_change_told();
  std::erase_if(attributes, [&cdb](const auto& a) { return a.id < cdb.first_attribute; });
  switch (cdb.action) {
    case scsi::AttributeAction::kValues:
      return good_cut(scsi::encode_attributes(attributes), cdb.allocation_length);
    case scsi::AttributeAction::kList:
    case scsi::AttributeAction::kSupported: {
      std::vector<std::uint16_t> ids;
      for (const auto& attribute : attributes) ids.push_back(attribute.id);
      return good_cut(scsi::encode_attribute_list(ids), cdb.allocation_length);
    }
    // One volume and its partitions: first number, how many.
    case scsi::AttributeAction::kVolumes:
    case scsi::AttributeAction::kPartitions:
      return good_cut(ByteWriter()
                          .u16(2)
                          .u8(0)
                          .u8(cdb.action == scsi::AttributeAction::kVolumes ? std::uint8_t{1}
                                                                            : drive.cartridge->partitions())
                          .take(),
                      cdb.allocation_length);
  }
  return scsi::invalid_in_cdb(1, 4);
}

scsi::Outcome<scsi::Response> write_attribute(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::WriteAttribute::decode(command.cdb));
  TRY(check_partition(*drive.cartridge, cdb.partition));
  if (cdb.parameter_length == 0) return scsi::good();
  const auto list = TRY(attribute_list(TRY(parameter_list(command, cdb.parameter_length))));
  const auto attributes = scsi::decode_attributes(list);
  if (!attributes) return scsi::invalid_in_parameters(attributes.error().detail);
  TRY(check_writable(drive));
  AttributeMap changes;
  std::size_t offset = 4;
  for (const auto& attribute : *attributes) {
    TRY(take_attribute(attribute, offset, changes));
    offset += 5 + attribute.value.size();
  }
  if (const auto set = drive.cartridge->set_attributes(changes, cdb.partition); !set) {
    if (set.error().code == ErrorCode::kExhausted) return scsi::invalid_in_parameters(0);
    return scsi::check(codes::kCartridgeMemoryFailure);
  }
  return took(cdb.parameter_length);
}

}  // namespace tapewarden::tape
