// Persistent reservations: SPC-4 section 5.13; parameter data of tables 168 to 174 laid out by hand.
#include "tape/device/reservations.h"

#include "scsi/transport_id.h"
#include "tape/device/drive_test_kit.h"
#include "tape/device/limits.h"

namespace tapewarden::tape::test {
namespace {

using Action = scsi::ReservationAction;
using Type = ReservationType;
using scsi::ScsiStatus;

const scsi::NexusId kThird{3};

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}
Bytes parameters(std::uint64_t own, std::uint64_t service, std::uint8_t flags = 0) {
  return ByteWriter().u64(own).u64(service).zeros(4).u8(flags).zeros(3).take();
}

struct Shared : Bench {
  Shared() {
    settle(kOtherHost);
    settle(kThird);
  }
  scsi::Response out(scsi::NexusId nexus, Action action, std::uint64_t own, std::uint64_t service = 0,
                     Type type = Type::kWriteExclusive) {
    return run(scsi::PersistentReserveOut{action, 0, static_cast<std::uint8_t>(type), 24}.encode(),
               parameters(own, service), nexus);
  }
  ScsiStatus status(scsi::NexusId nexus, ByteView cdb) { return run(cdb, {}, nexus).status; }
  std::string in(scsi::ReservationReport report, std::uint16_t limit = 4096) {
    return to_hex(run(scsi::PersistentReserveIn{report, limit}.encode()).data_in);
  }
  // READ, WRITE FILEMARKS(0) and TEST UNIT READY of a nexus: r, w and t where they are let through.
  std::string allowed(scsi::NexusId nexus) {
    std::string text;
    if (status(nexus, scsi::Rewind{}.encode()) != ScsiStatus::kReservationConflict) text += 'r';
    if (status(nexus, scsi::WriteFilemarks{}.encode()) != ScsiStatus::kReservationConflict) text += 'w';
    if (status(nexus, scsi::plain_cdb(scsi::Opcode::kTestUnitReady)) != ScsiStatus::kReservationConflict)
      text += 't';
    return text;
  }
  void join() {
    EXPECT_GOOD(out(kHost, Action::kRegister, 0, 0xa1));
    EXPECT_GOOD(out(kOtherHost, Action::kRegister, 0, 0xb2));
  }
};

// SPC-4 tables 168 and 169: PRGENERATION, ADDITIONAL LENGTH, keys; the reservation descriptor.
TEST(Reservations, L3_KeysAndReservationAsBytes) {
  Shared bench;
  EXPECT_EQ(bench.in(scsi::ReservationReport::kKeys), "0000000000000000");
  bench.join();
  EXPECT_EQ(bench.in(scsi::ReservationReport::kKeys),
            "0000000200000010"
            "00000000000000a1"
            "00000000000000b2");
  EXPECT_EQ(bench.in(scsi::ReservationReport::kReservation), "0000000200000000");
  EXPECT_GOOD(bench.out(kHost, Action::kReserve, 0xa1, 0, Type::kExclusiveAccess));
  EXPECT_EQ(bench.in(scsi::ReservationReport::kReservation),
            "0000000200000010"
            "00000000000000a1"
            "0000000000030000");
  EXPECT_EQ(bench.in(scsi::ReservationReport::kKeys, 6), "000000020000");
}

// SPC-4 table 170: LENGTH 8, CRH, TMV, type mask EA01h.
TEST(Reservations, L3_CapabilitiesAsBytes) {
  Shared bench;
  EXPECT_EQ(bench.in(scsi::ReservationReport::kCapabilities), "00081080ea010000");
}

// SPC-4 table 174: key, R_HOLDER, scope and type, relative target port, TransportID (section 7.6.4.6).
TEST(Reservations, L3_FullStatusNamesTheInitiatorPort) {
  Shared bench;
  bench.drive->nexus_named(kHost,
                           {scsi::iscsi_transport_id("iqn.2026-01.test:a", {0, 2, 0x3d, 0, 0, 1}), {}});
  EXPECT_GOOD(bench.out(kHost, Action::kRegister, 0, 0xa1));
  EXPECT_GOOD(bench.out(kHost, Action::kReserve, 0xa1, 0, Type::kExclusiveAccessRegistrantsOnly));
  const auto name = to_hex(as_bytes("iqn.2026-01.test:a,i,0x00023d000001"));
  EXPECT_EQ(bench.in(scsi::ReservationReport::kFullStatus),
            "0000000100000040"
            "00000000000000a1"
            "00000000"
            "0106"
            "00000000"
            "0001"
            "00000028"
            "45000024" +
                name + "00");
}

struct TypeCase {
  Type type;
  std::string unregistered;
  std::string registered;
};

// SPC-4 table 65: who is let through, by type.
TEST(Reservations, L3_EveryTypeStopsWhomItShould) {
  for (const auto& c :
       {TypeCase{Type::kWriteExclusive, "rt", "rt"}, TypeCase{Type::kExclusiveAccess, "t", "t"},
        TypeCase{Type::kWriteExclusiveRegistrantsOnly, "rt", "rwt"},
        TypeCase{Type::kExclusiveAccessRegistrantsOnly, "t", "rwt"},
        TypeCase{Type::kWriteExclusiveAllRegistrants, "rt", "rwt"},
        TypeCase{Type::kExclusiveAccessAllRegistrants, "t", "rwt"}}) {
    Shared bench;
    bench.join();
    EXPECT_GOOD(bench.out(kHost, Action::kReserve, 0xa1, 0, c.type));
    EXPECT_EQ(bench.allowed(kHost), "rwt");
    EXPECT_EQ(bench.allowed(kOtherHost), c.registered) << static_cast<int>(c.type);
    EXPECT_EQ(bench.allowed(kThird), c.unregistered) << static_cast<int>(c.type);
    EXPECT_GOOD(bench.run(scsi::Inquiry{.allocation_length = 36}.encode(), {}, kThird));
    EXPECT_EQ(bench.status(kThird, scsi::PreventAllow{true}.encode()), ScsiStatus::kReservationConflict);
    EXPECT_EQ(bench.status(kThird, scsi::PreventAllow{false}.encode()), ScsiStatus::kGood);
  }
}

TEST(Reservations, L3_KeysMustMatchAndSecondReserveConflicts) {
  Shared bench;
  bench.join();
  EXPECT_EQ(bench.out(kHost, Action::kRegister, 0x77, 0xa2).status, ScsiStatus::kReservationConflict);
  EXPECT_EQ(bench.out(kThird, Action::kRegister, 0x77, 0xa2).status, ScsiStatus::kReservationConflict);
  EXPECT_EQ(bench.out(kThird, Action::kReserve, 0).status, ScsiStatus::kReservationConflict);
  EXPECT_EQ(bench.out(kHost, Action::kReserve, 0xb2).status, ScsiStatus::kReservationConflict);
  EXPECT_GOOD(bench.out(kHost, Action::kReserve, 0xa1));
  EXPECT_GOOD(bench.out(kHost, Action::kReserve, 0xa1));  // the same again
  EXPECT_EQ(bench.out(kHost, Action::kReserve, 0xa1, 0, Type::kExclusiveAccess).status,
            ScsiStatus::kReservationConflict);
  EXPECT_EQ(bench.out(kOtherHost, Action::kReserve, 0xb2).status, ScsiStatus::kReservationConflict);
  EXPECT_GOOD(bench.out(kHost, Action::kRegisterAndIgnore, 0x1234, 0xa9));
  EXPECT_GOOD(bench.out(kHost, Action::kRelease, 0xa9));
  EXPECT_GOOD(bench.out(kOtherHost, Action::kReserve, 0xb2));
}

// SPC-4 section 5.13.11.2: a release of another type is 05/26/04; others learn of a shared one's end by
// 2A/04.
TEST(Reservations, L3_ReleaseAndUnregisterTellRegistrants) {
  Shared bench;
  bench.join();
  EXPECT_GOOD(bench.out(kHost, Action::kReserve, 0xa1, 0, Type::kWriteExclusiveRegistrantsOnly));
  EXPECT_SENSE(bench.out(kHost, Action::kRelease, 0xa1), codes::kInvalidRelease);
  EXPECT_GOOD(bench.out(kOtherHost, Action::kRelease, 0xb2));  // not the holder: no effect
  EXPECT_EQ(bench.allowed(kThird), "rt");
  EXPECT_GOOD(bench.out(kHost, Action::kRelease, 0xa1, 0, Type::kWriteExclusiveRegistrantsOnly));
  EXPECT_SENSE(bench.run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady), {}, kOtherHost),
               codes::kReservationsReleased);
  EXPECT_EQ(bench.allowed(kThird), "rwt");

  EXPECT_GOOD(bench.out(kHost, Action::kReserve, 0xa1, 0, Type::kExclusiveAccessRegistrantsOnly));
  EXPECT_GOOD(bench.out(kHost, Action::kRegister, 0xa1, 0));  // unregisters, and with it goes the reservation
  EXPECT_SENSE(bench.run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady), {}, kOtherHost),
               codes::kReservationsReleased);
  EXPECT_EQ(bench.in(scsi::ReservationReport::kReservation), "0000000300000000");
}

TEST(Reservations, L3_ClearAndPreempt) {
  Shared bench;
  bench.join();
  EXPECT_GOOD(bench.out(kHost, Action::kReserve, 0xa1));
  EXPECT_SENSE(bench.out(kOtherHost, Action::kPreempt, 0xb2, 0), codes::kInvalidFieldInParameters);
  EXPECT_EQ(bench.out(kOtherHost, Action::kPreempt, 0xb2, 0x99).status, ScsiStatus::kReservationConflict);
  EXPECT_GOOD(bench.out(kOtherHost, Action::kPreemptAndAbort, 0xb2, 0xa1, Type::kExclusiveAccess));
  EXPECT_SENSE(bench.run(scsi::Inquiry{.allocation_length = 36}.encode(), {}, kHost).good()
                   ? bench.run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady))
                   : scsi::Response{},
               codes::kRegistrationsPreempted);
  EXPECT_EQ(bench.allowed(kHost), "t");
  EXPECT_EQ(bench.allowed(kOtherHost), "rwt");
  EXPECT_GOOD(bench.out(kHost, Action::kRegister, 0, 0xa1));
  EXPECT_GOOD(bench.out(kHost, Action::kClear, 0xa1));
  EXPECT_SENSE(bench.run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady), {}, kOtherHost),
               codes::kReservationsPreempted);
  EXPECT_EQ(bench.allowed(kOtherHost), "rwt");
  EXPECT_EQ(bench.in(scsi::ReservationReport::kKeys).substr(8), "00000000");
}

TEST(Reservations, L3_WhatADeadHostPreventedEndsWithPreemptAndAbort) {
  Shared bench;
  bench.join();
  EXPECT_GOOD(bench.run(scsi::PreventAllow{true}.encode(), {}, kHost));
  EXPECT_GOOD(bench.out(kOtherHost, Action::kPreemptAndAbort, 0xb2, 0xa1, Type::kExclusiveAccess));
  EXPECT_TRUE(bench.drive->status().preventing.empty());
  EXPECT_GOOD(bench.run(scsi::PreventAllow{true}.encode(), {}, kOtherHost));
  EXPECT_GOOD(bench.out(kOtherHost, Action::kPreemptAndAbort, 0xb2, 0xb2, Type::kExclusiveAccess));
  EXPECT_EQ(bench.drive->status().preventing.size(), 1U) << "its own word stands";
}

TEST(Reservations, L3_AllRegistrantsIsPreemptedByKeyZero) {
  Shared bench;
  bench.join();
  EXPECT_GOOD(bench.out(kHost, Action::kReserve, 0xa1, 0, Type::kExclusiveAccessAllRegistrants));
  EXPECT_GOOD(bench.out(kOtherHost, Action::kReserve, 0xb2, 0, Type::kExclusiveAccessAllRegistrants));
  EXPECT_EQ(bench.in(scsi::ReservationReport::kReservation).substr(16), "00000000000000000000000000080000");
  EXPECT_GOOD(bench.out(kHost, Action::kRegister, 0xa1, 0));
  EXPECT_EQ(bench.allowed(kThird), "t") << "one registrant is left, and holds it";
  EXPECT_GOOD(bench.out(kThird, Action::kRegister, 0, 0xc3));
  EXPECT_GOOD(bench.out(kThird, Action::kPreempt, 0xc3, 0, Type::kExclusiveAccess));
  bench.settle(kOtherHost);
  EXPECT_EQ(bench.allowed(kOtherHost), "t");
  EXPECT_EQ(bench.allowed(kThird), "rwt");
}

TEST(Reservations, L3_WhatIsNotOfferedIsRefusedWithItsField) {
  Shared bench;
  const auto send = [&bench](const scsi::PersistentReserveOut& cdb, const Bytes& list) {
    return bench.run(cdb.encode(), list);
  };
  for (const std::uint8_t bit : Bytes{0, 2, 3}) {  // APTPL, ALL_TG_PT, SPEC_I_PT
    const auto refused =
        send({.parameter_length = 24}, parameters(0, 0xa1, static_cast<std::uint8_t>(1U << bit)));
    EXPECT_SENSE(refused, codes::kInvalidFieldInParameters);
    EXPECT_EQ(refused.sense.field->byte, 20);
    EXPECT_EQ(refused.sense.field->bit, bit);
  }
  EXPECT_SENSE(send({.parameter_length = 23}, Bytes(23)), codes::kParameterListLengthError);
  EXPECT_SENSE(send({.parameter_length = 24}, Bytes(23)), codes::kTransferTooShort);
  EXPECT_GOOD(bench.out(kHost, Action::kRegister, 0, 0xa1));
  EXPECT_SENSE(send({Action::kReserve, 1, 1, 24}, parameters(0xa1, 0)), codes::kInvalidFieldInCdb);
  for (const std::uint8_t type : Bytes{0, 2, 4, 9, 15})
    EXPECT_SENSE(send({Action::kReserve, 0, type, 24}, parameters(0xa1, 0)), codes::kInvalidFieldInCdb);
  EXPECT_SENSE(bench.run(hex("5f070000000000001800"), Bytes(24)), codes::kInvalidFieldInCdb);  // AND MOVE
  EXPECT_SENSE(bench.run(hex("5e040000000000001800")), codes::kInvalidFieldInCdb);
  EXPECT_EQ(bench.in(scsi::ReservationReport::kKeys), "000000010000000800000000000000a1");
}

// SPC-4 section 5.13.3: CRH; SPC-2: no persistent reservation while RESERVE holds the unit.
TEST(Reservations, L3_ReserveAndPersistentReservationsExcludeEachOther) {
  Shared bench;
  const auto reserve = scsi::plain_cdb(scsi::Opcode::kReserve6);
  EXPECT_GOOD(bench.run(reserve));
  EXPECT_EQ(bench.out(kHost, Action::kRegister, 0, 0xa1).status, ScsiStatus::kReservationConflict);
  EXPECT_EQ(bench.out(kOtherHost, Action::kRegister, 0, 0xb2).status, ScsiStatus::kReservationConflict);
  EXPECT_GOOD(bench.run(hex("57000000000000000000")));  // RELEASE(10)
  bench.join();
  EXPECT_EQ(bench.run(reserve).status, ScsiStatus::kReservationConflict);
  EXPECT_GOOD(bench.out(kHost, Action::kReserve, 0xa1));
  EXPECT_GOOD(bench.run(reserve));
  EXPECT_EQ(bench.run(reserve, {}, kOtherHost).status, ScsiStatus::kReservationConflict);
  EXPECT_GOOD(bench.run(scsi::plain_cdb(scsi::Opcode::kRelease6)));
  EXPECT_EQ(bench.allowed(kOtherHost), "rt") << "RELEASE leaves a persistent reservation alone";
  EXPECT_SENSE(bench.run(hex("56100000000000000000")), codes::kInvalidFieldInCdb);  // 3RDPTY
}

TEST(Reservations, L3_ANamedPortFindsItsRegistrationAgain) {
  Shared bench;
  const auto port = scsi::iscsi_transport_id("iqn.2026-01.test:a", {0, 2, 0x3d, 0, 0, 1});
  bench.drive->nexus_named(kHost, {port, {}});
  bench.join();
  EXPECT_GOOD(bench.out(kHost, Action::kReserve, 0xa1));
  bench.drive->nexus_lost(kHost);
  EXPECT_EQ(bench.allowed(kOtherHost), "rt") << "the reservation outlives the session";
  const scsi::NexusId again{77};
  bench.drive->nexus_named(again, {port, {}});
  bench.settle(again);
  EXPECT_EQ(bench.allowed(again), "rwt");
  EXPECT_GOOD(bench.out(again, Action::kRelease, 0xa1));
  EXPECT_EQ(bench.allowed(kOtherHost), "rwt");
  bench.drive->nexus_lost(kOtherHost);  // nameless: its registration goes with it
  EXPECT_EQ(bench.run(scsi::PersistentReserveIn{scsi::ReservationReport::kKeys, 64}.encode(), {}, again)
                .data_in.size(),
            16U);
}

TEST(Reservations, L3_ResetKeepsRegistrationsPowerOffDoesNot) {
  Shared bench;
  bench.join();
  EXPECT_GOOD(bench.out(kHost, Action::kReserve, 0xa1));
  bench.drive->reset();
  bench.settle(kHost);
  bench.settle(kOtherHost);
  EXPECT_EQ(bench.allowed(kOtherHost), "rt");
  ASSERT_TRUE(bench.drive->power_cycle().has_value());
  bench.settle(kHost);
  bench.settle(kOtherHost);
  EXPECT_EQ(bench.allowed(kOtherHost), "rwt");
  EXPECT_EQ(bench.in(scsi::ReservationReport::kKeys), "0000000000000000");
}

TEST(Reservations, L3_RegistrantsAreLimited) {
  UnitAttentions attentions;
  Reservations reservations(attentions);
  const auto add = [&](std::uint64_t number) {
    return reservations.persistent_out(scsi::NexusId{number}, {.parameter_length = 24},
                                       parameters(0, number));
  };
  for (std::uint64_t i = 1; i <= kMaxRegistrants; ++i) ASSERT_TRUE(add(i).has_value());
  EXPECT_EQ(add(9999).error().code, codes::kNoRegistrationResources);
}

TEST(Reservations, L3_TheTableOfConflictsHasEveryClassOnce) {
  for (unsigned i = 0; i <= static_cast<unsigned>(ReservationClass::kPersistentOut); ++i)
    EXPECT_EQ(conflicts_of(static_cast<ReservationClass>(i)).command, static_cast<ReservationClass>(i));
}

}  // namespace
}  // namespace tapewarden::tape::test
