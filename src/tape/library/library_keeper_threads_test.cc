// Cartridges that come from the keeper's thread while the library's moves are under way. On files of the
// system: the simulated disk is for one thread.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "base/real_env.h"
#include "tape/library/fake_volume_keeper.h"

namespace tapewarden::tape::test {
namespace {

constexpr int kRounds = 40;

// Two drives, their files in a folder of its own.
class KeptLibraryThreads : public ::testing::Test {
 protected:
  static std::string folder() {
    return ::testing::TempDir() + "tapewarden-keeper-" + std::to_string(::getpid());
  }
  static Env drives() {
    static RealClock clock;
    static RealDisk disk;
    static crypto::SystemRandom random;
    done(disk.make_directories(folder(), 0700));
    return {.clock = &clock, .disk = &disk, .random = &random};
  }
  ~KeptLibraryThreads() override {
    bench_.library.reset();
    std::filesystem::remove_all(folder());
  }
  bool ready(std::size_t drive) {
    return bench_.run(drive, scsi::plain_cdb(scsi::Opcode::kTestUnitReady)).good();
  }
  // Leaves the mutexes to the others.
  static void rest() { std::this_thread::sleep_for(std::chrono::microseconds{200}); }
  // Until the keeper's thread is about to tell of it, so that the next call meets it at that.
  void until_it_comes() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (bench_.cache->wanted("A00001L9")) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "nobody brings it";
      rest();
    }
  }
  std::size_t asked_to(const std::string& what) {
    std::size_t count = 0;
    for (const auto& asked : bench_.cache->take_asked()) count += asked.starts_with(what) ? 1U : 0U;
    return count;
  }

  KeptBench bench_{drives(), folder()};
};

// Whenever it comes, either it is loaded and returned, or given up and not touched.
TEST_F(KeptLibraryThreads, T5_ACartridgeThatComesWhileItIsTakenAwayIsNeitherLostNorHeldTwice) {
  bench_.cache->answer(FakeVolumeKeeper::Answer::kLater);
  std::atomic<bool> over{false};
  std::thread keeper([&] {
    while (!over.load())
      if (!bench_.cache->bring("A00001L9")) rest();
  });
  std::thread host([&] {
    while (!over.load()) {
      (void)ready(0);
      (void)bench_.library->describe(kDrive);
      rest();
    }
  });
  std::uint16_t place = kSlot;
  for (int round = 0; round < kRounds; ++round) {
    const std::uint16_t next = round % 3 == 0 ? kDrive : round % 3 == 1 ? kDrive + 1 : kSlot;
    if (round % 2 == 0) until_it_comes();
    EXPECT_EQ(bench_.move(place, next), std::nullopt) << round;
    place = next;
    if (place == kSlot) {
      EXPECT_TRUE(bench_.cache->lent().empty()) << round;
      EXPECT_FALSE(bench_.cache->wanted("A00001L9")) << round;
      EXPECT_FALSE(bench_.library->bays()[0]->holds_cartridge());
      EXPECT_FALSE(bench_.library->bays()[1]->holds_cartridge());
    }
  }
  over = true;
  keeper.join();
  host.join();
  EXPECT_TRUE(bench_.notes.empty());
  EXPECT_GT(asked_to("returned"), 0U) << "some came in time";
  ASSERT_EQ(bench_.move(place, kDrive), std::nullopt);
  EXPECT_TRUE(bench_.cache->bring("A00001L9"));
  EXPECT_TRUE(ready(0));
}

TEST_F(KeptLibraryThreads, T5_ErrorsThatComeWhileACartridgeIsTakenAwayLeaveNothingBehind) {
  bench_.cache->answer(FakeVolumeKeeper::Answer::kLater);
  std::atomic<bool> over{false};
  std::thread keeper([&] {
    while (!over.load())
      if (!bench_.cache->fail_to_bring("A00001L9")) rest();
  });
  for (int round = 0; round < kRounds; ++round) {
    EXPECT_EQ(bench_.move(kSlot, kDrive), std::nullopt) << round;
    if (round % 2 == 0) until_it_comes();
    EXPECT_EQ(bench_.move(kDrive, kSlot), std::nullopt) << round;
    EXPECT_FALSE(bench_.cache->wanted("A00001L9")) << round;
  }
  over = true;
  keeper.join();
  ASSERT_EQ(bench_.move(kSlot, kDrive), std::nullopt);
  EXPECT_TRUE(bench_.cache->bring("A00001L9"));
  EXPECT_TRUE(ready(0));
}

// Switching off does not go under the library's mutex all the way.
TEST_F(KeptLibraryThreads, T5_ACartridgeThatComesWhileTheDriveIsSwitchedIsNeitherLostNorHeldTwice) {
  bench_.cache->answer(FakeVolumeKeeper::Answer::kLater);
  ASSERT_EQ(bench_.move(kSlot, kDrive), std::nullopt);
  const auto serial = bench_.library->bays()[0]->serial();
  std::atomic<bool> over{false};
  std::thread keeper([&] {
    while (!over.load())
      if (!bench_.cache->bring("A00001L9")) rest();
  });
  std::thread operators([&] {
    for (int round = 0; round < kRounds; ++round) {
      if (round % 2 == 0) until_it_comes();
      done(bench_.library->switch_drive(serial, false));
      done(bench_.library->switch_drive(serial, true));
    }
    over = true;
  });
  operators.join();
  keeper.join();
  (void)bench_.cache->bring("A00001L9");
  EXPECT_TRUE(ready(0));
  EXPECT_EQ(bench_.cache->lent(), (std::set<std::string>{"A00001L9"}));
  EXPECT_EQ(bench_.move(kDrive, kSlot), std::nullopt);
  EXPECT_TRUE(bench_.cache->lent().empty());
}

TEST_F(KeptLibraryThreads, T5_TheEndWaitsForWhatIsJustComingAndForNothingElse) {
  bench_.cache->answer(FakeVolumeKeeper::Answer::kLater);
  for (int round = 0; round < 20; ++round) {
    if (bench_.at(kDrive).empty()) {
      ASSERT_EQ(bench_.move(kSlot, kDrive), std::nullopt);
    }
    std::thread keeper([&] { (void)bench_.cache->bring("A00001L9"); });
    if (round % 2 == 0) until_it_comes();
    done(bench_.library->power_off());
    keeper.join();
    EXPECT_FALSE(bench_.library->bays()[0]->holds_cartridge()) << round;
    for (const auto& asked : bench_.cache->take_asked()) EXPECT_FALSE(asked.starts_with("returned")) << round;
    bench_.start_again(FakeVolumeKeeper::Answer::kLater);
  }
}

}  // namespace
}  // namespace tapewarden::tape::test
