#include "tape/transport/device_status.h"

namespace tapewarden::tape {
namespace {

enum class Status5 : std::uint8_t {  // SAM-5 table 49
  kGood = 0x00,
  kCheckCondition = 0x02,
  kConditionMet = 0x04,
  kBusy = 0x08,
  kReservationConflict = 0x18,
  kTaskSetFull = 0x28,
  kAcaActive = 0x30,
};

TransportAnswer plain(scsi::ScsiStatus status, Bytes data_in) {
  return {.status = status, .sense = {}, .data_in = std::move(data_in)};
}

}  // namespace

Result<TransportAnswer> answer_of(std::uint8_t status, ByteView sense, Bytes data_in) {
  switch (static_cast<Status5>(status)) {
    case Status5::kGood:
    case Status5::kConditionMet:
      return plain(scsi::ScsiStatus::kGood, std::move(data_in));
    case Status5::kBusy:
    case Status5::kTaskSetFull:
    case Status5::kAcaActive:
      return plain(scsi::ScsiStatus::kBusy, {});
    case Status5::kReservationConflict:
      return plain(scsi::ScsiStatus::kReservationConflict, {});
    case Status5::kCheckCondition: {
      auto decoded = scsi::Sense::decode(sense);
      if (!decoded)
        return fail(ErrorCode::kIo, "the device reported an error without sense data that can be read",
                    "device");
      return TransportAnswer{scsi::ScsiStatus::kCheckCondition, *decoded, std::move(data_in)};
    }
  }
  return fail(ErrorCode::kIo, "the device ended the command with status " + to_hex(Bytes{status}) + "h",
              "device");
}

Bytes received(Bytes data, std::size_t residual) {
  data.resize(residual < data.size() ? data.size() - residual : 0);
  return data;
}

}  // namespace tapewarden::tape
