// Writings that were cut off: told from those that ended, also after somebody wrote behind them.
#include <gmock/gmock.h>
#include <set>

#include "base/crc32c.h"
#include "tape/medium/cartridge_test_kit.h"
#include "tape/medium/inspect.h"
#include "tape/medium/layout.h"
#include "tape/medium/record.h"

namespace tapewarden::tape {
namespace {

using namespace test;
using tapewarden::testing::SimEnv;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::size_t kBlock = 300'000;  // goes to the file at once

// One whole tape file, and `blocks` of the next one whose writer was killed.
void write_and_die(SimEnv& sim, std::uint32_t blocks) {
  auto tape = make(sim);
  done(tape->set_write_session(sealed_with(key(1))));
  done(tape->write_record(record(1)));
  done(tape->write_filemarks(1));
  for (std::uint32_t i = 0; i < blocks; ++i) done(tape->write_record(record(2 + i, kBlock)));
  tape.reset();
}

std::vector<std::uint64_t> cut_off_by_verify(SimEnv& sim) {
  return take(verify(sim.env(), kPath)).cut_off_files;
}

TEST(Interrupted, D4_AWholeTapeIsNotCalledCutOff) {
  SimEnv sim(71);
  write_and_die(sim, 0);
  EXPECT_THAT(reopen(sim)->cut_off_files(), IsEmpty()) << "its last tape file has its filemark";
  EXPECT_TRUE(take(verify(sim.env(), kPath)).good());
  {
    auto tape = reopen(sim);
    done(tape->set_write_session(sealed_with(key(1))));
    done(tape->to_end_of_data());
    done(tape->write_record(record(2, kBlock)));
    EXPECT_THAT(tape->cut_off_files(), IsEmpty()) << "it is being written";
    done(tape->unload());
  }
  EXPECT_THAT(reopen(sim)->cut_off_files(), IsEmpty()) << "a drive ended it, though by no filemark";
  EXPECT_TRUE(take(verify(sim.env(), kPath)).good());
  {
    auto tape = reopen(sim);
    done(tape->set_write_session(sealed_with(key(1))));
    done(tape->to_end_of_data());
    done(tape->write_filemarks(1));
    done(tape->unload());
  }
  EXPECT_THAT(reopen(sim)->cut_off_files(), IsEmpty());
  EXPECT_THAT(cut_off_by_verify(sim), IsEmpty());
}

TEST(Interrupted, D4_AWritingThatWasCutOffIsToldAndStaysSo) {
  SimEnv sim(72);
  write_and_die(sim, 2);
  EXPECT_THAT(reopen(sim)->cut_off_files(), ElementsAre(1));
  VerifyReport report = take(verify(sim.env(), kPath));
  EXPECT_FALSE(report.good());
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_THAT(report.cut_off_files, ElementsAre(1));
  EXPECT_THAT(report.to_text(), HasSubstr("interrupted write: tape file 1 was cut off"));
  EXPECT_THAT(report.to_text(), Not(HasSubstr("good")));
  done(reopen(sim)->unload());  // mounted and looked at
  EXPECT_THAT(reopen(sim)->cut_off_files(), ElementsAre(1));
  {
    // A writer that died before its first block, then one that ends the file and writes the next.
    auto tape = reopen(sim);
    done(tape->set_write_session(sealed_with(key(1))));
    done(tape->to_end_of_data());
    done(tape->write_filemarks(1));
    done(tape->write_record(record(9)));
    done(tape->write_filemarks(1));
    done(tape->unload());
  }
  EXPECT_THAT(reopen(sim)->cut_off_files(), ElementsAre(1));
  EXPECT_THAT(cut_off_by_verify(sim), ElementsAre(1));
  EXPECT_EQ(reopen(sim)->end_of_data().file_number, 3U);
}

// A host that takes its key away before it unloads, or changes it in the middle of a tape file.
TEST(Interrupted, D4_AnotherKeyOrNoneCutsNothingOff) {
  SimEnv sim(73);
  auto tape = make(sim);
  done(tape->set_write_session(sealed_with(key(1))));
  done(tape->write_record(record(1, kBlock)));
  done(tape->set_write_session(sealed_with(key(2))));
  done(tape->write_record(record(2, kBlock)));
  done(tape->write_filemarks(1));
  done(tape->write_record(record(3)));
  done(tape->set_write_session({}));
  done(tape->set_write_session(sealed_with(key(2))));
  EXPECT_THAT(tape->cut_off_files(), IsEmpty());
  done(tape->unload());
  tape.reset();
  EXPECT_THAT(reopen(sim)->cut_off_files(), IsEmpty());
  const auto report = take(verify(sim.env(), kPath));
  EXPECT_TRUE(report.good()) << report.to_text();
  EXPECT_TRUE(report.closed);
  // Killed after its key was taken away, with no filemark: what was synced is there all the same.
  {
    auto again = reopen(sim);
    done(again->set_write_session(sealed_with(key(1))));
    done(again->to_end_of_data());
    done(again->write_record(record(4, kBlock)));
    done(again->set_write_session({}));
    done(again->sync());
  }
  EXPECT_EQ(reopen(sim)->end_of_data().file_number, 1U);
  auto read = reopen(sim);
  read->set_read_key(key(1));
  EXPECT_EQ(to_bytes(take(read->read_record()).data), record(1, kBlock));
}

TEST(Interrupted, D4_ATornTailIsNoGoodEndEither) {
  SimEnv sim(73);
  write_and_die(sim, 1);
  Bytes& file = sim.disk.content(kPath);
  file.resize(file.size() - 1000);  // the block did not come through whole
  EXPECT_THAT(reopen(sim)->cut_off_files(), IsEmpty());
  const VerifyReport report = take(verify(sim.env(), kPath));
  EXPECT_FALSE(report.good());
  EXPECT_THAT(report.to_text(), HasSubstr("interrupted write"));
}

// Opens the cartridge, lets `use` do something at the end of data, and unloads.
template <typename Use>
void mount(SimEnv& sim, const Use& use) {
  auto tape = reopen(sim);
  done(tape->set_write_session(sealed_with(key(1))));
  done(tape->to_end_of_data());
  use(*tape);
  done(tape->unload());
}

void expect_cut_off(SimEnv& sim, const std::vector<std::uint64_t>& files, const std::string& when) {
  EXPECT_EQ(reopen(sim, CartridgeMode::kRead)->cut_off_files(), files) << when;
  const VerifyReport report = take(verify(sim.env(), kPath, {.keys = {key(1)}, .progress = {}}));
  EXPECT_EQ(report.cut_off_files, files) << when;
  EXPECT_EQ(report.good(), files.empty()) << when << "\n" << report.to_text();
}

TEST(Interrupted, D4_BlocksBehindATornFileDoNotMakeItWhole) {
  SimEnv sim(74);
  write_and_die(sim, 2);
  mount(sim, [](Cartridge& tape) {
    done(tape.write_record(record(5)));
    EXPECT_THAT(tape.cut_off_files(), ElementsAre(1)) << "known at once";
    done(tape.write_filemarks(1));
  });
  expect_cut_off(sim, {1}, "blocks and a filemark were written behind the gap");
  mount(sim, [](Cartridge& tape) {
    done(tape.write_record(record(6)));
    done(tape.write_filemarks(1));
  });
  expect_cut_off(sim, {1}, "a whole tape file behind it");
  {
    auto tape = reopen(sim);
    done(tape->set_write_session(sealed_with(key(1))));
    done(tape->to_end_of_data());
    done(tape->write_record(record(7, kBlock)));
  }
  expect_cut_off(sim, {1, 3}, "a second crash");
}

TEST(Interrupted, D4_ANewKeyOrSettingWithinAFileIsNoCut) {
  SimEnv sim(75);
  auto tape = make(sim);
  for (const std::uint32_t seed : {1U, 2U}) {
    done(tape->set_write_session(sealed_with(key(1))));
    done(tape->write_record(record(seed, kBlock)));
  }
  done(tape->set_write_session(sealed_with(key(1))));
  done(tape->write_filemarks(1));
  EXPECT_THAT(tape->cut_off_files(), IsEmpty());
  done(tape->unload());
  tape.reset();
  expect_cut_off(sim, {}, "the filemark has a session of its own");
}

TEST(Interrupted, D4_WhoOverwritesOrErasesWithinAFileMeansTo) {
  SimEnv sim(76);
  {
    auto tape = make(sim);
    done(tape->set_write_session(sealed_with(key(1))));
    for (std::uint32_t i = 0; i < 4; ++i) done(tape->write_record(record(i, kBlock)));
    done(tape->write_filemarks(1));
    done(tape->unload());
  }
  mount(sim, [](Cartridge& tape) {  // mt bsf; mt weof
    EXPECT_EQ(take(tape.space_filemarks(-1)).stop, Motion::Stop::kDone);
    done(tape.write_filemarks(1));
  });
  expect_cut_off(sim, {}, "its filemark was written anew");
  mount(sim, [](Cartridge& tape) {
    done(tape.locate(2));
    done(tape.erase_from_here());
  });
  EXPECT_EQ(reopen(sim)->end_of_data().logical_object, 2U);
  expect_cut_off(sim, {}, "erased within the file");
  EXPECT_THAT(take(verify(sim.env(), kPath)).to_text(), HasSubstr("ends where it was erased"));
  {
    auto tape = reopen(sim);
    done(tape->locate(1));
    done(tape->erase_from_here());  // and the power goes
  }
  sim.disk.power_loss();
  expect_cut_off(sim, {}, "what was erased stays so");
  mount(sim, [](Cartridge& tape) { done(tape.write_record(record(9))); });
  expect_cut_off(sim, {}, "written behind the erase");
}

TEST(Interrupted, D4_ACutIsNotForgottenWhenItsEndIsWrittenAnew) {
  SimEnv sim(77);
  write_and_die(sim, 2);
  mount(sim, [](Cartridge& tape) { done(tape.write_filemarks(1)); });
  mount(sim, [](Cartridge& tape) {
    EXPECT_EQ(take(tape.space_filemarks(-1)).stop, Motion::Stop::kDone);
    done(tape.write_record(record(8)));
  });
  expect_cut_off(sim, {1}, "the session that told of it was overwritten");
  mount(sim, [](Cartridge& tape) {
    done(tape.locate(4));
    done(tape.erase_from_here());
  });
  expect_cut_off(sim, {1}, "or erased");
  mount(sim, [](Cartridge& tape) {
    done(tape.locate(2));
    done(tape.erase_from_here());
  });
  expect_cut_off(sim, {}, "nothing of that tape file is left");
}

TEST(Interrupted, D4_ATornIndexBehindAWholeEndIsNoInterruptedWrite) {
  SimEnv sim(78);
  Bytes areas_before;
  {
    auto tape = make(sim);
    done(tape->set_write_session(sealed_with(key(1))));
    done(tape->write_record(record(1, kBlock)));
    areas_before = to_bytes(ByteView(sim.disk.content(kPath)).first(kDataStart));
    done(tape->unload());
  }
  // The power went when the index was half on the disk, and no superblock spoke of the end yet.
  Bytes& file = sim.disk.content(kPath);
  copy_bytes(MutableByteView(file).first(kDataStart), areas_before);
  file.resize(file.size() - 3);
  const VerifyReport torn = take(verify(sim.env(), kPath));
  EXPECT_GT(torn.torn_bytes, 0U);
  EXPECT_TRUE(torn.closed);
  EXPECT_TRUE(torn.good()) << torn.to_text();
  EXPECT_THAT(torn.to_text(), HasSubstr("where no block was"));
  mount(sim, [](Cartridge& tape) { done(tape.write_record(record(2))); });
  expect_cut_off(sim, {}, "written behind it");
  EXPECT_EQ(reopen(sim)->end_of_data().logical_object, 2U);
}

// Whole tape file, unload; then a session with blocks that the drive acknowledged, nothing of it synced.
std::uint64_t unload_and_write_on(SimEnv& sim, std::uint32_t blocks) {
  write_and_die(sim, 0);
  mount(sim, [](Cartridge& tape) { done(tape.write_filemarks(1)); });
  const std::uint64_t end = sim.disk.content(kPath).size();
  auto tape = reopen(sim);
  done(tape->set_write_session(sealed_with(key(1))));
  done(tape->to_end_of_data());
  for (std::uint32_t i = 0; i < blocks; ++i) done(tape->write_record(record(i, kBlock)));
  return end;
}

TEST(Interrupted, D4_BlocksBehindADamagedSessionAreNoHarmlessTail) {
  // In the payload of the session record, in its header, and in the length that the header tells.
  for (const std::uint64_t at : {kHeaderBytes + 3, std::size_t{20}, std::size_t{13}}) {
    SimEnv sim(83);
    const std::uint64_t end = unload_and_write_on(sim, 50);
    sim.disk.content(kPath).at(end + at) ^= 0x10;
    const VerifyReport report = take(verify(sim.env(), kPath));
    EXPECT_TRUE(report.closed);
    EXPECT_GT(report.torn_bytes, 50 * kBlock);
    EXPECT_FALSE(report.good()) << report.to_text();
    EXPECT_THAT(report.to_text(), HasSubstr("interrupted write"));
    EXPECT_THAT(report.to_text(), Not(HasSubstr("where no block was")));
  }
}

TEST(Interrupted, D4_ASessionRecordTornBehindAnEndIsHarmless) {
  for (const std::size_t left : {std::size_t{5}, kHeaderBytes, kHeaderBytes + 30}) {
    SimEnv sim(84);
    const std::uint64_t end = unload_and_write_on(sim, 1);
    sim.disk.content(kPath).resize(end + left);
    const VerifyReport report = take(verify(sim.env(), kPath));
    EXPECT_EQ(report.torn_bytes, left);
    EXPECT_TRUE(report.good()) << report.to_text();
    EXPECT_THAT(report.to_text(), HasSubstr("where no block was"));
  }
}

TEST(Interrupted, D4_NothingIsCalledErasedThatWasNot) {
  SimEnv sim(85);
  (void)unload_and_write_on(sim, 1);
  Bytes& file = sim.disk.content(kPath);
  file.resize(file.size() - 1000);  // the first block behind the end of data is torn
  const VerifyReport report = take(verify(sim.env(), kPath));
  EXPECT_FALSE(report.good());
  EXPECT_THAT(report.to_text(), Not(HasSubstr("erased")));
  EXPECT_THAT(report.to_text(), HasSubstr("a session that came to no block"));
  EXPECT_THAT(report.to_text(), HasSubstr("interrupted write: nothing of it can be read"));
}

TEST(Interrupted, D4_ASessionThatCameToNoBlockCutsNothing) {
  SimEnv sim(79);
  {
    auto tape = make(sim);
    done(tape->set_write_session(sealed_with(key(1))));
    done(tape->write_record(record(1, kBlock)));
    done(tape->unload());
  }
  {
    auto tape = reopen(sim);
    done(tape->set_write_session(sealed_with(key(1))));
    done(tape->to_end_of_data());
    done(tape->write_record(record(2)));  // stays in the buffer; its session record is on the disk
  }
  EXPECT_THAT(reopen(sim)->cut_off_files(), IsEmpty());
  EXPECT_EQ(reopen(sim)->end_of_data().logical_object, 1U);
}

// The key goes before the cartridge does: hosts clear it, then unload.
TEST(Interrupted, D1_AnEndIsWrittenAndSealedAlsoWhenTheKeyWentBefore) {
  SimEnv sim(80);
  std::set<std::pair<Hash256, crypto::GcmIv>> used;
  bool twice = false;
  {
    auto tape = make(sim);
    tape->set_seal_observer([&](const Hash256& fingerprint, const crypto::GcmIv& iv) {
      twice = twice || !used.emplace(fingerprint, iv).second;
    });
    done(tape->set_write_session(sealed_with(key(1))));
    done(tape->write_record(record(1)));
    done(tape->set_write_session({}));
    done(tape->set_write_session({}));
    EXPECT_EQ(take(tape->read_record()).kind, BlockKind::kEndOfData);
    done(tape->unload());
  }
  expect_cut_off(sim, {}, "cleared, then unloaded");
  const VerifyReport report = take(verify(sim.env(), kPath, {.keys = {key(1)}, .progress = {}}));
  EXPECT_TRUE(report.closed);
  EXPECT_EQ(report.tags_checked, 2U) << "the block and its end";
  EXPECT_EQ(report.tags_unchecked, 0U);
  EXPECT_EQ(take(inspect(sim.env(), kPath)).counts.indexes, 1U);
  EXPECT_FALSE(twice);
}

TEST(Interrupted, D1_ASealedEndThatIsNotNeededIsNeverWritten) {
  SimEnv sim(81);
  std::set<std::pair<Hash256, crypto::GcmIv>> used;
  bool twice = false;
  {
    auto tape = make(sim);
    tape->set_seal_observer([&](const Hash256& fingerprint, const crypto::GcmIv& iv) {
      twice = twice || !used.emplace(fingerprint, iv).second;
    });
    for (std::uint32_t i = 0; i < 3; ++i) {
      done(tape->set_write_session(sealed_with(key(1))));
      done(tape->write_record(record(i)));
    }
    done(tape->set_write_session({}));
    done(tape->write_record(record(3)));  // in clear
    done(tape->set_write_session(sealed_with(key(1))));
    done(tape->locate(2));
    done(tape->write_record(record(4)));
    done(tape->set_write_session({}));
    done(tape->unload());
  }
  EXPECT_FALSE(twice);
  auto tape = reopen(sim);
  tape->set_read_key(key(1));
  const std::vector<Bytes> all = take(read_all(*tape));
  EXPECT_THAT(all, ElementsAre(record(0), record(1), record(4)));
  EXPECT_EQ(take(inspect(sim.env(), kPath)).counts.end_of_data, 1U);
  EXPECT_TRUE(take(verify(sim.env(), kPath, {.keys = {key(1)}, .progress = {}})).good());
}

TEST(Interrupted, D1_AfterTheKeyWentACrashStillShows) {
  SimEnv sim(82);
  {
    auto tape = make(sim);
    done(tape->set_write_session(sealed_with(key(1))));
    done(tape->write_record(record(1, kBlock)));
    done(tape->set_write_session({}));
  }
  EXPECT_THAT(reopen(sim)->cut_off_files(), ElementsAre(0)) << "nobody ended it";
}

TEST(Interrupted, D1_ASessionLeftBrokenIsCutOffAndOneThatWroteNothingIsNot) {
  SimEnv sim(86);
  {
    auto tape = make(sim);
    done(tape->set_write_session(sealed_with(key(1))));
    done(tape->write_record(record(1)));
    tape->forget_keys(Leaving::kBroken);
    EXPECT_THAT(tape->cut_off_files(), ElementsAre(0)) << "known at once";
    done(tape->unload());
  }
  expect_cut_off(sim, {0}, "unloaded by somebody else");
  {
    auto tape = reopen(sim);
    done(tape->set_write_session(sealed_with(key(1))));
    done(tape->to_end_of_data());
    done(tape->write_filemarks(1));
    tape->forget_keys(Leaving::kBroken);
    EXPECT_THAT(tape->cut_off_files(), ElementsAre(0)) << "it stands behind a filemark";
    done(tape->set_write_session(sealed_with(key(1))));
    done(tape->write_record(record(2)));
    tape->forget_keys(Leaving::kBroken);
    done(tape->set_write_session(sealed_with(key(1))));
    done(tape->write_record(record(3)));
    done(tape->write_filemarks(1));
    done(tape->unload());
  }
  expect_cut_off(sim, {0, 1}, "who came after wrote on in the same mount");
}

TEST(Interrupted, D1_WhatIsLeftIsWrittenAlsoBehindWhatWasNotFlushed) {
  for (const bool synced : {false, true}) {
    SimEnv sim(87);
    {
      auto tape = make(sim);
      done(tape->set_write_session(sealed_with(key(1))));
      for (std::uint32_t i = 0; i < 3; ++i) done(tape->write_record(record(i)));
      tape->forget_keys(Leaving::kEnded);
      if (synced) done(tape->sync());
      done(tape->unload());
    }
    expect_cut_off(sim, {}, synced ? "synced between" : "pending");
    const VerifyReport report = take(verify(sim.env(), kPath, {.keys = {key(1)}, .progress = {}}));
    EXPECT_TRUE(report.closed) << synced;
    EXPECT_EQ(report.tags_checked, 4U) << synced;
  }
}

TEST(Interrupted, D1_WhatIsLeftIsWrittenOnAFullCartridgeToo) {
  SimEnv sim(88);
  CartridgeSpec spec = small_spec();
  spec.capacity_bytes = 1U << 20;
  {
    auto tape = make(sim, spec);
    done(tape->set_write_session(sealed_with(key(1))));
    Status wrote;
    for (std::uint32_t i = 0; i < 100 && wrote; ++i) wrote = tape->write_record(record(i, 100'000));
    ASSERT_FALSE(wrote);
    EXPECT_EQ(wrote.error().code, ErrorCode::kExhausted);
    tape->forget_keys(Leaving::kEnded);
    done(tape->unload());
  }
  expect_cut_off(sim, {}, "full");
  EXPECT_TRUE(take(verify(sim.env(), kPath)).closed);
}

// The end that was sealed in advance, on a disk that fails at every write of the unload in turn.
TEST(Interrupted, D1_AFailedUnloadIsNotGoneOnFromAndNoKeyStays) {
  int failures = 0;
  for (std::uint64_t writes = 0;; ++writes) {
    SimEnv sim(89);
    auto tape = make(sim);
    DataKeyHandle handle = key(1);
    const std::weak_ptr<const DataKey> watched = handle;
    done(tape->set_write_session(sealed_with(std::move(handle))));
    done(tape->write_record(record(1)));
    tape->forget_keys(Leaving::kEnded);
    EXPECT_TRUE(watched.expired());
    sim.disk.fail_after(writes);
    const Status unloaded = tape->unload();
    sim.disk.clear_faults();
    if (unloaded) break;
    ++failures;
    EXPECT_FALSE(tape->writable());
    EXPECT_FALSE(tape->write_record(record(2)));
    EXPECT_FALSE(tape->unload());
  }
  EXPECT_GE(failures, 3) << "the end, the two superblocks";
}

TEST(Interrupted, D1_AFailedWriteTakesTheKeyOutOfMemory) {
  SimEnv sim(90);
  auto tape = make(sim);
  DataKeyHandle handle = key(1);
  const std::weak_ptr<const DataKey> watched = handle;
  done(tape->set_write_session(sealed_with(std::move(handle))));
  done(tape->write_record(record(1)));
  sim.disk.fail_after(0);
  EXPECT_FALSE(tape->write_record(record(2, kBlock)));
  EXPECT_TRUE(watched.expired());
  DataKeyHandle reading = key(1);
  const std::weak_ptr<const DataKey> watched_too = reading;
  tape->set_read_key(std::move(reading));
  EXPECT_FALSE(tape->writable());
  tape->forget_keys(Leaving::kBroken);
  EXPECT_TRUE(watched_too.expired()) << "also when nothing can be written any more";
}

// A cartridge whose tape file 0 was ended by an unload alone, with blocks of a later mount behind that.
void write_behind_an_end(SimEnv& sim) {
  done(make(sim)->unload());
  for (std::uint32_t i = 0; i < 2; ++i)
    mount(sim, [i](Cartridge& tape) { done(tape.write_record(record(i, kBlock))); });
}

template <typename Use>
void expect_no_cut_at_any_write(std::uint64_t seed, const Use& use) {
  bool finished = false;
  for (std::uint64_t writes = 0; !finished; ++writes) {
    SimEnv sim(seed);
    write_behind_an_end(sim);
    {
      auto tape = reopen(sim);
      done(tape->set_write_session(sealed_with(key(1))));
      sim.disk.fail_after(writes);
      finished = use(*tape).has_value();
      sim.disk.clear_faults();
    }
    sim.disk.power_loss();
    EXPECT_THAT(reopen(sim, CartridgeMode::kRead)->cut_off_files(), IsEmpty()) << writes;
    EXPECT_THAT(cut_off_by_verify(sim), IsEmpty()) << writes;
  }
}

TEST(Interrupted, D4_NoCrashMakesAnEraseLookLikeACut) {
  expect_no_cut_at_any_write(91, [](Cartridge& tape) -> Status {
    TRY(tape.locate(1));
    return tape.erase_from_here();
  });
}

TEST(Interrupted, D4_NoCrashMakesAnEndThatIsWrittenOverLookLikeACut) {
  expect_no_cut_at_any_write(92, [](Cartridge& tape) -> Status {
    TRY(tape.locate(1));
    return tape.write_filemarks(1);
  });
}

// The tape was erased within a tape file and written on from there, `reads` says how the writer comes there.
template <typename Use>
void expect_no_cut_where_it_was_erased(std::uint64_t seed, const Use& use) {
  bool finished = false;
  for (std::uint64_t writes = 0; !finished; ++writes) {
    SimEnv sim(seed);
    {
      auto tape = make(sim);
      done(tape->set_write_session(sealed_with(key(1))));
      for (std::uint32_t i = 0; i < 3; ++i) done(tape->write_record(record(i, kBlock)));
      done(tape->write_filemarks(1));
      done(tape->locate(2));
      done(tape->erase_from_here());
      for (std::uint32_t i = 0; i < 2; ++i) done(tape->write_record(record(i, kBlock)));
      done(tape->write_filemarks(1));
      done(tape->unload());
    }
    {
      auto tape = reopen(sim);
      done(tape->set_write_session(sealed_with(key(1))));
      done(tape->locate(2));
      sim.disk.fail_after(writes);
      finished = use(*tape).has_value();
      sim.disk.clear_faults();
    }
    sim.disk.power_loss();
    EXPECT_THAT(reopen(sim, CartridgeMode::kRead)->cut_off_files(), IsEmpty()) << writes;
    EXPECT_THAT(cut_off_by_verify(sim), IsEmpty()) << writes;
  }
}

TEST(Interrupted, D4_NoCrashMakesWhatWasErasedAndIsWrittenOverLookLikeACut) {
  const auto ends = [](Cartridge& tape) { return tape.write_filemarks(1); };
  expect_no_cut_where_it_was_erased(95, ends);
  expect_no_cut_where_it_was_erased(96, [&](Cartridge& tape) -> Status {
    (void)TRY(tape.next_block());  // moves behind the session record that begins there
    return ends(tape);
  });
  expect_no_cut_where_it_was_erased(97, [](Cartridge& tape) { return tape.erase_from_here(); });
}

TEST(Interrupted, D4_WhatWasErasedStaysSoBehindASessionThatCameToNoBlock) {
  SimEnv sim(98);
  CartridgeSpec spec = small_spec();
  spec.capacity_bytes = 1U << 20;
  {
    auto tape = make(sim, spec);
    done(tape->set_write_session(sealed_with(key(1))));
    for (std::uint32_t i = 0; i < 3; ++i) done(tape->write_record(record(i, kBlock)));
    done(tape->locate(1));
    done(tape->erase_from_here());
    EXPECT_FALSE(tape->write_record(record(9, 2U << 20))) << "there is no room for this one";
    done(tape->sync());
  }
  EXPECT_THAT(reopen(sim, CartridgeMode::kRead)->cut_off_files(), IsEmpty());
  EXPECT_THAT(cut_off_by_verify(sim), IsEmpty());
}

// As when a writer is told to end: its cartridge is unloaded, and nobody wrote the filemark.
TEST(Interrupted, D4_VerifySaysWhenTheLastFileHasNoFilemark) {
  SimEnv sim(99);
  {
    auto tape = make(sim);
    done(tape->write_record(record(1)));
    done(tape->write_filemarks(1));
    done(tape->write_record(record(2)));
    done(tape->unload());
  }
  const VerifyReport stopped = take(verify(sim.env(), kPath));
  EXPECT_TRUE(stopped.good());
  EXPECT_EQ(stopped.last_file_without_filemark, 1U);
  EXPECT_THAT(stopped.to_text(), HasSubstr("the last tape file, 1, has no filemark: an unload ended it"));
  mount(sim, [](Cartridge& tape) { done(tape.write_filemarks(1)); });
  const VerifyReport whole = take(verify(sim.env(), kPath));
  EXPECT_EQ(whole.last_file_without_filemark, std::nullopt);
  EXPECT_THAT(whole.to_text(), Not(HasSubstr("has no filemark")));
}

TEST(Interrupted, D4_AnEraseIsKnownFromEitherSuperblock) {
  for (const std::uint64_t slot : kSuperblockOffsets) {
    SimEnv sim(93);
    write_behind_an_end(sim);
    {
      auto tape = reopen(sim);
      done(tape->locate(1));
      done(tape->erase_from_here());
    }
    sim.disk.content(kPath).at(slot + 100) ^= 1;
    EXPECT_THAT(reopen(sim, CartridgeMode::kRead)->cut_off_files(), IsEmpty());
    EXPECT_EQ(reopen(sim, CartridgeMode::kRead)->end_of_data().logical_object, 1U);
    EXPECT_THAT(take(verify(sim.env(), kPath)).to_text(), HasSubstr("ends where it was erased"));
  }
}

TEST(Interrupted, D4_ASessionAtAFilesBeginningCutsNothingOffWhateverItSays) {
  SimEnv sim(94);
  const std::uint64_t end = unload_and_write_on(sim, 0);
  {
    auto tape = reopen(sim);
    done(tape->set_write_session(sealed_with(key(1))));
    done(tape->to_end_of_data());
    done(tape->write_record(record(1)));  // stays in the buffer; its session record is on the disk
  }
  Bytes& file = sim.disk.content(kPath);
  const MutableByteView session = MutableByteView(file).subspan(end);
  RecordHeader header = take(decode_header(session.first(kHeaderBytes)));
  ASSERT_EQ(header.type, RecordType::kSession);
  SessionInfo info = take(decode_session(session.subspan(kHeaderBytes)));
  info.behind_cut_off = true;
  const Bytes payload = encode_session(info);
  header.payload_crc = crc32c(payload);
  copy_bytes(session, encode_header(header));
  copy_bytes(session.subspan(kHeaderBytes), payload);
  EXPECT_THAT(reopen(sim, CartridgeMode::kRead)->cut_off_files(), IsEmpty());
  EXPECT_THAT(cut_off_by_verify(sim), IsEmpty());
}

}  // namespace
}  // namespace tapewarden::tape
