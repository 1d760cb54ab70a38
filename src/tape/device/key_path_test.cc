// System- and library-managed encryption: the drive asks, a carrier brings, the drive checks.
#include "scsi/encryption_capabilities.h"
#include "scsi/encryption_status.h"
#include "tape/device/fake_key_server.h"
#include "tape/device/limits.h"
#include "tape/medium/layout.h"

namespace tapewarden::tape::test {
namespace {

using scsi::KeyIntent;
using scsi::KeyPathState;

TEST(KeyPath, D2_WriteFromBeginningAsksForAKeyAndGoesThrough) {
  ManagedBench bench;
  EXPECT_SENSE(bench.write(block(1)), codes::kKeyGenerationNeeded);
  EXPECT_EQ(bench.object(), 0U);
  const auto asked = bench.request();
  EXPECT_EQ(asked.intent, KeyIntent::kWriteFromBeginning);
  EXPECT_EQ(asked.method, scsi::KeyMethodCode::kWrappedKey);
  EXPECT_EQ(asked.drive_serial, "0000078A1234");
  EXPECT_EQ(asked.volser, "VOL001");
  EXPECT_TRUE(asked.eedks.empty());
  EXPECT_SENSE(bench.write(block(1)), codes::kKeyGenerationNeeded);
  EXPECT_EQ(bench.request().request, asked.request) << "the same request however often the host asks";
  EXPECT_EQ(bench.status().state, KeyPathState::kRequested);

  EXPECT_GOOD(bench.carry());
  EXPECT_EQ(bench.status().state, KeyPathState::kKeyed);
  EXPECT_TRUE(bench.status().may_write);
  EXPECT_TRUE(bench.drive->cartridge()->key_info().info.empty())
      << "nothing is stored before the first record";
  for (std::uint32_t i = 0; i < 5; ++i) EXPECT_GOOD(bench.write(block(i)));
  EXPECT_GOOD(bench.filemarks());
  EXPECT_FALSE(bench.plaintext_on_tape());
  const auto& report = bench.drive->cartridge()->key_info();
  ASSERT_EQ(report.info.eedks.size(), 1U);
  EXPECT_EQ(report.info.signature, to_bytes("seal"));
  for (const auto& copy : report.copies) EXPECT_TRUE(copy.good()) << "cartridge memory and three places";
  EXPECT_EQ(bench.drive->cartridge()->identity().management, KeyManagement::kSystem);
  EXPECT_GOOD(bench.rewind());
  for (std::uint32_t i = 0; i < 5; ++i) EXPECT_EQ(bench.read().data_in, block(i));
}

TEST(KeyPath, D2_FilemarkAtTheBeginningNeedsTheKeyToo) {
  ManagedBench bench;
  EXPECT_SENSE(bench.filemarks(), codes::kKeyGenerationNeeded);
  EXPECT_GOOD(bench.run(scsi::WriteFilemarks{false, 0}.encode()));  // only a sync
  EXPECT_GOOD(bench.carry());
  EXPECT_GOOD(bench.filemarks());
}

// An encrypted cartridge, unloaded and loaded again: the drive knows no key.
struct Remounted : ManagedBench {
  using ManagedBench::ManagedBench;
  void fill() {
    EXPECT_FALSE(write(block(0)).good());
    EXPECT_TRUE(carry().good());
    for (std::uint32_t i = 0; i < 4; ++i) EXPECT_TRUE(write(block(i)).good());
    EXPECT_TRUE(filemarks().good());
    remount();
  }
  void remount() {
    EXPECT_TRUE(unload().good());
    EXPECT_TRUE(load().good());
    settle(kHost);
  }
};

TEST(KeyPath, D2_ReadAsksForTranslationWithTheEedks) {
  Remounted bench;
  bench.fill();
  EXPECT_EQ(bench.status().state, KeyPathState::kIdle);
  const auto asked_sense = bench.read(1000, false);
  EXPECT_SENSE(asked_sense, codes::kKeyTranslationNeeded);
  EXPECT_EQ(asked_sense.sense.information, 1000);
  EXPECT_EQ(bench.object(), 0U);
  const auto asked = bench.request();
  EXPECT_EQ(asked.intent, KeyIntent::kRead);
  ASSERT_EQ(asked.eedks.size(), 1U);
  EXPECT_EQ(asked.eedk_signature, to_bytes("seal"));
  EXPECT_EQ(asked.key_check_value.size(), 16U);
  EXPECT_GOOD(bench.carry());
  EXPECT_FALSE(bench.status().may_write);
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(bench.read().data_in, block(i));
}

TEST(KeyPath, D2_AppendInheritsEncryptionWhateverThePolicy) {
  Remounted bench;
  bench.fill();
  EXPECT_GOOD(bench.policy(false));
  EXPECT_SENSE(bench.read(), codes::kKeyTranslationNeeded);
  EXPECT_GOOD(bench.carry());
  EXPECT_GOOD(bench.end_of_data());
  EXPECT_SENSE(bench.write(block(4)), codes::kKeyTranslationNeeded);  // a key for reading does not extend
  EXPECT_EQ(bench.request().intent, KeyIntent::kAppend);
  EXPECT_GOOD(bench.carry());
  EXPECT_TRUE(bench.status().may_write);
  EXPECT_GOOD(bench.write(block(4)));
  EXPECT_GOOD(bench.filemarks());
  EXPECT_FALSE(bench.plaintext_on_tape());
  EXPECT_EQ(bench.drive->cartridge()->key_info().info.eedks.size(), 1U);
  EXPECT_GOOD(bench.locate(5));
  EXPECT_EQ(bench.read().data_in, block(4));
}

TEST(KeyPath, D2_ClearCartridgeStaysClearWhenAppended) {
  Remounted bench(MediumKind::k3592, KeyManagement::kSystem, false);
  EXPECT_GOOD(bench.write(block(0)));
  EXPECT_GOOD(bench.filemarks());
  EXPECT_SENSE(bench.policy(true), codes::kCommandSequenceError);  // not in the middle of a tape
  EXPECT_GOOD(bench.write(block(1)));
  EXPECT_GOOD(bench.filemarks());
  EXPECT_GOOD(bench.rewind());
  EXPECT_GOOD(bench.policy(true));
  EXPECT_GOOD(bench.end_of_data());
  const auto end = bench.object();
  EXPECT_SENSE(bench.write(block(2)), codes::kConfigurationPrevented);
  EXPECT_SENSE(bench.filemarks(), codes::kConfigurationPrevented);
  EXPECT_EQ(bench.object(), end);
  EXPECT_GOOD(bench.rewind());
  EXPECT_EQ(bench.read().data_in, block(0));
  EXPECT_GOOD(bench.rewind());
  EXPECT_SENSE(bench.write(block(0)), codes::kKeyGenerationNeeded);  // from the beginning the policy counts
}

// The key areas as somebody would leave them who can write on the cartridge: every checksum fits.
void forge_key_areas(Bench& bench, const KeyInfo& info, std::uint64_t generation) {
  Bytes& file = bench.sim.disk.content(kTapePath);
  for (std::size_t copy = 0; copy < kKeyCopies; ++copy) {
    for (std::size_t slot = 0; slot < 2; ++slot) {
      copy_bytes(MutableByteView(file).subspan(key_slot_offset(copy, slot), kKeySlotBytes),
                 encode_key_slot({generation, info}));
    }
  }
}

TEST(KeyPath, D2_ForgedKeyAreasDoNotMakeAnAppendGoOutInClear) {
  for (const bool encrypt : {true, false}) {
    Remounted bench(MediumKind::k3592, KeyManagement::kSystem, encrypt);
    bench.policy(true);
    bench.fill();
    ASSERT_TRUE(bench.unload().good());
    forge_key_areas(bench, {}, 1000);
    const Bytes before = bench.sim.disk.content(kTapePath);
    ASSERT_TRUE(bench.load().good());
    bench.settle(kHost);
    EXPECT_GOOD(bench.end_of_data());
    EXPECT_SENSE(bench.write(block(4)), codes::kConfigurationPrevented);
    EXPECT_SENSE(bench.filemarks(), codes::kConfigurationPrevented);
    EXPECT_FALSE(bench.plaintext_on_tape());
    EXPECT_EQ(bench.sim.disk.content(kTapePath).size(), before.size());
  }
}

TEST(KeyPath, D2_AKeyThatNoSessionOfTheTapeHasExtendsNothing) {
  Remounted bench;
  bench.fill();
  const KeyInfo first = bench.drive->cartridge()->key_info().info;
  EXPECT_GOOD(bench.rewind());
  EXPECT_SENSE(bench.write(block(7)), codes::kKeyGenerationNeeded);
  EXPECT_GOOD(bench.carry());
  EXPECT_GOOD(bench.write(block(7)));
  EXPECT_GOOD(bench.filemarks());
  ASSERT_TRUE(bench.unload().good());
  forge_key_areas(bench, first, 1000);  // what the key server sealed for this very cartridge, put back
  ASSERT_TRUE(bench.load().good());
  bench.settle(kHost);
  EXPECT_GOOD(bench.end_of_data());
  EXPECT_SENSE(bench.write(block(8)), codes::kKeyTranslationNeeded);
  EXPECT_GOOD(bench.carry());
  const auto end = bench.object();
  EXPECT_SENSE(bench.write(block(8)), codes::kIncorrectKey);
  EXPECT_EQ(bench.object(), end);
}

TEST(KeyPath, D2_AppendKeyThatOnlyReadsIsToldOnceAndReadsOn) {
  Remounted bench;
  bench.fill();
  bench.server.may_append = false;
  EXPECT_GOOD(bench.end_of_data());
  EXPECT_SENSE(bench.write(block(4)), codes::kKeyTranslationNeeded);
  EXPECT_GOOD(bench.carry());
  EXPECT_SENSE(bench.write(block(4)), codes::kKeyRequestUnauthorized);
  EXPECT_GOOD(bench.rewind());
  EXPECT_EQ(bench.read().data_in, block(0));
}

TEST(KeyPath, D2_NewKeyForOverwriteLeavesTheOldOnTapeUntilTheWrite) {
  Remounted bench;
  bench.fill();
  const auto old_value = bench.drive->cartridge()->key_info().info.check_value;
  EXPECT_SENSE(bench.write(block(7)), codes::kKeyGenerationNeeded);
  EXPECT_GOOD(bench.carry());
  EXPECT_EQ(bench.drive->cartridge()->key_info().info.check_value, old_value);
  EXPECT_SENSE(bench.read(), codes::kKeyTranslationNeeded);  // the new key does not open the old data
  EXPECT_GOOD(bench.carry());
  EXPECT_EQ(bench.read().data_in, block(0));
  EXPECT_GOOD(bench.rewind());
  EXPECT_SENSE(bench.write(block(7)), codes::kKeyGenerationNeeded);
  EXPECT_GOOD(bench.carry());
  EXPECT_GOOD(bench.write(block(7)));
  EXPECT_NE(bench.drive->cartridge()->key_info().info.check_value, old_value);
  EXPECT_GOOD(bench.rewind());
  EXPECT_EQ(bench.read().data_in, block(7));
  EXPECT_GOOD(bench.rewind());
  EXPECT_GOOD(bench.write(block(8)));  // again from the beginning in the same mount, same key
}

TEST(KeyPath, D2_IdentifiedKeyMethodOfAnLtoDriveInALibrary) {
  Remounted bench(MediumKind::kLto, KeyManagement::kLibrary);
  bench.fill();
  EXPECT_EQ(bench.drive->cartridge()->key_info().info.method, KeyMethod::kIdentifiedKey);
  EXPECT_EQ(bench.drive->cartridge()->key_info().info.akad, to_bytes("KEY000000001"));
  EXPECT_SENSE(bench.read(), codes::kKeyTranslationNeeded);
  const auto asked = bench.request();
  EXPECT_EQ(asked.method, scsi::KeyMethodCode::kIdentifiedKey);
  EXPECT_EQ(asked.data_key_identifier, to_bytes("KEY000000001"));
  EXPECT_EQ(asked.drive_serial, "0010WT012345");
  EXPECT_GOOD(bench.carry());
  EXPECT_EQ(bench.read().data_in, block(0));
  const auto next = scsi::NextBlockStatus::decode(bench.spin(0x20, 0x21).data_in).value();
  EXPECT_EQ(next.status, scsi::BlockStatus::kReadable);
  ASSERT_EQ(next.kads.size(), 1U);
  EXPECT_EQ(next.kads[0].value, to_bytes("KEY000000001"));
  const auto status = scsi::EncryptionStatus::decode(bench.spin(0x20, 0x20).data_in).value();
  EXPECT_EQ(status.control, scsi::ParametersControl::kAutomation);
  EXPECT_EQ(status.decryption, scsi::DecryptionMode::kMixed);
}

TEST(KeyPath, D2_HostMayNotSetKeysThere) {
  ManagedBench bench;
  EXPECT_SENSE(bench.set_encryption(encrypting(key_bytes(1))), codes::kConfigurationPrevented);
  const auto capabilities = scsi::EncryptionCapabilities::decode(bench.spin(0x20, 0x10).data_in).value();
  EXPECT_EQ(capabilities.configuration_prevent, 2);
  EXPECT_EQ(capabilities.external_control, 2);
  EXPECT_EQ(to_hex(bench.spin(0x20, 0x01).data_in), "00010000");
  EXPECT_EQ(scsi::decode_protocol_list(bench.spin(0, 0).data_in).value(),
            (std::vector<std::uint8_t>{0, 0x20, 0xf0}));
}

TEST(KeyPath, D2_AnswersThatDoNotFitAreRefused) {
  ManagedBench bench;
  const auto some_id = Uuid::from(Bytes(16, 1));
  EXPECT_SENSE(bench.challenge(bench.server.challenge(some_id)), codes::kKeyExchangeOutOfSequence);
  EXPECT_SENSE(bench.answer({some_id, Bytes(10)}), codes::kKeyExchangeOutOfSequence);
  EXPECT_SENSE(bench.spin(0xf0, scsi::key_path::kSignedRequest), codes::kKeyExchangeOutOfSequence);
  EXPECT_SENSE(bench.write(block(1)), codes::kKeyGenerationNeeded);
  EXPECT_SENSE(bench.challenge(bench.server.challenge(some_id)), codes::kKeyExchangeUnknown);
  const auto asked = bench.request();
  EXPECT_SENSE(bench.answer({asked.request, Bytes(10)}), codes::kKeyExchangeOutOfSequence);
  EXPECT_GOOD(bench.challenge(bench.server.challenge(asked.request)));
  const auto message = bench.signed_request();
  auto good = bench.server.answer(asked, message.message);
  EXPECT_SENSE(bench.answer({some_id, good}), codes::kKeyExchangeUnknown);
  for (const std::size_t at : {std::size_t{0}, std::size_t{5}, std::size_t{60}, good.size() - 1}) {
    auto bad = good;
    bad.at(at) ^= 1U;
    EXPECT_SENSE(bench.answer({asked.request, bad}), codes::kKeyAnswerIncorrect);
  }
  for (std::size_t size = 0; size < good.size(); size += 17)
    EXPECT_SENSE(
        bench.answer({asked.request, Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))}),
        codes::kKeyAnswerIncorrect);
  EXPECT_EQ(bench.status().state, KeyPathState::kChallenged);
  EXPECT_SENSE(bench.write(block(1)), codes::kKeyGenerationNeeded);
  EXPECT_GOOD(bench.answer({asked.request, good}));  // the request was still open
  EXPECT_SENSE(bench.answer({asked.request, good}), codes::kKeyExchangeOutOfSequence);  // and no replay
  EXPECT_GOOD(bench.write(block(1)));
}

TEST(KeyPath, D2_KeyThatIsNotWhatItSaysIsRefused) {
  Remounted bench;
  bench.fill();
  EXPECT_SENSE(bench.read(), codes::kKeyTranslationNeeded);
  bench.server.wrong_check = true;
  EXPECT_SENSE(bench.carry(), codes::kKeyAnswerIncorrect);
  bench.server.wrong_check = false;
  bench.server.other_key = true;  // consistent in itself, but not the key of this cartridge
  EXPECT_SENSE(bench.carry(), codes::kKeyAnswerIncorrect);
  bench.server.other_key = false;
  EXPECT_GOOD(bench.carry());
  EXPECT_EQ(bench.read().data_in, block(0));
}

TEST(KeyPath, D2_OnlyTrustedServersAreHeard) {
  ManagedBench bench;
  EXPECT_SENSE(bench.write(block(1)), codes::kKeyGenerationNeeded);
  auto& site = Site::get();
  auto challenge = bench.server.challenge(bench.request().request);
  challenge.server_certificate = site.lto->certificate().der();  // of the site, but a drive's
  EXPECT_SENSE(bench.challenge(challenge), codes::kKeyAnswerIncorrect);
  challenge.server_certificate =
      take(crypto::self_signed_certificate(Site::spec("primary", "keyd", crypto::CertificateUse::kSigning),
                                           site.server_key, site.random))
          .der();
  EXPECT_SENSE(bench.challenge(challenge), codes::kKeyAnswerIncorrect);
  challenge.server_certificate = Bytes(100, 1);
  EXPECT_SENSE(bench.challenge(challenge), codes::kKeyAnswerIncorrect);
  // A server's certificate, but an answer by another key.
  bench.server.key = crypto::PrivateKey::generate_p256();
  EXPECT_SENSE(bench.carry(), codes::kKeyAnswerIncorrect);
}

TEST(KeyPath, D2_SecondChallengeReplacesTheFirst) {
  ManagedBench bench;
  EXPECT_SENSE(bench.write(block(1)), codes::kKeyGenerationNeeded);
  const auto asked = bench.request();
  EXPECT_GOOD(bench.challenge(bench.server.challenge(asked.request)));
  const auto first = bench.signed_request();
  auto other = bench.server.challenge(asked.request);
  other.nonce = Bytes(32, 77);
  EXPECT_GOOD(bench.challenge(other));
  const auto second = bench.signed_request();
  EXPECT_NE(first.message, second.message);
  EXPECT_SENSE(bench.answer({asked.request, bench.server.answer(asked, first.message)}),
               codes::kKeyAnswerIncorrect);
  EXPECT_GOOD(bench.answer({asked.request, bench.server.answer(asked, second.message)}));
}

TEST(KeyPath, D2_RefusalsAreToldOnceInTheirSense) {
  for (const auto& [reason, code] :
       {std::pair{scsi::KeyRefusal::kUnreachable, codes::kKeyManagerAccessError},
        std::pair{scsi::KeyRefusal::kServerError, codes::kKeyManagerError},
        std::pair{scsi::KeyRefusal::kNotFound, codes::kKeyNotFound},
        std::pair{scsi::KeyRefusal::kNotAuthorized, codes::kKeyRequestUnauthorized},
        std::pair{scsi::KeyRefusal::kTimeout, codes::kKeyServiceTimeout},
        std::pair{scsi::KeyRefusal::kServiceFailure, codes::kKeyServiceFailure}}) {
    ManagedBench bench;
    const scsi::RefusalPage early{Uuid::from(Bytes(16, 1)), reason, 0};
    EXPECT_SENSE(bench.spout(0xf0, scsi::key_path::kRefusal, early.encode()),
                 codes::kKeyExchangeOutOfSequence);
    EXPECT_SENSE(bench.write(block(1)), codes::kKeyGenerationNeeded);
    const auto asked = bench.request();
    EXPECT_SENSE(bench.spout(0xf0, scsi::key_path::kRefusal, early.encode()), codes::kKeyExchangeUnknown);
    EXPECT_GOOD(bench.spout(0xf0, scsi::key_path::kRefusal,
                            scsi::RefusalPage{asked.request, reason, 0xEE34}.encode()));
    EXPECT_EQ(bench.status().state, KeyPathState::kRefused);
    EXPECT_EQ(bench.status().ekm_code, 0xEE34);
    EXPECT_SENSE(bench.write(block(1)), code);
    EXPECT_SENSE(bench.write(block(1)), codes::kKeyGenerationNeeded);
    EXPECT_NE(bench.request().request, asked.request);
    EXPECT_GOOD(bench.carry());
    EXPECT_GOOD(bench.write(block(1)));
  }
}

TEST(KeyPath, D2_AuthenticRefusalInTheAnswer) {
  ManagedBench bench;
  EXPECT_SENSE(bench.write(block(1)), codes::kKeyGenerationNeeded);
  bench.server.refuse = true;
  EXPECT_GOOD(bench.carry());
  EXPECT_EQ(bench.status().ekm_code, 0xEE32);
  EXPECT_SENSE(bench.write(block(1)), codes::kKeyNotFound);
}

TEST(KeyPath, D2_ConfirmationAfterTheFirstSyncedWrite) {
  ManagedBench bench;
  EXPECT_SENSE(bench.write(block(1)), codes::kKeyGenerationNeeded);
  const auto issued = bench.request().request;
  EXPECT_GOOD(bench.carry());
  EXPECT_FALSE(bench.status().confirm_due);
  EXPECT_SENSE(bench.challenge(bench.server.challenge(issued, true)), codes::kKeyExchangeOutOfSequence);
  EXPECT_GOOD(bench.write(block(1)));
  EXPECT_FALSE(bench.status().confirm_due) << "not on stable storage yet";
  EXPECT_GOOD(bench.filemarks());
  EXPECT_TRUE(bench.status().confirm_due);
  EXPECT_EQ(bench.status().confirm_request, issued);
  EXPECT_GOOD(bench.unload());
  EXPECT_TRUE(bench.status().confirm_due) << "it may come after the unload";
  EXPECT_GOOD(bench.challenge(bench.server.challenge(issued, true)));
  const auto message = bench.signed_request();
  EXPECT_NE(as_text(message.message).find("ledger row 7"), std::string_view::npos);
  EXPECT_SENSE(bench.answer({issued, Bytes(50)}), codes::kKeyAnswerIncorrect);
  EXPECT_GOOD(bench.answer({issued, bench.server.confirmation(message.message)}));
  EXPECT_FALSE(bench.status().confirm_due);
}

TEST(KeyPath, K12_AConfirmationOutlivesUnloadAndResetAndIsOfTheCartridgeThatWasWritten) {
  ManagedBench bench;
  EXPECT_SENSE(bench.write(block(1)), codes::kKeyGenerationNeeded);
  const auto asked = bench.request();
  EXPECT_GOOD(bench.carry());
  EXPECT_GOOD(bench.write(block(1)));
  bench.drive->reset();  // writes what is buffered
  bench.settle(kHost);
  EXPECT_EQ(bench.status().confirm_request, asked.request);
  EXPECT_EQ(bench.status().state, KeyPathState::kIdle);
  ASSERT_TRUE(bench.drive->eject());
  bench.settle(kHost);
  EXPECT_GOOD(bench.challenge(bench.server.challenge(asked.request, true)));
  const auto message = bench.signed_request().message;
  EXPECT_NE(as_text(message).find(as_text(asked.volume.view())), std::string_view::npos);
  EXPECT_GOOD(bench.answer({asked.request, bench.server.confirmation(message)}));
  EXPECT_FALSE(bench.drive->confirmation_due());
}

TEST(KeyPath, K12_WritesOfSeveralMountsAreConfirmedOneAfterAnother) {
  ManagedBench bench;
  std::vector<Uuid> issued;
  for (int mount = 0; mount < 2; ++mount) {
    EXPECT_SENSE(bench.write(block(1)), codes::kKeyGenerationNeeded);
    issued.push_back(bench.request().request);
    EXPECT_GOOD(bench.carry());
    EXPECT_GOOD(bench.write(block(1)));
    EXPECT_GOOD(bench.unload());
    EXPECT_GOOD(bench.load());
    bench.settle(kHost);
  }
  EXPECT_EQ(bench.status().confirm_request, issued[0]);
  const scsi::RefusalPage refused{issued[0], scsi::KeyRefusal::kNotFound, 0xEE2D};
  EXPECT_GOOD(bench.spout(0xf0, scsi::key_path::kRefusal, refused.encode()));
  for (const auto& request : {issued[1], issued[0]}) {
    EXPECT_EQ(bench.status().confirm_request, request);
    EXPECT_GOOD(bench.challenge(bench.server.challenge(request, true)));
    EXPECT_GOOD(bench.answer({request, bench.server.confirmation(bench.signed_request().message)}));
  }
  EXPECT_FALSE(bench.status().confirm_due);
  EXPECT_SENSE(bench.spout(0xf0, scsi::key_path::kRefusal, refused.encode()),
               codes::kKeyExchangeOutOfSequence);
}

TEST(KeyPath, K12_WhatIsNewComesBeforeWhatWasRefusedAndFinalRefusalsEnd) {
  ManagedBench bench;
  std::vector<Uuid> issued;
  const auto mount = [&] {
    EXPECT_SENSE(bench.write(block(1)), codes::kKeyGenerationNeeded);
    issued.push_back(bench.request().request);
    EXPECT_GOOD(bench.carry());
    EXPECT_GOOD(bench.write(block(1)));
    EXPECT_GOOD(bench.unload());
    EXPECT_GOOD(bench.load());
    bench.settle(kHost);
  };
  const auto refuse = [&](const Uuid& request, scsi::KeyRefusal reason, std::uint16_t code) {
    EXPECT_GOOD(
        bench.spout(0xf0, scsi::key_path::kRefusal, scsi::RefusalPage{request, reason, code}.encode()));
  };
  mount();
  refuse(issued[0], scsi::KeyRefusal::kNotFound, 0xee2d);
  mount();
  EXPECT_EQ(bench.status().confirm_request, issued[1]) << "the new one first";
  bench.drive->show_refused_confirmations(false);
  EXPECT_TRUE(bench.drive->confirmation_due());
  EXPECT_GOOD(bench.challenge(bench.server.challenge(issued[1], true)));
  EXPECT_GOOD(bench.answer({issued[1], bench.server.confirmation(bench.signed_request().message)}));
  EXPECT_FALSE(bench.status().confirm_due) << "the refused one is not shown";
  bench.drive->show_refused_confirmations(true);
  EXPECT_EQ(bench.status().confirm_request, issued[0]);

  // What a hand at the servers can mend is never given up.
  for (const std::uint16_t code : std::to_array<std::uint16_t>({0, 0xee0f, 0xee25, 0xef01, 0xef10}))
    refuse(issued[0], scsi::KeyRefusal::kServerError, code);
  refuse(issued[0], scsi::KeyRefusal::kUnreachable, 0xee30);
  EXPECT_TRUE(bench.drive->confirmation_due());
  EXPECT_TRUE(bench.drive->take_given_up_confirmations().empty());
  refuse(issued[0], scsi::KeyRefusal::kNotAuthorized, 0xee30);
  EXPECT_FALSE(bench.drive->confirmation_due());
  EXPECT_EQ(bench.drive->take_given_up_confirmations(), std::vector<std::string>{"VOL001"});
}

TEST(KeyPath, K12_TooManyAreNotKeptAndThatIsTold) {
  ManagedBench bench;
  std::vector<Uuid> issued;
  for (std::size_t mounts = 0; mounts <= kMaxConfirmations; ++mounts) {
    EXPECT_SENSE(bench.write(block(1)), codes::kKeyGenerationNeeded);
    issued.push_back(bench.request().request);
    EXPECT_GOOD(bench.carry());
    EXPECT_GOOD(bench.write(block(1)));
    EXPECT_GOOD(bench.unload());
    EXPECT_GOOD(bench.load());
    bench.settle(kHost);
  }
  EXPECT_EQ(bench.status().confirm_request, issued[1]) << "the oldest is gone";
  EXPECT_EQ(bench.drive->take_given_up_confirmations().size(), 1U);
}

TEST(KeyPath, K12_WhatDidNotReachTheMediumIsNotConfirmed) {
  ManagedBench bench;
  EXPECT_SENSE(bench.write(block(1)), codes::kKeyGenerationNeeded);
  EXPECT_GOOD(bench.carry());
  EXPECT_GOOD(bench.write(block(1)));
  ASSERT_TRUE(bench.drive->power_cycle().has_value());
  ASSERT_TRUE(bench.drive->eject());
  EXPECT_FALSE(bench.drive->confirmation_due());
}

TEST(KeyPath, L4_TheLibrariesPortPassesReservationsAndTakesNoAttentions) {
  ManagedBench bench;
  bench.drive->reset();
  bench.settle(kOtherHost);
  EXPECT_GOOD(bench.run(scsi::plain_cdb(scsi::Opcode::kReserve6), {}, kOtherHost));
  const auto status = scsi::SecurityProtocolIn{0xf0, scsi::key_path::kStatus, 4096}.encode();
  const auto on_port = [&](ByteView cdb) {
    return bench.drive->execute_key_path({.cdb = cdb, .nexus = kHost, .data_out = {}});
  };
  EXPECT_GOOD(on_port(status));
  EXPECT_GOOD(bench.run(scsi::plain_cdb(scsi::Opcode::kRelease6), {}, kOtherHost));
  EXPECT_SENSE(bench.run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady)), codes::kBusDeviceReset);
  EXPECT_SENSE(on_port(scsi::plain_cdb(scsi::Opcode::kTestUnitReady)), codes::kInvalidOpcode);
  EXPECT_SENSE(on_port(scsi::SecurityProtocolIn{0x20, 0x0020, 4096}.encode()), codes::kInvalidOpcode);
  EXPECT_SENSE(on_port(Bytes{}), codes::kInvalidOpcode);
}

TEST(KeyPath, D2_NoKeyOutlivesTheMount) {
  Remounted bench;
  bench.fill();
  EXPECT_SENSE(bench.read(), codes::kKeyTranslationNeeded);
  EXPECT_GOOD(bench.carry());
  EXPECT_GOOD(bench.read());
  bench.drive->reset();
  bench.settle(kHost);
  EXPECT_SENSE(bench.read(), codes::kKeyTranslationNeeded);
  EXPECT_GOOD(bench.carry());
  EXPECT_GOOD(bench.read());
  ASSERT_TRUE(bench.drive->power_cycle().has_value());
  bench.settle(kHost);
  EXPECT_SENSE(bench.read(), codes::kKeyTranslationNeeded);
  EXPECT_GOOD(bench.unload());
  EXPECT_EQ(bench.status().state, KeyPathState::kIdle);
}

TEST(KeyPath, D2_PolicyWithLabelsGoesIntoTheRequestAndEndsWithTheMount) {
  Remounted bench(MediumKind::k3592, KeyManagement::kSystem, false);
  EXPECT_GOOD(bench.write(block(0)));
  EXPECT_GOOD(bench.rewind());
  EXPECT_GOOD(bench.policy(
      true, {{"Finance", scsi::LabelModeCode::kClear}, {"DR Site", scsi::LabelModeCode::kHash}}));
  EXPECT_SENSE(bench.write(block(0)), codes::kKeyGenerationNeeded);
  const auto first = bench.request();
  ASSERT_EQ(first.policy.labels.size(), 2U);
  EXPECT_EQ(first.policy.labels[1].mode, scsi::LabelModeCode::kHash);
  EXPECT_GOOD(bench.policy(true, {{"Sales", scsi::LabelModeCode::kClear}}));
  EXPECT_SENSE(bench.write(block(0)), codes::kKeyGenerationNeeded);
  EXPECT_NE(bench.request().request, first.request) << "other labels, another request";
  EXPECT_GOOD(bench.carry());
  EXPECT_GOOD(bench.policy(true, {{"Finance", scsi::LabelModeCode::kClear}}));
  EXPECT_SENSE(bench.write(block(0)), codes::kKeyGenerationNeeded);
  bench.remount();
  EXPECT_GOOD(bench.write(block(0)));
  EXPECT_FALSE(scsi::WritePolicyPage::decode(bench.spin(0xf0, 0x0011).data_in).value().encrypt);
}

TEST(KeyPath, D2_ApplicationDriveDoesNotExtendAManagedCartridge) {
  Remounted bench;
  bench.fill();
  static_cast<void>(bench.drive->eject().value());
  DriveOptions application;
  Drive other(bench.sim.env(), Site::get().enterprise, application);
  ASSERT_TRUE(other.insert(kTapePath).has_value());
  const auto run = [&other](ByteView cdb, ByteView data = {}) {
    return other.execute({.cdb = cdb, .nexus = kHost, .data_out = data});
  };
  while (!run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady)).good()) {
  }
  EXPECT_SENSE(run(scsi::Read6{false, true, 1000}.encode()), codes::kUnableToDecrypt);
  EXPECT_GOOD(run(scsi::Space{scsi::SpaceCode::kEndOfData, 0}.encode()));
  EXPECT_SENSE(run(scsi::Write6{false, 300}.encode(), block(1)), codes::kConfigurationPrevented);
  EXPECT_GOOD(run(scsi::Rewind{}.encode()));
  EXPECT_GOOD(run(scsi::Write6{false, 300}.encode(), block(1)));  // from the beginning it is a new tape
}

TEST(KeyPath, D2_SupportedPagesAndUnknownOnes) {
  ManagedBench bench;
  EXPECT_EQ(scsi::decode_page_list(bench.spin(0xf0, 0).data_in, 0).value().size(), 9U);
  EXPECT_SENSE(bench.spin(0xf0, 0x0030), codes::kInvalidFieldInCdb);
  EXPECT_SENSE(bench.spout(0xf0, 0x0021, Bytes(30)), codes::kInvalidFieldInCdb);
  EXPECT_SENSE(bench.spout(0xf0, scsi::key_path::kChallenge, Bytes(3)), codes::kParameterListLengthError);
  EXPECT_SENSE(bench.spout(0xf0, scsi::key_path::kChallenge, from_hex("0020000400000000").value()),
               codes::kInvalidFieldInParameters);
  EXPECT_EQ(bench.request().intent, KeyIntent::kNone);
  EXPECT_EQ(bench.request().drive_serial, "0000078A1234");
}

TEST(KeyPath, D2_DriveWithoutExchangeTakesNoChallenge) {
  Bench bench(ManagedBench::options(KeyManagement::kSystem, true), MediumKind::k3592, nullptr);
  EXPECT_SENSE(bench.write(block(1)), codes::kKeyGenerationNeeded);
  const auto asked = scsi::KeyRequestPage::decode(bench.spin(0xf0, 0x10).data_in).value();
  EXPECT_SENSE(bench.spout(0xf0, 0x20, FakeServer{}.challenge(asked.request).encode()),
               codes::kCommandSequenceError);
}

}  // namespace
}  // namespace tapewarden::tape::test
