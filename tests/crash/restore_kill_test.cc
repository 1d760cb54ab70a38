// K17: kill -9 in the middle of restores, again and again; the server's folder is there whole, or not at all.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "crash/kills.h"
#include "integration/running_site.h"

namespace tapewarden::testing {
namespace {

constexpr int kKills = 200;
constexpr int kKeys = 2000;
constexpr std::string_view kPassphrase = "seven lonely custodians wait";

void write_secret(const std::string& path, std::string_view text) {
  std::ofstream(path) << text << "\n";
  std::filesystem::permissions(path,
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

class RestoreKills : public RunningSite {
 protected:
  // A base and an increment, and nothing left of the server itself.
  static Status lose_the_server() {
    TRY(site().stop(Which::kSecondary));
    TRY(site().stop(Which::kPrimary));
    TRY(site().without_peer(Which::kPrimary));
    TRY(site().start(Which::kPrimary));
    TRY(make_group("K17", kKeys));
    std::filesystem::create_directories(site().path("vault"));
    TRY(rest().post("/v1/backups", json::object{{"name", "vault"},
                                                {"directory", site().path("vault")},
                                                {"domain", "vault"},
                                                {"passphrase", kPassphrase}}));
    TRY(rest().post("/v1/backups/vault/run"));
    TRY(rest().post("/v1/keys", json::object{{"count", kKeys}, {"group", "K17"}}));
    TRY(rest().post("/v1/backups/vault/run"));
    TRY(site().stop(Which::kPrimary));
    std::filesystem::remove_all(site().folder(Which::kPrimary));
    write_secret(site().path("backup-passphrase"), kPassphrase);
    write_secret(site().path("new-passphrase"), "a wholly new passphrase");
    return {};
  }

  static std::vector<std::string> command() {
    return {program("tapewarden-keyd"),
            "restore",
            "--from",
            site().path("vault"),
            "--to",
            site().folder(Which::kPrimary),
            "--passphrase-file",
            site().path("backup-passphrase"),
            "--new-passphrase-file",
            site().path("new-passphrase"),
            "--ca",
            site().path("ca/authority.crt")};
  }

  static bool there() { return std::filesystem::exists(site().folder(Which::kPrimary)); }

  // Working folders that a killed restore left beside the server's.
  static std::size_t left_beside() {
    const std::filesystem::path folder = site().folder(Which::kPrimary);
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.parent_path())) {
      const std::string name = entry.path().filename().string();
      const bool same_start = name.starts_with(folder.filename().string());
      if (entry.is_directory() && same_start && entry.path() != folder) ++count;
    }
    return count;
  }
};

TEST_F(RestoreKills, K17_KilledInTheMiddleOfARestoreTwoHundredTimes) {
  TW_EXPECT_OK(lose_the_server());
  const std::string log = site().path("restore.log");
  const auto begun = std::chrono::steady_clock::now();
  const auto whole = run_command(command(), log, std::chrono::seconds{120});
  const auto usual =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun);
  TW_ASSERT_OK(whole);
  ASSERT_EQ(whole->end.exit_code, 0) << whole->output;

  std::mt19937 random(1717);
  std::uniform_int_distribution<std::int64_t> life(0, usual.count() * 11 / 10);
  int cut_off = 0;
  int finished = 0;
  for (int kill = 0; kill < kills_wanted(kKills) && !HasFailure(); ++kill) {
    std::filesystem::remove_all(site().folder(Which::kPrimary));
    auto restore = Process::start(command(), log);
    TW_ASSERT_OK(restore);
    std::this_thread::sleep_for(std::chrono::microseconds{life(random)});
    restore->kill();
    if (!there()) {
      ++cut_off;
      continue;
    }
    ++finished;
    const auto checked = site().check(Which::kPrimary);
    TW_ASSERT_OK(checked);
    EXPECT_EQ(checked->end.exit_code, 0) << "after kill " << kill << ": " << checked->output;
  }
  std::printf("K17: kills %d, restores cut off %d, finished before %d, each of these whole\n",
              kills_wanted(kKills), cut_off, finished);
  EXPECT_GT(cut_off, 0) << "no kill hit a restore";

  // Whatever was left lying about, the next restore goes through and clears it away.
  std::filesystem::remove_all(site().folder(Which::kPrimary));
  const auto last = run_command(command(), log, std::chrono::seconds{120});
  TW_ASSERT_OK(last);
  ASSERT_EQ(last->end.exit_code, 0) << last->output;
  EXPECT_EQ(left_beside(), 0U);
  const auto checked = site().check(Which::kPrimary);
  TW_ASSERT_OK(checked);
  EXPECT_EQ(checked->end.exit_code, 0) << checked->output;
  TW_EXPECT_OK(site().start(Which::kPrimary));
  const auto group = rest().get("/v1/groups/K17");
  TW_ASSERT_OK(group);
  EXPECT_EQ(group->at("total").to_number<int>(), 2 * kKeys);
}

}  // namespace
}  // namespace tapewarden::testing
