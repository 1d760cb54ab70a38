// Two partitions: apart from each other, bound to each other, formatted so that a power loss leaves the old
// layout or the new one.
#include <functional>
#include <map>
#include <set>

#include "tape/medium/cartridge_test_kit.h"
#include "tape/medium/erase.h"
#include "tape/medium/inspect.h"
#include "tape/medium/layout.h"
#include "tape/medium/partition_set.h"
#include "tape/medium/superblock.h"

namespace tapewarden::tape {
namespace {

using namespace test;
using tapewarden::testing::SimEnv;
using tapewarden::testing::SimRandom;

constexpr std::uint64_t kMedium = 64U << 20;
constexpr std::uint64_t kSecond = 60U << 20;
constexpr PartitionSizes kTwo{.first = kMedium - kSecond, .second = kSecond};
constexpr PartitionSizes kOne{.first = kMedium, .second = {}};
const std::string kSecondPath = kPath + ".partition1";
using Content = std::vector<Bytes>;

std::unique_ptr<Cartridge> make_two(SimEnv& sim) {
  auto tape = make(sim);
  done(tape->format(kTwo));
  return tape;
}

// Records from the beginning of a partition, and a filemark behind them.
Content fill(Cartridge& tape, std::uint8_t partition, std::uint32_t first, std::uint32_t count) {
  Content out;
  done(tape.change_partition(partition));
  for (std::uint32_t i = 0; i < count; ++i) {
    out.push_back(record(first + i, 1000));
    done(tape.write_record(out.back()));
  }
  done(tape.write_filemarks(1));
  out.emplace_back();
  return out;
}

Content content_of(Cartridge& tape, std::uint8_t partition) {
  done(tape.change_partition(partition));
  return take(read_all(tape));
}

TEST(Partitions, D1_EachIsWrittenReadAndEndsByItself) {
  SimEnv sim(41);
  auto tape = make_two(sim);
  EXPECT_EQ(tape->partitions(), 2);
  EXPECT_EQ(tape->identity().capacity_bytes, kMedium) << "the medium's, not a partition's";
  EXPECT_TRUE(tape->begins_cartridge());
  const auto first = fill(*tape, 0, 100, 3);
  const auto second = fill(*tape, 1, 200, 5);
  EXPECT_EQ(tape->position(), (Position{1, 6, 1}));
  EXPECT_TRUE(tape->at_end_of_data());
  EXPECT_EQ(content_of(*tape, 0), first);
  EXPECT_EQ(content_of(*tape, 1), second);
  done(tape->locate(2));
  done(tape->write_record(record(300)));  // what lies behind it in this partition goes, the other stays
  EXPECT_EQ(content_of(*tape, 1), (Content{second[0], second[1], record(300)}));
  EXPECT_EQ(content_of(*tape, 0), first);
  done(tape->unload());
  tape = reopen(sim);
  EXPECT_EQ(tape->position(), (Position{0, 0, 0}));
  EXPECT_EQ(content_of(*tape, 0), first);
  EXPECT_EQ(content_of(*tape, 1), (Content{second[0], second[1], record(300)}));
  const auto none = tape->change_partition(2);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(take(tape->space_records(-100)).stop, Motion::Stop::kBeginningOfTape);
  EXPECT_EQ(tape->position().partition, 1) << "motion stays in its partition";
}

TEST(Partitions, D1_ErasingReachesOnePartitionOnly) {
  SimEnv sim(42);
  auto tape = make_two(sim);
  const auto first = fill(*tape, 0, 100, 3);
  fill(*tape, 1, 200, 5);
  done(tape->change_partition(1));
  done(tape->erase_from_here());
  EXPECT_EQ(content_of(*tape, 1), Content{});
  EXPECT_EQ(content_of(*tape, 0), first);
}

TEST(Partitions, D1_EachHasItsCapacityAndItsWarnings) {
  SimEnv sim(43);
  auto tape = make_two(sim);
  EXPECT_EQ(tape->capacity(0).capacity_bytes, kMedium - kSecond);
  EXPECT_EQ(tape->capacity(1).capacity_bytes, kSecond);
  done(tape->change_partition(0));
  Status status;
  std::uint32_t written = 0;
  bool warned = false;
  while ((status = tape->write_record(record(++written, 10'000)))) warned = tape->capacity().early_warning;
  EXPECT_EQ(status.error().detail, detail(MediumFault::kEndOfMedium));
  EXPECT_TRUE(warned);
  EXPECT_LT(written, 450U);
  EXPECT_FALSE(tape->capacity(1).early_warning);
  done(tape->change_partition(1));
  done(tape->write_record(record(1, 100'000)));
  const PartitionSizes too_much{.first = kMedium, .second = 1};
  const auto refused = tape->format(too_much);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(content_of(*tape, 1).size(), 1U) << "what is refused changes nothing";
  done(tape->format(kOne));
  EXPECT_EQ(tape->partitions(), 1);
  EXPECT_EQ(tape->capacity().capacity_bytes, kMedium);
  EXPECT_FALSE(sim.disk.exists(kSecondPath));
}

TEST(Partitions, D1_WormIsNotFormatted) {
  SimEnv sim(44);
  CartridgeSpec spec = small_spec();
  spec.worm = true;
  auto tape = make(sim, spec);
  const auto refused = tape->format(kTwo);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().detail, detail(MediumFault::kWormOverwrite));
  EXPECT_EQ(tape->partitions(), 1);
}

// The EEDKs in the key areas may be all that opens the other partition.
TEST(Partitions, D1_KeyAreasAreSettledByTheFirstWriteOfTheCartridge) {
  SimEnv sim(45);
  auto tape = make_two(sim);
  KeyInfo info;
  info.method = KeyMethod::kWrappedKey;
  info.eedks = {Bytes(500, 1)};
  auto sealed = sealed_with(key(1));
  sealed.key_info = info;
  done(tape->change_partition(1));
  done(tape->set_write_session(sealed));
  done(tape->write_record(record(1)));
  EXPECT_EQ(tape->key_info().info, info) << "written through partition 1, kept with partition 0";
  done(tape->change_partition(0));
  EXPECT_FALSE(tape->begins_cartridge());
  done(tape->set_write_session({}));
  done(tape->write_record(record(2)));
  EXPECT_EQ(tape->key_info().info, info);
  EXPECT_EQ(tape->session_keys().check_values.size(), 1U) << "of both partitions";
  done(tape->rewind());
  done(tape->erase_from_here());
  EXPECT_EQ(tape->key_info().info, info);
  done(tape->change_partition(1));
  done(tape->erase_from_here());
  EXPECT_TRUE(tape->key_info().info.empty());
}

TEST(Partitions, D4_NoIvMeetsAKeyTwiceInBothPartitions) {
  SimEnv sim(46);
  auto tape = make_two(sim);
  std::set<std::pair<Hash256, crypto::GcmIv>> seen;
  std::set<Hash256> keys;
  std::size_t seals = 0;
  const auto watch = [&] {
    tape->set_seal_observer([&](const Hash256& fingerprint, const crypto::GcmIv& iv) {
      ++seals;
      keys.insert(fingerprint);
      EXPECT_TRUE(seen.insert({fingerprint, iv}).second);
    });
  };
  watch();
  for (std::uint8_t round = 0; round < 6; ++round) {
    done(tape->set_write_session(sealed_with(key(1))));
    const auto first = fill(*tape, 0, 10, 2);
    const auto second = fill(*tape, 1, 20, 2);  // the key follows the position
    tape->set_read_key(key(1));
    EXPECT_EQ(content_of(*tape, 0), first);
    EXPECT_EQ(content_of(*tape, 1), second);
    if (round == 2) done(tape->format(kTwo));
    if (round != 4) continue;
    done(tape->unload());
    tape = reopen(sim);
    watch();
  }
  EXPECT_GE(seals, 36U);
  EXPECT_EQ(keys.size(), 12U) << "a session for each partition in each round";
  const auto same = key(1);
  const SessionSalt salt{7};
  const Uuid volume = tape->identity().volume;
  EXPECT_NE(to_bytes(same->session_key(salt, volume, 0).reveal()),
            to_bytes(same->session_key(salt, volume, 1).reveal()))
      << "whatever the salts";
}

// What stands where the second file should be.
struct Stranger {
  const char* name;
  std::function<void(SimEnv&)> put;
  const char* told;
};

TEST(Partitions, D1_ASecondFileThatDoesNotBelongIsNamedAndPartition0Reads) {
  const Stranger strangers[] = {
      {"missing", [](SimEnv& sim) { done(sim.disk.remove(kSecondPath)); }, "is missing"},
      {"of an earlier format",
       [](SimEnv& sim) {
         const Bytes old = sim.disk.content(kSecondPath);
         auto tape = reopen(sim);
         done(tape->format(kTwo));
         fill(*tape, 0, 100, 3);
         done(tape->unload());
         tape.reset();
         sim.disk.content(kSecondPath) = old;
       },
       "earlier format"},
      {"another cartridge's",
       [](SimEnv& sim) {
         make(sim, small_spec(), "tapes/OTHER")->format(kTwo).value();
         sim.disk.content(kSecondPath) = sim.disk.content("tapes/OTHER.partition1");
       },
       "belongs to the cartridge"},
      {"partition 0 itself", [](SimEnv& sim) { sim.disk.content(kSecondPath) = sim.disk.content(kPath); },
       "partition 0"},
      {"no cartridge", [](SimEnv& sim) { sim.disk.content(kSecondPath) = Bytes(4096, 7); }, "no Tapewarden"},
  };
  for (const auto& stranger : strangers) {
    SCOPED_TRACE(stranger.name);
    SimEnv sim(47);
    auto tape = make_two(sim);
    const auto first = fill(*tape, 0, 100, 3);
    fill(*tape, 1, 200, 3);
    done(tape->unload());
    tape.reset();
    stranger.put(sim);
    const Bytes whole = sim.disk.content(kPath);
    const Bytes beside = sim.disk.exists(kSecondPath) ? sim.disk.content(kSecondPath) : Bytes{};
    for (const auto mode : {CartridgeMode::kRead, CartridgeMode::kReadWrite}) {
      tape = reopen(sim, mode);
      EXPECT_EQ(take(read_all(*tape)), first);
      ASSERT_TRUE(tape->lost_partition());
      EXPECT_NE(tape->lost_partition()->message.find(stranger.told), std::string::npos)
          << tape->lost_partition()->message;
      const auto gone = tape->change_partition(1);
      ASSERT_FALSE(gone);
      EXPECT_EQ(gone.error().code, ErrorCode::kCorrupt);
      EXPECT_FALSE(tape->writable());
      EXPECT_FALSE(tape->write_record(record(1)));
      done(tape->unload());
      tape.reset();
      EXPECT_EQ(sim.disk.content(kPath), whole);
      EXPECT_EQ(sim.disk.exists(kSecondPath) ? sim.disk.content(kSecondPath) : Bytes{}, beside);
    }
    tape = reopen(sim);
    const bool ours =
        std::string(stranger.name) == "missing" || std::string(stranger.name) == "of an earlier format";
    const auto formatted = tape->format(kTwo);
    EXPECT_EQ(formatted.has_value(), ours);
    if (ours) {
      EXPECT_EQ(content_of(*tape, 1), Content{});
    } else {
      EXPECT_EQ(formatted.error().code, ErrorCode::kConflict) << "nobody else's file is overwritten";
      EXPECT_EQ(sim.disk.content(kPath), whole);
      EXPECT_EQ(sim.disk.content(kSecondPath), beside);
    }
  }
}

TEST(Partitions, D1_ThePartsAreNotTakenForWholeCartridges) {
  SimEnv sim(48);
  auto tape = make_two(sim);
  fill(*tape, 1, 200, 3);
  done(tape->unload());
  tape.reset();
  const auto opened = Cartridge::open(sim.env(), kSecondPath, CartridgeMode::kRead);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kInvalidArgument);
  // Also with a superblock that says it were one: each record knows its partition.
  Bytes& file = sim.disk.content(kSecondPath);
  for (const auto at : kSuperblockOffsets) {
    const auto place = MutableByteView(file).subspan(at, kSuperblockBytes);
    auto block = take(decode_superblock(place));
    block.partition = 0;
    block.partitions = 1;
    block.format = {};
    copy_bytes(place, encode_superblock(block));
  }
  const auto forged = Cartridge::open(sim.env(), kSecondPath, CartridgeMode::kReadWrite);
  ASSERT_FALSE(forged);
  EXPECT_EQ(forged.error().code, ErrorCode::kCorrupt);
  done(sim.disk.remove(kPath));
  const auto made = Cartridge::create(sim.env(), kPath, small_spec());
  ASSERT_FALSE(made) << "a partition that lies there is not adopted by a new cartridge";
  EXPECT_EQ(made.error().code, ErrorCode::kAlreadyExists);
}

TEST(Partitions, D1_AProgramThatKnowsOneRefusesTwo) {
  Superblock block;
  block.generation = 1;
  block.volser = "A";
  block.mark.length = kDataStart;
  EXPECT_EQ(encode_superblock(block)[9], 1) << "an undivided cartridge is what it always was";
  block.partitions = 2;
  block.format = Uuid{{1}};
  const auto bytes = encode_superblock(block);
  EXPECT_EQ(bytes[9], 2);
  const auto again = take(decode_superblock(bytes));
  EXPECT_EQ(again.format, block.format);
  EXPECT_EQ(again.partitions, 2);
  block.partition = 2;
  EXPECT_FALSE(decode_superblock(encode_superblock(block)));
}

TEST(Partitions, L3_TheVolumeChangeReferenceChangesWithWhatIsWritten) {
  SimEnv sim(49);
  auto tape = make_two(sim);
  const auto start = tape->volume_change_reference();
  fill(*tape, 0, 1, 2);
  fill(*tape, 1, 1, 2);
  EXPECT_EQ(tape->volume_change_reference(), start) << "nobody was told yet";
  tape->volume_change_told();
  content_of(*tape, 0);
  EXPECT_EQ(tape->volume_change_reference(), start);
  done(tape->change_partition(1));
  done(tape->to_end_of_data());
  done(tape->write_record(record(5)));
  EXPECT_EQ(tape->volume_change_reference(), start + 1) << "also by a session that was running";
  done(tape->write_record(record(6)));
  EXPECT_EQ(tape->volume_change_reference(), start + 1);
  done(tape->unload());
  tape = reopen(sim);
  content_of(*tape, 1);
  EXPECT_EQ(tape->volume_change_reference(), start + 1) << "reading changes nothing";
  done(tape->erase_from_here());
  done(tape->rewind());
  done(tape->erase_from_here());
  EXPECT_EQ(tape->volume_change_reference(), start + 2);
}

TEST(Partitions, D4_InspectionAndVerificationGoOverBoth) {
  SimEnv sim(52);
  auto tape = make_two(sim);
  done(tape->set_write_session(sealed_with(key(1))));
  fill(*tape, 0, 100, 3);
  fill(*tape, 1, 200, 5);
  done(tape->unload());
  tape.reset();
  const Inspection seen = take(inspect(sim.env(), kPath));
  ASSERT_TRUE(seen.second);
  EXPECT_EQ(seen.counts.data, 3U);
  EXPECT_EQ(seen.second->counts.data, 5U);
  EXPECT_EQ(seen.all_sessions().size(), 2U);
  EXPECT_NE(seen.to_text().find("1 of 2"), std::string::npos);
  const VerifyOptions with_key{.keys = {key(1)}, .progress = {}};
  const VerifyReport whole = take(verify(sim.env(), kPath, with_key));
  EXPECT_TRUE(whole.good()) << whole.to_text();
  EXPECT_GT(whole.second->tags_checked, 5U);
  Bytes& second = sim.disk.content(kSecondPath);
  const Bytes before = second;
  second.at(kDataStart + 1500) ^= 1;
  const VerifyReport damaged = take(verify(sim.env(), kPath, with_key));
  EXPECT_TRUE(damaged.faults.empty());
  EXPECT_FALSE(damaged.good()) << "a fault of the other partition is one of the cartridge";
  second = before;
  done(sim.disk.remove(kSecondPath));
  EXPECT_NE(take(inspect(sim.env(), kPath)).second_lost.find("is missing"), std::string::npos);
  EXPECT_FALSE(take(verify(sim.env(), kPath, with_key)).good());
}

TEST(Partitions, D6_ErasingReachesBothFilesOrNone) {
  SimEnv sim(53);
  auto tape = make_two(sim);
  const auto clear = fill(*tape, 0, 100, 3);
  done(tape->change_partition(1));
  done(tape->set_write_session(sealed_with(key(1))));
  fill(*tape, 1, 200, 5);
  done(tape->unload());
  tape.reset();
  EXPECT_FALSE(erase_cryptographic(sim.env(), kPath)) << "there are clear records";
  EXPECT_FALSE(erase_overwrite(sim.env(), kSecondPath)) << "the cartridge is named by partition 0";
  const Bytes first = sim.disk.content(kPath);
  const Bytes second = sim.disk.content(kSecondPath);
  done(sim.disk.rename(kSecondPath, "tapes/elsewhere"));
  const auto refused = erase_overwrite(sim.env(), kPath);
  ASSERT_FALSE(refused) << "what is on the missing file would stay";
  EXPECT_EQ(refused.error().field, "partition 1");
  EXPECT_EQ(sim.disk.content(kPath), first);
  done(sim.disk.rename("tapes/elsewhere", kSecondPath));
  const EraseReport report = take(erase_overwrite(sim.env(), kPath));
  EXPECT_EQ(report.partitions, 2U);
  EXPECT_EQ(report.records_dropped, 10U);
  EXPECT_EQ(report.keys.size(), 1U);
  EXPECT_FALSE(contains(sim.disk.content(kPath), ByteView(clear.front()).first(40)));
  EXPECT_FALSE(contains(sim.disk.content(kSecondPath), ByteView(second).subspan(kDataStart + 500, 40)));
  tape = reopen(sim);
  EXPECT_EQ(tape->partitions(), 2);
  EXPECT_EQ(content_of(*tape, 0), Content{});
  EXPECT_EQ(content_of(*tape, 1), Content{});
}

// Before a format: content of each partition.
using Layout = std::map<std::uint8_t, Content>;

struct Change {
  const char* name;
  bool two_before;
  PartitionSizes after;
};

Layout layout_of(Cartridge& tape) {
  Layout out;
  tape.set_read_key(key(1));
  for (std::uint8_t part = 0; part < tape.partitions(); ++part) out[part] = content_of(tape, part);
  return out;
}

void check_old_or_new(SimEnv& sim, const Layout& before, const Change& change) {
  const Layout empty = change.after.second ? Layout{{0, {}}, {1, {}}} : Layout{{0, {}}};
  for (const auto mode : {CartridgeMode::kRead, CartridgeMode::kReadWrite}) {
    auto opened = Cartridge::open(sim.env(), kPath, mode);
    ASSERT_TRUE(opened) << opened.error().text();
    ASSERT_FALSE((*opened)->lost_partition()) << (*opened)->lost_partition()->text();
    const auto found = layout_of(**opened);
    EXPECT_TRUE(found == before || found == empty);
    if (mode == CartridgeMode::kRead) continue;
    // It is of use at once.
    done((*opened)->set_write_session(sealed_with(key(1))));
    const auto last = static_cast<std::uint8_t>((*opened)->partitions() - 1);
    done((*opened)->change_partition(last));
    done((*opened)->to_end_of_data());
    done((*opened)->write_record(record(900)));
    done((*opened)->unload());
    opened->reset();
    auto again = reopen(sim);
    auto wanted = found;
    wanted[last].push_back(record(900));
    EXPECT_EQ(layout_of(*again), wanted);
    EXPECT_EQ(sim.disk.exists(kSecondPath), again->partitions() == 2);
  }
}

TEST(Partitions, D1_PowerLossWhileFormattingLeavesTheOldLayoutOrTheNew) {
  const Change changes[] = {{"one to two", false, kTwo},
                            {"two to two", true, kTwo},
                            {"two to one", true, kOne},
                            {"one to one", false, kOne}};
  unsigned losses = 0;
  for (const auto& change : changes) {
    for (std::uint64_t torn = 0; torn < 6; ++torn) {
      for (std::uint64_t count = 0;; ++count) {
        SCOPED_TRACE(std::string(change.name) + ", writes " + std::to_string(count) + ", torn " +
                     std::to_string(torn));
        SimEnv sim(500 + torn);
        auto tape = change.two_before ? make_two(sim) : make(sim);
        auto session = sealed_with(key(1));
        session.key_info.method = KeyMethod::kIdentifiedKey;
        session.key_info.akad = session.akad;
        done(tape->set_write_session(session));
        Layout before;
        before[0] = fill(*tape, 0, 100, 3);
        if (change.two_before) before[1] = fill(*tape, 1, 200, 3);
        sim.disk.fail_after(count);
        const Status result = tape->format(change.after);
        sim.disk.clear_faults();
        if (result) {
          EXPECT_EQ(layout_of(*tape).size(), change.after.second ? 2U : 1U);
          break;
        }
        EXPECT_FALSE(tape->write_record(record(1))) << "after an error nothing more is written";
        tape.reset();
        SimRandom tearing(torn * 1000 + count);
        sim.disk.power_loss(torn == 0 ? nullptr : &tearing);
        ++losses;
        check_old_or_new(sim, before, change);
        if (HasFatalFailure() || HasNonfatalFailure()) return;
      }
    }
  }
  std::printf("power losses: %u\n", losses);
  EXPECT_GT(losses, 200U);
}

// A directory that was not synced: the file of the new partition 1 has its old name again.
TEST(Partitions, D1_ARenameThatAPowerLossUndidIsDoneAgain) {
  SimEnv sim(51);
  auto tape = make_two(sim);
  fill(*tape, 0, 100, 3);
  fill(*tape, 1, 200, 3);
  done(tape->unload());
  tape.reset();
  const Bytes old_second = sim.disk.content(kSecondPath);
  tape = reopen(sim);
  done(tape->format(kTwo));
  tape.reset();
  const Bytes new_second = sim.disk.content(kSecondPath);
  done(sim.disk.rename(kSecondPath, kSecondPath + ".new"));
  take(sim.disk.open(kSecondPath, OpenMode::kCreate, 0600));
  sim.disk.content(kSecondPath) = old_second;
  Bytes& file = sim.disk.content(kPath);
  for (const auto at : kSuperblockOffsets) {
    const auto place = MutableByteView(file).subspan(at, kSuperblockBytes);
    auto block = take(decode_superblock(place));
    block.formatting = true;
    copy_bytes(place, encode_superblock(block));
  }
  tape = reopen(sim, CartridgeMode::kRead);
  EXPECT_EQ(content_of(*tape, 1), Content{}) << "read only: nothing is renamed, and the new one is read";
  EXPECT_TRUE(sim.disk.exists(kSecondPath + ".new"));
  tape = reopen(sim);
  EXPECT_EQ(content_of(*tape, 1), Content{});
  EXPECT_FALSE(sim.disk.exists(kSecondPath + ".new"));
  EXPECT_EQ(sim.disk.content(kSecondPath), new_second);
}

}  // namespace
}  // namespace tapewarden::tape
