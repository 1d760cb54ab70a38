// Keys that hang on a reservation (CKORP, CKORL): what takes them away, and what does not.
#include "base/crc32c.h"
#include "scsi/encryption_status.h"
#include "scsi/tape_cdb.h"
#include "scsi/transport_id.h"
#include "tape/device/drive_test_kit.h"
#include "tape/device/reservations.h"

namespace tapewarden::tape::test {
namespace {

using Action = scsi::ReservationAction;
using Type = ReservationType;
using scsi::KeyScope;

const scsi::NexusId kThird{3};
const Bytes kKey = key_bytes(1);
constexpr std::uint64_t kHostKey = 0xa1;
constexpr std::uint64_t kOtherKey = 0xb2;
constexpr std::array kTypes = {Type::kWriteExclusive,
                               Type::kExclusiveAccess,
                               Type::kWriteExclusiveRegistrantsOnly,
                               Type::kExclusiveAccessRegistrantsOnly,
                               Type::kWriteExclusiveAllRegistrants,
                               Type::kExclusiveAccessAllRegistrants};

bool all_registrants(Type type) {
  return type == Type::kWriteExclusiveAllRegistrants || type == Type::kExclusiveAccessAllRegistrants;
}

enum class Hangs : std::uint8_t { kOnPreempt, kOnLoss };

struct HeldBench : Bench {
  HeldBench() {
    settle(kOtherHost);
    settle(kThird);
  }
  scsi::Response out(scsi::NexusId nexus, Action action, std::uint64_t own, std::uint64_t service = 0,
                     Type type = Type::kWriteExclusive) {
    return run(scsi::PersistentReserveOut{action, 0, static_cast<std::uint8_t>(type), 24}.encode(),
               ByteWriter().u64(own).u64(service).zeros(8).take(), nexus);
  }
  // Both hosts registered, kHost holding, and its key hanging on that.
  void hold(Type type, Hangs hangs, KeyScope scope = KeyScope::kAllNexuses) {
    EXPECT_GOOD(out(kHost, Action::kRegister, 0, kHostKey));
    EXPECT_GOOD(out(kOtherHost, Action::kRegister, 0, kOtherKey));
    EXPECT_GOOD(out(kHost, Action::kReserve, kHostKey, 0, type));
    hang(hangs, scope);
  }
  void hang(Hangs hangs, KeyScope scope = KeyScope::kAllNexuses) {
    auto page = encrypting(kKey, scsi::DecryptionMode::kMixed, scope);
    page.clear_on_reservation_preempt = hangs == Hangs::kOnPreempt;
    page.clear_on_reservation_loss = hangs == Hangs::kOnLoss;
    settle(kHost);
    EXPECT_GOOD(set_encryption(page));
    EXPECT_TRUE(keyed(kHost));
    settle(kOtherHost);
  }
  // None: the reservation keeps it from looking.
  std::optional<scsi::EncryptionStatus> status(scsi::NexusId nexus) {
    settle(nexus);
    const auto answer = spin(0x20, scsi::encryption_in::kStatus, 4096, nexus);
    if (answer.status == scsi::ScsiStatus::kReservationConflict) return std::nullopt;
    return scsi::EncryptionStatus::decode(answer.data_in).value();
  }
  bool keyed(scsi::NexusId nexus) {
    const auto seen = status(nexus);
    return seen && seen->encryption == scsi::EncryptionMode::kEncrypt;
  }
  // The shared set, as whoever may look sees it; none when nobody may.
  std::optional<bool> keyed() {
    for (const auto nexus : {kThird, kOtherHost, kHost})
      if (const auto seen = status(nexus)) return seen->encryption == scsi::EncryptionMode::kEncrypt;
    return std::nullopt;
  }
  scsi::Response preempt(Type type, std::uint64_t whom, scsi::NexusId nexus = kOtherHost,
                         std::uint64_t own = kOtherKey) {
    settle(nexus);
    return out(nexus, Action::kPreempt, own, whom, type);
  }
};

TEST(KeyOnReservation, D1_PreemptionTakesTheKeyOfEveryType) {
  for (const Type type : kTypes) {
    for (const Hangs hangs : {Hangs::kOnPreempt, Hangs::kOnLoss}) {
      HeldBench bench;
      bench.hold(type, hangs);
      EXPECT_GOOD(bench.preempt(type, kHostKey));
      EXPECT_EQ(bench.keyed(), hangs == Hangs::kOnLoss) << static_cast<int>(type);
      EXPECT_GOOD(bench.out(kOtherHost, Action::kRelease, kOtherKey, 0, type));
      EXPECT_FALSE(bench.keyed(kHost)) << "nobody reserves the drive now " << static_cast<int>(type);
      EXPECT_EQ(bench.status(kHost)->nexus_scope, KeyScope::kPublic);
    }
  }
}

TEST(KeyOnReservation, D1_AllRegistrantsAreHoldersAndKeyZeroPreemptsThem) {
  for (const Type type : {Type::kWriteExclusiveAllRegistrants, Type::kExclusiveAccessAllRegistrants}) {
    HeldBench bench;
    bench.hold(type, Hangs::kOnPreempt);
    EXPECT_GOOD(bench.preempt(type, 0));
    EXPECT_EQ(bench.keyed(), false);
  }
  // One that only takes part in the reservation may hang its key on it too, and keeps it when another goes.
  HeldBench bench;
  bench.hold(Type::kExclusiveAccessAllRegistrants, Hangs::kOnLoss);
  bench.settle(kOtherHost);
  auto page = encrypting(kKey, scsi::DecryptionMode::kMixed, KeyScope::kLocal);
  page.clear_on_reservation_loss = true;
  EXPECT_GOOD(bench.set_encryption(page, kOtherHost));
  bench.settle(kHost);
  EXPECT_GOOD(bench.out(kHost, Action::kRegister, kHostKey, 0));  // unregisters: its own part is lost
  EXPECT_TRUE(bench.keyed(kOtherHost)) << "it still takes part";
  EXPECT_GOOD(bench.out(kOtherHost, Action::kRegister, kOtherKey, 0));
  EXPECT_FALSE(bench.keyed(kOtherHost));
  EXPECT_FALSE(bench.keyed(kThird)) << "the shared one went before";
}

TEST(KeyOnReservation, D1_WhoDoesNotHoldTheDriveCannotHangAKeyOnThat) {
  for (const Type type : kTypes) {
    HeldBench bench;
    bench.hold(type, Hangs::kOnLoss);
    bench.settle(kOtherHost);
    auto page = encrypting(kKey, scsi::DecryptionMode::kMixed, KeyScope::kLocal);
    page.clear_on_reservation_loss = true;
    const auto answer = bench.set_encryption(page, kOtherHost);
    if (all_registrants(type)) {
      EXPECT_GOOD(answer);
    } else if (answer.status != scsi::ScsiStatus::kReservationConflict) {
      EXPECT_SENSE(answer, codes::kInvalidFieldInParameters);
    }
    EXPECT_GOOD(bench.out(kHost, Action::kRelease, kHostKey, 0, type));
    EXPECT_EQ(bench.status(kOtherHost)->nexus_scope, KeyScope::kPublic) << "refused, or lost just now";
  }
}

TEST(KeyOnReservation, D1_ReleaseAndClearAreLosses) {
  for (const Action action : {Action::kRelease, Action::kClear}) {
    for (const Type type : kTypes) {
      for (const Hangs hangs : {Hangs::kOnPreempt, Hangs::kOnLoss}) {
        HeldBench bench;
        bench.hold(type, hangs);
        EXPECT_GOOD(bench.out(kHost, action, kHostKey, 0, type));
        EXPECT_EQ(bench.keyed(), hangs == Hangs::kOnPreempt) << static_cast<int>(type);
      }
    }
  }
  HeldBench bench;
  bench.hold(Type::kExclusiveAccess, Hangs::kOnLoss);
  EXPECT_GOOD(bench.out(kOtherHost, Action::kClear, kOtherKey));  // by another
  EXPECT_FALSE(bench.keyed(kThird));
}

TEST(KeyOnReservation, D1_AHoldOutlivesTheSessionOfANamedPort) {
  const auto port = scsi::iscsi_transport_id("iqn.2026-01.test:a", {0, 2, 0x3d, 0, 0, 1});
  const scsi::NexusId again{77};
  for (const Type type : kTypes) {
    for (const bool comes_back : {false, true}) {
      HeldBench bench;
      bench.drive->nexus_named(kHost, {port, {}});
      bench.hold(type, Hangs::kOnPreempt);
      bench.drive->nexus_lost(kHost);
      EXPECT_NE(bench.keyed(), false) << "the reservation is still there";
      if (comes_back) bench.drive->nexus_named(again, {port, {}});
      EXPECT_GOOD(bench.preempt(type, kHostKey));
      EXPECT_EQ(bench.keyed(), false) << static_cast<int>(type) << comes_back;
    }
  }
  HeldBench bench;
  bench.drive->nexus_named(kHost, {port, {}});
  bench.hold(Type::kExclusiveAccess, Hangs::kOnLoss);
  bench.drive->nexus_named(again, {port, {}});  // the new session before the old one's end
  bench.drive->nexus_lost(kHost);
  EXPECT_TRUE(bench.keyed(again));
  EXPECT_GOOD(bench.out(again, Action::kRelease, kHostKey, 0, Type::kExclusiveAccess));
  EXPECT_FALSE(bench.keyed(kThird));
}

TEST(KeyOnReservation, D1_ANamelessHoldersSessionAndAReserveEndWithTheSession) {
  for (const Type type : kTypes) {
    HeldBench bench;
    bench.hold(type, Hangs::kOnLoss);
    bench.drive->nexus_lost(kHost);
    EXPECT_EQ(bench.keyed(), false) << static_cast<int>(type);
  }
  HeldBench bench;
  EXPECT_GOOD(bench.run(scsi::plain_cdb(scsi::Opcode::kReserve6)));
  bench.hang(Hangs::kOnLoss);
  bench.drive->nexus_lost(kHost);
  bench.settle(kThird);
  EXPECT_FALSE(bench.keyed(kThird));
  EXPECT_GOOD(bench.write(block(1), kThird));
  EXPECT_GOOD(bench.run(scsi::Rewind{}.encode(), {}, kThird));
  EXPECT_EQ(bench.read(65536, true, kThird).data_in, block(1));
  EXPECT_TRUE(bench.drive->cartridge()->session_keys().check_values.empty()) << "written in clear";
}

TEST(KeyOnReservation, D1_AResetClearsEveryKey) {
  for (const bool persistent : {false, true}) {
    HeldBench bench;
    if (persistent) {
      bench.hold(Type::kExclusiveAccess, Hangs::kOnPreempt);
    } else {
      EXPECT_GOOD(bench.run(scsi::plain_cdb(scsi::Opcode::kReserve6)));
      bench.hang(Hangs::kOnLoss);
    }
    bench.drive->reset();
    EXPECT_EQ(bench.keyed(), false);
    EXPECT_EQ(bench.status(kHost)->nexus_scope, KeyScope::kPublic);
  }
}

TEST(KeyOnReservation, D1_LocalKeysAndThosePublicOnes) {
  HeldBench bench;
  bench.hold(Type::kExclusiveAccessRegistrantsOnly, Hangs::kOnPreempt, KeyScope::kLocal);
  EXPECT_FALSE(bench.keyed(kThird)) << "local to who set it";
  EXPECT_GOOD(bench.preempt(Type::kExclusiveAccessRegistrantsOnly, kHostKey));
  EXPECT_GOOD(bench.out(kOtherHost, Action::kClear, kOtherKey));
  EXPECT_FALSE(bench.keyed(kHost));
  EXPECT_EQ(bench.status(kHost)->nexus_scope, KeyScope::kPublic);
  // Those of scope PUBLIC use the shared key, and are told when it goes; who preempts knows.
  HeldBench shared;
  shared.hold(Type::kWriteExclusive, Hangs::kOnPreempt);
  shared.settle(kThird);
  EXPECT_GOOD(shared.preempt(Type::kWriteExclusive, kHostKey));
  EXPECT_SENSE(shared.run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady), {}, kThird),
               codes::kEncryptionParametersChanged);
  EXPECT_GOOD(shared.run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady), {}, kOtherHost));
}

TEST(KeyOnReservation, D1_WhoPreemptsItselfKeepsItsHold) {
  HeldBench bench;
  bench.hold(Type::kWriteExclusive, Hangs::kOnPreempt);
  EXPECT_GOOD(bench.preempt(Type::kExclusiveAccess, kHostKey, kHost, kHostKey));
  EXPECT_TRUE(bench.keyed(kHost));
  EXPECT_GOOD(bench.preempt(Type::kExclusiveAccess, kHostKey));
  EXPECT_FALSE(bench.keyed(kOtherHost));
}

TEST(KeyOnReservation, D1_AnotherRegistrantsEndIsNoMatterOfTheHoldersKey) {
  HeldBench bench;
  bench.hold(Type::kWriteExclusiveRegistrantsOnly, Hangs::kOnPreempt);
  EXPECT_GOOD(bench.preempt(Type::kWriteExclusiveRegistrantsOnly, kOtherKey, kHost, kHostKey));
  EXPECT_TRUE(bench.keyed(kThird));
}

TEST(KeyOnReservation, D1_NothingOfALocalKeyOutlivesItsSession) {
  HeldBench bench;
  EXPECT_GOOD(bench.set_encryption(encrypting(kKey, scsi::DecryptionMode::kMixed, KeyScope::kLocal)));
  EXPECT_GOOD(bench.write(block(1)));
  EXPECT_GOOD(bench.rewind());
  EXPECT_EQ(bench.read().data_in, block(1));
  EXPECT_GOOD(bench.rewind());
  EXPECT_EQ(bench.drive->cartridge()->next_block()->encryption, BlockEncryption::kReadable);
  bench.drive->nexus_lost(kHost);
  EXPECT_EQ(bench.drive->cartridge()->next_block()->encryption, BlockEncryption::kKeyMissing);
}

TEST(KeyOnReservation, D1_WhatIsNotThereIsNothingToHangAKeyOn) {
  HeldBench bench;
  auto page = encrypting(kKey);
  page.clear_on_reservation_preempt = true;
  EXPECT_GOOD(bench.run(scsi::plain_cdb(scsi::Opcode::kReserve6)));
  EXPECT_SENSE(bench.set_encryption(page), codes::kInvalidFieldInParameters);  // nobody preempts a RESERVE
  page.clear_on_reservation_loss = true;
  EXPECT_SENSE(bench.set_encryption(page), codes::kInvalidFieldInParameters);
  page.clear_on_reservation_preempt = false;
  EXPECT_GOOD(bench.set_encryption(page));
  EXPECT_GOOD(bench.run(scsi::plain_cdb(scsi::Opcode::kRelease6)));
  page.clear_on_reservation_loss = false;
  page.clear_on_demount = true;
  EXPECT_GOOD(bench.unload());
  EXPECT_SENSE(bench.set_encryption(page), codes::kInvalidFieldInParameters);
  EXPECT_FALSE(bench.keyed(kHost)) << "what is refused changes nothing";
  EXPECT_GOOD(bench.load());
  bench.settle(kHost);
  EXPECT_GOOD(bench.set_encryption(page));
}

// Blocks of the second tape file, under a key that hangs on the reservation.
void write_half_a_file(HeldBench& bench) {
  EXPECT_GOOD(bench.write(block(1)));
  EXPECT_GOOD(bench.filemarks());
  EXPECT_GOOD(bench.write(block(2)));
}

using CutOff = std::vector<std::uint64_t>;

CutOff cut_off_after_eject(HeldBench& bench) {
  EXPECT_TRUE(bench.drive->force_eject().has_value());
  return take(Cartridge::open(bench.sim.env(), kTapePath, CartridgeMode::kRead))->cut_off_files();
}

TEST(KeyOnReservation, D1_AWriterThatGoesInTheMiddleOfAFileLeavesItCutOff) {
  for (const int end : {0, 1, 2}) {
    HeldBench bench;
    if (end == 2) {
      bench.hold(Type::kExclusiveAccess, Hangs::kOnPreempt);
    } else {
      EXPECT_GOOD(bench.run(scsi::plain_cdb(scsi::Opcode::kReserve6)));
      bench.hang(Hangs::kOnLoss);
    }
    write_half_a_file(bench);
    if (end == 0) bench.drive->nexus_lost(kHost);
    if (end == 1) bench.drive->reset();
    if (end == 2) EXPECT_GOOD(bench.preempt(Type::kExclusiveAccess, kHostKey));
    EXPECT_EQ(cut_off_after_eject(bench), CutOff{1}) << end;
  }
}

// Through one drive, as an operator looks and a host goes on afterwards.
TEST(KeyOnReservation, D1_WhatWasCutOffIsListedAndStaysSoBehindAnAppend) {
  HeldBench bench;
  EXPECT_GOOD(bench.run(scsi::plain_cdb(scsi::Opcode::kReserve6)));
  bench.hang(Hangs::kOnLoss);
  write_half_a_file(bench);
  bench.drive->nexus_lost(kHost);
  EXPECT_EQ(cut_off_after_eject(bench), CutOff{1});

  done(bench.drive->insert(kTapePath));
  EXPECT_EQ(bench.drive->cartridge()->cut_off_files(), CutOff{1}) << "listed by the drive too";
  bench.settle(kHost);
  EXPECT_GOOD(bench.set_encryption(encrypting(kKey)));
  EXPECT_EQ(bench.read().data_in, block(1));
  EXPECT_GOOD(bench.end_of_data());
  EXPECT_GOOD(bench.write(block(3)));
  EXPECT_GOOD(bench.filemarks());
  EXPECT_GOOD(bench.rewind());
  EXPECT_EQ(bench.read().data_in, block(1));
  EXPECT_EQ(bench.drive->cartridge()->cut_off_files(), CutOff{1});
  EXPECT_EQ(cut_off_after_eject(bench), CutOff{1}) << "the append and its filemark do not make it whole";
}

// As of a cartridge that a later version of the program wrote on.
TEST(KeyOnReservation, D4_WhatNeedsANewerReaderIsReadAsFarAsItGoesAndNotWritten) {
  HeldBench bench;
  EXPECT_GOOD(bench.write(block(1)));
  EXPECT_GOOD(bench.filemarks());
  EXPECT_GOOD(bench.write(block(2)));
  ASSERT_TRUE(bench.drive->force_eject());
  Bytes& file = bench.sim.disk.content(kTapePath);
  const auto text = std::string(as_text(file));
  const auto last = text.rfind("TWRC");
  file.at(last + 4) = 9;  // its version
  ByteWriter checksum;
  checksum.u32(crc32c(ByteView(file).subspan(last, 60)));
  copy_bytes(MutableByteView(file).subspan(last + 60), checksum.view());
  const Bytes before = file;

  done(bench.drive->insert(kTapePath));
  bench.settle(kHost);
  EXPECT_EQ(bench.read().data_in, block(1));
  (void)bench.read();  // the filemark
  EXPECT_EQ(bench.read().data_in, block(2));
  EXPECT_SENSE(bench.read(), codes::kIncompatibleFormat);
  EXPECT_SENSE(bench.write(block(3)), codes::kWriteProtected);
  EXPECT_GOOD(bench.unload());
  EXPECT_EQ(bench.sim.disk.content(kTapePath), before);
}

TEST(KeyOnReservation, D1_AWriterThatGivesItsKeyUpItselfEndsItsFile) {
  HeldBench bench;
  bench.hold(Type::kExclusiveAccess, Hangs::kOnLoss);
  write_half_a_file(bench);
  EXPECT_GOOD(bench.out(kHost, Action::kRelease, kHostKey, 0, Type::kExclusiveAccess));
  EXPECT_EQ(cut_off_after_eject(bench), CutOff{});
}

TEST(KeyOnReservation, D1_AnothersEndIsNoMatterOfTheWritersFile) {
  HeldBench bench;
  const auto page = encrypting(kKey, scsi::DecryptionMode::kMixed, KeyScope::kLocal);
  EXPECT_GOOD(bench.set_encryption(page, kOtherHost));
  EXPECT_GOOD(bench.set_encryption(page));
  write_half_a_file(bench);
  bench.drive->nexus_lost(kOtherHost);
  EXPECT_GOOD(bench.write(block(3)));
  EXPECT_EQ(cut_off_after_eject(bench), CutOff{});
}

}  // namespace
}  // namespace tapewarden::tape::test
