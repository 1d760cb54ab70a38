#include "tape/device/partition_page.h"

#include <algorithm>

#include "scsi/fields.h"
#include "tape/device/drive_state.h"

namespace tapewarden::tape {
namespace {

constexpr std::uint64_t kMegabyte = 1'000'000;
constexpr std::uint8_t kFixed = 0x80;        // FDP
constexpr std::uint8_t kSelected = 0x40;     // SDP
constexpr std::uint8_t kInitiator = 0x20;    // IDP
constexpr std::uint8_t kUnitOfField = 0x18;  // PSUM 11b: PARTITION UNITS
constexpr std::uint8_t kUntilFormat = 0x04;  // POFM: FORMAT MEDIUM makes the partitions
constexpr std::uint8_t kFormatsRecognized = 0x03;
constexpr std::uint16_t kTheRest = 0xffff;
constexpr std::uint8_t kMegabytes = 6;  // PARTITION UNITS: powers of ten
constexpr std::uint8_t kGigabytes = 9;
constexpr std::uint8_t kLargestPower = 15;  // above it no size of 1 fits a medium

std::uint64_t power_of_ten(unsigned exponent) {
  std::uint64_t out = 1;
  for (; exponent > 0; --exponent) out *= 10;
  return out;
}

// Bytes that one unit of a size is.
std::uint64_t unit_of(const PartitionRequest& request) {
  switch (request.flags & kUnitOfField) {
    case 0x00:
      return 1;
    case 0x08:
      return 1'000;
    case 0x10:
      return kMegabyte;
    default:
      return power_of_ten(request.power);
  }
}

std::uint16_t in_units(std::uint64_t bytes, std::uint8_t power) {
  return static_cast<std::uint16_t>(std::min<std::uint64_t>(bytes / power_of_ten(power), kTheRest - 1U));
}

// As the mounted cartridge is; without one what the drive could do.
PartitionRequest present(const DriveState& drive) {
  PartitionRequest out{.flags = kUnitOfField, .power = kGigabytes};
  if (!drive.cartridge) return out;
  const auto& cartridge = *drive.cartridge;
  const bool small = cartridge.identity().capacity_bytes / kMegabyte < kTheRest;
  out.power = small ? kMegabytes : kGigabytes;
  out.additional = static_cast<std::uint8_t>(cartridge.partitions() - 1);
  for (std::uint8_t part = 0; part < cartridge.partitions(); ++part)
    if (part == 0 || !cartridge.lost_partition())
      out.sizes.at(part) = in_units(cartridge.capacity(part).capacity_bytes, out.power);
  return out;
}

}  // namespace

scsi::ModePage medium_partition_page(const DriveState& drive,
                                     const std::optional<PartitionRequest>& request) {
  const auto now = request ? *request : present(drive);
  const bool divisible = !drive.cartridge || !drive.cartridge->identity().worm;
  ByteWriter out;
  out.u8(divisible ? kMaxMediumPartitions - 1 : 0).u8(now.additional);
  out.u8(static_cast<std::uint8_t>(now.flags | kUntilFormat)).u8(kFormatsRecognized).u8(now.power).u8(0);
  for (const auto size : now.sizes) out.u16(size);
  return {scsi::mode_page::kMediumPartition, out.take()};
}

Bytes partition_page_mask(std::size_t body_bytes) {
  Bytes mask(body_bytes);
  mask.at(1) = 0xff;                                            // ADDITIONAL PARTITIONS DEFINED
  mask.at(2) = kFixed | kSelected | kInitiator | kUnitOfField;  // and PSUM
  mask.at(4) = 0x0f;                                            // PARTITION UNITS
  for (std::size_t i = 6; i < body_bytes; ++i) mask.at(i) = 0xff;
  return mask;
}

scsi::Outcome<PartitionRequest> take_partition_page(const scsi::ModePage& page, std::size_t body_at) {
  const auto body = ByteView(page.body);
  PartitionRequest out{.flags = static_cast<std::uint8_t>(body[2] & ~unsigned{kUntilFormat}),
                       .additional = body[1],
                       .power = body[4],
                       .sizes = {scsi::u16_at(body, 6), scsi::u16_at(body, 8)}};
  const bool by_drive = (out.flags & (kFixed | kSelected)) != 0;
  const bool by_initiator = (out.flags & kInitiator) != 0;
  if ((by_drive && by_initiator) || (out.flags & (kFixed | kSelected)) == (kFixed | kSelected))
    return scsi::invalid_in_parameters(body_at + 2, 7);
  if (out.additional >= kMaxMediumPartitions) return scsi::invalid_in_parameters(body_at + 1);
  if (out.power > kLargestPower) return scsi::invalid_in_parameters(body_at + 4, 3);
  if (by_drive) out.mode = PartitionRequest::Mode::kByDrive;
  if (by_initiator) out.mode = PartitionRequest::Mode::kByInitiator;
  const bool both_rest = out.sizes[0] == kTheRest && out.sizes[1] == kTheRest;
  if (by_initiator && out.additional == 1 && both_rest) return scsi::invalid_in_parameters(body_at + 8);
  return out;
}

scsi::Outcome<PartitionSizes> sizes_asked_for(const PartitionRequest& request, std::uint64_t medium_bytes) {
  if (request.additional == 0) return PartitionSizes{.first = medium_bytes, .second = {}};
  const auto least = least_partition_bytes(medium_bytes);
  if (request.mode != PartitionRequest::Mode::kByInitiator)
    return PartitionSizes{.first = medium_bytes - least, .second = least};
  std::array<std::uint64_t, 2> bytes{};
  for (std::size_t part = 0; part < 2; ++part) {
    const auto unit = unit_of(request);
    const auto size = request.sizes.at(part);
    // Beyond the medium anyway, and nothing overflows.
    bytes.at(part) = unit > medium_bytes && size != 0 ? medium_bytes + 1 : size * unit;
    bytes.at(part) = std::max(bytes.at(part), least);
  }
  for (std::size_t part = 0; part < 2; ++part) {
    const auto other = bytes.at(1 - part);
    if (request.sizes.at(part) != kTheRest) continue;
    if (other >= medium_bytes || medium_bytes - other < least) return scsi::invalid_in_cdb(2, 3);
    bytes.at(part) = medium_bytes - other;
  }
  if (bytes[0] > medium_bytes || bytes[1] > medium_bytes - bytes[0]) return scsi::invalid_in_cdb(2, 3);
  return PartitionSizes{.first = bytes[0], .second = bytes[1]};
}

}  // namespace tapewarden::tape
