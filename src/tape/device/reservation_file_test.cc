// What survives power-off (APTPL): SPC-4 section 5.13.5; the file of docs/formats/reservations.md.
#include "tape/device/reservation_file.h"

#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "base/testing/sim_env.h"
#include "scsi/sense_codes.h"
#include "scsi/transport_id.h"
#include "tape/device/reservations.h"

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;
using Action = scsi::ReservationAction;
using Type = ReservationType;

const std::string kPath = "/library/reservations/TW01";
constexpr scsi::NexusId kOne{1};
constexpr scsi::NexusId kTwo{2};
constexpr scsi::NexusId kNameless{3};
const Bytes kPortOne = scsi::iscsi_transport_id("iqn.2026-01.test:a", {0, 2, 0x3d, 0, 0, 1});
const Bytes kPortTwo = scsi::iscsi_transport_id("iqn.2026-01.test:b", {0, 2, 0x3d, 0, 0, 1});

KeptReservations some() {
  return {.registrants = {{.port = kPortOne, .key = 0xa1, .holder = true}, {.port = kPortTwo, .key = 0xb2}},
          .type = static_cast<std::uint8_t>(Type::kWriteExclusive)};
}

class KeptBeyondPowerOff : public ::testing::Test {
 protected:
  KeptBeyondPowerOff() { on(); }
  // A device that is switched on; its file is read anew.
  void on() {
    auto file = ReservationFile::open(*sim.env().disk, kPath);
    ASSERT_TRUE(file) << file.error().text();
    device.emplace(attentions, *std::move(file));
  }
  void off_and_on() {
    sim.disk.power_loss();
    on();
  }
  void name() {
    device->name(kOne, kPortOne);
    device->name(kTwo, kPortTwo);
  }
  scsi::Outcome<scsi::Response> out(scsi::NexusId nexus, Action action, std::uint64_t own,
                                    std::uint64_t service, bool aptpl = false,
                                    Type type = Type::kWriteExclusive) {
    const scsi::PersistentReserveOut cdb{action, 0, static_cast<std::uint8_t>(type), 24};
    const auto list = ByteWriter().u64(own).u64(service).zeros(4).u8(aptpl ? 1 : 0).zeros(3).take();
    return device->persistent_out(nexus, cdb, list);
  }
  void expect_good(const scsi::Outcome<scsi::Response>& answer) { EXPECT_TRUE(answer && answer->good()); }
  std::string in(scsi::ReservationReport report) { return to_hex(device->persistent_in(report)); }
  bool stopped(scsi::NexusId nexus) { return device->conflict(nexus, ReservationClass::kWrite, Bytes(6)); }

  tapewarden::testing::SimEnv sim{7};
  UnitAttentions attentions;
  std::optional<Reservations> device;
};

TEST_F(KeptBeyondPowerOff, L3_RegistrationsAndTheReservationWithTheirPorts) {
  name();
  EXPECT_EQ(in(scsi::ReservationReport::kCapabilities), "00081180ea010000") << "PTPL_C";
  expect_good(out(kOne, Action::kRegister, 0, 0xa1, true));
  expect_good(out(kTwo, Action::kRegister, 0, 0xb2, true));
  expect_good(out(kOne, Action::kReserve, 0xa1, 0));
  EXPECT_EQ(in(scsi::ReservationReport::kCapabilities), "00081181ea010000") << "PTPL_A";
  off_and_on();
  EXPECT_EQ(in(scsi::ReservationReport::kCapabilities), "00081181ea010000");
  EXPECT_EQ(in(scsi::ReservationReport::kKeys),
            "0000000000000010"
            "00000000000000a1"
            "00000000000000b2")
      << "the generation begins anew";
  EXPECT_TRUE(stopped(kOne)) << "its port is not here yet";
  name();
  EXPECT_FALSE(stopped(kOne));
  EXPECT_TRUE(stopped(kTwo));
  expect_good(out(kOne, Action::kRelease, 0xa1, 0));
  off_and_on();
  EXPECT_FALSE(stopped(kTwo)) << "a release is kept as well";
}

TEST_F(KeptBeyondPowerOff, L3_TheLastRegisterSaysWhetherAnythingIsKept) {
  name();
  expect_good(out(kOne, Action::kRegister, 0, 0xa1));
  expect_good(out(kOne, Action::kReserve, 0xa1, 0));
  off_and_on();
  EXPECT_EQ(in(scsi::ReservationReport::kKeys), "0000000000000000");
  name();
  expect_good(out(kOne, Action::kRegister, 0, 0xa1, true));
  expect_good(out(kTwo, Action::kRegister, 0, 0xb2, false));
  EXPECT_EQ(in(scsi::ReservationReport::kCapabilities), "00081180ea010000");
  off_and_on();
  EXPECT_EQ(in(scsi::ReservationReport::kKeys), "0000000000000000");
  EXPECT_FALSE(stopped(kTwo));
}

TEST_F(KeptBeyondPowerOff, L3_OtherActionsIgnoreTheBit) {
  name();
  expect_good(out(kOne, Action::kRegister, 0, 0xa1, true));
  expect_good(out(kOne, Action::kReserve, 0xa1, 0, false, Type::kExclusiveAccessAllRegistrants));
  off_and_on();
  name();
  EXPECT_FALSE(stopped(kOne));
  EXPECT_TRUE(stopped(kTwo));
  expect_good(out(kOne, Action::kClear, 0xa1, 0));
  off_and_on();
  EXPECT_FALSE(stopped(kTwo));
}

TEST_F(KeptBeyondPowerOff, L3_APortWithoutANameIsNobodyAfterwards) {
  name();
  expect_good(out(kOne, Action::kRegister, 0, 0xa1, true));
  expect_good(out(kNameless, Action::kRegister, 0, 0xc3, true));
  expect_good(out(kNameless, Action::kReserve, 0xc3, 0));
  EXPECT_TRUE(stopped(kOne));
  off_and_on();
  name();
  EXPECT_FALSE(stopped(kOne)) << "its holder could never release it";
  EXPECT_EQ(in(scsi::ReservationReport::kKeys), "000000000000000800000000000000a1");
}

TEST_F(KeptBeyondPowerOff, L3_WhatCannotBeKeptIsNotDone) {
  name();
  ASSERT_TRUE(attentions.meet(kTwo));
  attentions.take(kTwo);
  expect_good(out(kOne, Action::kRegister, 0, 0xa1, true));
  expect_good(out(kTwo, Action::kRegister, 0, 0xb2, true));
  const auto before = in(scsi::ReservationReport::kFullStatus);
  sim.disk.fail_after(0);
  const auto refused = out(kOne, Action::kPreempt, 0xa1, 0xb2);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, codes::kInternalTargetFailure);
  EXPECT_EQ(in(scsi::ReservationReport::kFullStatus), before);
  EXPECT_FALSE(attentions.any(kTwo)) << "told of what did not happen";
  sim.disk.clear_faults();
  expect_good(out(kOne, Action::kPreempt, 0xa1, 0xb2));
  EXPECT_TRUE(attentions.any(kTwo));
}

TEST(ReservationFileFormat, L3_TheFileAsBytes) {
  const KeptReservations kept{.registrants = {{.port = Bytes{0x45, 0x00}, .key = 0xa1, .holder = true}},
                              .type = 3};
  const auto bytes = kept.encode();
  EXPECT_EQ(to_hex(ByteView(bytes).first(bytes.size() - 4)),
            "5457505253560a1a"
            "0001"
            "0300"
            "0001"
            "00000000000000a1"
            "01"
            "00024500");
  EXPECT_EQ(KeptReservations::decode(bytes).value(), kept);
  EXPECT_EQ(KeptReservations::decode(some().encode()).value(), some());
  EXPECT_EQ(KeptReservations::decode(KeptReservations{}.encode()).value(), KeptReservations{});
}

TEST(ReservationFileFormat, L3_AnythingElseIsRefused) {
  const auto whole = some().encode();
  for (std::size_t cut = 0; cut < whole.size(); ++cut)
    EXPECT_FALSE(KeptReservations::decode(ByteView(whole).first(cut))) << cut;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto flipped = whole;
    flipped[at] ^= 0x10;
    EXPECT_FALSE(KeptReservations::decode(flipped)) << at;
  }
  // What is wrong though its checksum is right.
  const auto sealed = [](KeptReservations kept) {
    return KeptReservations::decode(kept.encode()).has_value();
  };
  auto kept = some();
  kept.registrants[1].holder = true;
  EXPECT_FALSE(sealed(kept)) << "two holders";
  kept = some();
  kept.registrants[0].holder = false;
  EXPECT_FALSE(sealed(kept)) << "no holder";
  kept = some();
  kept.type = 2;
  EXPECT_FALSE(sealed(kept));
  kept = some();
  kept.registrants[1].key = 0;
  EXPECT_FALSE(sealed(kept));
  kept = some();
  kept.registrants[1].port.clear();
  EXPECT_FALSE(sealed(kept));
  EXPECT_FALSE(sealed({.type = 7})) << "of all registrants, and there is none";
}

TEST(ReservationFileFormat, L3_ADamagedFileIsNamedWithItsRemedy) {
  tapewarden::testing::SimEnv sim{7};
  auto& disk = *sim.env().disk;
  ASSERT_TRUE(disk.make_directories("/library/reservations"));
  ASSERT_TRUE(write_file_atomically(disk, kPath, Bytes(40, 1)));
  const auto opened = ReservationFile::open(disk, kPath);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(opened.error().message.find(kPath), std::string::npos);
  EXPECT_FALSE(opened.error().remedy.empty());
}

}  // namespace
}  // namespace tapewarden::tape
