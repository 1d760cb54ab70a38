// K18: kill -9 in the middle of imports of a file, again and again; what is there afterwards came in whole
// batches, and importing the file again completes it.
#include <chrono>
#include <filesystem>
#include <random>
#include <thread>

#include "crash/kills.h"
#include "integration/installation.h"

namespace tapewarden::testing {
namespace {

constexpr int kKills = 200;
constexpr int kKeys = 4000;
constexpr int kKillsThatMustHit = 20;
constexpr int kBatch = 500;  // keymgr/sharing/limits.h: kKeysPerTransaction

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

// A file of keys, and an installation of one server that may import it; the server's folder can be put back
// to before the import.
class SharingKills : public ::testing::Test {
 protected:
  Status prepare() {
    TRY(source_.start());
    TRY(destination_.start());
    TRY(destination_.stop());
    TRY(destination_.site().without_peer(Which::kPrimary));
    TRY(destination_.site().start(Which::kPrimary));
    TRY(introduce(source_, destination_, "VIENNA"));
    TRY(introduce(destination_, source_, "MUNICH"));
    auto& rest = source_.site().rest(Which::kPrimary);
    TRY(rest.post("/v1/groups", json::object{{"name", "LARGE"}}));
    TRY(rest.post("/v1/keys", json::object{{"count", kKeys}, {"group", "LARGE"}}));
    TRY(source_.both_officers(
        {"key", "export", "--to", "VIENNA", "--group", "LARGE", "--unused", "--output", file()}));
    TRY(source_.stop());
    TRY(destination_.site().stop(Which::kPrimary));
    std::filesystem::copy(folder(), folder() + "-before", std::filesystem::copy_options::recursive);
    return destination_.site().start(Which::kPrimary);
  }
  // As if the import had never been asked for. REQUIRES: the server does not run.
  void put_back() {
    std::filesystem::remove_all(folder());
    std::filesystem::copy(folder() + "-before", folder(), std::filesystem::copy_options::recursive);
  }
  Result<std::string> import() { return destination_.officer({"key", "import", file()}); }
  Result<std::string> transfers() { return destination_.officer({"partner", "transfers"}); }
  std::string file() const { return source_.file("large.keys"); }
  std::string folder() { return destination_.site().folder(Which::kPrimary); }

  Installation source_;
  Installation destination_;
};

TEST_F(SharingKills, K18_AnImportKilledTwoHundredTimesIsCompletedByTheSameFile) {
  TW_ASSERT_OK(prepare());
  const auto before = keys_at(destination_);
  TW_ASSERT_OK(before);
  const auto begun = std::chrono::steady_clock::now();
  TW_ASSERT_OK(import());
  const auto usual =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun);

  std::mt19937 random(18);
  std::uniform_int_distribution<std::int64_t> life(0, usual.count());
  int cut_off = 0;
  int came = kKeys;
  for (int kill = 0; kill < kills_wanted(kKills) && !HasFailure(); ++kill) {
    destination_.site().kill_hard(Which::kPrimary);
    if (came == kKeys) put_back();
    TW_ASSERT_OK(destination_.site().start(Which::kPrimary));
    std::thread runner([&] { (void)import(); });
    std::this_thread::sleep_for(std::chrono::microseconds{life(random)});
    destination_.site().kill_hard(Which::kPrimary);
    runner.join();
    TW_ASSERT_OK(destination_.site().start(Which::kPrimary));
    const auto now = keys_at(destination_);
    TW_ASSERT_OK(now);
    came = *now - *before;
    EXPECT_EQ(came % kBatch, 0) << "half a batch after kill " << kill;
    if (came == 0 || came == kKeys) continue;
    ++cut_off;
    const auto told = transfers();
    TW_ASSERT_OK(told);
    EXPECT_NE(told->find("it was cut off"), std::string::npos) << *told;
  }
  TW_ASSERT_OK(import());
  const auto after = keys_at(destination_);
  TW_ASSERT_OK(after);
  EXPECT_EQ(*after - *before, kKeys);
  const auto told = transfers();
  TW_ASSERT_OK(told);
  EXPECT_EQ(told->find("it was cut off"), std::string::npos) << *told;
  if (kills_wanted(kKills) >= kKillsThatMustHit) {
    EXPECT_GT(cut_off, 0) << "no kill hit an import";
  }
  std::printf("K18: kills %d, of which %d left a part of the import; all keys there at the end\n",
              kills_wanted(kKills), cut_off);
  TW_EXPECT_OK(destination_.site().stop(Which::kPrimary));
}

}  // namespace
}  // namespace tapewarden::testing
