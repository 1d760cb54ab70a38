// K18: kill -9 in the middle of imports of one large file, again and again; what is there afterwards came in
// whole batches, and importing the file again completes it.
#include <cstdlib>
#include <random>
#include <thread>

#include "integration/installation.h"

namespace tapewarden::testing {
namespace {

constexpr int kKills = 12;
constexpr int kKeys = 20'000;
constexpr int kBatch = 500;              // keymgr/sharing/limits.h: kKeysPerTransaction
constexpr unsigned kLongestLife = 2500;  // milliseconds after the import was asked for

int kills_wanted() {
  const char* text = std::getenv("TAPEWARDEN_KILLS");
  return text != nullptr ? std::atoi(text) : kKills;
}

Result<int> keys_at(Installation& site) {
  std::string after;
  int count = 0;
  do {
    const auto page = TRY(site.site()
                              .rest(Which::kPrimary)
                              .get("/v1/keys?limit=1000" + (after.empty() ? "" : "&after=" + after)));
    count += static_cast<int>(page.at("items").as_array().size());
    after = std::string(page.at("next").as_string());
  } while (!after.empty());
  return count;
}

TEST(SharingKills, K18_AnImportKilledAgainAndAgainIsCompletedByTheSameFile) {
  Installation source;
  Installation destination;
  TW_ASSERT_OK(source.start());
  TW_ASSERT_OK(destination.start());
  TW_ASSERT_OK(introduce(source, destination, "VIENNA"));
  TW_ASSERT_OK(introduce(destination, source, "MUNICH"));
  auto& rest = source.site().rest(Which::kPrimary);
  TW_ASSERT_OK(rest.post("/v1/groups", json::object{{"name", "LARGE"}}));
  TW_ASSERT_OK(rest.post("/v1/keys", json::object{{"count", kKeys}, {"group", "LARGE"}}));
  const std::string file = source.file("large.keys");
  TW_ASSERT_OK(source.both_officers(
      {"key", "export", "--to", "VIENNA", "--group", "LARGE", "--unused", "--output", file}));
  TW_EXPECT_OK(source.stop());

  const auto before = keys_at(destination);
  TW_ASSERT_OK(before);
  std::mt19937 random(18);
  int cut_off = 0;
  for (int kill = 0; kill < kills_wanted() && !::testing::Test::HasFailure(); ++kill) {
    std::thread runner([&] { (void)destination.officer({"key", "import", file}); });
    std::this_thread::sleep_for(std::chrono::milliseconds{random() % kLongestLife});
    destination.site().kill_hard(Which::kPrimary);
    runner.join();
    TW_ASSERT_OK(destination.site().start(Which::kPrimary));
    const auto now = keys_at(destination);
    TW_ASSERT_OK(now);
    EXPECT_EQ((*now - *before) % kBatch, 0) << "half a batch after kill " << kill;
    if (*now > *before && *now - *before < kKeys) {
      ++cut_off;
      const auto told = destination.officer({"partner", "transfers"});
      TW_ASSERT_OK(told);
      EXPECT_NE(told->find("it was cut off"), std::string::npos) << *told;
    }
  }
  TW_EXPECT_OK(destination.site().wait_in_step());
  TW_ASSERT_OK(destination.officer({"key", "import", file}));
  const auto after = keys_at(destination);
  TW_ASSERT_OK(after);
  EXPECT_EQ(*after - *before, kKeys);
  const auto told = destination.officer({"partner", "transfers"});
  TW_ASSERT_OK(told);
  EXPECT_EQ(told->find("it was cut off"), std::string::npos) << *told;
  std::printf("K18: kills %d, of which %d within the import; all keys there at the end\n", kills_wanted(),
              cut_off);
  TW_EXPECT_OK(destination.stop());
}

}  // namespace
}  // namespace tapewarden::testing
