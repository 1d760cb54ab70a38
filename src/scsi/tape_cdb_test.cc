// CDBs laid out by hand from SPC-4 and SSC-4 tables, both ways.
#include "scsi/tape_cdb.h"

#include <gtest/gtest.h>
#include <set>

#include "scsi/mode.h"
#include "scsi/transport_id.h"

namespace tapewarden::scsi {
namespace {

template <typename Command>
std::string there_and_back(const Command& command) {
  return to_hex(Command::decode(command.encode()).value().encode());
}

TEST(TapeCdb, L3_EncodesAsTheTablesAndDecodesAgain) {
  EXPECT_EQ(there_and_back(Verify6{.by_filemarks = true, .compare = true, .fixed = true, .length = 0x010203}),
            "130b01020300");
  EXPECT_EQ(there_and_back(Verify6{.to_end_of_data = true, .protection_method = true, .immediate = true}),
            "133400000000");
  EXPECT_EQ(there_and_back(FormatMedium{.immediate = true, .format = 2, .transfer_length = 0x0304}),
            "040102030400");
  EXPECT_EQ(there_and_back(ReportDensitySupport{.mounted = true, .allocation_length = 0x0102}),
            "44010000000000010200");
  EXPECT_EQ(
      there_and_back(LogSelect{.reset_parameters = true, .control = 3, .page = 0x17, .parameter_length = 5}),
      "4c02d700000000000500");
  EXPECT_EQ(there_and_back(SendDiagnostic{.page_format = true, .self_test = true, .parameter_length = 9}),
            "1d1400000900");
  EXPECT_EQ(there_and_back(ReceiveDiagnostic{.page_code_valid = true, .page = 0x40, .allocation_length = 8}),
            "1c0140000800");
  EXPECT_EQ(there_and_back(PersistentReserveIn{ReservationReport::kFullStatus, 0x0100}),
            "5e030000000000010000");
  EXPECT_EQ(there_and_back(PersistentReserveOut{ReservationAction::kPreempt, 0, 8, 24}),
            "5f040800000000001800");
  EXPECT_EQ(there_and_back(ReportOperationCodes{true, 2, 0x5f, 6, 0x100}), "a30c825f0006000001000000");
  EXPECT_EQ(there_and_back(ReportTaskManagement{true, 16}), "a30d80000000000000100000");
  EXPECT_EQ(there_and_back(ReportTimestamp{12}), "a30f000000000000000c0000");
  EXPECT_EQ(there_and_back(SetTimestamp{12}), "a40f000000000000000c0000");
}

TEST(TapeCdb, L3_FormatsAreWholeAndEachCommandIsThereOnce) {
  std::set<std::pair<Opcode, std::optional<std::uint8_t>>> seen;
  for (const auto& format : tape_formats()) {
    EXPECT_TRUE(seen.insert({format.opcode, format.service_action}).second) << format.name;
    EXPECT_EQ(format.usage[0], static_cast<std::uint8_t>(format.opcode)) << format.name;
    EXPECT_EQ(format.usage[1], format.service_action.value_or(format.usage[1])) << format.name;
    EXPECT_EQ(find_tape_format(format.usage[0], format.service_action), &format);
    EXPECT_EQ(find_cdb_format(format.usage[0]), nullptr) << "in one table only: " << format.name;
    EXPECT_TRUE(format.length == 6 || format.length == 10 || format.length == 12 || format.length == 16);
  }
  EXPECT_EQ(find_tape_format(0x08)->name, "READ(6)");
  EXPECT_EQ(find_tape_format(0xa3, 0x05), nullptr);
}

TEST(TapeCdb, L3_UnknownServiceActionsAndValuesPointAtTheirByte) {
  const auto field = [](const auto& outcome) {
    EXPECT_FALSE(outcome.has_value());
    return outcome.error().field.value();
  };
  EXPECT_EQ(field(PersistentReserveOut::decode(from_hex("5f070000000000001800").value())).byte, 1);
  EXPECT_EQ(field(ReportOperationCodes::decode(from_hex("a30c04000000000001000000").value())).byte, 2);
  EXPECT_EQ(field(FormatMedium::decode(from_hex("040003000000").value())).byte, 2);
  EXPECT_EQ(field(PersistentReserveIn::decode(from_hex("5e").value())).byte, 1);
}

// SPC-4 section 7.6.4.6.
TEST(TransportId, L3_IscsiPortAndNamelessPort) {
  EXPECT_EQ(to_hex(iscsi_transport_id("a", {0x40, 0, 1, 0x37, 0, 9})),
            "45000014" + to_hex(as_bytes("a,i,0x400001370009")) + "0000");
  for (std::size_t size = 0; size <= 223; ++size) {
    const auto id = iscsi_transport_id(std::string(size, 'n'), {});
    EXPECT_EQ(id.size() % 4, 0U);
    EXPECT_EQ(id.back(), 0);
    EXPECT_GE(id.size(), 24U);
  }
  EXPECT_EQ(to_hex(nameless_transport_id(258)), "0f" + std::string(30, '0') + "0000000000000102");
}

TEST(Mode, L3_PagesWithSubpagesRoundTripAndCutsAreRefused) {
  const ModeParameters parameters{
      .pages = {{0x0a, Bytes(28, 3), mode_subpage::kDataProtection}, DataCompressionPage{}.encode()}};
  for (const bool ten : {false, true}) {
    const auto data = parameters.encode(ten);
    EXPECT_EQ(ModeParameters::decode(data, ten).value().pages, parameters.pages);
    for (std::size_t size = (ten ? 8U : 4U) + 1; size < (ten ? 8U : 4U) + 32; ++size)
      EXPECT_EQ(ModeParameters::decode(ByteView(data).first(size), ten).error().code, ErrorCode::kCorrupt);
  }
  EXPECT_EQ(to_hex(ByteView(parameters.encode(false)).subspan(4, 5)), "4af0001c03");
}

}  // namespace
}  // namespace tapewarden::scsi
