// What a device's status byte and sense bytes are to a caller. Pure, thread-safe. Internal to
// tape/transport/.
#pragma once

#include "tape/initiator/transport.h"

namespace tapewarden::tape {

// `status`: SAM-5 table 49. GOOD and CONDITION MET are good; BUSY, TASK SET FULL and ACA ACTIVE are busy.
// `sense`: the sense data as the device sent them, possibly empty. kIo when the outcome is unknown: TASK
// ABORTED, a status that is no status, CHECK CONDITION without readable sense data.
Result<TransportAnswer> answer_of(std::uint8_t status, ByteView sense, Bytes data_in);

// What came of `limit` bytes when the transport reports that `residual` did not.
Bytes received(Bytes data, std::size_t residual);

}  // namespace tapewarden::tape
