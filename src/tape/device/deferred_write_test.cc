// Blocks that are taken before they are written, and records that are read before they are asked for: hosts
// see no difference.
#include "tape/device/drive_test_kit.h"
#include "tape/device/limits.h"

namespace tapewarden::tape::test {
namespace {

constexpr std::size_t kLarge = 300'000;  // goes to the disk at once when it is written

// A drive under a transport that lets its unit keep a command's data.
struct KeepingBench : Bench {
  using Bench::Bench;

  scsi::Command write_command(const Bytes& cdb, std::shared_ptr<const Bytes> data,
                              scsi::NexusId nexus = kHost) {
    scsi::Command command{.cdb = cdb, .nexus = nexus, .data_out = *data};
    command.keep = std::move(data);
    return command;
  }
  scsi::Response put(std::uint32_t number, scsi::NexusId nexus = kHost) {
    const auto cdb = scsi::Write6{false, kLarge}.encode();
    return drive->execute(write_command(cdb, std::make_shared<const Bytes>(block(number, kLarge)), nexus));
  }
  std::optional<scsi::Response> put_at_once(std::uint32_t number) {
    const auto cdb = scsi::Write6{false, kLarge}.encode();
    return drive->execute_at_once(write_command(cdb, std::make_shared<const Bytes>(block(number, kLarge))));
  }
  std::optional<scsi::Response> get_at_once(scsi::NexusId nexus = kHost) {
    const auto cdb = scsi::Read6{false, true, kLarge}.encode();
    return drive->execute_at_once({.cdb = cdb, .nexus = nexus});
  }
  // Whether the last thing it was sent lies in memory only.
  bool defers(std::uint32_t number) {
    const auto before = sim.disk.writes();
    EXPECT_GOOD(put(number));
    const bool deferred = sim.disk.writes() == before;
    drive->look_ahead();
    EXPECT_GT(sim.disk.writes(), before);
    return deferred;
  }
  std::vector<Bytes> content() {
    std::vector<Bytes> out;
    EXPECT_GOOD(rewind());
    for (auto one = read(kLarge); one.good(); one = read(kLarge)) out.push_back(one.data_in);
    return out;
  }
};

std::vector<Bytes> blocks_to(std::uint32_t last) {
  std::vector<Bytes> out;
  for (std::uint32_t i = 1; i <= last; ++i) out.push_back(block(i, kLarge));
  return out;
}

TEST(DeferredWrite, D1_ATakenBlockIsWrittenWhileTheHostIsBusy) {
  KeepingBench bench;
  EXPECT_FALSE(bench.defers(1)) << "it begins the session";
  EXPECT_TRUE(bench.defers(2));
  EXPECT_TRUE(bench.put_at_once(3).has_value());
  EXPECT_FALSE(bench.put_at_once(4).has_value()) << "the third is not written yet";
  EXPECT_GOOD(bench.put(4));
  EXPECT_EQ(bench.content(), blocks_to(4));
}

TEST(DeferredWrite, D1_IsWrittenBeforeAnythingElseHappens) {
  using Act = std::function<void(KeepingBench&)>;
  const std::vector<Act> acts = {
      [](KeepingBench& b) { b.run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady), {}, kOtherHost); },
      [](KeepingBench& b) { EXPECT_GOOD(b.filemarks()); },
      [](KeepingBench& b) { EXPECT_GOOD(b.rewind()); },
      [](KeepingBench& b) { EXPECT_GOOD(b.unload()); },
      [](KeepingBench& b) { EXPECT_GOOD(b.set_encryption(encrypting(key_bytes(2)))); },
      [](KeepingBench& b) { b.drive->nexus_lost(kHost); },
      [](KeepingBench& b) { b.drive->reset(); },
      [](KeepingBench& b) { b.drive->execute_key_path({.cdb = Bytes(6), .nexus = kHost}); },
      [](KeepingBench& b) { EXPECT_EQ(b.drive->cartridge()->position().logical_object, 2U); },
      [](KeepingBench& b) { EXPECT_EQ(b.drive->status().mounted->position.logical_object, 2U); },
      [](KeepingBench& b) { (void)take(b.drive->force_eject()); },
  };
  for (std::size_t i = 0; i < acts.size(); ++i) {
    KeepingBench bench;
    EXPECT_GOOD(bench.set_encryption(encrypting(key_bytes(1))));
    EXPECT_GOOD(bench.put(1));
    const auto before = bench.sim.disk.writes();
    EXPECT_GOOD(bench.put(2));
    ASSERT_EQ(bench.sim.disk.writes(), before) << i;
    acts[i](bench);
    EXPECT_GT(bench.sim.disk.writes(), before) << i;
  }
}

TEST(DeferredWrite, D1_WithoutABufferOrAPlaceForItABlockIsWrittenAtOnce) {
  KeepingBench unbuffered;
  EXPECT_GOOD(unbuffered.select({.buffered_mode = 0}));
  EXPECT_GOOD(unbuffered.put(1));
  EXPECT_FALSE(unbuffered.defers(2));

  KeepingBench unkept;
  EXPECT_GOOD(unkept.put(1));
  const auto before = unkept.sim.disk.writes();
  EXPECT_GOOD(unkept.write(block(2, kLarge)));
  EXPECT_GT(unkept.sim.disk.writes(), before);

  KeepingBench late;
  EXPECT_GOOD(late.put(1));
  late.sim.clock.advance(kRoomKnownFor);  // what the disk said is too old
  EXPECT_FALSE(late.defers(2));
  EXPECT_TRUE(late.defers(3));

  KeepingBench other_key;
  EXPECT_GOOD(other_key.set_encryption(encrypting(key_bytes(1))));
  EXPECT_GOOD(other_key.put(1));
  EXPECT_GOOD(other_key.set_encryption(encrypting(key_bytes(2))));
  EXPECT_FALSE(other_key.defers(2)) << "it begins another session";
}

TEST(DeferredWrite, D1_WarningsComeWithTheBlockThatReachesThem) {
  std::vector<scsi::SenseCode> told[2];
  for (const bool keeping : {false, true}) {
    KeepingBench bench({}, MediumKind::kLto, nullptr, 3'000'000, 1'000'000);
    for (std::uint32_t i = 1; i <= 12; ++i) {
      told[keeping].push_back(Bench::sense_of(keeping ? bench.put(i) : bench.write(block(i, kLarge))));
      bench.drive->look_ahead();
    }
  }
  EXPECT_EQ(told[0], told[1]);
  EXPECT_EQ(told[1].back(), codes::kVolumeFull);
}

TEST(DeferredWrite, D1_ADiskThatFailsIsToldWithTheNextWriteAndAtTheFilemark) {
  for (const bool filemark : {false, true}) {
    KeepingBench bench;
    EXPECT_GOOD(bench.put(1));
    EXPECT_GOOD(bench.filemarks());
    EXPECT_GOOD(bench.put(2));
    bench.sim.disk.fail_after(0);
    bench.drive->look_ahead();
    bench.sim.disk.clear_faults();
    EXPECT_FALSE(bench.put_at_once(3).has_value());
    EXPECT_SENSE(filemark ? bench.filemarks() : bench.put(3), codes::kWriteError);
    EXPECT_SENSE(bench.put(3), codes::kWriteError);
    (void)bench.drive->force_eject();
    done(bench.drive->insert(kTapePath));
    bench.settle(kHost);
    EXPECT_EQ(bench.content(), blocks_to(1)) << "what the filemark covered";
  }
}

TEST(DeferredWrite, D1_GoesWithThePower) {
  KeepingBench bench;
  EXPECT_GOOD(bench.put(1));
  EXPECT_GOOD(bench.filemarks());
  EXPECT_GOOD(bench.put(2));
  done(bench.drive->power_cycle());
  bench.settle(kHost);
  EXPECT_EQ(bench.content(), blocks_to(1));
}

TEST(ReadAhead, D1_AStreamOfReadsIsAnsweredFromMemory) {
  KeepingBench bench;
  for (std::uint32_t i = 1; i <= 5; ++i) EXPECT_GOOD(bench.put(i));
  EXPECT_GOOD(bench.rewind());
  for (std::uint32_t i = 1; i <= 2; ++i) {
    EXPECT_FALSE(bench.get_at_once().has_value());
    EXPECT_EQ(bench.read(kLarge).data_in, block(i, kLarge));
    bench.drive->look_ahead();
  }
  auto third = bench.get_at_once();
  ASSERT_TRUE(third.has_value());
  EXPECT_EQ(third->data_in, block(3, kLarge));
  bench.drive->look_ahead();
  EXPECT_EQ(bench.read(kLarge).data_in, block(4, kLarge)) << "also by the way that may wait";
  bench.drive->look_ahead();
  bench.drive->rest();
  EXPECT_FALSE(bench.get_at_once().has_value()) << "nothing is kept for a host that does nothing";
  EXPECT_EQ(bench.read(kLarge).data_in, block(5, kLarge));
}

TEST(ReadAhead, D1_LengthsAreTheSameAsWithoutIt) {
  KeepingBench bench;
  for (std::uint32_t i = 1; i <= 6; ++i) EXPECT_GOOD(bench.put(i));
  EXPECT_GOOD(bench.rewind());
  const auto ready = [&bench](std::uint64_t at) {
    EXPECT_GOOD(bench.locate(at - 2));
    EXPECT_GOOD(bench.read(kLarge));
    EXPECT_GOOD(bench.read(kLarge));
    bench.drive->look_ahead();
    EXPECT_TRUE(bench.drive->cartridge()->has_read_ahead());
  };
  ready(2);
  const auto longer = bench.read(1000, false);
  EXPECT_TRUE(longer.sense.incorrect_length);
  EXPECT_EQ(longer.sense.information, 1000 - static_cast<std::int64_t>(kLarge));
  EXPECT_EQ(longer.data_in, block(3, 1000));
  ready(2);
  const auto shorter = bench.read(kLarge + 5, false);
  EXPECT_EQ(shorter.sense.information, 5);
  EXPECT_EQ(shorter.data_in, block(3, kLarge));
  EXPECT_GOOD(bench.set_block_length(kLarge));
  ready(3);
  EXPECT_EQ(bench.run(scsi::Read6{true, false, 1}.encode()).data_in, block(4, kLarge));
  EXPECT_EQ(bench.object(), 4U);
}

TEST(ReadAhead, D1_OnlyWhoMayReadTheBlockGetsIt) {
  KeepingBench bench;
  bench.settle(kOtherHost);
  const auto mine = encrypting(key_bytes(1), scsi::DecryptionMode::kMixed, scsi::KeyScope::kLocal);
  EXPECT_GOOD(bench.set_encryption(mine));
  for (std::uint32_t i = 1; i <= 4; ++i) EXPECT_GOOD(bench.put(i));
  EXPECT_GOOD(bench.rewind());
  const auto ready = [&bench] {
    EXPECT_GOOD(bench.locate(0));
    EXPECT_GOOD(bench.read(kLarge));
    EXPECT_GOOD(bench.read(kLarge));
    bench.drive->look_ahead();
    EXPECT_TRUE(bench.drive->cartridge()->has_read_ahead());
  };
  ready();
  const auto theirs = bench.get_at_once(kOtherHost);
  ASSERT_TRUE(theirs.has_value());
  EXPECT_SENSE(*theirs, codes::kUnableToDecrypt);
  EXPECT_TRUE(theirs->data_in.empty());
  ready();
  EXPECT_GOOD(bench.set_encryption(no_encryption(scsi::KeyScope::kLocal)));
  EXPECT_FALSE(bench.get_at_once().has_value());
  EXPECT_SENSE(bench.read(kLarge), codes::kUnableToDecrypt);
}

}  // namespace
}  // namespace tapewarden::tape::test
