// Raw reading, keys that hang on a reservation, what the volume and the next block say, padded parameter
// lists.
#include <algorithm>

#include "base/crc32c.h"
#include "scsi/encryption_capabilities.h"
#include "scsi/encryption_status.h"
#include "scsi/tape_cdb.h"
#include "tape/device/drive_test_kit.h"
#include "tape/medium/inspect.h"
#include "tape/medium/record.h"

namespace tapewarden::tape::test {
namespace {

using scsi::DecryptionMode;
using scsi::KeyScope;
namespace in = scsi::encryption_in;

const Bytes kKeyA = key_bytes(1);

struct ModesBench : Bench {
  using Bench::Bench;
  scsi::EncryptionStatus status(scsi::NexusId nexus = kHost) {
    return scsi::EncryptionStatus::decode(spin(0x20, in::kStatus, 4096, nexus).data_in).value();
  }
  scsi::NextBlockStatus next_block() {
    return scsi::NextBlockStatus::decode(spin(0x20, in::kNextBlock, 4096).data_in).value();
  }
  scsi::Response reserve(scsi::NexusId nexus = kHost) {
    return run(scsi::plain_cdb(scsi::Opcode::kReserve6), {}, nexus);
  }
  scsi::Response release(scsi::NexusId nexus = kHost) {
    return run(scsi::plain_cdb(scsi::Opcode::kRelease6), {}, nexus);
  }
};

scsi::SetDataEncryption raw_reading() {
  return {.scope = KeyScope::kAllNexuses, .decryption = DecryptionMode::kRaw};
}

TEST(EncryptionModes, D1_RawReadGivesTheSealedRecordWithoutAKey) {
  ModesBench bench;
  EXPECT_GOOD(bench.write(block(0)));
  EXPECT_GOOD(bench.set_encryption(encrypting(kKeyA)));
  EXPECT_GOOD(bench.write(block(1)));
  EXPECT_GOOD(bench.filemarks());
  EXPECT_GOOD(bench.set_encryption(raw_reading()));
  EXPECT_EQ(bench.status().decryption, DecryptionMode::kRaw);
  EXPECT_GOOD(bench.rewind());
  EXPECT_EQ(bench.read().data_in, block(0)) << "a clear block comes as it is";
  EXPECT_EQ(bench.next_block().status, scsi::BlockStatus::kKeyMissing);
  EXPECT_FALSE(bench.next_block().raw_blocked);
  const auto raw = bench.read();
  EXPECT_GOOD(raw);
  ASSERT_EQ(raw.data_in.size(), kHeaderBytes + block(1).size() + kTagBytes);
  const auto header = decode_header(raw.data_in);
  ASSERT_TRUE(header.has_value());
  EXPECT_TRUE(header->encrypted);
  EXPECT_EQ(header->logical_object, 1U);
  EXPECT_EQ(header->payload_crc, crc32c(ByteView(raw.data_in).subspan(kHeaderBytes)));
  EXPECT_EQ(as_text(raw.data_in).find("marker-plaintext-"), std::string_view::npos);
  EXPECT_SENSE(bench.read(), codes::kFilemarkDetected);
  EXPECT_GOOD(bench.set_encryption(encrypting(kKeyA)));
  EXPECT_GOOD(bench.locate(1));
  EXPECT_EQ(bench.read().data_in, block(1)) << "raw reading changed nothing";
}

TEST(EncryptionModes, D1_RawReadOfABlockKeptFromItIsRefusedAndDoesNotMove) {
  ModesBench bench;
  auto blocked = encrypting(kKeyA);
  blocked.raw = scsi::RawControl::kDisabled;
  EXPECT_GOOD(bench.set_encryption(blocked));
  EXPECT_TRUE(bench.status().raw_blocked);
  EXPECT_GOOD(bench.write(block(0)));
  auto allowed = encrypting(kKeyA);
  allowed.raw = scsi::RawControl::kEnabled;
  EXPECT_GOOD(bench.set_encryption(allowed));
  EXPECT_FALSE(bench.status().raw_blocked);
  EXPECT_GOOD(bench.write(block(1)));
  EXPECT_GOOD(bench.set_encryption(raw_reading()));
  EXPECT_GOOD(bench.rewind());
  EXPECT_TRUE(bench.next_block().raw_blocked);
  const auto refused = bench.read(1000, false);
  EXPECT_SENSE(refused, codes::kNotEnabledForRawRead);
  EXPECT_TRUE(refused.data_in.empty());
  EXPECT_EQ(refused.sense.information, 1000);
  EXPECT_EQ(bench.object(), 0U);
  EXPECT_GOOD(bench.locate(1));
  EXPECT_GOOD(bench.read());
}

TEST(EncryptionModes, D1_RawReadTellsDamageAndIncorrectLength) {
  ModesBench bench;
  EXPECT_GOOD(bench.set_encryption(encrypting(kKeyA)));
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_GOOD(bench.write(block(i)));
  EXPECT_GOOD(bench.set_encryption(raw_reading()));
  EXPECT_GOOD(bench.rewind());
  const auto size = static_cast<std::int64_t>(kHeaderBytes + block(0).size() + kTagBytes);
  const auto shorter = bench.read(100, false);
  EXPECT_TRUE(shorter.sense.incorrect_length);
  EXPECT_EQ(shorter.sense.information, 100 - size);
  const auto raw = bench.read();
  EXPECT_GOOD(raw);
  static_cast<void>(bench.drive->eject().value());
  auto& content = bench.sim.disk.content(kTapePath);
  const auto found = std::ranges::search(content, raw.data_in);
  ASSERT_FALSE(found.empty());
  found[kHeaderBytes + 10] ^= 1U;
  ASSERT_TRUE(bench.drive->insert(kTapePath).has_value());
  bench.settle(kHost);
  EXPECT_GOOD(bench.set_encryption(raw_reading()));
  EXPECT_GOOD(bench.locate(1));
  EXPECT_SENSE(bench.read(), codes::kUnrecoveredReadError);
  EXPECT_GOOD(bench.read());  // what follows is still there
}

TEST(EncryptionModes, D1_RawModeNeedsNoKeyAndMayWriteUnderOne) {
  ModesBench bench;
  auto page = encrypting(kKeyA, DecryptionMode::kRaw);
  EXPECT_GOOD(bench.set_encryption(page));
  EXPECT_GOOD(bench.write(block(0)));
  EXPECT_GOOD(bench.rewind());
  EXPECT_EQ(bench.read().data_in.size(), kHeaderBytes + block(0).size() + kTagBytes);
}

TEST(EncryptionModes, D1_ExternalModeIsRefusedAndReportedAsNotOffered) {
  ModesBench bench;
  const auto capabilities =
      scsi::EncryptionCapabilities::decode(bench.spin(0x20, in::kCapabilities).data_in).value();
  EXPECT_EQ(capabilities.algorithms.at(0).external_mode_capability, 1);
  EXPECT_EQ(capabilities.algorithms.at(0).raw_control_capability, scsi::kRawByDefault);
  EXPECT_EQ(capabilities.algorithms.at(0).descriptor_capability, 3);
  auto page = encrypting(kKeyA);
  page.encryption = scsi::EncryptionMode::kExternal;
  const auto refused = bench.set_encryption(page);
  EXPECT_SENSE(refused, codes::kInvalidFieldInParameters);
  EXPECT_EQ(refused.sense.field->byte, 6);
}

TEST(EncryptionModes, D1_VolumeAndNextBlockTellWhatWasWritten) {
  ModesBench bench;
  EXPECT_FALSE(bench.status().volume_holds_encrypted);
  EXPECT_GOOD(bench.write(block(0)));
  EXPECT_FALSE(bench.status().volume_holds_encrypted);
  auto named = encrypting(kKeyA);
  named.kad_format = scsi::KadFormat::kAsciiName;
  EXPECT_GOOD(bench.set_encryption(named));
  EXPECT_GOOD(bench.write(block(1)));
  EXPECT_GOOD(bench.filemarks());
  EXPECT_TRUE(bench.status().volume_holds_encrypted);
  static_cast<void>(bench.drive->eject().value());
  EXPECT_FALSE(bench.status().volume_holds_encrypted);
  ASSERT_TRUE(bench.drive->insert(kTapePath).has_value());
  bench.settle(kHost);
  EXPECT_TRUE(bench.status().volume_holds_encrypted);
  EXPECT_EQ(bench.next_block().kad_format, scsi::KadFormat::kUnspecified);
  EXPECT_GOOD(bench.locate(1));
  EXPECT_EQ(bench.next_block().kad_format, scsi::KadFormat::kAsciiName) << "kept on the cartridge";
}

TEST(EncryptionModes, D1_KeyEndsWithTheReservationWhenAskedTo) {
  ModesBench bench;
  bench.settle(kOtherHost);
  auto page = encrypting(kKeyA);
  page.clear_on_reservation_loss = true;
  const auto refused = bench.set_encryption(page);
  EXPECT_SENSE(refused, codes::kInvalidFieldInParameters);
  EXPECT_EQ(refused.sense.field->byte, 5);
  EXPECT_EQ(refused.sense.field->bit, 0);

  EXPECT_GOOD(bench.reserve());
  EXPECT_GOOD(bench.set_encryption(page));
  EXPECT_EQ(bench.status().encryption, scsi::EncryptionMode::kEncrypt);
  EXPECT_GOOD(bench.write(block(0)));
  EXPECT_GOOD(bench.release());
  EXPECT_EQ(bench.status().encryption, scsi::EncryptionMode::kDisable);
  EXPECT_EQ(bench.status().nexus_scope, KeyScope::kPublic);
  EXPECT_EQ(bench.status().key_instance, 2U);
  bench.settle(kOtherHost);
  EXPECT_GOOD(bench.rewind());
  EXPECT_SENSE(bench.read(), codes::kUnableToDecrypt);
}

TEST(EncryptionModes, D1_OthersAreToldWhenAReservationTakesTheSharedKeyAway) {
  ModesBench bench;
  const auto ready = scsi::plain_cdb(scsi::Opcode::kTestUnitReady);
  bench.settle(kOtherHost);
  auto page = encrypting(kKeyA);
  page.clear_on_reservation_loss = true;
  EXPECT_GOOD(bench.reserve());
  EXPECT_GOOD(bench.set_encryption(page));
  bench.drive->nexus_lost(kHost);
  EXPECT_SENSE(bench.run(ready, {}, kOtherHost), codes::kEncryptionParametersChanged);
  EXPECT_EQ(bench.status(kOtherHost).encryption, scsi::EncryptionMode::kDisable);
}

TEST(EncryptionModes, D1_KeyThatDoesNotHangOnTheReservationOutlivesIt) {
  ModesBench bench;
  EXPECT_GOOD(bench.reserve());
  auto page = encrypting(kKeyA);
  page.clear_on_demount = true;  // of another event
  EXPECT_GOOD(bench.set_encryption(page));
  EXPECT_GOOD(bench.release());
  EXPECT_EQ(bench.status().encryption, scsi::EncryptionMode::kEncrypt);
}

TEST(EncryptionModes, D1_LocalKeyHangsOnItsOwnNexusReservation) {
  ModesBench bench;
  EXPECT_GOOD(bench.reserve());
  auto page = encrypting(kKeyA, DecryptionMode::kMixed, KeyScope::kLocal);
  page.clear_on_reservation_loss = true;
  EXPECT_GOOD(bench.set_encryption(page));
  EXPECT_GOOD(bench.release());
  EXPECT_EQ(bench.status().nexus_scope, KeyScope::kPublic);
  EXPECT_EQ(bench.status().encryption, scsi::EncryptionMode::kDisable);
}

// What hosts do at the end: the key is cleared, then the cartridge goes.
TEST(EncryptionModes, D1_ATapeEndsWellWhoseKeyWasClearedBeforeItWasUnloaded) {
  for (const bool reserved : {false, true}) {
    ModesBench bench;
    auto page = encrypting(kKeyA);
    if (reserved) {
      EXPECT_GOOD(bench.reserve());
      page.clear_on_reservation_loss = true;
    }
    EXPECT_GOOD(bench.set_encryption(page));
    EXPECT_GOOD(bench.write(block(0)));
    EXPECT_GOOD(reserved ? bench.release() : bench.set_encryption(no_encryption()));
    EXPECT_GOOD(bench.unload());
    const auto key = std::make_shared<const DataKey>(crypto::SecretBytes::copy_of(kKeyA));
    const auto report = take(verify(bench.sim.env(), kTapePath, {.keys = {key}, .progress = {}}));
    EXPECT_TRUE(report.good()) << report.to_text();
    EXPECT_TRUE(report.closed);
    EXPECT_EQ(report.tags_checked, 2U) << "the block and the end";
    EXPECT_EQ(report.tags_unchecked, 0U);
    EXPECT_GOOD(bench.load());
    bench.settle(kHost);
    EXPECT_GOOD(bench.end_of_data());
    EXPECT_EQ(bench.object(), 1U);
  }
}

TEST(EncryptionModes, D1_ATapeErasedWithinAFileIsNoInterruptedOne) {
  ModesBench bench;
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_GOOD(bench.write(block(i)));
  EXPECT_GOOD(bench.filemarks());
  EXPECT_GOOD(bench.locate(2));
  EXPECT_GOOD(bench.run(scsi::Erase6{}.encode()));
  EXPECT_GOOD(bench.unload());
  EXPECT_TRUE(take(verify(bench.sim.env(), kTapePath)).good());
}

TEST(EncryptionModes, D1_LengthsInUnitsOf512Bytes) {
  ModesBench bench;
  const auto page = encrypting(kKeyA);
  Bytes list(page.encoded_size());
  page.encode_into(list);
  list.resize(512);
  Bytes cdb{0xb5, 0x20, 0x00, 0x10, 0x80, 0, 0, 0, 0, 1, 0, 0};
  EXPECT_GOOD(bench.run(cdb, list));
  EXPECT_EQ(bench.status().encryption, scsi::EncryptionMode::kEncrypt);
  auto garbage = list;
  garbage.back() = 1;
  EXPECT_SENSE(bench.run(cdb, garbage), codes::kInvalidFieldInParameters);
  cdb[4] = 0;  // the same list said in bytes has too much behind the page
  cdb[8] = 2;
  cdb[9] = 0;
  EXPECT_SENSE(bench.run(cdb, list), codes::kInvalidFieldInParameters);
  const Bytes spin{0xa2, 0x20, 0x00, 0x10, 0x80, 0, 0, 0, 0, 1, 0, 0};
  EXPECT_EQ(bench.run(spin).data_in.size(), 20U + 24U);
  const Bytes none{0xa2, 0x20, 0x00, 0x10, 0x80, 0, 0, 0, 0, 0, 0, 0};
  EXPECT_TRUE(bench.run(none).data_in.empty());
}

TEST(EncryptionModes, D1_ManagementPageTellsWhatCanClearAKey) {
  ModesBench bench;
  EXPECT_EQ(to_hex(bench.spin(0x20, in::kManagement).data_in), "0012000c010700070000000000000000");
}

}  // namespace
}  // namespace tapewarden::tape::test
