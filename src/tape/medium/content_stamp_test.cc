#include "tape/medium/content_stamp.h"

#include <set>

#include "tape/medium/cartridge_test_kit.h"

namespace tapewarden::tape {
namespace {

using namespace test;
using tapewarden::testing::SimEnv;

Hash256 stamp(SimEnv& sim) {
  return take(content_stamp(sim.disk, kPath));
}

TEST(ContentStamp, T5_LoadingReadingAndUnloadingKeepIt) {
  SimEnv sim(1);
  auto tape = make(sim);
  done(tape->write_record(record(1)));
  done(tape->write_filemarks(1));
  done(tape->unload());
  tape.reset();
  const auto before = stamp(sim);
  for (int load = 0; load < 3; ++load) {
    tape = reopen(sim);
    done(tape->count_load());
    take(read_all(*tape));
    done(tape->rewind());
    done(tape->unload());
    tape.reset();
    EXPECT_EQ(stamp(sim), before) << load;
  }
}

TEST(ContentStamp, T5_EachChangeOfContentChangesIt) {
  SimEnv sim(2);
  std::set<Hash256> seen;
  const auto is_new = [&] { return seen.insert(stamp(sim)).second; };
  const auto after = [&](const std::function<void(Cartridge&)>& change) {
    auto tape = reopen(sim);
    change(*tape);
    done(tape->unload());
    tape.reset();
    return is_new();
  };
  make(sim).reset();
  EXPECT_TRUE(is_new());
  EXPECT_TRUE(after([](Cartridge& tape) {
    done(tape.write_record(record(1)));
    done(tape.write_filemarks(1));
  }));
  EXPECT_TRUE(after([](Cartridge& tape) {  // the same bytes once more
    done(tape.write_record(record(1)));
    done(tape.write_filemarks(1));
  }));
  EXPECT_TRUE(after([](Cartridge& tape) {
    done(tape.to_end_of_data());
    done(tape.write_record(record(2)));
  }));
  EXPECT_TRUE(after([](Cartridge& tape) { done(tape.erase_from_here()); }));
  EXPECT_TRUE(after([](Cartridge& tape) {
    done(tape.set_attributes(
        {{attribute::kUserMediumTextLabel, {AttributeFormat::kText, to_bytes("payroll")}}}));
  }));
  EXPECT_TRUE(after([](Cartridge& tape) {
    KeyInfo info;
    info.method = KeyMethod::kIdentifiedKey;
    info.akad = to_bytes("ABC012345678");
    done(tape.set_key_info(info));
  }));
  EXPECT_TRUE(after([](Cartridge& tape) { done(tape.set_management(KeyManagement::kApplication)); }));
}

TEST(ContentStamp, T5_WhatIsWrittenInTheSecondPartitionChangesIt) {
  SimEnv sim(4);
  std::set<Hash256> seen;
  const auto after = [&](const std::function<void(Cartridge&)>& change) {
    auto tape = reopen(sim);
    change(*tape);
    done(tape->unload());
    tape.reset();
    return seen.insert(stamp(sim)).second;
  };
  make(sim).reset();
  const auto rewrite = [](Cartridge& tape) {
    done(tape.change_partition(1));
    done(tape.write_record(record(1)));
    done(tape.write_filemarks(1));
  };
  EXPECT_TRUE(after([](Cartridge& tape) { done(tape.format({.first = 4U << 20, .second = 60U << 20})); }));
  EXPECT_TRUE(after(rewrite));
  EXPECT_TRUE(after(rewrite)) << "the same bytes once more";
  EXPECT_TRUE(after([](Cartridge& tape) {
    done(tape.set_attributes(
        {{attribute::kUserMediumTextLabel, {AttributeFormat::kText, to_bytes("payroll")}}}, 1));
  }));
  EXPECT_FALSE(after([](Cartridge& tape) { done(tape.count_load()); }));
  done(sim.disk.remove(kPath + ".partition1"));
  EXPECT_TRUE(seen.insert(stamp(sim)).second) << "it is lost";
}

TEST(ContentStamp, T5_WhatIsNoCartridgeHasNone) {
  SimEnv sim(3);
  EXPECT_EQ(content_stamp(sim.disk, kPath).error().code, ErrorCode::kNotFound);
  (void)sim.disk.open(kPath, OpenMode::kCreateNew, 0600).value()->write_at(0, Bytes(100'000, 1));
  EXPECT_EQ(content_stamp(sim.disk, kPath).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace tapewarden::tape
