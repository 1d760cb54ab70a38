#include "tape/medium/cartridge.h"

#include <filesystem>

#include "base/real_env.h"
#include "tape/medium/cartridge_test_kit.h"
#include "tape/medium/inspect.h"
#include "tape/medium/layout.h"
#include "tape/medium/record.h"

namespace tapewarden::tape {
namespace {

using namespace test;
using tapewarden::testing::SimEnv;

TEST(Cartridge, D4_WritesAndReadsBackClearAndSealed) {
  for (const bool sealed : {false, true}) {
    SimEnv sim(1);
    auto tape = make(sim);
    if (sealed) done(tape->set_write_session(sealed_with(key(1))));
    done(tape->write_record(record(1)));
    done(tape->write_record(record(2, 70000)));
    done(tape->write_filemarks(2));
    done(tape->write_record(record(3, 1)));
    EXPECT_EQ(tape->position(), (Position{0, 5, 2}));
    tape->set_read_key(key(1));
    const std::vector<Bytes> expected = {record(1), record(2, 70000), {}, {}, record(3, 1)};
    EXPECT_EQ(take(read_all(*tape)), expected);
    done(tape->unload());
    tape = reopen(sim);
    tape->set_read_key(key(1));
    EXPECT_EQ(take(read_all(*tape)), expected);
    EXPECT_TRUE(tape->at_end_of_data());
  }
}

TEST(Cartridge, D4_MixedSessionsNameTheirKeys) {
  SimEnv sim(2);
  auto tape = make(sim);
  done(tape->write_record(record(1)));
  done(tape->set_write_session(sealed_with(key(1))));
  done(tape->write_record(record(2)));
  done(tape->set_write_session(sealed_with(key(2))));
  done(tape->write_record(record(3)));
  done(tape->unload());
  tape = reopen(sim);
  tape->set_read_key(key(1));
  EXPECT_EQ(take(tape->next_block()).encryption, BlockEncryption::kNotEncrypted);
  EXPECT_EQ(to_bytes(take(tape->read_record()).data), record(1));
  const NextBlock second = take(tape->next_block());
  EXPECT_EQ(second.encryption, BlockEncryption::kReadable);
  EXPECT_EQ(second.akad, to_bytes("ABC012345678"));
  EXPECT_EQ(second.host_length, 300U);
  EXPECT_EQ(to_bytes(take(tape->read_record()).data), record(2));
  EXPECT_EQ(take(tape->next_block()).encryption, BlockEncryption::kKeyMissing);
  const auto refused = tape->read_record();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kWrongKey);
  EXPECT_EQ(refused.error().detail, detail(MediumFault::kKeyDiffers));
  tape->set_read_key(nullptr);
  EXPECT_EQ(tape->read_record().error().detail, detail(MediumFault::kKeyMissing));
  tape->set_read_key(key(2));
  EXPECT_EQ(to_bytes(take(tape->read_record()).data), record(3));
  EXPECT_EQ(take(tape->read_record()).kind, BlockKind::kEndOfData);
  EXPECT_EQ(take(tape->next_block()).kind, BlockKind::kEndOfData);
}

TEST(Cartridge, D4_WhatDoesNotCompressIsTriedNowAndThenOnly) {
  SimEnv sim(3);
  CartridgeSpec spec = small_spec();
  spec.compression_level = 1;
  auto tape = make(sim, spec);
  Bytes noise(5000);
  sim.random.fill(noise);
  const Bytes text(5000, 'a');
  // Four in vain, then one in eight is tried: the first text that meets a try goes in smaller, and so do
  // those behind it.
  for (int i = 0; i < 4; ++i) done(tape->write_record(noise));
  for (int i = 0; i < 8; ++i) done(tape->write_record(text));
  done(tape->rewind());
  std::string compressed;
  for (int i = 0; i < 12; ++i) {
    compressed += take(tape->next_block()).compressed ? 'c' : '-';
    EXPECT_EQ(to_bytes(take(tape->read_record()).data), i < 4 ? noise : text) << i;
  }
  EXPECT_EQ(compressed, "--------cccc");
}

TEST(Cartridge, D4_CompressesBeforeSealingAndCanBeSwitchedOff) {
  SimEnv sim(3);
  CartridgeSpec spec = small_spec();
  spec.compression_level = 1;
  auto tape = make(sim, spec);
  const Bytes zeros(1U << 20, 7);
  done(tape->set_write_session(sealed_with(key(1))));
  done(tape->write_record(zeros));
  EXPECT_LT(tape->capacity().used_bytes, 10000U);
  SessionSpec off = sealed_with(key(1));
  off.compression_level = 0;
  done(tape->set_write_session(off));
  done(tape->write_record(zeros));
  EXPECT_GT(tape->capacity().used_bytes, zeros.size());
  Bytes noise(4096);
  sim.random.fill(noise);
  done(tape->set_write_session(sealed_with(key(1))));
  done(tape->write_record(noise));
  tape->set_read_key(key(1));
  done(tape->rewind());
  EXPECT_TRUE(take(tape->next_block()).compressed);
  EXPECT_EQ(take(read_all(*tape)), (std::vector<Bytes>{zeros, zeros, noise}));
  done(tape->locate(2));
  EXPECT_FALSE(take(tape->next_block()).compressed);
}

TEST(Cartridge, D4_SixteenMebibyteRecordsIntoTheCallersBuffer) {
  SimEnv sim(4);
  auto tape = make(sim);
  done(tape->set_write_session(sealed_with(key(1))));
  const Bytes large = record(1, 16U << 20);
  done(tape->write_record(large));
  done(tape->write_record(record(2)));
  tape->set_read_key(key(1));
  done(tape->rewind());
  Bytes mine(large.size());
  const RecordView view = take(tape->read_record(mine));
  EXPECT_EQ(view.data.data(), mine.data());
  EXPECT_EQ(mine, large);
  EXPECT_EQ(to_bytes(take(tape->read_record()).data), record(2));
  const Bytes too_large((16U << 20) + 1);
  EXPECT_EQ(tape->write_record(too_large).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(tape->write_record({}).error().code, ErrorCode::kInvalidArgument);
}

TEST(Cartridge, D4_AWriteInTheMiddleMakesTheRestVanish) {
  SimEnv sim(5);
  auto tape = make(sim);
  done(tape->set_write_session(sealed_with(key(1))));
  for (std::uint32_t i = 0; i < 10; ++i) done(tape->write_record(record(i)));
  done(tape->write_filemarks(1));
  done(tape->locate(4));
  done(tape->write_record(record(99)));
  EXPECT_TRUE(tape->at_end_of_data());
  EXPECT_EQ(tape->end_of_data(), (Position{0, 5, 0}));
  done(tape->unload());
  tape = reopen(sim);
  tape->set_read_key(key(1));
  EXPECT_EQ(take(read_all(*tape)),
            (std::vector<Bytes>{record(0), record(1), record(2), record(3), record(99)}));
  done(tape->locate(1));
  done(tape->erase_from_here());
  sim.disk.power_loss();  // it was durable
  tape = reopen(sim);
  tape->set_read_key(key(1));
  EXPECT_EQ(take(read_all(*tape)), (std::vector<Bytes>{record(0)}));
}

TEST(Cartridge, D4_MotionOverRecordsAndFilemarks) {
  SimEnv sim(6);
  auto tape = make(sim);
  // Objects: 0 1 2 F3 4 5 F6 F7 8
  for (const int kind : {1, 1, 1, 0, 1, 1, 0, 0, 1}) {
    if (kind == 1) done(tape->write_record(record(1, 1000)));
    if (kind == 0) done(tape->write_filemarks(1, true));
  }
  using Stop = Motion::Stop;
  const auto records = [&](std::int64_t count, Stop stop, std::uint64_t moved, std::uint64_t object) {
    const Motion motion = take(tape->space_records(count));
    EXPECT_EQ(motion.stop, stop);
    EXPECT_EQ(motion.moved, moved);
    EXPECT_EQ(tape->position().logical_object, object);
  };
  const auto marks = [&](std::int64_t count, Stop stop, std::uint64_t moved, Position at) {
    const Motion motion = take(tape->space_filemarks(count));
    EXPECT_EQ(motion.stop, stop);
    EXPECT_EQ(motion.moved, moved);
    EXPECT_EQ(tape->position(), at);
  };
  done(tape->rewind());
  records(2, Stop::kDone, 2, 2);
  records(5, Stop::kFilemark, 1, 4);
  records(-1, Stop::kFilemark, 0, 3);
  records(-2, Stop::kDone, 2, 1);
  records(-2, Stop::kBeginningOfTape, 1, 0);
  marks(2, Stop::kDone, 2, {0, 7, 2});
  marks(2, Stop::kEndOfData, 1, {0, 9, 3});
  records(1, Stop::kEndOfData, 0, 9);
  marks(-1, Stop::kDone, 1, {0, 7, 2});
  marks(-2, Stop::kDone, 2, {0, 3, 0});
  marks(-1, Stop::kBeginningOfTape, 0, {0, 0, 0});
  records(std::numeric_limits<std::int64_t>::min(), Stop::kBeginningOfTape, 0, 0);
  done(tape->locate_file(2));
  EXPECT_EQ(tape->position(), (Position{0, 7, 2}));
  EXPECT_EQ(tape->locate_file(4).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(tape->locate(10).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(tape->at_end_of_data());
  done(tape->locate(8));
  EXPECT_EQ(take(tape->next_block()).kind, BlockKind::kData);
}

TEST(Cartridge, D4_WormTakesAppendsAndRekeyOnly) {
  SimEnv sim(7);
  CartridgeSpec spec = small_spec();
  spec.worm = true;
  auto tape = make(sim, spec);
  SessionSpec session = sealed_with(key(1));
  session.key_info.method = KeyMethod::kWrappedKey;
  session.key_info.eedks = {to_bytes("first EEDK")};
  done(tape->set_write_session(session));
  done(tape->write_record(record(1)));
  done(tape->write_record(record(2)));
  done(tape->locate(1));
  EXPECT_EQ(tape->write_record(record(3)).error().detail, detail(MediumFault::kWormOverwrite));
  EXPECT_EQ(tape->write_filemarks(1).error().detail, detail(MediumFault::kWormOverwrite));
  EXPECT_EQ(tape->erase_from_here().error().detail, detail(MediumFault::kWormOverwrite));
  done(tape->to_end_of_data());
  done(tape->write_record(record(3)));
  KeyInfo rekeyed = tape->key_info().info;
  rekeyed.eedks = {to_bytes("another EEDK"), to_bytes("and a second")};
  done(tape->set_key_info(rekeyed));
  done(tape->unload());
  tape = reopen(sim);
  EXPECT_EQ(tape->key_info().info, rekeyed);
  tape->set_read_key(key(1));
  EXPECT_EQ(take(read_all(*tape)), (std::vector<Bytes>{record(1), record(2), record(3)}));
}

TEST(Cartridge, D4_CapacityWarnsThenRefuses) {
  SimEnv sim(8);
  CartridgeSpec spec = small_spec();
  spec.capacity_bytes = 100000;
  spec.early_warning_bytes = 20000;
  auto tape = make(sim, spec);
  tape->set_programmable_early_warning(30000);
  std::vector<Bytes> written;
  Status last;
  bool early = false;
  bool programmable = false;
  while (last) {
    last = tape->write_record(record(1, 9000));
    if (last) written.push_back(record(1, 9000));
    const CapacityState state = tape->capacity();
    EXPECT_EQ(state.early_warning, state.used_bytes >= 80000);
    EXPECT_EQ(state.programmable_early_warning, state.used_bytes >= 50000);
    early |= state.early_warning;
    programmable |= state.programmable_early_warning;
  }
  EXPECT_TRUE(early && programmable);
  EXPECT_EQ(last.error().code, ErrorCode::kExhausted);
  EXPECT_EQ(last.error().detail, detail(MediumFault::kEndOfMedium));
  done(tape->write_filemarks(2));  // there is room for marks
  written.emplace_back();
  written.emplace_back();
  done(tape->unload());
  EXPECT_EQ(take(read_all(*reopen(sim))), written);
}

TEST(Cartridge, D4_ReadOnlyAndBadSpecsAreRefused) {
  SimEnv sim(9);
  done(make(sim)->unload());
  auto tape = reopen(sim, CartridgeMode::kRead);
  EXPECT_EQ(tape->write_record(record(1)).error().detail, detail(MediumFault::kWriteProtected));
  EXPECT_EQ(tape->set_key_info({}).error().detail, detail(MediumFault::kWriteProtected));
  EXPECT_FALSE(tape->writable());
  CartridgeSpec spec = small_spec();
  EXPECT_EQ(Cartridge::create(sim.env(), kPath, spec).error().code, ErrorCode::kAlreadyExists);
  spec.volser = "bad volser";
  EXPECT_EQ(Cartridge::create(sim.env(), "tapes/other", spec).error().field, "volser");
  EXPECT_EQ(Cartridge::open(sim.env(), "tapes/missing", CartridgeMode::kRead).error().code,
            ErrorCode::kNotFound);
  auto writing = reopen(sim);
  SessionSpec session;
  session.akad = Bytes(61);
  EXPECT_EQ(writing->set_write_session(session).error().field, "kad");
}

TEST(Cartridge, D4_RealFilesHaveOneWriterAtATime) {
  SimEnv sim(13);
  RealDisk disk;
  Env env = sim.env();
  env.disk = &disk;
  const std::string path = ::testing::TempDir() + "tapewarden-medium-test-" + Uuid::random(sim.random).text();
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  auto tape = take(Cartridge::create(env, path, small_spec()));
  done(tape->set_write_session(sealed_with(key(1))));
  done(tape->write_record(record(1, 300000)));
  EXPECT_EQ(Cartridge::open(env, path, CartridgeMode::kReadWrite).error().code, ErrorCode::kConflict);
  done(tape->unload());
  tape.reset();
  tape = take(Cartridge::open(env, path, CartridgeMode::kReadWrite));
  tape->set_read_key(key(1));
  EXPECT_EQ(take(read_all(*tape)), (std::vector<Bytes>{record(1, 300000)}));
  tape.reset();
  std::filesystem::remove(path);
}

TEST(Cartridge, D4_CartridgeMemoryKeepsAttributes) {
  SimEnv sim(10);
  auto tape = make(sim);
  done(tape->count_load());
  done(tape->set_attributes(
      {{attribute::kUserMediumTextLabel, {AttributeFormat::kText, to_bytes("weekly")}}}));
  done(tape->write_record(record(1)));
  done(tape->unload());
  tape = reopen(sim);
  EXPECT_EQ(attribute_number(tape->attributes(), attribute::kLoadCount), 1U);
  EXPECT_EQ(tape->attributes().at(attribute::kUserMediumTextLabel).value, to_bytes("weekly"));
  EXPECT_EQ(attribute_number(tape->attributes(), attribute::kMegabytesWrittenInLife), 1U);
  EXPECT_EQ(tape->attributes().at(attribute::kBarcode).value, ascii_attribute("VOL001L9", 32).value);
  done(tape->set_attributes({{attribute::kUserMediumTextLabel, {}}}));
  EXPECT_FALSE(tape->attributes().contains(attribute::kUserMediumTextLabel));
  AttributeMap many;
  for (AttributeId id = 0x0C00; id < 0x0C08; ++id) many[id] = {AttributeFormat::kBinary, Bytes(4000, 1)};
  EXPECT_EQ(tape->set_attributes(many).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(attribute_number(reopen(sim)->attributes(), attribute::kLoadCount), 1U);
}

TEST(Cartridge, D4_KeyInfoIsReplacedByAWriteFromTheBeginning) {
  SimEnv sim(11);
  auto tape = make(sim);
  SessionSpec session = sealed_with(key(1));
  session.key_info.method = KeyMethod::kWrappedKey;
  session.key_info.eedks = {to_bytes("the old EEDK")};
  done(tape->set_write_session(session));
  done(tape->write_record(record(1)));
  EXPECT_EQ(tape->key_info().info, session.key_info);
  done(tape->rewind());
  session.key_info.eedks = {to_bytes("the new EEDK")};
  done(tape->set_write_session(session));
  done(tape->write_record(record(2)));
  EXPECT_EQ(tape->key_info().info, session.key_info);
  EXPECT_FALSE(contains(sim.disk.content(kPath), as_bytes("the old EEDK")));
  done(tape->rewind());
  done(tape->set_write_session({}));
  done(tape->write_record(record(3)));
  EXPECT_TRUE(tape->key_info().info.empty());
  EXPECT_FALSE(contains(sim.disk.content(kPath), as_bytes("the new EEDK")));
}

TEST(Cartridge, D4_KeyInfoThatWasLeftOnAnEmptyTapeGoesWithTheFirstClearRecord) {
  SimEnv sim(3);
  auto tape = make(sim);
  KeyInfo stale;
  stale.method = KeyMethod::kWrappedKey;
  stale.eedks = {to_bytes("of a key that sealed nothing")};
  done(tape->set_key_info(stale));
  done(tape->set_write_session({}));
  done(tape->write_record(record(1)));
  done(tape->unload());
  tape = reopen(sim);
  EXPECT_TRUE(tape->key_info().info.empty());
  EXPECT_FALSE(contains(sim.disk.content(kPath), stale.eedks.front())) << "in both slots";
}

TEST(Cartridge, D4_SessionKeysTellWhatTheKeyAreasMayNot) {
  SimEnv sim(3);
  auto tape = make(sim);
  EXPECT_TRUE(tape->session_keys().check_values.empty());
  const auto volume = tape->identity().volume;
  for (const std::uint8_t seed : std::initializer_list<std::uint8_t>{1, 2, 1}) {
    done(tape->set_write_session(sealed_with(key(seed))));
    done(tape->write_record(record(seed)));
  }
  done(tape->set_write_session({}));
  done(tape->write_record(record(3)));
  const std::vector<KeyCheckValue> wanted{key(1)->check_value(volume), key(2)->check_value(volume)};
  EXPECT_EQ(tape->session_keys().check_values, wanted);
  done(tape->unload());
  EXPECT_EQ(reopen(sim)->session_keys().check_values, wanted);
  // The first session record damaged: with the index the tape opens all the same.
  sim.disk.content(kPath).at(kDataStart + kHeaderBytes + 40) ^= 1U;
  EXPECT_TRUE(reopen(sim)->session_keys().unknown);
}

TEST(Cartridge, D4_NoKeyAndNoPlaintextInTheFile) {
  SimEnv sim(12);
  CartridgeSpec spec = small_spec();
  spec.compression_level = 1;
  auto tape = make(sim, spec);
  done(tape->set_write_session(sealed_with(key(1))));
  for (std::uint32_t i = 0; i < 50; ++i) done(tape->write_record(record(i, 2000)));
  done(tape->write_filemarks(1));
  done(tape->unload());
  const Bytes& file = sim.disk.content(kPath);
  EXPECT_FALSE(contains(file, as_bytes("marker-plaintext")));
  EXPECT_FALSE(contains(file, key_bytes(1)));
  EXPECT_FALSE(contains(file, ByteView(key_bytes(1)).first(8)));
  EXPECT_TRUE(contains(file, as_bytes("ABC012345678")));  // the DKi is meant to be readable
}

TEST(Cartridge, D4_TheCheckValueIsHkdfOfTheVolume) {
  const Uuid one = Uuid::parse("00112233-4455-4677-8899-aabbccddeeff").value();
  const Uuid two = Uuid::parse("10112233-4455-4677-8899-aabbccddeeff").value();
  EXPECT_NE(key(1)->check_value(one), key(1)->check_value(two));
  EXPECT_NE(key(1)->check_value(one), key(2)->check_value(one));
  // Computed with Python's hmac module after RFC 5869 for the key of key_bytes(1).
  EXPECT_EQ(to_hex(key(1)->check_value(one)), "dede6dc93bd3ef50a0300417eaffb6f9");
}

// What inspection says of a copy is said of the copy: one of its two slots is not in use after the first
// write.
TEST(Cartridge, D4_InspectionTellsEachKeyCopyInWords) {
  SimEnv sim(41);
  auto tape = make(sim);
  const auto told = [&] { return take(inspect(sim.env(), kPath)).to_text(); };
  EXPECT_NE(told().find("never written"), std::string::npos);
  KeyInfo info{.method = KeyMethod::kWrappedKey,
               .eedks = {to_bytes("first EEDK"), to_bytes("second EEDK")},
               .signature = to_bytes("signature"),
               .akad = {},
               .ukad = {},
               .check_value = {}};
  done(tape->set_key_info(info));
  EXPECT_EQ(told().find("never written"), std::string::npos) << "EEDKs were written";
  const auto copies = take(inspect(sim.env(), kPath)).key_info.copies;
  for (const KeyCopyHealth& copy : copies) {
    EXPECT_TRUE(copy.good());
    EXPECT_EQ(copy.text(), "good, generation 1; its other slot is not in use yet");
  }
  info.eedks.pop_back();
  done(tape->set_key_info(info));
  EXPECT_NE(told().find("good, generation 2\n"), std::string::npos);
  tape.reset();
  const auto damage = [&](std::size_t slot) {
    sim.disk.content(kPath).at(key_slot_offset(1, slot) + 40) ^= 1;
  };
  const std::size_t newest = copies[1].slots[0] == SlotHealth::kGood ? 1 : 0;  // the other one came second
  damage(newest);
  EXPECT_NE(told().find("readable but old, generation 1; its other slot is damaged: repair it"),
            std::string::npos);
  damage(1 - newest);
  EXPECT_NE(told().find("cannot be read: its content is damaged"), std::string::npos);
}

}  // namespace
}  // namespace tapewarden::tape
