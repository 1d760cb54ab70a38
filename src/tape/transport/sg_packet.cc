#include "tape/transport/sg_packet.h"

#include <algorithm>
#include <limits>

#include "tape/transport/device_status.h"

namespace tapewarden::tape {
namespace {

// Linux' host bytes (include/scsi/scsi_status.h) that say more than "something went wrong".
enum HostByte : unsigned {
  kHostOk = 0x00,
  kHostNoConnect = 0x01,
  kHostBusBusy = 0x02,
  kHostTimeout = 0x03,
  kHostBadTarget = 0x04,
  kHostReset = 0x08,
  kHostTransportDisrupted = 0x0e,
  kHostTransportFailfast = 0x0f,
};
constexpr unsigned kDriverMask = 0x0f;
constexpr unsigned kDriverTimeout = 0x06;
constexpr std::uint8_t kCheckCondition = 0x02;

std::string_view meaning_of(unsigned host) {
  switch (host) {
    case kHostNoConnect:
      return "the device cannot be reached";
    case kHostBusBusy:
      return "the bus is busy";
    case kHostTimeout:
      return "the command took too long";
    case kHostBadTarget:
      return "there is no such target";
    case kHostReset:
      return "the bus was reset";
    case kHostTransportDisrupted:
    case kHostTransportFailfast:
      return "the connection to the device was disturbed";
    default:
      return "the host adapter reports an error";
  }
}

ErrorCode code_of(unsigned host) {
  if (host == kHostTimeout) return ErrorCode::kTimeout;
  return host == kHostNoConnect || host == kHostBadTarget ? ErrorCode::kUnavailable : ErrorCode::kIo;
}

unsigned timeout_of(std::chrono::milliseconds timeout) {
  constexpr auto kNone = std::numeric_limits<unsigned>::max();
  const auto count = std::max<std::chrono::milliseconds::rep>(timeout.count(), 1);
  return count >= kNone ? kNone : static_cast<unsigned>(count);
}

}  // namespace

Result<std::unique_ptr<SgPacket>> SgPacket::pack(ByteView cdb, ByteView data_out, std::size_t data_in_limit,
                                                 std::chrono::milliseconds timeout) {
  constexpr std::size_t kMaxData = std::numeric_limits<int>::max();  // the residual is an int
  if (cdb.empty() || cdb.size() > kSgMaxCdb)
    return fail(ErrorCode::kInvalidArgument, "a command has 1 to 16 bytes here", "command");
  if (!data_out.empty() && data_in_limit != 0)
    return fail(ErrorCode::kInvalidArgument, "a command carries data in one direction", "command");
  if (std::max(data_out.size(), data_in_limit) > kMaxData)
    return fail(ErrorCode::kInvalidArgument, "a command carries less than 2 GiB", "length");
  std::unique_ptr<SgPacket> packet(new SgPacket());
  packet->cdb_ = to_bytes(cdb);
  packet->sense_.resize(kSgSenseBytes);
  packet->data_in_.make_room(data_in_limit);
  sg_io_hdr& header = packet->header_;
  header.interface_id = 'S';
  header.cmd_len = static_cast<unsigned char>(cdb.size());
  header.cmdp = packet->cdb_.data();
  header.mx_sb_len = static_cast<unsigned char>(kSgSenseBytes);
  header.sbp = packet->sense_.data();
  header.timeout = timeout_of(timeout);
  header.dxfer_direction = SG_DXFER_NONE;
  if (!data_out.empty()) {
    header.dxfer_direction = SG_DXFER_TO_DEV;
    header.dxfer_len = static_cast<unsigned>(data_out.size());
    // The kernel reads it only; its interface knows no const.
    header.dxferp = const_cast<std::uint8_t*>(data_out.data());
  } else if (data_in_limit != 0) {
    header.dxfer_direction = SG_DXFER_FROM_DEV;
    header.dxfer_len = static_cast<unsigned>(data_in_limit);
    header.dxferp = packet->data_in_.view().data();
  }
  return packet;
}

Result<TransportAnswer> SgPacket::unpack() && {
  const unsigned host = header_.host_status;
  const unsigned driver = header_.driver_status & kDriverMask;
  const auto sense = ByteView(sense_).first(std::min<std::size_t>(header_.sb_len_wr, sense_.size()));
  // Sense data tell more than the adapter's word that something was wrong.
  if (host != kHostOk && sense.empty())
    return fail(code_of(host), std::string(meaning_of(host)), "device", {}, host);
  if (driver == kDriverTimeout) return fail(ErrorCode::kTimeout, "the command took too long", "device");
  const auto residual = static_cast<std::size_t>(std::max(header_.resid, 0));
  // Some adapters leave the status byte out when they bring sense data.
  const auto status = header_.status == 0 && !sense.empty() ? kCheckCondition : header_.status;
  return answer_of(status, sense, received(data_in_.release(), residual));
}

}  // namespace tapewarden::tape
