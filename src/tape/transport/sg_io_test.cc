// The kernel's structure is filled by hand here as the kernel would: no machine of the tests has a SCSI
// device.
#include <algorithm>
#include <cerrno>
#include <gtest/gtest.h>
#include <limits>

#include "tape/device/drive_test_kit.h"
#include "tape/initiator/tape_drive.h"
#include "tape/transport/sg_io_transport.h"
#include "tape/transport/sg_packet.h"

namespace tapewarden::tape {
namespace {

using namespace std::chrono_literals;

const Bytes kInquiryCdb{0x12, 0, 0, 0, 36, 0};
// MEDIUM ERROR 11/00, residual 7 in the information field, as a fixed-format device sends it.
const Bytes kFixedSense{0xf0, 0, 3, 0, 0, 0, 7, 10, 0, 0, 0, 0, 0x11, 0, 0, 0, 0, 0};

std::unique_ptr<SgPacket> reading(std::size_t limit) {
  return SgPacket::pack(kInquiryCdb, {}, limit, 30s).value();
}

void put_sense(sg_io_hdr& header, ByteView sense) {
  copy_bytes(MutableByteView(header.sbp, header.mx_sb_len), sense);
  header.sb_len_wr = static_cast<unsigned char>(sense.size());
}

TEST(SgPacket, D3_PacksACommandThatReads) {
  const auto packet = reading(96);
  const auto& header = packet->header();
  EXPECT_EQ(header.interface_id, 'S');
  EXPECT_EQ(header.dxfer_direction, SG_DXFER_FROM_DEV);
  EXPECT_EQ(header.dxfer_len, 96U);
  EXPECT_NE(header.dxferp, nullptr);
  EXPECT_EQ(header.cmd_len, 6);
  EXPECT_EQ(to_bytes(ByteView(header.cmdp, header.cmd_len)), kInquiryCdb);
  EXPECT_EQ(header.mx_sb_len, 252);
  EXPECT_NE(header.sbp, nullptr);
  EXPECT_EQ(header.timeout, 30'000U);
  EXPECT_EQ(header.flags, 0U);
  EXPECT_EQ(header.iovec_count, 0);
}

TEST(SgPacket, D3_PacksACommandThatWritesAndOneWithoutData) {
  const Bytes data(512, 7);
  const auto writing = SgPacket::pack(Bytes{0x0a, 0, 0, 2, 0, 0}, data, 0, 1ms).value();
  EXPECT_EQ(writing->header().dxfer_direction, SG_DXFER_TO_DEV);
  EXPECT_EQ(writing->header().dxfer_len, 512U);
  EXPECT_EQ(writing->header().dxferp, data.data());
  const auto plain = SgPacket::pack(Bytes(6), {}, 0, 0ms).value();
  EXPECT_EQ(plain->header().dxfer_direction, SG_DXFER_NONE);
  EXPECT_EQ(plain->header().dxfer_len, 0U);
  EXPECT_EQ(plain->header().timeout, 1U) << "none would be the kernel's default";
  const auto patient = SgPacket::pack(Bytes(6), {}, 0, std::chrono::hours(24 * 60)).value();
  EXPECT_EQ(patient->header().timeout, std::numeric_limits<unsigned>::max());
}

TEST(SgPacket, D3_RefusesWhatDoesNotFitTheInterface) {
  EXPECT_FALSE(SgPacket::pack({}, {}, 0, 1s).has_value());
  EXPECT_FALSE(SgPacket::pack(Bytes(17), {}, 0, 1s).has_value());
  EXPECT_FALSE(SgPacket::pack(Bytes(6), Bytes(1), 1, 1s).has_value());
}

TEST(SgPacket, D3_UnpacksDataByTheResidual) {
  auto packet = reading(8);
  std::fill_n(static_cast<std::uint8_t*>(packet->header().dxferp), 8, std::uint8_t{9});
  packet->header().resid = 3;
  const auto answer = std::move(*packet).unpack();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, scsi::ScsiStatus::kGood);
  EXPECT_EQ(answer->data_in, Bytes(5, 9));
  for (const int resid : {8, 9, -1}) {  // nothing came; more than asked for; a defect of the adapter
    auto other = reading(8);
    other->header().resid = resid;
    EXPECT_EQ(std::move(*other).unpack().value().data_in.size(), resid < 0 ? 8U : 0U);
  }
}

TEST(SgPacket, D3_UnpacksSenseWithAndWithoutTheStatusByte) {
  for (const bool told : {false, true}) {
    auto packet = reading(8);
    packet->header().status = told ? 0x02 : 0x00;
    packet->header().driver_status = 0x08;  // "sense data are there"
    packet->header().info = SG_INFO_CHECK;
    put_sense(packet->header(), kFixedSense);
    const auto answer = std::move(*packet).unpack();
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->status, scsi::ScsiStatus::kCheckCondition);
    EXPECT_EQ(answer->sense.code, (scsi::SenseCode{scsi::SenseKey::kMediumError, 0x11, 0x00}));
    EXPECT_EQ(answer->sense.information, 7);
  }
}

TEST(SgPacket, D3_TheAdaptersErrorsLeaveTheOutcomeUnknown) {
  const auto code_of = [](unsigned short host, unsigned short driver, unsigned char status) {
    auto packet = reading(8);
    packet->header().host_status = host;
    packet->header().driver_status = driver;
    packet->header().status = status;
    return std::move(*packet).unpack().error().code;
  };
  EXPECT_EQ(code_of(1, 0, 0), ErrorCode::kUnavailable);
  EXPECT_EQ(code_of(3, 0, 0), ErrorCode::kTimeout);
  EXPECT_EQ(code_of(7, 0, 0), ErrorCode::kIo);
  EXPECT_EQ(code_of(0, 6, 0), ErrorCode::kTimeout);
  EXPECT_EQ(code_of(0, 0, 0x40), ErrorCode::kIo) << "TASK ABORTED";
  EXPECT_EQ(code_of(0, 0, 0x02), ErrorCode::kIo) << "CHECK CONDITION without sense data";
}

TEST(SgPacket, D3_BusyAndReservedAreTheDevicesAnswers) {
  const auto status_of = [](unsigned char status) {
    auto packet = reading(8);
    packet->header().status = status;
    return std::move(*packet).unpack().value().status;
  };
  EXPECT_EQ(status_of(0x08), scsi::ScsiStatus::kBusy);
  EXPECT_EQ(status_of(0x28), scsi::ScsiStatus::kBusy);
  EXPECT_EQ(status_of(0x18), scsi::ScsiStatus::kReservationConflict);
  EXPECT_EQ(status_of(0x04), scsi::ScsiStatus::kGood);
}

TEST(SgIo, D3_TheSystemCallsErrorsAreTold) {
  const auto code_with = [](int reason) {
    SgIoTransport transport([reason](sg_io_hdr&) { return reason; }, true);
    return transport.execute(kInquiryCdb, {}, 36, 1s).error().code;
  };
  EXPECT_EQ(code_with(ENOTTY), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_with(EINVAL), ErrorCode::kUnsupported);
  EXPECT_EQ(code_with(EIO), ErrorCode::kIo);
  EXPECT_EQ(SgIoTransport::open("/dev/there-is-no-such-device").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(SgIoTransport::open("/dev/null").value()->execute(kInquiryCdb, {}, 36, 1s).error().code,
            ErrorCode::kInvalidArgument);
}

TEST(SgIo, D3_OnlyTheHostsOwnBusesAreLocal) {
  EXPECT_TRUE(
      is_local_bus("/sys/devices/pci0000:00/0000:00:03.0/host2/port-2:0/end_device-2:0/target2:0:0/2:0:0:0/"
                   "scsi_tape/nst0"));
  EXPECT_TRUE(
      is_local_bus("/sys/devices/pci0000:00/0000:00:05.0/host4/rport-4:0-2/target4:0:0/4:0:0:0/scsi_generic/"
                   "sg3"));
  EXPECT_FALSE(is_local_bus("/sys/devices/platform/host3/session1/target3:0:0/3:0:0:0/scsi_generic/sg1"));
  EXPECT_TRUE(
      is_local_bus("/sys/devices/pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0"));
  for (const auto* controller : {"vhci_hcd.0", "vhci_hcd.3", "vhci_hcd"})
    EXPECT_FALSE(is_local_bus("/sys/devices/platform/" + std::string(controller) +
                              "/usb5/5-1/5-1:1.0/host7/target7:0:0/7:0:0:0/scsi_generic/sg4"))
        << "USB/IP brings it over the network";
  for (const auto* network : {"/sys/devices/pci0000:00/0000:00:06.0/infiniband_srp/srp-mlx5_0-1/host8",
                              "/sys/devices/pci0000:00/0000:00:06.0/host8/port-8:1/srp-rport-8:1",
                              "/sys/devices/pci0000:00/0000:00:07.0/net/eth0/ctlr_0/host9/rport-9:0-2",
                              "/sys/devices/virtual/fcoe/ctlr_0/host9/rport-9:0-2"})
    EXPECT_FALSE(is_local_bus(std::string(network) + "/target8:0:0/8:0:0:0/scsi_generic/sg5")) << network;
  EXPECT_FALSE(is_local_bus("")) << "when the system does not tell, a key stays here";
}

// A drive as the kernel would show it: commands by the structure, answers by status, sense bytes and
// residual.
SgSubmit kernel_with(scsi::LogicalUnit& unit) {
  return [&unit](sg_io_hdr& header) {
    const auto length = std::size_t{header.dxfer_len};
    const MutableByteView data(static_cast<std::uint8_t*>(header.dxferp), length);
    const bool out = header.dxfer_direction == SG_DXFER_TO_DEV;
    const auto response = unit.execute({.cdb = ByteView(header.cmdp, header.cmd_len),
                                        .nexus = test::kHost,
                                        .data_out = out ? ByteView(data) : ByteView()});
    header.status = static_cast<unsigned char>(response.status);
    if (response.status == scsi::ScsiStatus::kCheckCondition)
      put_sense(header, response.sense.encode_fixed());
    if (header.dxfer_direction == SG_DXFER_FROM_DEV) {
      copy_bytes(data, response.data_in);
      header.resid = static_cast<int>(length - response.data_in.size());
    }
    return 0;
  };
}

TEST(SgIo, D3_ADriveBehindTheKernelIsDrivenByTheSameCode) {
  test::Bench bench;
  SgIoTransport transport(kernel_with(*bench.drive), true);
  TapeDrive drive(transport);
  EXPECT_EQ(drive.serial_number().value(), "10WT012345");
  const Bytes block = test::block(1);
  ASSERT_TRUE(drive.write_block(block).has_value());
  ASSERT_TRUE(drive.write_filemarks(1).has_value());
  ASSERT_TRUE(drive.rewind().has_value());
  const auto read = drive.read_block(65536).value();
  EXPECT_EQ(read.data, block);
  EXPECT_EQ(drive.read_block(65536).value().kind, ReadOutcome::Kind::kFilemark);
  EXPECT_EQ(drive.read_block(65536).value().kind, ReadOutcome::Kind::kEndOfData);
  auto page = test::encrypting(test::key_bytes(1));
  EXPECT_TRUE(drive.set_encryption(page).has_value());
  EXPECT_EQ(drive.encryption_status().value().encryption, scsi::EncryptionMode::kEncrypt);
}

TEST(SgIo, D3_AKeyStaysHereWhenTheKernelReachesTheDriveOverANetwork) {
  test::Bench bench;
  SgIoTransport transport(kernel_with(*bench.drive), false);
  TapeDrive drive(transport);
  const auto page = test::encrypting(test::key_bytes(1));
  EXPECT_EQ(drive.set_encryption(page).error().fault, TapeFault::kEncryptionRefused);
  EXPECT_EQ(drive.encryption_status().value().encryption, scsi::EncryptionMode::kDisable);
  EXPECT_TRUE(drive.set_encryption(page, true).has_value());
}

}  // namespace
}  // namespace tapewarden::tape
