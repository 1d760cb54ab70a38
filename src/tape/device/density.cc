#include "tape/device/density.h"

#include <algorithm>
#include <array>

#include "scsi/fields.h"

namespace tapewarden::tape {
namespace {

constexpr auto kLto = std::to_array<Density>({
    {0x58, 5, "U-516", "Ultrium 5/16T", 15142, 1280, 1'500'000},
    {0x5a, 6, "U-616", "Ultrium 6/16T", 15142, 2176, 2'500'000},
    {0x5c, 7, "U-732", "Ultrium 7/32T", 19107, 3584, 6'000'000},
    {0x5e, 8, "U-832", "Ultrium 8/32T", 20669, 6656, 12'000'000},
    {0x60, 9, "U-932", "Ultrium 9/32T", 21456, 8960, 18'000'000},
});

constexpr unsigned kLastReaderOfTwoBack = 7;

}  // namespace

std::span<const Density> lto_densities() {
  return kLto;
}

const Density* find_density(std::uint8_t code) {
  const auto found = std::ranges::find(kLto, code, &Density::code);
  return found == kLto.end() ? nullptr : &*found;
}

DensityAccess density_access(std::uint8_t drive, std::uint8_t medium) {
  if (drive == 0 || drive == medium) return DensityAccess::kReadWrite;
  const auto* of_drive = find_density(drive);
  const auto* of_medium = find_density(medium);
  if (of_drive == nullptr || of_medium == nullptr || of_medium->generation > of_drive->generation)
    return DensityAccess::kNone;
  const auto back = of_drive->generation - of_medium->generation;
  if (back <= 1) return DensityAccess::kReadWrite;
  return back == 2 && of_drive->generation <= kLastReaderOfTwoBack ? DensityAccess::kRead
                                                                   : DensityAccess::kNone;
}

Bytes DensityDescriptor::encode() const {
  const auto* known = find_density(code);
  ByteWriter out;
  out.u8(code).u8(code);
  out.u8(scsi::joined(scsi::flag(writable, 7), scsi::flag(is_default, 5)));
  out.u16(0);  // descriptor length: DLV is 0
  out.u24(known != nullptr ? known->bits_per_mm : 0).u16(kMediaWidth);
  out.u16(known != nullptr ? known->tracks : std::uint16_t{0}).u32(capacity_megabytes);
  out.padded(known != nullptr ? kDensityOrganization : "", 8);
  out.padded(known != nullptr ? known->name : "", 8);
  out.padded(known != nullptr ? known->description : "", 20);
  return out.take();
}

}  // namespace tapewarden::tape
