// SECURITY PROTOCOL IN and OUT: dispatch by protocol, and the pages of protocol 00h.
#include <algorithm>

#include "scsi/encryption_capabilities.h"
#include "tape/device/limits.h"
#include "tape/device/medium_access.h"

namespace tapewarden::tape {
namespace {

namespace protocol = scsi::security_protocol;

constexpr std::uint16_t kProtocolList = 0x0000;
constexpr std::uint16_t kCertificateData = 0x0001;

scsi::Outcome<Bytes> information_page(const DriveState& drive, std::uint16_t page) {
  switch (page) {
    case kProtocolList: {
      const std::vector<std::uint8_t> protocols{protocol::kInformation, protocol::kTapeEncryption,
                                                protocol::kKeyPath};
      return scsi::encode_protocol_list(protocols);
    }
    case kCertificateData:
      return scsi::encode_certificate_page(drive.identity->certificate().der());
    default:
      return scsi::invalid_in_cdb(2);
  }
}

// SPC-4: with INC_512 zeros may follow the page, up to the next multiple of 512 bytes.
ByteView without_padding(ByteView list, bool padded) {
  constexpr std::size_t kIncrement = 512;
  constexpr std::size_t kHeader = 4;
  if (!padded || list.size() < kHeader) return list;
  const std::size_t page = kHeader + ByteReader(list.subspan(2)).u16("page length").value_or(0);
  if (page >= list.size() || list.size() - page >= kIncrement) return list;
  const bool zeros = std::ranges::all_of(list.subspan(page), [](std::uint8_t byte) { return byte == 0; });
  return zeros ? list.first(page) : list;
}

}  // namespace

scsi::Outcome<scsi::Response> security_protocol_in(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::SecurityProtocolIn::decode(command.cdb));
  switch (cdb.protocol) {
    case protocol::kInformation:
      return good_cut(TRY(information_page(drive, cdb.page)), cdb.allocation_length);
    case protocol::kTapeEncryption:
      return good_cut(TRY(encryption_page(drive, command.nexus, cdb.page)), cdb.allocation_length);
    case protocol::kKeyPath:
      // Who the drive is and what is in it may be asked of any drive; the exchange itself is for managed
      // ones.
      if (!drive.key_managed() && cdb.page != scsi::key_path::kKeyRequest) return scsi::invalid_in_cdb(1);
      return good_cut(TRY(key_path_page(drive, cdb.page)), cdb.allocation_length);
    default:
      return scsi::invalid_in_cdb(1);
  }
}

scsi::Outcome<scsi::Response> security_protocol_out(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::SecurityProtocolOut::decode(command.cdb));
  switch (cdb.protocol) {
    case protocol::kTapeEncryption: {
      if (cdb.page != scsi::encryption_out::kSetDataEncryption) return scsi::invalid_in_cdb(2);
      const auto list = TRY(parameter_list(command, cdb.transfer_length));
      TRY(set_data_encryption_page(drive, command.nexus, without_padding(list, cdb.padded)));
      return took(list.size());
    }
    case protocol::kKeyPath: {
      if (!drive.key_managed()) return scsi::invalid_in_cdb(1);
      const auto list = TRY(parameter_list(command, cdb.transfer_length));
      TRY(take_key_path_page(drive, cdb.page, list));
      return took(list.size());
    }
    default:
      return scsi::invalid_in_cdb(1);
  }
}

}  // namespace tapewarden::tape
