// K17: kill -9 in the middle of backups, again and again; afterwards the target holds only good chains.
#include <filesystem>
#include <random>
#include <thread>

#include "crash/kills.h"
#include "integration/running_site.h"
#include "keymgr/custody/backup/chain.h"
#include "keymgr/custody/backup/file_reader.h"

namespace tapewarden::testing {
namespace {

namespace backup = keymgr::backup;

constexpr int kKills = 200;
constexpr int kKeys = 4000;             // so that a base takes about as long as a life
constexpr unsigned kLongestLife = 200;  // milliseconds after the run was asked for
constexpr std::string_view kPassphrase = "seven lonely custodians wait";

class BackupKills : public RunningSite {
 protected:
  // Files with a final name that are not whole and signed.
  static Result<std::size_t> bad_files(const std::string& folder, std::size_t& good) {
    const auto found = TRY(backup::look_into(site().disk(), folder));
    std::size_t bad = found.unreadable.size();
    good = 0;
    for (const auto& file : found.files) {
      const auto reader = TRY(backup::FileReader::open(site().disk(), file.path));
      reader->check_signature() ? ++good : ++bad;
    }
    std::vector<backup::Gap> gaps;
    (void)backup::chains_of(found.files, &gaps);
    return bad + gaps.size();
  }

  static std::size_t parts(const std::string& folder) {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().string().ends_with(backup::kPartSuffix)) ++count;
    }
    return count;
  }
};

TEST_F(BackupKills, K17_KilledInTheMiddleOfABackupTwoHundredTimes) {
  const int kills = kills_wanted(kKills);
  TW_EXPECT_OK(site().stop(Which::kPrimary));
  TW_EXPECT_OK(site().stop(Which::kSecondary));
  TW_EXPECT_OK(site().without_peer(Which::kPrimary));
  TW_EXPECT_OK(site().start(Which::kPrimary));
  ASSERT_TRUE(make_group("K17", kKeys).has_value());
  const std::string folder = site().path("vault");
  std::filesystem::create_directories(folder);
  TW_EXPECT_OK(rest().post("/v1/backups", json::object{{"name", "vault"},
                                                       {"directory", folder},
                                                       {"domain", "vault"},
                                                       {"passphrase", kPassphrase},
                                                       {"increments", 4},
                                                       {"keep_bases", 3}}));
  std::mt19937 random(17);
  std::size_t cut_off = 0;
  std::size_t finished = 0;
  std::size_t good = 0;
  for (int kill = 0; kill < kills && !HasFailure(); ++kill) {
    TW_EXPECT_OK(rest().post("/v1/keys", json::object{{"count", 3}, {"group", "K17"}}));
    std::atomic<bool> done{false};
    std::thread runner([&] {
      done = rest().post("/v1/backups/vault/run", json::object{{"new_base", kill % 2 == 0}}).has_value();
    });
    std::this_thread::sleep_for(std::chrono::milliseconds{random() % kLongestLife});
    site().kill_hard(Which::kPrimary);
    runner.join();
    finished += done ? 1U : 0U;
    cut_off += parts(folder);
    const auto bad = bad_files(folder, good);
    TW_ASSERT_OK(bad);
    EXPECT_EQ(*bad, 0U) << "after kill " << kill;
    TW_EXPECT_OK(site().start(Which::kPrimary));
  }
  // The next run clears away what was cut off and goes on.
  TW_EXPECT_OK(rest().post("/v1/backups/vault/run"));
  EXPECT_EQ(parts(folder), 0U);
  const auto verified = rest().post("/v1/backups/vault/verify");
  TW_ASSERT_OK(verified);
  EXPECT_GE(verified->at("data_keys").to_number<int>(), kKeys);
  std::printf("K17: kills %d, backups finished before %zu, cut off %zu, good files at the end %zu, bad 0\n",
              kills, finished, cut_off, good);
  EXPECT_GT(cut_off, 0U) << "no kill hit a backup";
}

}  // namespace
}  // namespace tapewarden::testing
