// Power loss and failing disks at every write; and the one rule of GCM over everything that was ever sealed.
#include <algorithm>
#include <set>

#include "tape/medium/cartridge_test_kit.h"
#include "tape/medium/erase.h"
#include "tape/medium/inspect.h"
#include "tape/medium/layout.h"
#include "tape/medium/record_stream.h"
#include "tape/medium/recovery.h"

namespace tapewarden::tape {
namespace {

using namespace test;
using tapewarden::testing::SimEnv;
using tapewarden::testing::SimRandom;

// What a host may expect: the objects in order, and how many of them were synced.
struct Expected {
  std::vector<Bytes> objects;
  std::size_t synced = 0;
};

// Writes, marks, overwrites, unloads; stops at the first error. `expected` follows what was acknowledged;
// before a step that drops objects it is set to what is left.
Status run_script(SimEnv& sim, Expected& expected) {
  auto tape = TRY(Cartridge::open(sim.env(), kPath, CartridgeMode::kReadWrite));
  const auto write = [&](std::uint32_t number, std::size_t size) -> Status {
    expected.objects.push_back(record(number, size));
    return tape->write_record(record(number, size));
  };
  const auto sync = [&]() -> Status {
    TRY(tape->sync());
    expected.synced = expected.objects.size();
    return {};
  };
  const auto mark = [&]() -> Status {
    expected.objects.emplace_back();
    TRY(tape->write_filemarks(1));
    expected.synced = expected.objects.size();
    return {};
  };
  TRY(tape->set_write_session(sealed_with(key(1))));
  TRY(write(1, 500));
  TRY(write(2, 300000));
  TRY(mark());
  TRY(write(3, 700));
  TRY(sync());
  TRY(write(4, 900));
  TRY(tape->locate(3));  // overwrite from object 3
  expected.synced = std::min<std::size_t>(expected.synced, 3);
  expected.objects.resize(3);
  TRY(write(13, 800));
  TRY(sync());
  TRY(tape->unload());
  tape = TRY(Cartridge::open(sim.env(), kPath, CartridgeMode::kReadWrite));
  TRY(tape->set_write_session(sealed_with(key(1))));
  TRY(tape->to_end_of_data());
  TRY(write(14, 600));
  TRY(mark());
  TRY(write(15, 100));
  TRY(tape->set_write_session({}));  // the key goes first
  TRY(tape->unload());
  expected.synced = expected.objects.size();
  tape = TRY(Cartridge::open(sim.env(), kPath, CartridgeMode::kReadWrite));
  TRY(tape->set_write_session(sealed_with(key(1))));
  TRY(tape->locate(2));
  expected.synced = 2;
  expected.objects.resize(2);
  TRY(tape->erase_from_here());
  return tape->unload();
}

// Everything synced is there; beyond it only what was written, in order, perhaps from before an overwrite.
void check_after_crash(SimEnv& sim, const Expected& expected, const std::vector<Bytes>& ever_written) {
  auto opened = Cartridge::open(sim.env(), kPath, CartridgeMode::kReadWrite);
  ASSERT_TRUE(opened) << opened.error().text();
  const auto cut_off = (*opened)->cut_off_files();
  EXPECT_EQ(take(verify(sim.env(), kPath)).cut_off_files, cut_off) << "both look at the same";
  (*opened)->set_read_key(key(1));
  const auto content = read_all(**opened);
  ASSERT_TRUE(content) << content.error().text();
  ASSERT_GE(content->size(), expected.synced);
  for (std::size_t i = 0; i < content->size(); ++i) {
    if (i < expected.synced) {
      EXPECT_EQ((*content)[i], expected.objects[i]) << "object " << i;
    } else {
      EXPECT_NE(std::ranges::find(ever_written, (*content)[i]), ever_written.end())
          << "invented object " << i;
    }
  }
  // It can be appended to at once, in a new session.
  done((*opened)->set_write_session(sealed_with(key(1))));
  done((*opened)->to_end_of_data());
  done((*opened)->write_record(record(77)));
  done((*opened)->unload());
  auto again = reopen(sim);
  again->set_read_key(key(1));
  auto after = take(read_all(*again));
  ASSERT_EQ(after.size(), content->size() + 1);
  EXPECT_EQ(after.back(), record(77));
  EXPECT_EQ(again->cut_off_files(), cut_off) << "what is appended changes nothing of that";
  const auto report = take(verify(sim.env(), kPath, {.keys = {key(1)}, .progress = {}}));
  EXPECT_EQ(report.cut_off_files, cut_off);
  EXPECT_EQ(report.torn_bytes, 0U);
}

TEST(Crash, D4_PowerLossAtEveryWriteLosesNothingSynced) {
  const std::vector<Bytes> ever = {{},
                                   record(1, 500),
                                   record(2, 300000),
                                   record(3, 700),
                                   record(4, 900),
                                   record(13, 800),
                                   record(14, 600),
                                   record(15, 100)};
  unsigned losses = 0;
  for (std::uint64_t torn = 0; torn < 6; ++torn) {
    for (std::uint64_t count = 0;; ++count) {
      SCOPED_TRACE("writes " + std::to_string(count) + ", torn " + std::to_string(torn));
      SimEnv sim(100 + torn);
      make(sim).reset();
      Expected expected;
      sim.disk.fail_after(count);
      const Status result = run_script(sim, expected);
      SimRandom tearing(torn * 1000 + count);
      sim.disk.clear_faults();
      if (result) break;
      sim.disk.power_loss(torn == 0 ? nullptr : &tearing);
      ++losses;
      check_after_crash(sim, expected, ever);
      if (HasFatalFailure()) return;
    }
  }
  std::printf("power losses: %u\n", losses);
  EXPECT_GT(losses, 100U);
}

TEST(Crash, D4_KilledProcessKeepsWholeRecordsAfterTheMark) {
  SimEnv sim(31);
  auto tape = make(sim);
  done(tape->set_write_session(sealed_with(key(1))));
  done(tape->write_record(record(1)));
  done(tape->sync());
  done(tape->write_record(record(2, 400000)));
  done(tape->write_record(record(3, 400000)));
  tape.reset();
  Bytes& file = sim.disk.content(kPath);
  const std::size_t whole = file.size();
  file.resize(whole - 1000);  // torn within the last record
  const Inspection seen = take(inspect(sim.env(), kPath));
  EXPECT_GT(seen.bytes_after_mark, 400000U);
  EXPECT_GT(seen.torn_bytes, 390000U);
  EXPECT_FALSE(seen.damage);
  tape = reopen(sim);
  tape->set_read_key(key(1));
  EXPECT_EQ(take(read_all(*tape)), (std::vector<Bytes>{record(1), record(2, 400000)}));
  done(tape->set_write_session(sealed_with(key(1))));
  done(tape->write_record(record(4)));  // cuts the torn tail
  EXPECT_EQ(take(read_all(*tape)), (std::vector<Bytes>{record(1), record(2, 400000), record(4)}));
  done(tape->unload());
  EXPECT_EQ(take(inspect(sim.env(), kPath)).torn_bytes, 0U);
}

TEST(Crash, D4_AFailedWriteStopsTheHandleNotTheCartridge) {
  SimEnv sim(32);
  auto tape = make(sim);
  done(tape->write_record(record(1)));
  done(tape->sync());
  sim.disk.fail_after(0);
  EXPECT_FALSE(tape->write_filemarks(1));
  sim.disk.clear_faults();
  EXPECT_FALSE(tape->write_record(record(2)));
  EXPECT_FALSE(tape->unload());
  tape = reopen(sim);
  EXPECT_EQ(take(tape->read_record()).data.size(), 300U);
}

TEST(Crash, D4_KeyRewriteKeepsOldOrNew) {
  const auto info = [](const std::string& name) {
    KeyInfo out;
    out.method = KeyMethod::kWrappedKey;
    out.eedks = {Bytes(4096, static_cast<std::uint8_t>(name[0])), to_bytes(name)};
    out.signature = to_bytes("signature of " + name);
    return out;
  };
  for (std::uint64_t torn = 0; torn < 20; ++torn) {
    for (std::uint64_t count = 0;; ++count) {
      SimEnv sim(200 + torn);
      CartridgeSpec spec = small_spec();
      spec.worm = torn % 2 == 1;
      auto tape = make(sim, spec);
      done(tape->set_key_info(info("first")));
      done(tape->set_key_info(info("old")));
      sim.disk.fail_after(count);
      const Status result = tape->set_key_info(info("new"));
      sim.disk.clear_faults();
      if (result) break;
      SimRandom tearing(torn * 100 + count);
      sim.disk.power_loss(torn == 0 ? nullptr : &tearing);
      tape = reopen(sim);
      const KeyInfo found = tape->key_info().info;
      EXPECT_TRUE(found == info("old") || found == info("new"));
      done(tape->repair_key_info());
      tape = reopen(sim);
      EXPECT_EQ(tape->key_info().info, found);
      EXPECT_EQ(tape->key_info().damaged_copies(), 0U);
    }
  }
}

// A writing that a crash cut off before its first record leaves its session record, and says nothing of the
// next one.
TEST(Crash, D4_AnEncryptedSessionWithoutARecordDoesNotStayBeforeAClearOne) {
  for (const bool unloaded : {false, true}) {
    SimEnv sim(34);
    auto tape = make(sim);
    auto sealed = sealed_with(key(1));
    sealed.key_info.method = KeyMethod::kWrappedKey;
    sealed.key_info.eedks = {to_bytes("an EEDK")};
    done(tape->set_write_session(sealed));
    done(tape->write_record(record(1)));
    sim.disk.power_loss();
    tape = reopen(sim);
    ASSERT_EQ(tape->session_keys().check_values.size(), 1U);
    ASSERT_TRUE(tape->at_end_of_data());
    if (unloaded) {
      done(tape->unload());
      tape = reopen(sim);
    }
    done(tape->set_write_session({}));
    done(tape->write_record(record(2)));
    done(tape->unload());
    tape = reopen(sim);
    EXPECT_TRUE(tape->key_info().info.empty());
    EXPECT_TRUE(tape->session_keys().check_values.empty()) << "the cartridge counts as encrypted";
    EXPECT_EQ(to_bytes(take(tape->read_record()).data), record(2));
  }
}

TEST(Crash, D4_KeyCopiesAreReadAndRepairedOneByOne) {
  SimEnv sim(33);
  auto tape = make(sim);
  KeyInfo info;
  info.method = KeyMethod::kWrappedKey;
  info.eedks = {to_bytes("an EEDK")};
  info.check_value = key(1)->check_value(tape->identity().volume);
  done(tape->set_key_info(info));
  Bytes& file = sim.disk.content(kPath);
  for (unsigned copy = 0; copy < kKeyCopies; ++copy) {
    for (std::size_t slot = 0; slot < 2; ++slot) file[key_slot_offset(copy, slot) + 40] ^= 1;
    tape = reopen(sim);
    EXPECT_EQ(tape->key_info().damaged_copies(), copy + 1);
    EXPECT_EQ(tape->key_info().all_lost, copy == 3);
    EXPECT_EQ(tape->key_info().info, copy == 3 ? KeyInfo{} : info);
  }
  EXPECT_EQ(tape->repair_key_info().error().code, ErrorCode::kNotFound);
  done(tape->repair_key_info(&info));  // from the ledger
  tape = reopen(sim);
  EXPECT_EQ(tape->key_info().info, info);
  EXPECT_EQ(tape->key_info().damaged_copies(), 0U);
}

TEST(Crash, D4_IndexRebuiltByScanEqualsTheStoredOne) {
  SimEnv sim(34);
  CartridgeSpec spec = small_spec();
  spec.capacity_bytes = 1ULL << 30;
  auto tape = make(sim, spec);
  done(tape->set_write_session(sealed_with(key(1))));
  for (std::uint32_t i = 0; i < 60; ++i) {
    done(tape->write_record(record(i, 1U << 20)));
    if (i % 7 == 0) done(tape->write_filemarks(1, true));
    if (i % 13 == 0) done(tape->set_write_session(sealed_with(key(1))));
  }
  done(tape->unload());
  tape.reset();
  const auto file = take(sim.disk.open(kPath, OpenMode::kRead, 0));
  Superblock block = take(inspect(sim.env(), kPath)).current;
  const std::uint64_t size = take(file->size());
  RecordStream by_index(*file, block.volume);
  const Recovered stored = take(recover(by_index, block, size));
  EXPECT_TRUE(stored.used_index);
  block.index_offset = 0;
  RecordStream by_scan(*file, block.volume);
  const Recovered rebuilt = take(recover(by_scan, block, size));
  EXPECT_FALSE(rebuilt.used_index);
  EXPECT_EQ(stored.index, rebuilt.index);
  EXPECT_GE(rebuilt.index.blocks().size(), 4U);
  EXPECT_EQ(rebuilt.index.filemarks().size(), 9U);
  EXPECT_EQ(stored.end, rebuilt.end);
  EXPECT_EQ(by_index.sessions().size(), by_scan.sessions().size());
}

TEST(Crash, D4_NoIvMeetsAKeyTwice) {
  std::set<std::pair<Hash256, crypto::GcmIv>> seen;
  std::set<Hash256> keys;
  std::uint64_t sealed = 0;
  const SealObserver observer = [&](const Hash256& fingerprint, const crypto::GcmIv& iv) {
    ++sealed;
    keys.insert(fingerprint);
    EXPECT_TRUE(seen.emplace(fingerprint, iv).second) << "an IV met a key twice";
  };
  const DataKeyHandle one_key = key(9);  // seals everything
  SimRandom choose(4711);
  Bytes rollback;
  for (std::uint64_t round = 0; round < 60; ++round) {
    SimEnv sim(5000 + round);
    CartridgeSpec spec = small_spec();
    spec.volume.bytes[0] = 1;  // the same volume UUID for all: clones of one another
    make(sim, spec).reset();
    if (!rollback.empty() && round % 3 != 0) {
      const auto file = take(sim.disk.open(kPath, OpenMode::kReadWrite, 0));
      done(file->truncate(0));
      done(file->write_at(0, rollback));  // a cloned or rolled-back file
      done(file->sync());
    }
    for (int visit = 0; visit < 6; ++visit) {
      auto opened = Cartridge::open(sim.env(), kPath, CartridgeMode::kReadWrite);
      ASSERT_TRUE(opened) << opened.error().text();
      Cartridge& tape = **opened;
      tape.set_seal_observer(observer);
      ASSERT_TRUE(tape.set_write_session(sealed_with(one_key)));
      if (choose.below(3) == 0) sim.disk.fail_after(choose.below(12));
      Status result = tape.locate(choose.below(tape.end_of_data().logical_object + 1));
      for (std::uint64_t i = 0; result && i < 1 + choose.below(6); ++i) {
        result = tape.write_record(record(static_cast<std::uint32_t>(i), 1 + choose.below(3000)));
        if (result && choose.below(4) == 0) result = tape.write_filemarks(1);
        if (result && choose.below(4) == 0) result = tape.sync();
      }
      if (result && choose.below(2) == 0) result = tape.unload();
      sim.disk.clear_faults();
      if (choose.below(2) == 0) rollback = sim.disk.content(kPath);
      if (!result || choose.below(4) == 0) sim.disk.power_loss(&choose);
    }
  }
  std::printf("seals: %llu under %zu session keys\n", static_cast<unsigned long long>(sealed), keys.size());
  EXPECT_GT(sealed, 1000U);
  EXPECT_EQ(seen.size(), sealed);
}

TEST(Erase, D6_OverwritingLeavesNothingBehind) {
  SimEnv sim(40);
  auto tape = make(sim);
  SessionSpec session;
  session.key_info.method = KeyMethod::kWrappedKey;
  session.key_info.eedks = {to_bytes("an EEDK to be gone")};
  done(tape->set_write_session(session));
  for (std::uint32_t i = 0; i < 20; ++i) done(tape->write_record(record(i, 100000)));
  done(tape->set_attributes(
      {{attribute::kUserMediumTextLabel, {AttributeFormat::kText, to_bytes("secret plan")}}}));
  done(tape->unload());
  tape.reset();
  const Uuid volume = take(inspect(sim.env(), kPath)).current.volume;
  std::uint64_t last = 0;
  const EraseReport report =
      take(erase_overwrite(sim.env(), kPath, [&](std::uint64_t now, std::uint64_t all) {
        EXPECT_LE(now, all);
        last = now;
      }));
  EXPECT_EQ(report.records_dropped, 20U);
  EXPECT_EQ(report.bytes_overwritten, last);
  EXPECT_GT(last, 2000000U);
  EXPECT_EQ(report.guarantees, kOverwriteGuarantees);
  EXPECT_FALSE(report.does_not_guarantee.empty());
  const Bytes& file = sim.disk.content(kPath);
  for (const char* gone : {"marker-plaintext", "an EEDK to be gone", "secret plan"}) {
    EXPECT_FALSE(contains(file, as_bytes(gone))) << gone;
  }
  tape = reopen(sim);
  EXPECT_EQ(tape->identity().volume, volume);
  EXPECT_TRUE(tape->key_info().info.empty());
  EXPECT_EQ(tape->key_info().damaged_copies(), 0U);
  EXPECT_TRUE(take(read_all(*tape)).empty());
  done(tape->write_record(record(1)));
  done(tape->unload());
  EXPECT_TRUE(take(verify(sim.env(), kPath)).good());
}

TEST(Erase, D6_PowerLossWhileErasingNeverShowsOldRecords) {
  for (std::uint64_t count = 0;; ++count) {
    SimEnv sim(300 + count);
    auto tape = make(sim);
    for (std::uint32_t i = 0; i < 5; ++i) done(tape->write_record(record(i, 50000)));
    done(tape->unload());
    tape.reset();
    sim.disk.fail_after(count);
    const auto report = erase_overwrite(sim.env(), kPath);
    sim.disk.clear_faults();
    SimRandom tearing(count);
    sim.disk.power_loss(&tearing);
    auto opened = Cartridge::open(sim.env(), kPath, CartridgeMode::kReadWrite);
    ASSERT_TRUE(opened) << opened.error().text();
    const auto content = read_all(**opened);
    ASSERT_TRUE(content);
    // As it was, or empty.
    EXPECT_TRUE(content->empty() || content->size() == 5);
    for (std::size_t i = 0; i < content->size(); ++i)
      EXPECT_EQ((*content)[i], record(static_cast<std::uint32_t>(i), 50000));
    if (report) {
      EXPECT_TRUE(content->empty());
      break;
    }
  }
}

TEST(Erase, D6_CryptographicDropsEveryKeyCopyInBothGenerations) {
  SimEnv sim(41);
  CartridgeSpec spec = small_spec();
  spec.worm = true;
  auto tape = make(sim, spec);
  SessionSpec session = sealed_with(key(1));
  session.key_info.method = KeyMethod::kWrappedKey;
  session.key_info.eedks = {to_bytes("an EEDK to be gone")};
  session.key_info.check_value = key(1)->check_value(tape->identity().volume);
  done(tape->set_write_session(session));
  done(tape->write_record(record(1)));
  session.key_info.eedks.push_back(to_bytes("another EEDK"));
  done(tape->set_key_info(session.key_info));
  done(tape->unload());
  tape.reset();
  const EraseReport report = take(erase_cryptographic(sim.env(), kPath));
  EXPECT_EQ(report.key_slots_overwritten, 8U);
  ASSERT_EQ(report.keys.size(), 1U);
  EXPECT_EQ(report.keys[0], *session.key_info.check_value);
  EXPECT_EQ(report.does_not_guarantee, kCryptographicDoesNotGuarantee);
  EXPECT_FALSE(contains(sim.disk.content(kPath), as_bytes("EEDK")));
  EXPECT_EQ(erase_overwrite(sim.env(), kPath).error().code, ErrorCode::kPermissionDenied);
  tape = reopen(sim);
  EXPECT_TRUE(tape->key_info().info.empty());
  EXPECT_EQ(tape->read_record().error().code, ErrorCode::kWrongKey);

  SimEnv clear(42);
  auto open_tape = make(clear);
  done(open_tape->write_record(record(1)));
  done(open_tape->unload());
  open_tape.reset();
  EXPECT_EQ(erase_cryptographic(clear.env(), kPath).error().code, ErrorCode::kInvalidArgument);
}

TEST(Inspect, D4_ShowsEverythingThatIsNotSecret) {
  SimEnv sim(43);
  auto tape = make(sim);
  done(tape->write_record(record(1)));
  done(tape->write_filemarks(1));
  SessionSpec session = sealed_with(key(1));
  session.compression_level = 1;
  done(tape->set_write_session(session));
  done(tape->write_record(Bytes(5000, 1)));
  done(tape->unload());
  tape.reset();
  const Inspection seen = take(inspect(sim.env(), kPath));
  EXPECT_TRUE(seen.current.closed);
  EXPECT_EQ(seen.counts.data, 2U);
  EXPECT_EQ(seen.counts.filemarks, 1U);
  EXPECT_EQ(seen.counts.compressed, 1U);
  EXPECT_EQ(seen.counts.indexes, 1U);
  EXPECT_EQ(seen.host_bytes, 5300U);
  ASSERT_EQ(seen.sessions.size(), 2U);
  EXPECT_TRUE(seen.sessions[1].encrypted);
  EXPECT_EQ(seen.sessions[1].host_bytes, 5000U);
  EXPECT_EQ(seen.sessions[1].check_value, key(1)->check_value(seen.current.volume));
  const std::string text = seen.to_text();
  for (const char* part : {"VOL001L9", "session 2", "sealed", "filemarks", "attribute 0806h"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

}  // namespace
}  // namespace tapewarden::tape
