// Reading ahead: what it gives is what read_record() gives, and nothing that the moment of the read forbids.
#include <functional>

#include "tape/medium/cartridge_test_kit.h"
#include "tape/medium/layout.h"
#include "tape/medium/limits.h"
#include "tape/medium/record.h"

namespace tapewarden::tape {
namespace {

using namespace test;
using tapewarden::testing::SimEnv;

constexpr std::size_t kBig = 70'000;

// Three sealed records, a filemark, one more; at the beginning, with the key.
struct Tape {
  SimEnv sim{11};
  std::unique_ptr<Cartridge> cartridge = make(sim);

  Tape() {
    done(cartridge->set_write_session(sealed_with(key(1))));
    for (std::uint32_t i = 0; i < 3; ++i) done(cartridge->write_record(record(i, kBig)));
    done(cartridge->write_filemarks(1));
    done(cartridge->write_record(record(3, kBig)));
    done(cartridge->sync());
    cartridge->set_read_key(key(1));
    done(cartridge->rewind());
  }
  // One sealed bit of every data record; again, and it is as it was.
  void damage() {
    auto& content = sim.disk.content(kPath);
    for (std::size_t at = kDataStart + kBig / 2; at < content.size(); at += kBig + kHeaderBytes + kTagBytes)
      content[at] ^= 1;
  }
};

TEST(ReadAhead, D4_GivesWhatTheRecordHoldsAndMovesNothing) {
  Tape tape;
  auto& cartridge = *tape.cartridge;
  (void)take(cartridge.read_record());
  cartridge.read_ahead();
  ASSERT_TRUE(cartridge.has_read_ahead());
  EXPECT_EQ(cartridge.position(), (Position{0, 1, 0}));
  EXPECT_EQ(take(cartridge.next_block()).host_length, kBig);
  EXPECT_TRUE(cartridge.has_read_ahead()) << "looking is no motion";
  EXPECT_EQ(cartridge.stats().records_read, 1U);
  tape.damage();  // it lies in memory by now
  EXPECT_EQ(to_bytes(take(cartridge.read_record()).data), record(1, kBig));
  tape.damage();
  EXPECT_EQ(cartridge.stats().records_read, 2U);
  EXPECT_EQ(cartridge.position(), (Position{0, 2, 0}));
  cartridge.read_ahead();
  ASSERT_TRUE(cartridge.has_read_ahead());
  Bytes into(kBig);
  const auto read = take(cartridge.read_record(into));
  EXPECT_EQ(read.data.data(), into.data());
  EXPECT_TRUE(read.encrypted);
  EXPECT_EQ(into, record(2, kBig));
}

TEST(ReadAhead, D4_StopsAtWhatIsNoRecord) {
  Tape tape;
  auto& cartridge = *tape.cartridge;
  done(cartridge.locate(3));
  cartridge.read_ahead();
  EXPECT_FALSE(cartridge.has_read_ahead()) << "a filemark";
  EXPECT_EQ(take(cartridge.read_record()).kind, BlockKind::kFilemark);
  EXPECT_EQ(to_bytes(take(cartridge.read_record()).data), record(3, kBig));
  cartridge.read_ahead();
  EXPECT_FALSE(cartridge.has_read_ahead()) << "the end of data";
  EXPECT_EQ(take(cartridge.read_record()).kind, BlockKind::kEndOfData);
}

TEST(ReadAhead, D4_EndsWithMotionWithTheKeyAndWithAWrite) {
  using Act = std::function<void(Cartridge&)>;
  const std::vector<Act> acts = {
      [](Cartridge& c) { done(c.rewind()); },
      [](Cartridge& c) { done(c.locate(2)); },
      [](Cartridge& c) { (void)take(c.space_records(1)); },
      [](Cartridge& c) { (void)take(c.space_filemarks(1)); },
      [](Cartridge& c) { done(c.to_end_of_data()); },
      [](Cartridge& c) { (void)take(c.read_raw_record()); },
      [](Cartridge& c) { c.set_read_key(key(1)); },
      [](Cartridge& c) { c.set_read_key({}); },
      [](Cartridge& c) { c.forget_keys(Leaving::kEnded); },
      [](Cartridge& c) { c.forget_read_ahead(); },
      [](Cartridge& c) { done(c.write_record(record(9))); },
      [](Cartridge& c) { done(c.write_filemarks(1)); },
      [](Cartridge& c) { done(c.erase_from_here()); },
  };
  for (std::size_t i = 0; i < acts.size(); ++i) {
    Tape tape;
    (void)take(tape.cartridge->read_record());
    tape.cartridge->read_ahead();
    ASSERT_TRUE(tape.cartridge->has_read_ahead()) << i;
    acts[i](*tape.cartridge);
    EXPECT_FALSE(tape.cartridge->has_read_ahead()) << i;
  }
}

TEST(ReadAhead, D4_AnotherKeyOrNoneGetsNothingOfIt) {
  for (const auto& later : {DataKeyHandle{}, key(2)}) {
    Tape tape;
    (void)take(tape.cartridge->read_record());
    tape.cartridge->read_ahead();
    ASSERT_TRUE(tape.cartridge->has_read_ahead());
    tape.cartridge->set_read_key(later);
    Bytes into(kBig);
    const auto read = tape.cartridge->read_record(into);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::kWrongKey);
    EXPECT_EQ(into, Bytes(kBig));
    tape.cartridge->read_ahead();
    EXPECT_FALSE(tape.cartridge->has_read_ahead());
  }
}

TEST(ReadAhead, D4_LeavesDamageToTheRead) {
  Tape tape;
  (void)take(tape.cartridge->read_record());
  tape.damage();
  done(tape.cartridge->locate(2));  // not from what was fetched before
  tape.cartridge->read_ahead();
  EXPECT_FALSE(tape.cartridge->has_read_ahead());
  const auto read = tape.cartridge->read_record();
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().detail, detail(MediumFault::kPayloadDamaged));
  EXPECT_EQ(tape.cartridge->position(), (Position{0, 3, 0})) << "behind it, as without reading ahead";
}

TEST(ReadAhead, D4_ARecordBeyondTheLimitIsNotReadAhead) {
  SimEnv sim(12);
  const auto tape = make(sim);
  done(tape->write_record(Bytes(kMaxAheadBytes + 1, 7)));
  done(tape->rewind());
  tape->read_ahead();
  EXPECT_FALSE(tape->has_read_ahead());
  EXPECT_EQ(take(tape->read_record()).data.size(), kMaxAheadBytes + 1);
}

// An append must find the end of the writing before it, which lies between the objects.
TEST(ReadAhead, D4_DoesNotPassAnEndOfData) {
  SimEnv sim(13);
  auto tape = make(sim);
  done(tape->write_record(record(1)));
  done(tape->unload());
  tape = reopen(sim);
  done(tape->to_end_of_data());
  done(tape->write_record(record(2)));
  done(tape->sync());
  done(tape->rewind());
  (void)take(tape->read_record());
  tape->read_ahead();  // an end of data and a session come before the next record
  EXPECT_FALSE(tape->has_read_ahead());
  done(tape->write_record(record(3)));
  done(tape->rewind());
  EXPECT_EQ(take(read_all(*tape)), (std::vector<Bytes>{record(1), record(3)}));
  EXPECT_EQ(tape->cut_off_files(), std::vector<std::uint64_t>{});
}

}  // namespace
}  // namespace tapewarden::tape
