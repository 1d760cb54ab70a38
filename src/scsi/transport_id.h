// TransportIDs (SPC-4 section 7.6.4): the name of an initiator port as persistent reservations show it. Pure,
// thread-safe.
#pragma once

#include <array>
#include <string_view>

#include "base/bytes.h"

namespace tapewarden::scsi {

// Format 01b: name and initiator session identifier, "iqn.…,i,0x00023d000001" (SPC-4 section 7.6.4.6), ended
// by zeros to a multiple of four. REQUIRES: name.size() <= 223 (RFC 7143).
Bytes iscsi_transport_id(std::string_view name, const std::array<std::uint8_t, 6>& isid);
// 24 bytes of "no specific protocol" (Fh) with a number, for a port without a name.
Bytes nameless_transport_id(std::uint64_t number);

}  // namespace tapewarden::scsi
