#include "tape/device/changer.h"

#include <gtest/gtest.h>
#include <set>

#include "scsi/cdb.h"
#include "scsi/changer_cdb.h"
#include "scsi/inquiry.h"
#include "scsi/log_page.h"
#include "scsi/sense_codes.h"
#include "scsi/tape_cdb.h"
#include "tape/device/reservations.h"

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;
using scsi::ElementType;
using scsi::ScsiStatus;

const scsi::NexusId kHost{1};
const scsi::NexusId kOther{2};

// Notes what it is asked; even slots hold cartridges.
class FakeRobot final : public ElementRobot {
 public:
  explicit FakeRobot(std::uint16_t slots = 40) {
    layout_ = {
        .transport = {0, 1}, .storage = {1000, slots}, .import_export = {10, 2}, .data_transfer = {500, 2}};
  }
  const scsi::ElementAddressAssignment& layout() const override { return layout_; }
  scsi::ElementDescriptor describe(std::uint16_t address) const override {
    ++described;
    scsi::ElementDescriptor element{.address = address};
    if (layout_.storage.holds(address) && address % 2 == 0) {
      element.full = true;
      element.volume_tag = "V" + std::to_string(address);
    }
    if (layout_.data_transfer.holds(address)) element.identifier = "TAPEWARDVIRTUAL LTO     1000000001";
    return element;
  }
  scsi::Outcome<void> move(std::uint16_t source, std::uint16_t destination) override {
    if (answer) return scsi::check(*answer);
    calls.push_back("move " + std::to_string(source) + " " + std::to_string(destination));
    return {};
  }
  scsi::Outcome<void> exchange(std::uint16_t source, std::uint16_t first, std::uint16_t second) override {
    if (answer) return scsi::check(*answer);
    calls.push_back("exchange " + std::to_string(source) + " " + std::to_string(first) + " " +
                    std::to_string(second));
    return {};
  }
  scsi::Outcome<void> audit() override {
    calls.emplace_back("audit");
    return {};
  }
  void prevent_removal(bool is_prevented) override { prevented = is_prevented; }
  std::uint64_t outside_changes() const override { return changes; }

  mutable std::size_t described = 0;
  std::vector<std::string> calls;
  std::optional<scsi::SenseCode> answer;
  std::uint64_t changes = 0;
  bool prevented = false;

 private:
  scsi::ElementAddressAssignment layout_;
};

struct Bench {
  FakeRobot robot;
  Changer changer;

  explicit Bench(std::uint16_t slots = 40) : robot(slots), changer(robot, {.serial = "TWL0000001"}) {
    (void)run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady));  // power on
  }
  scsi::Response run(const Bytes& cdb, scsi::NexusId nexus = kHost, const Bytes& data_out = {}) {
    return changer.execute({.cdb = cdb, .nexus = nexus, .data_out = data_out});
  }
  scsi::ElementStatusData elements(const scsi::ReadElementStatus& cdb) {
    const auto response = run(cdb.encode());
    EXPECT_TRUE(response.good());
    const auto data = scsi::ElementStatusData::decode(response.data_in);
    EXPECT_TRUE(data) << data.error().text();
    return data.value_or(scsi::ElementStatusData{});
  }
};

TEST(Changer, L2_TellsPowerOnOnceToEachInitiator) {
  FakeRobot robot;
  Changer changer(robot, {.serial = "TWL0000001"});
  const auto ready = scsi::plain_cdb(scsi::Opcode::kTestUnitReady);
  for (const auto nexus : {kHost, kOther}) {
    const auto first = changer.execute({.cdb = ready, .nexus = nexus});
    EXPECT_EQ(first.sense.code, codes::kPowerOn);
    EXPECT_TRUE(changer.execute({.cdb = ready, .nexus = nexus}).good());
  }
  changer.reset();
  EXPECT_EQ(changer.execute({.cdb = ready, .nexus = kOther}).sense.code, codes::kBusDeviceReset);
}

TEST(Changer, L2_IdentifiesItselfAsAMediumChanger) {
  Bench bench;
  const auto standard = bench.run(scsi::Inquiry{.allocation_length = 96}.encode());
  const auto data = scsi::StandardInquiry::decode(standard.data_in);
  ASSERT_TRUE(data);
  EXPECT_EQ(data->device_type, 8);
  EXPECT_TRUE(data->removable);
  EXPECT_EQ(data->vendor, "TAPEWARD");
  EXPECT_EQ(data->product, "VIRTUAL LIBRARY");
  const auto serial =
      bench.run(scsi::Inquiry{.vital_product_data = true, .page = 0x80, .allocation_length = 96}.encode());
  EXPECT_EQ(to_hex(serial.data_in), "0880000a54574c30303030303031");
  const auto pages =
      bench.run(scsi::Inquiry{.vital_product_data = true, .page = 0x00, .allocation_length = 96}.encode());
  EXPECT_EQ(to_hex(pages.data_in), "08000003008083");
  const auto name =
      bench.run(scsi::Inquiry{.vital_product_data = true, .page = 0x83, .allocation_length = 96}.encode());
  EXPECT_NE(as_text(name.data_in).find("TAPEWARDVIRTUAL LIBRARY TWL0000001"), std::string_view::npos);
  const auto unknown =
      bench.run(scsi::Inquiry{.vital_product_data = true, .page = 0xb0, .allocation_length = 96}.encode());
  EXPECT_EQ(unknown.sense.code, codes::kInvalidFieldInCdb);
}

// What mtx sends first.
TEST(Changer, L2_ReportsItsOperationCodes) {
  Bench bench;
  const auto all = bench.run(scsi::ReportOperationCodes{.allocation_length = 4096}.encode()).data_in;
  ASSERT_GT(all.size(), 4U);
  ByteReader in(all);
  EXPECT_EQ(in.u32("length").value(), all.size() - 4);
  EXPECT_EQ((all.size() - 4) % 8, 0U);
  std::set<std::uint8_t> codes_told;
  for (std::size_t at = 4; at < all.size(); at += 8) codes_told.insert(all[at]);
  for (const int code : {0x00, 0x12, 0x1a, 0xa3, 0xa5, 0xa6, 0xb8})
    EXPECT_TRUE(codes_told.contains(static_cast<std::uint8_t>(code)));
  // MOVE MEDIUM alone: supported, 12 bytes, and the bits of its CDB.
  const auto move =
      bench.run(scsi::ReportOperationCodes{.options = 1, .opcode = 0xa5, .allocation_length = 64}.encode());
  EXPECT_EQ(to_hex(ByteView(move.data_in).first(6)), "0003000ca500");
  const auto write =
      bench.run(scsi::ReportOperationCodes{.options = 1, .opcode = 0x0a, .allocation_length = 64}.encode());
  EXPECT_EQ(to_hex(write.data_in), "00010000");
  const auto other = bench.run(
      scsi::ReportOperationCodes{.options = 2, .opcode = 0xa3, .action = 0x0d, .allocation_length = 64}
          .encode());
  EXPECT_EQ(to_hex(other.data_in), "00010000") << "the service action of another command";
}

TEST(Changer, L2_ModeSensePageOfAddresses) {
  Bench bench;
  const auto response = bench.run(
      scsi::ModeSense{.disable_block_descriptor = true, .page = 0x1d, .allocation_length = 136}.encode());
  EXPECT_EQ(to_hex(response.data_in),
            "17000000"
            "1d12"
            "00000001"
            "03e80028"
            "000a0002"
            "01f40002"
            "0000");
  const auto all = bench.run(scsi::ModeSense{.ten = true, .page = 0x3f, .allocation_length = 256}.encode());
  const auto parameters = scsi::ModeParameters::decode(all.data_in, true);
  ASSERT_TRUE(parameters);
  ASSERT_EQ(parameters->pages.size(), 3U);
  EXPECT_EQ(parameters->pages[1].code, 0x1e);
  EXPECT_EQ(parameters->pages[2].code, 0x1f);
  const auto changeable = bench.run(
      scsi::ModeSense{.control = scsi::PageControl::kChangeable, .page = 0x1d, .allocation_length = 136}
          .encode());
  EXPECT_EQ(to_hex(changeable.data_in),
            "17000000"
            "1d12" +
                std::string(36, '0'));
  EXPECT_EQ(bench.run(scsi::ModeSense{.page = 0x0f, .allocation_length = 99}.encode()).sense.field,
            (scsi::FieldPointer{true, 2, 5}));
  EXPECT_EQ(
      bench.run(scsi::ModeSense{.control = scsi::PageControl::kSaved, .page = 0x1d}.encode()).sense.code,
      codes::kSavingNotSupported);
}

TEST(Changer, L2_ModeSelectTakesOnlyWhatHolds) {
  Bench bench;
  scsi::ModeParameters parameters{.buffered_mode = 0, .pages = {bench.robot.layout().encode()}};
  auto list = parameters.encode(false);
  list[0] = 0;
  const scsi::ModeSelect select{.parameter_length = static_cast<std::uint16_t>(list.size())};
  const auto same = bench.run(select.encode(), kHost, list);
  EXPECT_TRUE(same.good());
  EXPECT_EQ(same.data_out_used, list.size());
  list[6 + 5] = 41;  // the low byte of the first slot's address
  const auto other = bench.run(select.encode(), kHost, list);
  EXPECT_EQ(other.sense.code, codes::kInvalidFieldInParameters);
  EXPECT_EQ(other.sense.field, (scsi::FieldPointer{false, 11, {}}));
  const auto cut = bench.run(select.encode(), kHost, Bytes(list.begin(), list.end() - 1));
  EXPECT_EQ(cut.sense.code, codes::kTransferTooShort);
}

TEST(Changer, L2_ReportsElementsByTypeStartAndNumber) {
  Bench bench;
  const auto all = bench.elements({.volume_tags = true, .count = 0xffff, .allocation_length = 65536});
  EXPECT_EQ(all.first_address, 0);
  EXPECT_EQ(all.available, 1 + 2 + 2 + 40);
  ASSERT_EQ(all.pages.size(), 4U);
  EXPECT_EQ(all.pages[0].type, ElementType::kTransport);
  EXPECT_EQ(all.pages[1].type, ElementType::kImportExport);
  EXPECT_EQ(all.pages[2].type, ElementType::kDataTransfer);
  EXPECT_EQ(all.pages[3].type, ElementType::kStorage);
  EXPECT_EQ(all.pages[3].descriptors[2].volume_tag, "V1002");
  EXPECT_TRUE(all.pages[3].descriptors[2].full);
  EXPECT_FALSE(all.pages[3].descriptors[3].full);

  const auto slots =
      bench.elements({.type = ElementType::kStorage, .first = 1005, .count = 3, .allocation_length = 65536});
  EXPECT_EQ(slots.first_address, 1005);
  EXPECT_EQ(slots.available, 3);
  ASSERT_EQ(slots.pages.size(), 1U);
  EXPECT_EQ(slots.pages[0].descriptors.back().address, 1007);

  // The number counts over all types in ascending order.
  const auto four = bench.elements({.first = 11, .count = 4, .allocation_length = 65536});
  ASSERT_EQ(four.pages.size(), 3U);
  EXPECT_EQ(four.pages[0].descriptors.front().address, 11);
  EXPECT_EQ(four.pages[1].descriptors.size(), 2U);
  EXPECT_EQ(four.pages[2].descriptors.size(), 1U);

  const auto none =
      bench.elements({.type = ElementType::kStorage, .first = 1040, .count = 3, .allocation_length = 65536});
  EXPECT_EQ(none.available, 0);
  EXPECT_TRUE(none.pages.empty());
}

TEST(Changer, L2_ShortAllocationGivesWholeDescriptorsAndTheWholeCount) {
  Bench bench;
  const scsi::ReadElementStatus cdb{
      .volume_tags = true, .type = ElementType::kStorage, .count = 40, .allocation_length = 8};
  EXPECT_EQ(to_hex(bench.run(cdb.encode()).data_in),
            "03e8002800"
            "000828");  // 8 + 40 * 52
  for (const std::uint32_t length : {0U, 3U, 8U, 16U, 67U, 68U, 119U, 120U, 2095U, 2096U, 9999U}) {
    auto cut = cdb;
    cut.allocation_length = length;
    bench.robot.described = 0;
    const auto data = bench.run(cut.encode()).data_in;
    const auto fitting = length < 68 ? 0 : std::min<std::size_t>((length - 16) / 52, 40);
    EXPECT_EQ(data.size(), std::min<std::size_t>(length, fitting == 0 ? 8 : 16 + fitting * 52)) << length;
    EXPECT_EQ(bench.robot.described, fitting);
  }
}

TEST(Changer, L2_DrivesAreNamedWhenAskedFor) {
  Bench bench;
  const auto data = bench.elements({.volume_tags = true,
                                    .type = ElementType::kDataTransfer,
                                    .count = 2,
                                    .device_ids = true,
                                    .allocation_length = 4096});
  ASSERT_EQ(data.pages.size(), 1U);
  EXPECT_EQ(data.pages[0].descriptor_bytes(), 88U);
  EXPECT_EQ(data.pages[0].descriptors[0].identifier, "TAPEWARDVIRTUAL LTO     1000000001");
  const auto without =
      bench.elements({.type = ElementType::kDataTransfer, .count = 2, .allocation_length = 4096});
  EXPECT_EQ(without.pages[0].descriptors[0].identifier, "");
}

TEST(Changer, L2_SixtyThousandSlotsAreOneReport) {
  Bench bench(60000);
  const auto data = bench.elements(
      {.volume_tags = true, .type = ElementType::kStorage, .count = 0xffff, .allocation_length = 0xffffff});
  EXPECT_EQ(data.available, 60000);
  EXPECT_EQ(data.pages[0].descriptors.size(), 60000U);
  EXPECT_EQ(bench.robot.described, 60000U);
}

TEST(Changer, L2_MovesGoToTheRobotWithGoodAddresses) {
  Bench bench;
  EXPECT_TRUE(bench.run(scsi::MoveMedium{0, 1000, 500, false}.encode()).good());
  EXPECT_TRUE(bench.run(scsi::ExchangeMedium{0, 1002, 500, 1000, false}.encode()).good());
  EXPECT_EQ(bench.robot.calls, (std::vector<std::string>{"move 1000 500", "exchange 1002 500 1000"}));
  for (const auto& cdb : {scsi::MoveMedium{7, 1000, 500, false}, scsi::MoveMedium{0, 999, 500, false},
                          scsi::MoveMedium{0, 1000, 1040, false}, scsi::MoveMedium{0, 1000, 0, false}})
    EXPECT_EQ(bench.run(cdb.encode()).sense.code, codes::kInvalidElementAddress);
  EXPECT_EQ(bench.run(scsi::ExchangeMedium{0, 1002, 500, 0, false}.encode()).sense.code,
            codes::kInvalidElementAddress);
  EXPECT_EQ(bench.run(scsi::MoveMedium{0, 1000, 500, true}.encode()).sense.field,
            (scsi::FieldPointer{true, 10, 0}));
  EXPECT_EQ(bench.robot.calls.size(), 2U);
  bench.robot.answer = codes::kDestinationFull;
  EXPECT_EQ(bench.run(scsi::MoveMedium{0, 1000, 500, false}.encode()).sense.code, codes::kDestinationFull);
}

TEST(Changer, L2_PositionAndInitializeCheckTheirAddresses) {
  Bench bench;
  EXPECT_TRUE(bench.run(scsi::PositionToElement{0, 1001, false}.encode()).good());
  EXPECT_EQ(bench.run(scsi::PositionToElement{0, 999, false}.encode()).sense.code,
            codes::kInvalidElementAddress);
  EXPECT_TRUE(bench.run(scsi::InitializeElementStatus{}.encode()).good());
  EXPECT_TRUE(bench.run(scsi::InitializeElementStatus{true, 1000, 5}.encode()).good());
  EXPECT_EQ(bench.run(scsi::InitializeElementStatus{true, 999, 5}.encode()).sense.code,
            codes::kInvalidElementAddress);
  EXPECT_EQ(bench.robot.calls, (std::vector<std::string>{"audit", "audit"}));
}

TEST(Changer, L2_AReservationKeepsOthersFromMovingButNotFromLooking) {
  Bench bench;
  (void)bench.run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady), kOther);
  EXPECT_TRUE(bench.run(scsi::plain_cdb(scsi::Opcode::kReserve6)).good());
  EXPECT_EQ(bench.run(scsi::MoveMedium{0, 1000, 500, false}.encode(), kOther).status,
            ScsiStatus::kReservationConflict);
  EXPECT_TRUE(bench.robot.calls.empty());
  const scsi::ReadElementStatus look{.count = 1, .current_data = true, .allocation_length = 99};
  EXPECT_TRUE(bench.run(look.encode(), kOther).good());
  const scsi::ReadElementStatus may_move{.count = 1, .allocation_length = 99};
  EXPECT_EQ(bench.run(may_move.encode(), kOther).status, ScsiStatus::kReservationConflict);
  EXPECT_TRUE(bench.run(scsi::plain_cdb(scsi::Opcode::kRelease6), kOther).good());  // not the holder's
  EXPECT_EQ(bench.run(may_move.encode(), kOther).status, ScsiStatus::kReservationConflict);
  bench.changer.nexus_lost(kHost);
  EXPECT_TRUE(bench.run(may_move.encode(), kOther).good());
}

TEST(Changer, L2_APersistentReservationIsOfThePortThatMadeIt) {
  using scsi::ReservationAction;
  Bench bench;
  (void)bench.run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady), kOther);
  bench.changer.nexus_named(kHost, {.transport_id = to_bytes("port of the host"), .target_port = ""});
  const auto out = [&](ReservationAction action, std::uint64_t own, std::uint64_t service,
                       scsi::NexusId nexus = kHost) {
    const auto list = ByteWriter().u64(own).u64(service).zeros(8).take();
    const auto type = static_cast<std::uint8_t>(ReservationType::kWriteExclusive);
    return bench.run(scsi::PersistentReserveOut{action, 0, type, 24}.encode(), nexus, list);
  };
  const auto move = [&](scsi::NexusId nexus) {
    return bench.run(scsi::MoveMedium{0, 1000, 500, false}.encode(), nexus).status;
  };
  EXPECT_TRUE(out(ReservationAction::kRegister, 0, 0xa1).good());
  EXPECT_TRUE(out(ReservationAction::kReserve, 0xa1, 0).good());
  EXPECT_EQ(move(kHost), ScsiStatus::kGood);
  EXPECT_EQ(move(kOther), ScsiStatus::kReservationConflict);
  const scsi::ReadElementStatus look{.count = 1, .current_data = true, .allocation_length = 99};
  EXPECT_TRUE(bench.run(look.encode(), kOther).good());
  EXPECT_TRUE(bench.run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady), kOther).good());
  EXPECT_TRUE(bench.run(scsi::PreventAllow{.prevent = false}.encode(), kOther).good());
  EXPECT_EQ(bench.run(scsi::PreventAllow{.prevent = true}.encode(), kOther).status,
            ScsiStatus::kReservationConflict);
  const auto keys = scsi::PersistentReserveIn{scsi::ReservationReport::kKeys, 99}.encode();
  EXPECT_EQ(to_hex(bench.run(keys, kOther).data_in), "000000010000000800000000000000a1");

  // The port comes back as another nexus and finds what it had.
  bench.changer.nexus_lost(kHost);
  EXPECT_EQ(move(kOther), ScsiStatus::kReservationConflict);
  const scsi::NexusId again{3};
  bench.changer.nexus_named(again, {.transport_id = to_bytes("port of the host"), .target_port = ""});
  (void)bench.run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady), again);
  EXPECT_EQ(move(again), ScsiStatus::kGood);
  bench.changer.reset();
  for (const auto nexus : {again, kOther})
    (void)bench.run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady), nexus);
  EXPECT_EQ(move(kOther), ScsiStatus::kReservationConflict) << "it outlives a reset";

  // The other may take it over, and the first is told.
  EXPECT_TRUE(out(ReservationAction::kRegister, 0, 0xb2, kOther).good());
  EXPECT_TRUE(out(ReservationAction::kPreempt, 0xb2, 0xa1, kOther).good());
  EXPECT_EQ(move(kOther), ScsiStatus::kGood);
  EXPECT_EQ(bench.run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady), again).sense.code,
            codes::kRegistrationsPreempted);
  EXPECT_EQ(move(again), ScsiStatus::kReservationConflict);
}

TEST(Changer, L2_AServiceActionThatIsNotKnownIsPointedAt) {
  Bench bench;
  for (const auto code : {0x5e, 0x5f, 0xa3}) {
    Bytes cdb(code == 0xa3 ? 12 : 10);
    cdb[0] = static_cast<std::uint8_t>(code);
    cdb[1] = 0x1e;
    const auto response = bench.run(cdb);
    EXPECT_EQ(response.sense.code, codes::kInvalidFieldInCdb) << code;
    EXPECT_EQ(response.sense.field, (scsi::FieldPointer{true, 1, 4})) << code;
  }
}

TEST(Changer, L2_HostsAreToldThatCartridgesCameOrWent) {
  Bench bench;
  bench.robot.changes = 1;
  const scsi::ReadElementStatus look{.count = 1, .allocation_length = 99};
  EXPECT_EQ(bench.run(look.encode()).sense.code, codes::kImportExportAccessed);
  EXPECT_TRUE(bench.run(look.encode()).good());
  bench.robot.changes = 2;
  const auto sense = scsi::Sense::decode(bench.run(scsi::RequestSense{}.encode()).data_in);
  ASSERT_TRUE(sense);
  EXPECT_EQ(sense->code, codes::kImportExportAccessed);
}

TEST(Changer, L2_CommandsOfATapeDriveAreUnknown) {
  Bench bench;
  for (const auto code : {0x01, 0x08, 0x0a, 0x10, 0x1b, 0xa2, 0xb5, 0xff}) {
    Bytes cdb(16);
    cdb[0] = static_cast<std::uint8_t>(code);
    EXPECT_EQ(bench.run(cdb).sense.code, codes::kInvalidOpcode) << code;
  }
  EXPECT_EQ(bench.run({}).sense.code, codes::kInvalidOpcode);
}

TEST(Changer, L2_TapeAlertRaisesNoFlag) {
  Bench bench;
  const auto response = bench.run(scsi::LogSense{.page = 0x2e, .allocation_length = 1000}.encode());
  const auto page = scsi::LogPage::decode(response.data_in);
  ASSERT_TRUE(page);
  ASSERT_EQ(page->parameters.size(), 64U);
  for (const auto& parameter : page->parameters) EXPECT_EQ(scsi::number_of(parameter), 0U);
  EXPECT_EQ(to_hex(bench.run(scsi::LogSense{.page = 0, .allocation_length = 99}.encode()).data_in),
            "00000002002e");
  EXPECT_EQ(bench.run(scsi::LogSense{.page = 0x0c, .allocation_length = 99}.encode()).sense.code,
            codes::kInvalidFieldInCdb);
}

TEST(Changer, L2_WhatADeadHostPreventedEndsWithPreemptAndAbort) {
  using scsi::ReservationAction;
  Bench bench;
  const auto ready = scsi::plain_cdb(scsi::Opcode::kTestUnitReady);
  (void)bench.run(ready, kOther);
  const auto out = [&](ReservationAction action, std::uint64_t key, std::uint64_t service,
                       scsi::NexusId nexus) {
    const auto list = ByteWriter().u64(key).u64(service).zeros(8).take();
    return bench.run(scsi::PersistentReserveOut{.action = action, .type = 3, .parameter_length = 24}.encode(),
                     nexus, list);
  };
  EXPECT_TRUE(out(ReservationAction::kRegister, 0, 0xa1, kHost).good());
  EXPECT_TRUE(out(ReservationAction::kRegister, 0, 0xb2, kOther).good());
  EXPECT_TRUE(bench.run(scsi::PreventAllow{.prevent = true}.encode()).good());
  EXPECT_TRUE(out(ReservationAction::kPreempt, 0xb2, 0xa1, kOther).good());
  EXPECT_TRUE(bench.robot.prevented) << "PREEMPT alone ends no prevention";
  (void)bench.run(ready);
  EXPECT_TRUE(out(ReservationAction::kRegister, 0, 0xa1, kHost).good());
  EXPECT_TRUE(out(ReservationAction::kPreemptAndAbort, 0xb2, 0xa1, kOther).good());
  EXPECT_FALSE(bench.robot.prevented);
}

TEST(Changer, L2_RemovalIsPreventedUntilTheLastInitiatorAllowsItOrIsGone) {
  Bench bench;
  (void)bench.run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady), kOther);
  EXPECT_TRUE(bench.run(scsi::PreventAllow{.prevent = true}.encode()).good());
  EXPECT_TRUE(bench.run(scsi::PreventAllow{.prevent = true}.encode(), kOther).good());
  EXPECT_TRUE(bench.robot.prevented);
  EXPECT_TRUE(bench.run(scsi::PreventAllow{.prevent = false}.encode()).good());
  EXPECT_TRUE(bench.robot.prevented);
  bench.changer.nexus_lost(kOther);
  EXPECT_FALSE(bench.robot.prevented);
  EXPECT_TRUE(bench.run(scsi::PreventAllow{.prevent = true}.encode()).good());
  bench.changer.reset();
  EXPECT_FALSE(bench.robot.prevented);
}

}  // namespace
}  // namespace tapewarden::tape
