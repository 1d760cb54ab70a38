// A tape engine that is killed (SIGKILL) while a host writes, while it copies to cartridges, and while it
// brings volumes back: what a host had synced is there afterwards (feature row T5). TAPEWARDEN_KILLS sets how
// often.
#include <gmock/gmock.h>
#include <random>
#include <thread>

#include "crash/kills.h"
#include "engine/scenario_site.h"
#include "taped/host_tape.h"

namespace tapewarden::testing {
namespace {

constexpr int kKills = 6;                      // of each kind
constexpr int kMostKills = 30;                 // for which there are slots
constexpr unsigned kLongestWriting = 150;      // milliseconds
constexpr unsigned kLongestCopying = 250;      // until it has ended, as often as not
constexpr std::uint64_t kTapeFull = 16 << 20;  // then it is begun anew: it must fit a cartridge
constexpr std::size_t kVolume = 12U << 20;

class KilledEngine : public ScenarioSite {
 protected:
  static void SetUpTestSuite() {
    ScenarioSite::SetUpTestSuite();
    if (node_ == nullptr) return;
    TW_EXPECT_OK(make_group("KILLS", 60));
    TW_EXPECT_OK(add_cartridges("LTO001L9-LTO020L9", "LTO"));
    TW_EXPECT_OK(site().wait_in_step());
    TW_EXPECT_OK(node().start());
    TW_EXPECT_OK(node().set_pool(1, {{"encryption", "identified"}, {"key_group", "KILLS"}}));
    TW_EXPECT_OK(node().insert_cartridges("LTO001L9-LTO020L9", 1));
  }
  void wait_up_to(unsigned longest) {
    std::this_thread::sleep_for(
        std::chrono::milliseconds{std::uniform_int_distribution(0U, longest)(random_)});
  }
  void kill_after(unsigned longest) {
    wait_up_to(longest);
    node().taped().kill_hard();
  }
  static std::string name(const std::string& stem, int number) { return stem + std::to_string(100 + number); }
  // How many of them had a copy to come when they were looked at.
  int save_and_kill(int kills) {
    int cut = 0;
    for (int i = 0; i < kills && !HasFailure(); ++i) {
      const auto volser = name("MIG", i);
      TW_EXPECT_OK(node().insert_volumes(volser));
      TW_EXPECT_OK(node().save(volser, noise(kVolume, static_cast<std::uint64_t>(i))));
      kill_after(kLongestCopying);
      TW_EXPECT_OK(node().start());
      if (node().text("/v1/volumes/" + volser, "due") != "0") ++cut;
      TW_EXPECT_OK(node().wait_until_copied(volser));
    }
    return cut;
  }
  std::mt19937 random_{7};
};

TEST_F(KilledEngine, T5_WhileAHostWritesNothingSyncedIsLost) {
  const int kills = std::min(kills_wanted(kKills), kMostKills);
  HostTape tape(1);
  TW_EXPECT_OK(node().insert_volumes("WRT001"));
  TW_EXPECT_OK(node().load("WRT001"));
  for (int i = 0; i < kills && !HasFailure(); ++i) {
    TW_EXPECT_OK(node().wait_until_ready());
    TW_EXPECT_OK(tape.read_all(node().host(), 1));
    if (tape.bytes() > kTapeFull) TW_EXPECT_OK(tape.begin_anew(node().host(), 1));
    std::thread host(
        [&] { EXPECT_EQ(tape.write(node().host(), 1), WriteEnd::kGone) << tape.last_refusal(); });
    kill_after(kLongestWriting);
    host.join();
    TW_EXPECT_OK(node().start());
  }
  TW_EXPECT_OK(node().wait_until_ready());
  TW_EXPECT_OK(tape.read_all(node().host(), 1));
  TW_EXPECT_OK(node().unload("WRT001"));
  TW_EXPECT_OK(node().wait_until_copied("WRT001"));
  TW_EXPECT_OK(node().evict({"WRT001"}));
  TW_EXPECT_OK(node().load("WRT001"));
  TW_EXPECT_OK(node().wait_until_ready());
  TW_EXPECT_OK(tape.read_all(node().host(), 1));
  TW_EXPECT_OK(node().unload("WRT001"));
  std::printf("T5: kills while a host wrote %d, acknowledged blocks %zu\n", kills, tape.writes());
}

TEST_F(KilledEngine, T5_WhileItMigratesAndWhileItRecallsNothingIsLost) {
  const int kills = std::min(kills_wanted(kKills), kMostKills);
  const int copying = save_and_kill(kills);
  std::vector<std::string> volsers;
  for (int i = 0; i < kills; ++i) volsers.push_back(name("MIG", i));
  ASSERT_FALSE(HasFailure()) << node().log();
  TW_EXPECT_OK(node().evict(volsers));
  int recalling = 0;
  for (int i = 0; i < kills && !HasFailure(); ++i) {
    const auto& volser = volsers[static_cast<std::size_t>(i)];
    TW_EXPECT_OK(node().load(volser));
    wait_up_to(kLongestCopying);
    if (node().readiness() != scsi::SenseCode{}) ++recalling;
    node().taped().kill_hard();
    TW_EXPECT_OK(node().start());
    const auto back = node().read(kVolume);
    TW_EXPECT_OK(back);
    EXPECT_TRUE(back && *back == noise(kVolume, static_cast<std::uint64_t>(i))) << volser;
    TW_EXPECT_OK(node().unload(volser));
  }
  EXPECT_THAT(node().interventions(), ::testing::IsEmpty());
  std::printf(
      "T5: kills around a migration %d (%d with the copy to come), around a recall %d (%d with the "
      "recall under way)\n",
      kills, copying, kills, recalling);
}

}  // namespace
}  // namespace tapewarden::testing
