// Application-managed encryption: SECURITY PROTOCOL pages of protocol 20h and what they do to reads and
// writes.
#include "base/crc32c.h"
#include "scsi/encryption_capabilities.h"
#include "scsi/encryption_status.h"
#include "tape/device/drive_test_kit.h"
#include "tape/device/limits.h"
#include "tape/medium/layout.h"
#include "tape/medium/record.h"

namespace tapewarden::tape::test {
namespace {

using scsi::DecryptionMode;
using scsi::KeyScope;
namespace in = scsi::encryption_in;

struct AppBench : Bench {
  using Bench::Bench;
  scsi::EncryptionStatus status(scsi::NexusId nexus = kHost) {
    return scsi::EncryptionStatus::decode(spin(0x20, in::kStatus, 4096, nexus).data_in).value();
  }
  scsi::NextBlockStatus next_block() {
    return scsi::NextBlockStatus::decode(spin(0x20, in::kNextBlock, 4096).data_in).value();
  }
  bool plaintext_on_tape() {
    const auto& content = sim.disk.content(kTapePath);
    return as_text(content).find("marker-plaintext-") != std::string_view::npos;
  }
};

const Bytes kKeyA = key_bytes(1);
const Bytes kKeyB = key_bytes(2);

TEST(Encryption, D1_WriteReadEncryptedAndNothingInClear) {
  AppBench bench;
  EXPECT_GOOD(bench.set_encryption(encrypting(kKeyA)));
  for (std::uint32_t i = 0; i < 5; ++i) EXPECT_GOOD(bench.write(block(i)));
  EXPECT_GOOD(bench.filemarks());
  EXPECT_FALSE(bench.plaintext_on_tape());
  EXPECT_GOOD(bench.rewind());
  for (std::uint32_t i = 0; i < 5; ++i) EXPECT_EQ(bench.read().data_in, block(i));
  const auto info = bench.drive->cartridge()->key_info().info;
  EXPECT_EQ(info.method, KeyMethod::kIdentifiedKey);
  EXPECT_EQ(info.akad, to_bytes("ABC123456789"));
}

TEST(Encryption, D1_ReadWithoutKeyWrongKeyTamperClear) {
  AppBench bench;
  EXPECT_GOOD(bench.write(block(0)));  // clear
  EXPECT_GOOD(bench.set_encryption(encrypting(kKeyA)));
  EXPECT_GOOD(bench.write(block(1, 5000)));
  EXPECT_GOOD(bench.filemarks());

  EXPECT_GOOD(bench.set_encryption(no_encryption()));
  EXPECT_GOOD(bench.rewind());
  EXPECT_EQ(bench.read().data_in, block(0));
  const auto no_key = bench.read(1000, false);
  EXPECT_SENSE(no_key, codes::kUnableToDecrypt);
  EXPECT_EQ(no_key.sense.information, 1000);
  EXPECT_TRUE(no_key.data_in.empty());
  EXPECT_EQ(bench.object(), 1U) << "the position stays before the block";

  EXPECT_GOOD(bench.set_encryption(encrypting(kKeyB)));
  EXPECT_SENSE(bench.read(), codes::kIncorrectKey);
  EXPECT_EQ(bench.object(), 1U);

  EXPECT_GOOD(bench.set_encryption(encrypting(kKeyA, DecryptionMode::kDecrypt)));
  EXPECT_EQ(bench.read().data_in, block(1, 5000));
  EXPECT_GOOD(bench.rewind());
  EXPECT_SENSE(bench.read(), codes::kClearWhileDecrypting);
  EXPECT_EQ(bench.object(), 0U);
  EXPECT_GOOD(bench.set_encryption(encrypting(kKeyA, DecryptionMode::kMixed)));
  EXPECT_EQ(bench.read().data_in, block(0));
  EXPECT_EQ(bench.read().data_in, block(1, 5000));
}

// Flips a byte of the n-th data record's payload; with checksums made to fit again, as a tamperer would.
void change_record(Bytes& file, std::size_t which, bool fix_checksums) {
  std::uint64_t offset = kDataStart;
  while (true) {
    auto header = take(decode_header(ByteView(file).subspan(offset)));
    if (header.type == RecordType::kData && which-- == 0) {
      file.at(offset + kHeaderBytes + 100) ^= 1U;
      if (!fix_checksums) return;
      header.payload_crc = crc32c(ByteView(file).subspan(offset + kHeaderBytes, header.body_bytes()));
      copy_bytes(MutableByteView(file).subspan(offset), encode_header(header));
      return;
    }
    offset += header.total_bytes();
  }
}

TEST(Encryption, D1_DamagedAndTamperedRecordsAreToldApart) {
  for (const bool tampered : {false, true}) {
    AppBench bench;
    EXPECT_GOOD(bench.set_encryption(encrypting(kKeyA)));
    for (std::uint32_t i = 0; i < 3; ++i) EXPECT_GOOD(bench.write(block(i, 5000)));
    static_cast<void>(bench.drive->eject().value());
    change_record(bench.sim.disk.content(kTapePath), 1, tampered);
    ASSERT_TRUE(bench.drive->insert(kTapePath).has_value());
    bench.settle(kHost);
    EXPECT_EQ(bench.read().data_in, block(0, 5000));
    const auto read = bench.read(8192, false);
    EXPECT_SENSE(read, tampered ? codes::kIntegrityFailed : codes::kUnrecoveredReadError);
    EXPECT_TRUE(read.data_in.empty());
    EXPECT_EQ(read.sense.information, 8192);
    EXPECT_EQ(bench.read().data_in, block(2, 5000));  // what follows is still there
  }
}

TEST(Encryption, D1_StatusPageReportsWhatHolds) {
  AppBench bench;
  auto status = bench.status();
  EXPECT_EQ(status.encryption, scsi::EncryptionMode::kDisable);
  EXPECT_EQ(status.key_instance, 0U);
  EXPECT_GOOD(bench.set_encryption(encrypting(kKeyA)));
  status = bench.status();
  EXPECT_EQ(status.nexus_scope, KeyScope::kAllNexuses);
  EXPECT_EQ(status.key_scope, KeyScope::kAllNexuses);
  EXPECT_EQ(status.encryption, scsi::EncryptionMode::kEncrypt);
  EXPECT_EQ(status.decryption, DecryptionMode::kMixed);
  EXPECT_EQ(status.algorithm_index, 1);
  EXPECT_EQ(status.key_instance, 1U);
  EXPECT_EQ(status.check, scsi::ExternalModeCheck::kNotChecked);
  ASSERT_EQ(status.kads.size(), 2U);
  EXPECT_EQ(status.kads[1].value, to_bytes("ABC123456789"));
  EXPECT_GOOD(bench.set_encryption(no_encryption()));
  status = bench.status();
  EXPECT_EQ(status.encryption, scsi::EncryptionMode::kDisable);
  EXPECT_EQ(status.key_instance, 2U);
  EXPECT_TRUE(status.kads.empty());
}

TEST(Encryption, D1_NextBlockPageAtEveryKindOfObject) {
  AppBench bench;
  EXPECT_GOOD(bench.write(block(0)));
  EXPECT_GOOD(bench.set_encryption(encrypting(kKeyA)));
  EXPECT_GOOD(bench.write(block(1)));
  EXPECT_GOOD(bench.filemarks());
  EXPECT_EQ(bench.next_block().status, scsi::BlockStatus::kNotNow);
  EXPECT_GOOD(bench.rewind());
  EXPECT_EQ(bench.next_block().status, scsi::BlockStatus::kNotEncrypted);
  EXPECT_TRUE(bench.next_block().kads.empty());
  EXPECT_GOOD(bench.locate(1));
  auto next = bench.next_block();
  EXPECT_EQ(next.status, scsi::BlockStatus::kReadable);
  EXPECT_EQ(next.logical_object, 1U);
  ASSERT_EQ(next.kads.size(), 2U);
  EXPECT_EQ(next.kads[0].value, to_bytes("tape of the test"));
  EXPECT_EQ(next.kads[1].authentication, scsi::Authentication::kGood);
  EXPECT_GOOD(bench.set_encryption(no_encryption()));
  next = bench.next_block();
  EXPECT_EQ(next.status, scsi::BlockStatus::kKeyMissing);
  EXPECT_EQ(next.kads.at(1).authentication, scsi::Authentication::kNotAttempted);
  EXPECT_GOOD(bench.locate(2));
  EXPECT_EQ(bench.next_block().status, scsi::BlockStatus::kNotABlock);
  // Two passes, as LTFS reads it: four bytes, then all.
  EXPECT_EQ(bench.spin(0x20, in::kNextBlock, 4).data_in.size(), 4U);
  EXPECT_EQ(bench.spin(0x20, in::kNextBlock, 0).data_in.size(), 0U);
  static_cast<void>(bench.drive->eject().value());
  EXPECT_EQ(bench.next_block().status, scsi::BlockStatus::kUnknown);
}

TEST(Encryption, D1_CapabilityPages) {
  AppBench bench;
  const auto page = [&bench](std::uint16_t code) { return bench.spin(0x20, code).data_in; };
  EXPECT_EQ(scsi::decode_page_list(page(in::kInSupport), in::kInSupport).value(),
            (std::vector<std::uint16_t>{0, 1, 0x10, 0x11, 0x12, 0x20, 0x21, 0x30, 0x31}));
  EXPECT_EQ(scsi::decode_page_list(page(in::kOutSupport), in::kOutSupport).value(),
            (std::vector<std::uint16_t>{0x10}));
  const auto capabilities = scsi::EncryptionCapabilities::decode(page(in::kCapabilities)).value();
  ASSERT_EQ(capabilities.algorithms.size(), 1U);
  EXPECT_EQ(capabilities.algorithms[0].algorithm, 0x00010014U);
  EXPECT_EQ(capabilities.algorithms[0].max_authenticated, 60);
  EXPECT_EQ(capabilities.algorithms[0].max_unauthenticated, 32);
  EXPECT_EQ(capabilities.algorithms[0].valid_for_position, 2);
  EXPECT_EQ(to_hex(page(in::kKeyFormats)), "001100020002");
  EXPECT_TRUE(scsi::EncryptionManagement::decode(page(in::kManagement)).has_value());
  EXPECT_EQ(page(in::kRandomNumber).size(), 36U);
  EXPECT_NE(page(in::kRandomNumber), page(in::kRandomNumber));
  EXPECT_EQ(scsi::WrappingKeyPage::decode(page(in::kWrappingKey)).value().key,
            Site::get().lto->wrapping_key().spki());
  EXPECT_SENSE(bench.spin(0x20, 0x0013), codes::kInvalidFieldInCdb);
  static_cast<void>(bench.drive->eject().value());
  EXPECT_EQ(
      scsi::EncryptionCapabilities::decode(page(in::kCapabilities)).value().algorithms[0].valid_for_position,
      0);
}

TEST(Encryption, D1_WrappedKeyFormat) {
  AppBench bench;
  const auto wrapping = Site::get().lto->wrapping_key();
  const auto label = to_bytes("label");
  scsi::WrappedKey wrapped{.label = label,
                           .wrapped = wrapping.wrap(crypto::SecretBytes::copy_of(kKeyA), label).value()};
  const auto send = [&bench](const scsi::WrappedKey& key) {
    const auto bytes = key.encode();
    auto page = encrypting(bytes);
    page.key_format = scsi::KeyFormat::kWrapped;
    return bench.set_encryption(page);
  };
  EXPECT_GOOD(send(wrapped));
  EXPECT_GOOD(bench.write(block(1)));
  EXPECT_GOOD(bench.set_encryption(encrypting(kKeyA)));
  EXPECT_GOOD(bench.rewind());
  EXPECT_EQ(bench.read().data_in, block(1)) << "it is the key that was wrapped";

  auto bad = wrapped;
  bad.wrapped.at(10) ^= 1U;
  EXPECT_SENSE(send(bad), codes::kParameterListUndecryptable);
  bad = wrapped;
  bad.label = to_bytes("other");
  EXPECT_SENSE(send(bad), codes::kParameterListUndecryptable);
  bad = wrapped;
  bad.parameter_set = 0x10;
  const auto set = send(bad);
  EXPECT_SENSE(set, codes::kInvalidFieldInParameters);
  EXPECT_EQ(set.sense.field->byte, 20);
  bad = wrapped;
  bad.wrapped = wrapping.wrap(crypto::SecretBytes::zeros(16), label).value();
  EXPECT_SENSE(send(bad), codes::kInvalidFieldInParameters);
  EXPECT_EQ(bench.status().encryption, scsi::EncryptionMode::kEncrypt) << "a refused page changes nothing";
}

TEST(Encryption, D1_RefusedPagesPointAtTheField) {
  AppBench bench;
  const auto refused_at = [&bench](const scsi::SetDataEncryption& page) {
    const auto response = bench.set_encryption(page);
    EXPECT_EQ(response.sense.code, codes::kInvalidFieldInParameters);
    return response.sense.field ? response.sense.field->byte : 0;
  };
  auto page = encrypting(kKeyA);
  page.algorithm_index = 0;
  EXPECT_EQ(refused_at(page), 8);
  page = encrypting(kKeyA);
  page.key_format = scsi::KeyFormat::kVendorReference;
  EXPECT_EQ(refused_at(page), 9);
  page = encrypting(kKeyA);
  page.encryption = scsi::EncryptionMode::kExternal;
  EXPECT_EQ(refused_at(page), 6);
  page = encrypting(kKeyA);
  page.supplemental = true;
  EXPECT_EQ(refused_at(page), 5);
  page = encrypting(kKeyA);
  page.clear_on_reservation_loss = true;
  EXPECT_EQ(refused_at(page), 5);
  const Bytes short_key(16, 1);
  page = encrypting(short_key);
  EXPECT_EQ(refused_at(page), 18);
  page = encrypting(kKeyA);
  page.kads[1].value.resize(kMaxAuthenticatedKad + 1);
  EXPECT_EQ(refused_at(page), 20 + 32 + 4 + 16 + 2);
  page = encrypting(kKeyA);
  page.kads[0].value.resize(kMaxUnauthenticatedKad + 1);
  EXPECT_EQ(refused_at(page), 20 + 32 + 2);
  page = encrypting(kKeyA);
  for (const auto kind : {scsi::KadKind::kNonce, scsi::KadKind::kMetadata, scsi::KadKind::kWrappedKey}) {
    page.kads = {{kind, scsi::Authentication::kNone, Bytes(12)}};
    EXPECT_EQ(refused_at(page), 20 + 32);
  }
  EXPECT_EQ(bench.status().key_instance, 0U);
  auto largest = encrypting(kKeyA);
  largest.kads[1].value = Bytes(kMaxAuthenticatedKad, 7);
  largest.kads[0].value = Bytes(kMaxUnauthenticatedKad, 8);
  EXPECT_GOOD(bench.set_encryption(largest));
}

TEST(Encryption, D1_ScopesAndUnitAttentionOfOthers) {
  AppBench bench;
  bench.settle(kOtherHost);
  const auto ready = scsi::plain_cdb(scsi::Opcode::kTestUnitReady);
  EXPECT_GOOD(bench.set_encryption(encrypting(kKeyA)));
  EXPECT_SENSE(bench.run(ready, {}, kOtherHost), codes::kEncryptionParametersChanged);
  EXPECT_GOOD(bench.run(ready));
  EXPECT_EQ(bench.status(kOtherHost).nexus_scope, KeyScope::kPublic);
  EXPECT_EQ(bench.status(kOtherHost).encryption, scsi::EncryptionMode::kEncrypt)
      << "public uses the shared set";

  EXPECT_GOOD(bench.set_encryption(encrypting(kKeyB, DecryptionMode::kMixed, KeyScope::kLocal), kOtherHost));
  EXPECT_GOOD(bench.run(ready));  // a local set is nobody else's affair
  EXPECT_GOOD(bench.write(block(1)));
  EXPECT_GOOD(bench.write(block(2), kOtherHost));
  EXPECT_GOOD(bench.rewind());
  EXPECT_EQ(bench.read().data_in, block(1));
  EXPECT_SENSE(bench.read(), codes::kIncorrectKey);
  EXPECT_EQ(bench.read(65536, true, kOtherHost).data_in, block(2));

  EXPECT_GOOD(bench.set_encryption(encrypting(kKeyB), kOtherHost));  // takes ALL over
  EXPECT_SENSE(bench.run(ready), codes::kEncryptionParametersChanged);
  EXPECT_EQ(bench.status().nexus_scope, KeyScope::kPublic);
  EXPECT_EQ(bench.status().key_scope, KeyScope::kAllNexuses);
  EXPECT_GOOD(bench.set_encryption(no_encryption(KeyScope::kPublic), kOtherHost));
  EXPECT_SENSE(bench.run(ready), codes::kEncryptionParametersChanged);
  EXPECT_EQ(bench.status().encryption, scsi::EncryptionMode::kDisable);
}

TEST(Encryption, D1_LostNexusLosesItsLocalKeyOnly) {
  AppBench bench;
  EXPECT_GOOD(bench.set_encryption(encrypting(kKeyA, DecryptionMode::kMixed, KeyScope::kLocal)));
  bench.drive->nexus_lost(kHost);
  bench.settle(kHost);
  EXPECT_EQ(bench.status().encryption, scsi::EncryptionMode::kDisable);
  EXPECT_GOOD(bench.set_encryption(encrypting(kKeyA)));
  bench.drive->nexus_lost(kHost);
  bench.settle(kHost);
  EXPECT_EQ(bench.status().encryption, scsi::EncryptionMode::kEncrypt);
}

TEST(Encryption, D1_LockedNexusIsTold) {
  AppBench bench;
  bench.settle(kOtherHost);
  auto locked = encrypting(kKeyA);
  locked.lock = true;
  EXPECT_GOOD(bench.set_encryption(locked));
  EXPECT_GOOD(bench.write(block(1)));
  bench.settle(kOtherHost);
  EXPECT_GOOD(bench.set_encryption(encrypting(kKeyB), kOtherHost));
  bench.settle(kHost);
  EXPECT_SENSE(bench.write(block(2)), codes::kKeyInstanceCounterChanged);
  EXPECT_SENSE(bench.read(), codes::kKeyInstanceCounterChanged);
  EXPECT_GOOD(bench.set_encryption(encrypting(kKeyA)));
  EXPECT_GOOD(bench.write(block(2)));
}

TEST(Encryption, D1_KeyLifetime) {
  AppBench bench;
  EXPECT_GOOD(bench.set_encryption(encrypting(kKeyA)));
  EXPECT_GOOD(bench.unload());
  EXPECT_GOOD(bench.load());
  bench.settle(kHost);
  EXPECT_EQ(bench.status().encryption, scsi::EncryptionMode::kEncrypt) << "kept without CKOD";
  auto clearing = encrypting(kKeyA);
  clearing.clear_on_demount = true;
  EXPECT_GOOD(bench.set_encryption(clearing));
  EXPECT_GOOD(bench.unload());
  EXPECT_EQ(bench.status().encryption, scsi::EncryptionMode::kDisable);
  EXPECT_GOOD(bench.load());
  bench.settle(kHost);
  EXPECT_GOOD(bench.set_encryption(encrypting(kKeyA)));
  EXPECT_GOOD(bench.write(block(1)));
  ASSERT_TRUE(bench.drive->power_cycle().has_value());
  bench.settle(kHost);
  EXPECT_EQ(bench.status().encryption, scsi::EncryptionMode::kDisable);
  EXPECT_EQ(bench.status().key_instance, 0U);
  EXPECT_GOOD(bench.set_encryption(encrypting(kKeyA)));
  bench.drive->reset();
  bench.settle(kHost);
  EXPECT_EQ(bench.status().encryption, scsi::EncryptionMode::kDisable);
}

TEST(Encryption, D1_CheckExternalModeRefusesBlocksOfThisMode) {
  AppBench bench;
  EXPECT_GOOD(bench.set_encryption(encrypting(kKeyA)));
  EXPECT_GOOD(bench.write(block(1)));
  EXPECT_GOOD(bench.rewind());
  auto page = encrypting(kKeyA);
  page.check = scsi::ExternalModeCheck::kErrorIfEncrypted;
  EXPECT_GOOD(bench.set_encryption(page));
  EXPECT_SENSE(bench.read(), codes::kEncryptionModeMismatch);
  page.check = scsi::ExternalModeCheck::kErrorIfExternal;
  EXPECT_GOOD(bench.set_encryption(page));
  EXPECT_EQ(bench.read().data_in, block(1));
}

TEST(Encryption, D1_DriveWithoutKeyManagementRefusesKeysAndWritesClear) {
  AppBench bench({.management = KeyManagement::kNone});
  EXPECT_SENSE(bench.set_encryption(encrypting(kKeyA)), codes::kConfigurationPrevented);
  EXPECT_EQ(to_hex(bench.spin(0x20, in::kKeyFormats).data_in), "00110000");
  EXPECT_GOOD(bench.write(block(1)));
  EXPECT_GOOD(bench.rewind());
  EXPECT_EQ(bench.read().data_in, block(1));
}

TEST(Encryption, D1_ReuseOfAKeyNeverRepeatsAnIv) {
  AppBench bench;
  std::set<std::pair<Hash256, crypto::GcmIv>> seen;
  std::size_t seals = 0;
  const auto watch = [&](const Hash256& key, const crypto::GcmIv& iv) {
    ++seals;
    seen.emplace(key, iv);
  };
  bench.drive->cartridge()->set_seal_observer(watch);
  EXPECT_GOOD(bench.set_encryption(encrypting(kKeyA)));
  for (int round = 0; round < 4; ++round) {
    EXPECT_GOOD(bench.rewind());
    for (std::uint32_t i = 0; i < 3; ++i) EXPECT_GOOD(bench.write(block(i)));
    EXPECT_GOOD(bench.filemarks());
    EXPECT_GOOD(bench.set_encryption(encrypting(kKeyA)));
    EXPECT_GOOD(bench.write(block(9)));
  }
  EXPECT_GE(seals, 20U);
  EXPECT_EQ(seen.size(), seals);
}

}  // namespace
}  // namespace tapewarden::tape::test
