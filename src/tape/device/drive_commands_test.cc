#include "scsi/encryption_capabilities.h"
#include "scsi/inquiry.h"
#include "scsi/log_page.h"
#include "scsi/medium_attribute.h"
#include "scsi/position.h"
#include "tape/device/command_table.h"
#include "tape/device/drive_test_kit.h"
#include "tape/device/limits.h"

namespace tapewarden::tape::test {
namespace {

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}

TEST(Drive, D1_FirstContactTellsPowerOnPerNexus) {
  Bench bench;
  EXPECT_SENSE(bench.run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady), {}, kOtherHost), codes::kPowerOn);
  EXPECT_GOOD(bench.run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady), {}, kOtherHost));
  EXPECT_GOOD(bench.run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady)));
}

TEST(Drive, D1_InquiryAndReportLunsIgnoreUnitAttention) {
  Bench bench;
  const scsi::NexusId fresh{9};
  EXPECT_GOOD(bench.run(scsi::Inquiry{.allocation_length = 36}.encode(), {}, fresh));
  EXPECT_GOOD(bench.run(scsi::ReportLuns{.allocation_length = 16}.encode(), {}, fresh));
  const auto sense = bench.run(scsi::RequestSense{}.encode(), {}, fresh);
  EXPECT_EQ(scsi::Sense::decode(sense.data_in).value().code, codes::kPowerOn);  // taken by REQUEST SENSE
  EXPECT_GOOD(bench.run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady), {}, fresh));
  EXPECT_EQ(scsi::Sense::decode(bench.run(scsi::RequestSense{}.encode(), {}, fresh).data_in).value().code,
            codes::kNone);
  EXPECT_EQ(bench.run(scsi::RequestSense{.descriptor_format = true}.encode()).data_in.at(0), 0x72);
}

TEST(Drive, D1_UnknownAndTruncatedCommands) {
  Bench bench;
  EXPECT_SENSE(bench.run(hex("ff0000000000")), codes::kInvalidOpcode);
  EXPECT_SENSE(bench.run({}), codes::kInvalidOpcode);
  EXPECT_SENSE(bench.run(hex("2300000000000000")), codes::kInvalidOpcode);
  for (const auto& row : command_rows()) {
    const auto* format = row.format;
    Bytes cdb(format->length);
    cdb[0] = format->usage[0];
    cdb[1] = format->service_action.value_or(0);
    const auto cut = bench.run(ByteView(cdb).first(format->length - 1U));
    EXPECT_EQ(cut.status, scsi::ScsiStatus::kCheckCondition) << format->name;
    EXPECT_EQ(cut.sense.code, codes::kInvalidFieldInCdb) << format->name;
    cdb.back() = 0x04;  // NACA
    EXPECT_SENSE(bench.run(cdb), codes::kInvalidFieldInCdb);
  }
}

TEST(Drive, D1_EveryReservedBitOfEveryCommandIsRefused) {
  Bench bench;
  for (const auto& row : command_rows()) {
    const auto* format = row.format;
    for (std::size_t byte = 1; byte < format->length; ++byte) {
      for (unsigned bit = 0; bit < 8; ++bit) {
        if ((unsigned{format->usage.at(byte)} >> bit & 1U) != 0) continue;
        if (format->service_action && byte == 1 && bit < 5) continue;  // another service action
        Bytes cdb(format->length);
        cdb[0] = format->usage[0];
        cdb[1] = format->service_action.value_or(0);
        cdb[byte] |= static_cast<std::uint8_t>(1U << bit);
        const auto refused = bench.run(cdb);
        ASSERT_EQ(refused.sense.code, codes::kInvalidFieldInCdb) << format->name << byte << '/' << bit;
        ASSERT_EQ(refused.sense.field->byte, byte) << format->name;
      }
    }
  }
}

TEST(Drive, D1_InquiryPages) {
  Bench bench;
  const auto standard =
      scsi::StandardInquiry::decode(bench.run(scsi::Inquiry{.allocation_length = 255}.encode()).data_in);
  EXPECT_EQ(standard.value().device_type, scsi::kTapeDeviceType);
  EXPECT_EQ(standard.value().product, "VIRTUAL LTO");
  EXPECT_EQ(bench.run(scsi::Inquiry{.allocation_length = 5}.encode()).data_in.size(), 5U);
  const auto vpd = [&bench](std::uint8_t page) {
    return bench.run(
        scsi::Inquiry{.vital_product_data = true, .page = page, .allocation_length = 255}.encode());
  };
  EXPECT_EQ(to_hex(vpd(0).data_in), "0100000800808386b0b1b2b5");
  EXPECT_EQ(as_text(ByteView(vpd(0x80).data_in).subspan(4)), "10WT012345");
  EXPECT_EQ(scsi::decode_designators(ByteView(vpd(0x83).data_in).subspan(4)).value().size(), 2U);
  EXPECT_EQ(to_hex(vpd(0xb0).data_in), "01b000020100");
  EXPECT_SENSE(vpd(0xc0), codes::kInvalidFieldInCdb);
}

TEST(Drive, D1_NoCartridgeAndUnloadedCartridge) {
  Bench bench;
  EXPECT_GOOD(bench.unload());
  EXPECT_SENSE(bench.run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady)), codes::kInitializingCommandRequired);
  EXPECT_SENSE(bench.write(block(1)), codes::kInitializingCommandRequired);
  EXPECT_GOOD(bench.load());
  EXPECT_SENSE(bench.rewind(), codes::kMediumMayHaveChanged);
  EXPECT_GOOD(bench.rewind());
  EXPECT_EQ(bench.drive->eject().value(), kTapePath);
  EXPECT_SENSE(bench.rewind(), codes::kMediumNotPresent);
  EXPECT_SENSE(bench.load(), codes::kMediumNotPresent);
  EXPECT_SENSE(bench.unload(), codes::kMediumNotPresent);
  EXPECT_EQ(bench.drive->eject().error().code, ErrorCode::kConflict);
}

TEST(Drive, D1_InsertRefusesASecondAndAForeignCartridge) {
  Bench bench;
  EXPECT_EQ(bench.drive->insert("tapes/OTHER").error().code, ErrorCode::kConflict);
  static_cast<void>(bench.drive->eject().value());
  EXPECT_EQ(bench.drive->insert("tapes/MISSING").error().code, ErrorCode::kNotFound);
  CartridgeSpec foreign;
  foreign.volser = "JJJ001";
  foreign.kind = MediumKind::k3592;
  bench.make_cartridge("tapes/J", foreign);
  EXPECT_EQ(bench.drive->insert("tapes/J").error().code, ErrorCode::kConflict);
  EXPECT_FALSE(bench.drive->holds_cartridge());
  EXPECT_TRUE(bench.drive->insert(kTapePath).has_value());
}

TEST(Drive, D1_PreventHoldsUntilAllowedOrLost) {
  Bench bench;
  EXPECT_GOOD(bench.run(scsi::PreventAllow{true}.encode()));
  EXPECT_SENSE(bench.unload(), codes::kMediumRemovalPrevented);
  EXPECT_EQ(bench.drive->eject().error().code, ErrorCode::kConflict);
  bench.settle(kOtherHost);
  EXPECT_GOOD(bench.run(scsi::PreventAllow{true}.encode(), {}, kOtherHost));
  EXPECT_GOOD(bench.run(scsi::PreventAllow{false}.encode()));
  EXPECT_SENSE(bench.unload(), codes::kMediumRemovalPrevented);
  bench.drive->nexus_lost(kOtherHost);
  EXPECT_GOOD(bench.unload());
}

TEST(Drive, D1_ReservationKeepsOthersOut) {
  Bench bench;
  bench.settle(kOtherHost);
  const auto ready = scsi::plain_cdb(scsi::Opcode::kTestUnitReady);
  EXPECT_GOOD(bench.run(scsi::plain_cdb(scsi::Opcode::kReserve6)));
  EXPECT_EQ(bench.run(ready, {}, kOtherHost).status, scsi::ScsiStatus::kReservationConflict);
  EXPECT_EQ(bench.run(scsi::plain_cdb(scsi::Opcode::kReserve6), {}, kOtherHost).status,
            scsi::ScsiStatus::kReservationConflict);
  EXPECT_GOOD(bench.run(scsi::Inquiry{.allocation_length = 36}.encode(), {}, kOtherHost));
  EXPECT_GOOD(bench.run(scsi::plain_cdb(scsi::Opcode::kRelease6), {}, kOtherHost));  // changes nothing
  EXPECT_EQ(bench.run(ready, {}, kOtherHost).status, scsi::ScsiStatus::kReservationConflict);
  EXPECT_GOOD(bench.run(scsi::plain_cdb(scsi::Opcode::kRelease6)));
  EXPECT_GOOD(bench.run(ready, {}, kOtherHost));
  EXPECT_GOOD(bench.run(scsi::plain_cdb(scsi::Opcode::kReserve6)));
  bench.drive->nexus_lost(kHost);
  EXPECT_GOOD(bench.run(ready, {}, kOtherHost));
}

TEST(Drive, D1_TooManyInitiatorsAreBusy) {
  Bench bench;
  for (std::uint64_t i = 0; i < kMaxNexuses; ++i)
    bench.run(scsi::Inquiry{.allocation_length = 36}.encode(), {}, scsi::NexusId{100 + i});
  EXPECT_EQ(bench.run(scsi::Inquiry{.allocation_length = 36}.encode(), {}, scsi::NexusId{9999}).status,
            scsi::ScsiStatus::kBusy);
  bench.drive->nexus_lost(scsi::NexusId{100});
  EXPECT_GOOD(bench.run(scsi::Inquiry{.allocation_length = 36}.encode(), {}, scsi::NexusId{9999}));
}

TEST(Drive, D1_ModeSenseAsLinuxAsks) {
  Bench bench;
  const auto header = bench.run(hex("1a0000000c00")).data_in;  // page 0, 12 bytes
  EXPECT_EQ(to_hex(header), "0b9810086000000000000000");
  EXPECT_GOOD(bench.set_block_length(512));
  EXPECT_EQ(to_hex(bench.run(hex("1a0000000c00")).data_in), "0b9810086000000000000200");
  const auto all = scsi::ModeParameters::decode(
      bench.run(scsi::ModeSense{.page = 0x3f, .allocation_length = 255}.encode()).data_in, false);
  EXPECT_EQ(all.value().pages.size(), 9U);
  const auto ltfs =
      bench.run(scsi::ModeSense{.ten = true, .page = 0x25, .allocation_length = 48}.encode()).data_in;
  ASSERT_EQ(ltfs.size(), 48U);
  EXPECT_EQ(ltfs[16], 0x25);
  EXPECT_EQ(ltfs[16 + 27], 0x50);
  EXPECT_EQ(bench.run(scsi::ModeSense{.disable_block_descriptor = true, .allocation_length = 255}.encode())
                .data_in.size(),
            4U);
  EXPECT_SENSE(bench.run(scsi::ModeSense{.page = 0x1f, .allocation_length = 255}.encode()),
               codes::kInvalidFieldInCdb);
  EXPECT_SENSE(
      bench.run(scsi::ModeSense{.control = scsi::PageControl::kSaved, .page = 0x0f, .allocation_length = 255}
                    .encode()),
      codes::kSavingNotSupported);
  EXPECT_SENSE(bench.run(scsi::ModeSense{.page = 0x0f, .subpage = 1, .allocation_length = 255}.encode()),
               codes::kInvalidFieldInCdb);
}

TEST(Drive, D1_ModeSelectGoodAndBad) {
  Bench bench;
  bench.settle(kOtherHost);
  scsi::ModeParameters parameters{.descriptor = scsi::BlockDescriptor{0x60, 0, 1024},
                                  .pages = {scsi::DataCompressionPage{.enabled = false}.encode()}};
  EXPECT_GOOD(bench.select(parameters));
  EXPECT_SENSE(bench.rewind().good()
                   ? bench.run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady), {}, kOtherHost)
                   : scsi::Response{},
               codes::kModeParametersChanged);
  const auto now =
      scsi::ModeParameters::decode(
          bench.run(scsi::ModeSense{.page = 0x0f, .allocation_length = 255}.encode()).data_in, false)
          .value();
  EXPECT_FALSE(scsi::DataCompressionPage::decode(now.pages.at(0)).value().enabled);
  EXPECT_EQ(now.descriptor->block_length, 1024U);

  auto method =
      scsi::ModeParameters{.pages = {scsi::ReadWriteControlPage{scsi::EncryptionMethod::kSystem}.encode()}};
  EXPECT_SENSE(bench.select(method),
               codes::kInvalidFieldInParameters);  // who manages keys is no host's to say
  method.pages = {scsi::ReadWriteControlPage{scsi::EncryptionMethod::kApplication}.encode()};
  EXPECT_GOOD(bench.select(method));
  EXPECT_SENSE(bench.select({.descriptor = scsi::BlockDescriptor{0x11, 0, 0}}),
               codes::kInvalidFieldInParameters);
  EXPECT_SENSE(bench.select({.buffered_mode = 3}), codes::kInvalidFieldInParameters);
  EXPECT_SENSE(bench.select({.pages = {{0x11, Bytes(6)}}}), codes::kInvalidFieldInParameters);
  EXPECT_SENSE(bench.select({.pages = {{0x0f, Bytes(13)}}}), codes::kInvalidFieldInParameters);
  EXPECT_EQ(
      scsi::ModeParameters::decode(bench.run(hex("1a0000000c00")).data_in, false)->descriptor->block_length,
      1024U)
      << "a refused MODE SELECT changes nothing";

  EXPECT_SENSE(bench.run(hex("151000000c00"), Bytes(8)), codes::kTransferTooShort);
  EXPECT_SENSE(bench.run(hex("151000000300"), Bytes(3)), codes::kParameterListLengthError);
  EXPECT_SENSE(bench.run(hex("151100000c00"), Bytes(12)), codes::kInvalidFieldInCdb);  // SP
  EXPECT_GOOD(bench.run(hex("151000000000")));
  const auto changeable =
      scsi::ModeParameters::decode(
          bench
              .run(scsi::ModeSense{
                  .control = scsi::PageControl::kChangeable, .page = 0x0f, .allocation_length = 255}
                       .encode())
              .data_in,
          false)
          .value();
  EXPECT_EQ(changeable.pages.at(0).body.at(0), 0x80);
}

TEST(Drive, D1_LogSensePages) {
  Bench bench;
  EXPECT_GOOD(bench.write(block(1, 1000)));
  const auto log = [&bench](std::uint8_t page) {
    return bench.run(scsi::LogSense{.page = page, .allocation_length = 4096}.encode());
  };
  EXPECT_EQ(to_hex(log(0).data_in), "0000000c0002030c111214171b2e3031");
  EXPECT_EQ(scsi::number_of(*scsi::LogPage::decode(log(0x0c).data_in)->find(0)), 1000U);
  EXPECT_EQ(scsi::LogPage::decode(log(0x2e).data_in)->parameters.size(), 64U);
  EXPECT_EQ(scsi::number_of(*scsi::LogPage::decode(log(0x31).data_in)->find(3)), 64U);
  EXPECT_SENSE(log(0x15), codes::kInvalidFieldInCdb);
  EXPECT_EQ(
      bench.run(scsi::LogSense{.page = 0x2e, .parameter_pointer = 60, .allocation_length = 4096}.encode())
          .data_in.size(),
      4U + 5 * 5);
}

TEST(Drive, D1_MediumAttributes) {
  Bench bench;
  const auto set = [&bench](const scsi::MediumAttribute& attribute) {
    const auto list = scsi::encode_attributes({attribute});
    return bench.run(
        scsi::WriteAttribute{.parameter_length = static_cast<std::uint32_t>(list.size())}.encode(), list);
  };
  const auto get = [&bench](std::uint16_t id) -> std::optional<Bytes> {
    const auto data =
        bench.run(scsi::ReadAttribute{.first_attribute = id, .allocation_length = 65536}.encode()).data_in;
    if (data.empty()) return {};  // SPC-4 section 6.16.2: an error for what does not exist
    const auto list = scsi::decode_attributes(data).value();
    EXPECT_EQ(list.front().id, id);
    return list.front().value;
  };
  EXPECT_GOOD(set({0x0806, false, 1, to_bytes("ABC001L9")}));
  EXPECT_EQ(get(0x0806), to_bytes("ABC001L9"));
  EXPECT_EQ(get(0x0001), ByteWriter().u64(64).take());
  EXPECT_GOOD(set({0x0806, false, 1, {}}));
  EXPECT_FALSE(get(0x0806).has_value());
  EXPECT_SENSE(set({0x0401, false, 1, to_bytes("X")}), codes::kInvalidFieldInParameters);
  EXPECT_SENSE(set({0x0806, true, 1, to_bytes("X")}), codes::kInvalidFieldInParameters);
  EXPECT_SENSE(bench.run(scsi::WriteAttribute{.parameter_length = 6}.encode(), hex("000000050806")),
               codes::kParameterListLengthError);
  EXPECT_SENSE(bench.run(scsi::WriteAttribute{.parameter_length = 7}.encode(), hex("00000003080601")),
               codes::kInvalidFieldInParameters);
  EXPECT_SENSE(bench.run(scsi::ReadAttribute{.partition = 1, .allocation_length = 100}.encode()),
               codes::kInvalidFieldInCdb);
  EXPECT_EQ(
      bench
          .run(scsi::ReadAttribute{.action = scsi::AttributeAction::kPartitions, .allocation_length = 100}
                   .encode())
          .data_in,
      hex("00020001"));
}

TEST(Drive, D1_ReportLunsAndBlockLimits) {
  Bench bench;
  EXPECT_EQ(to_hex(bench.run(scsi::ReportLuns{.allocation_length = 64}.encode()).data_in),
            "00000008000000000000000000000000");
  EXPECT_EQ(bench.run(scsi::ReportLuns{.select = 1, .allocation_length = 64}.encode()).data_in.size(), 8U);
  EXPECT_EQ(to_hex(bench.run(scsi::plain_cdb(scsi::Opcode::kReadBlockLimits)).data_in), "00ffffff0001");
}

TEST(Drive, D1_SecurityProtocolLists) {
  Bench bench;
  EXPECT_EQ(scsi::decode_protocol_list(bench.spin(0, 0).data_in).value(),
            (std::vector<std::uint8_t>{0x00, 0x20, 0xf0}));
  EXPECT_EQ(scsi::decode_certificate_page(bench.spin(0, 1).data_in).value(),
            Site::get().lto->certificate().der());
  EXPECT_SENSE(bench.spin(0, 2), codes::kInvalidFieldInCdb);
  // An application-managed drive tells who it is, and takes no part in an exchange.
  const auto told = scsi::KeyRequestPage::decode(bench.spin(0xf0, 0x0010).data_in);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->intent, scsi::KeyIntent::kNone);
  EXPECT_SENSE(bench.spin(0xf0, 0x0021), codes::kInvalidFieldInCdb);
  EXPECT_SENSE(bench.spin(0x21, 0), codes::kInvalidFieldInCdb);
  EXPECT_SENSE(bench.spout(0x00, 0, Bytes(4)), codes::kInvalidFieldInCdb);
  EXPECT_SENSE(bench.spout(0x20, 0x0011, Bytes(4)), codes::kInvalidFieldInCdb);
  EXPECT_SENSE(bench.run(scsi::SecurityProtocolOut{0x20, 0x10, 100}.encode(), Bytes(99)),
               codes::kTransferTooShort);
  EXPECT_SENSE(bench.run(scsi::SecurityProtocolOut{0x20, 0x10, 1U << 20U}.encode(), Bytes(1U << 20U)),
               codes::kParameterListLengthError);
}

TEST(Drive, D1_ResetAndPowerCycleTellEveryNexus) {
  Bench bench;
  bench.settle(kOtherHost);
  EXPECT_GOOD(bench.set_block_length(512));
  bench.drive->reset();
  EXPECT_SENSE(bench.rewind(), codes::kBusDeviceReset);
  EXPECT_SENSE(bench.run(scsi::Rewind{}.encode(), {}, kOtherHost), codes::kBusDeviceReset);
  EXPECT_EQ(to_hex(bench.run(hex("1a0000000c00")).data_in), "0b9810086000000000000000");
  ASSERT_TRUE(bench.drive->power_cycle().has_value());
  EXPECT_SENSE(bench.rewind(), codes::kPowerOn);
  EXPECT_SENSE(bench.rewind(), codes::kMediumMayHaveChanged);
  EXPECT_GOOD(bench.rewind());
}

}  // namespace
}  // namespace tapewarden::tape::test
