// PERSISTENT RESERVE IN (SPC-4 section 6.15): what is registered and reserved, as parameter data.
#include <algorithm>

#include "scsi/fields.h"
#include "scsi/transport_id.h"
#include "tape/device/reservations.h"

namespace tapewarden::tape {
namespace {

constexpr std::uint16_t kRelativePort = 1;

Bytes listed(std::uint32_t generation, ByteView list) {
  return ByteWriter().u32(generation).bytes32(list).take();
}

// SPC-4 table 170: CRH, PTPL_C where it can be kept; no SIP_C, ATP_C; PTPL_A while it is kept; the type mask
// is valid and names all six types.
Bytes capabilities(bool can_keep, bool keeps) {
  constexpr std::uint8_t kCompatibleHandling = 0x10;
  constexpr std::uint8_t kTypeMaskValid = 0x80;
  ByteWriter out;
  out.u16(8).u8(static_cast<std::uint8_t>(kCompatibleHandling | scsi::flag(can_keep, 0)));
  out.u8(static_cast<std::uint8_t>(kTypeMaskValid | scsi::flag(keeps, 0)));
  return out.u8(0xea).u8(0x01).zeros(2).take();
}

}  // namespace

Bytes Reservations::persistent_in(scsi::ReservationReport report) const {
  switch (report) {
    case scsi::ReservationReport::kKeys: {
      ByteWriter keys;
      for (const auto& registrant : registrants_) keys.u64(registrant.key);
      return listed(generation_, keys.view());
    }
    case scsi::ReservationReport::kReservation:
      return listed(generation_, reservation());
    case scsi::ReservationReport::kCapabilities:
      return capabilities(file_ != nullptr, keeps_);
    case scsi::ReservationReport::kFullStatus:
      return listed(generation_, full_status());
  }
  return {};
}

Bytes Reservations::reservation() const {
  if (!type_) return {};
  const auto holder = std::ranges::find_if(registrants_, &Registrant::holder);
  const auto key = holder == registrants_.end() ? 0 : holder->key;  // 0 with "all registrants"
  return ByteWriter().u64(key).zeros(5).u8(static_cast<std::uint8_t>(*type_)).zeros(2).take();
}

Bytes Reservations::full_status() const {
  ByteWriter out;
  for (const auto& registrant : registrants_) {
    const bool holder = holds(registrant);
    const auto port = !registrant.port.empty()
                          ? registrant.port
                          : scsi::nameless_transport_id(registrant.nexus ? registrant.nexus->value() : 0);
    out.u64(registrant.key).zeros(4).u8(scsi::flag(holder, 0));
    out.u8(holder ? static_cast<std::uint8_t>(*type_) : std::uint8_t{0}).zeros(4).u16(kRelativePort);
    out.bytes32(port);
  }
  return out.take();
}

}  // namespace tapewarden::tape
