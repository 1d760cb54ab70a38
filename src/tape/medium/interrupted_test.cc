// Writings that were cut off: told from those that ended, also after somebody wrote behind them.
#include <gmock/gmock.h>

#include "tape/medium/cartridge_test_kit.h"
#include "tape/medium/inspect.h"

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
  // Killed after its key was taken away: the file was ended before that.
  {
    auto again = reopen(sim);
    done(again->set_write_session(sealed_with(key(1))));
    done(again->to_end_of_data());
    done(again->write_record(record(4, kBlock)));
    done(again->set_write_session({}));
    done(again->sync());
  }
  EXPECT_THAT(reopen(sim)->cut_off_files(), IsEmpty());
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

}  // namespace
}  // namespace tapewarden::tape
