// A catalogue that is lost, with the engine's programs as operators use them: put together again from
// encrypted cartridges and key servers alone, then in use (feature row T12).
#include <gmock/gmock.h>

#include "base/counted.h"
#include "engine/scenario_site.h"

namespace tapewarden::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::size_t kThird = 8U << 20;  // of a small cartridge; a little less
constexpr std::size_t kSmall = 2U << 20;
constexpr int kRefused = 1;
constexpr int kUnavailable = 5;
constexpr int kDamaged = 6;

class CatalogueRebuild : public ScenarioSite {
 protected:
  static void SetUpTestSuite() {
    ScenarioSite::SetUpTestSuite();
    if (node_ == nullptr) return;
    TW_EXPECT_OK(make_group("REBUILD", 8));
    TW_EXPECT_OK(make_kek("REBUILD KEY"));
    TW_EXPECT_OK(add_cartridges("ENT001", "3592"));
    TW_EXPECT_OK(tapewarden({"engine", "add-cartridges", "SML001L9-SML004L9", "--kind", "LTO", "--capacity",
                             "26M", "--site", site().directory()}));
    TW_EXPECT_OK(site().wait_in_step());
    TW_EXPECT_OK(node().start());
    TW_EXPECT_OK(settle());
  }
  static Status settle() {
    TRY(node().set_pool(1, {{"encryption", "identified"}, {"key_group", "REBUILD"}}));
    TRY(node().set_pool(
        2, {{"name", "vault"}, {"media", "3592"}, {"encryption", "wrapped"}, {"label_1", "REBUILD KEY"}}));
    for (const auto& [name, pool] : {std::pair{"VAULT", 2}, std::pair{"NOWHERE", 3}})
      (void)TRY(
          node().as("officer-1").post("/v1/storage-groups", json::object{{"name", name}, {"pool", pool}}));
    TRY(node().insert_cartridges("SML001L9-SML004L9", 1));
    return node().insert_cartridges("ENT001", 2);
  }
  static Status saved(const std::string& volser, const json::object& constructs, ByteView data) {
    TRY(node().insert_volumes(volser, constructs));
    TRY(node().save(volser, data));
    return node().wait_until_copied(volser);
  }
  // `tapewarden catalogue rebuild`: exit status and all that it said.
  static CommandResult rebuild(std::vector<std::string> options = {}) {
    std::vector<std::string> words{program("tapewarden"), "catalogue", "rebuild", "--config", config_path()};
    words.insert(words.end(), options.begin(), options.end());
    const auto result = run_command(words, file("rebuild.log"), std::chrono::seconds{120});
    EXPECT_TRUE(result) << result.error().text();
    return result.value_or(CommandResult{});
  }
  // The files of the lost catalogue's cache are given up: exit status and all that it said.
  static CommandResult give_up_cache() {
    const auto result = run_command(
        {program("tapewarden-taped"), "accept-cache-loss", "--config", config_path(), "--folder", cache()},
        file("accept.log"), std::chrono::seconds{60});
    EXPECT_TRUE(result) << result.error().text();
    return result.value_or(CommandResult{});
  }
  static std::size_t cache_files() {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(cache()))
      if (entry.path().extension() == ".twc") ++count;
    return count;
  }
  static std::vector<std::string> catalogue_files() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(data()))
      if (entry.path().filename().string().starts_with("catalogue.db")) names.push_back(entry.path());
    return names;
  }
  // As [engine] of the configuration names it.
  static std::string data() { return file("engine/tape"); }
  static std::string cache() { return file("engine/cache"); }
  // What the key servers say of the drives behind the engine that take LTO.
  static Status judge_lto_drives(const std::string& verdict) {
    const auto bytes = read_bytes(config_path());
    const std::string config(bytes.begin(), bytes.end());
    const auto section = config.find("[[engine.back_end]]");
    static const std::regex kSerial("LTO (TW[0-9A-Z]{8})");
    const std::string drives = config.substr(section == std::string::npos ? 0 : section);
    for (auto at = std::sregex_iterator(drives.begin(), drives.end(), kSerial); at != std::sregex_iterator();
         ++at)
      TRY(rest().post("/v1/drives/00" + (*at)[1].str() + "/" + verdict));
    return site().wait_in_step();
  }
  static void expect_content(const std::string& volser, const Bytes& content) {
    EXPECT_EQ(node().residence(volser), "migrated") << volser;
    const auto back = node().restore(volser, content.size());
    TW_EXPECT_OK(back);
    EXPECT_TRUE(back && *back == content) << volser;
  }
};

TEST_F(CatalogueRebuild, T12_ALostCatalogueComesBackFromTheCartridges) {
  TW_EXPECT_OK(node().insert_volumes("CAC001", {{"storage_group", "NOWHERE"}}));
  TW_EXPECT_OK(node().save("CAC001", noise(kSmall, 1)));  // no cartridge: in the cache only
  TW_EXPECT_OK(node().insert_volumes("BLK001"));
  const auto vaulted = noise(kSmall, 2);
  TW_EXPECT_OK(saved("VLT001", {{"storage_group", "VAULT"}}, vaulted));
  std::vector<Bytes> contents;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    contents.push_back(noise(kThird, 2 + i));
    TW_EXPECT_OK(saved("REB00" + std::to_string(i), {}, contents.back()));
  }
  ASSERT_EQ(node().column("/v1/physical-volumes?state=full&pool=1", "barcode").size(), 1U) << node().log();
  const auto later = noise(kSmall, 9);  // after the backup was written
  TW_EXPECT_OK(saved("LAT001", {}, later));

  const auto running = rebuild({"--set-aside"});
  EXPECT_EQ(running.end.exit_code, kRefused);
  EXPECT_THAT(running.output, HasSubstr("stop tapewarden-taped"));
  TW_EXPECT_OK(node().stop());
  const auto there = rebuild();
  EXPECT_EQ(there.end.exit_code, kRefused);
  EXPECT_THAT(there.output, AllOf(HasSubstr("there is a catalogue"), HasSubstr("--set-aside")));

  ASSERT_FALSE(catalogue_files().empty());
  std::filesystem::remove_all(data());
  std::filesystem::remove(file("engine/library/inventory"));
  TW_EXPECT_OK(site().wait_in_step());
  TW_EXPECT_OK(site().stop(Which::kPrimary));
  TW_EXPECT_OK(site().stop(Which::kSecondary));
  const auto no_keys = rebuild();
  EXPECT_EQ(no_keys.end.exit_code, kUnavailable);
  EXPECT_THAT(no_keys.output, HasSubstr("no key server answers"));
  EXPECT_TRUE(catalogue_files().empty());
  TW_EXPECT_OK(site().start_both());

  const auto done = rebuild();
  EXPECT_EQ(done.end.exit_code, kDamaged) << done.output;
  EXPECT_THAT(done.output, AllOf(HasSubstr("5 of 5 cartridges"), HasSubstr("lost-volume (1)"),
                                 HasSubstr("CAC001"), HasSubstr("new-volume (1)"), HasSubstr("LAT001"),
                                 HasSubstr("is in its place"), HasSubstr("put back into the library"),
                                 HasSubstr("of the cache cannot be opened"), HasSubstr("accept-cache-loss")));
  const auto given_up = give_up_cache();
  EXPECT_EQ(given_up.end.exit_code, 0) << given_up.output;
  TW_EXPECT_OK(node().start());
  for (std::uint64_t i = 1; i <= 3; ++i) expect_content("REB00" + std::to_string(i), contents[i - 1]);
  expect_content("VLT001", vaulted);
  expect_content("LAT001", later);
  EXPECT_EQ(node().residence("CAC001"), "missing");
  EXPECT_EQ(node().residence("BLK001"), "empty");
  EXPECT_EQ(node().text("/v1/pools/2", "label_1"), "REBUILD KEY");
  // It writes on behind what it found.
  TW_EXPECT_OK(saved("NEW001", {{"storage_group", "VAULT"}}, vaulted));
  if (!node().taped().running()) return;
  TW_EXPECT_OK(node().stop());

  const auto again = rebuild({"--set-aside"});
  EXPECT_THAT(again.output,
              AllOf(HasSubstr("is in its place"), HasSubstr("The one that was there lies in ")));
  bool kept = false;
  for (const auto& entry : std::filesystem::directory_iterator(data()))
    kept = kept || (entry.path().filename().string().starts_with("set-aside-") &&
                    std::filesystem::exists(entry.path() / "catalogue.db"));
  EXPECT_TRUE(kept);
  for (const auto& entry : std::filesystem::directory_iterator(cache()))  // as one who keeps them aside
    if (entry.path().extension() == ".twc") std::filesystem::remove(entry.path());
  TW_EXPECT_OK(node().start());
  expect_content("NEW001", vaulted);
}

TEST_F(CatalogueRebuild, T12_WhileCartridgesCannotBeReadNothingIsPutInPlace) {
  const auto data_written = noise(kSmall, 20);
  TW_EXPECT_OK(saved("REF001", {}, data_written));
  TW_EXPECT_OK(node().stop());
  std::filesystem::remove_all(data());
  TW_EXPECT_OK(judge_lto_drives("reject"));
  const auto refused = rebuild();
  EXPECT_NE(refused.end.exit_code, 0);
  EXPECT_THAT(refused.output, Not(HasSubstr("is in its place")));
  EXPECT_TRUE(catalogue_files().empty()) << refused.output;

  TW_EXPECT_OK(judge_lto_drives("accept"));
  const auto done = rebuild();
  EXPECT_THAT(done.output, AllOf(HasSubstr("of them were read before"), HasSubstr("is in its place"),
                                 Not(HasSubstr("unread-cartridge"))));
  EXPECT_EQ(give_up_cache().end.exit_code, 0);
  TW_EXPECT_OK(node().start());
  expect_content("REF001", data_written);
}

// The old catalogue may turn out to be good after all, or the configuration may name another engine's cache.
TEST_F(CatalogueRebuild, T12_NoFileOfTheCacheGoesBeforeItIsGivenUp) {
  const auto data_written = noise(kSmall, 30);
  TW_EXPECT_OK(saved("KEP001", {}, data_written));
  TW_EXPECT_OK(node().stop());
  const auto files = cache_files();
  ASSERT_GT(files, 0U);
  const auto done = rebuild({"--set-aside"});
  EXPECT_THAT(done.output, AllOf(HasSubstr("is in its place"), HasSubstr("accept-cache-loss")));
  EXPECT_FALSE(node().start());
  EXPECT_THAT(node().log(), AllOf(HasSubstr("is the cache of another catalogue"), HasSubstr(cache())));
  EXPECT_EQ(cache_files(), files) << node().log();
  const auto given_up = give_up_cache();
  EXPECT_EQ(given_up.end.exit_code, 0) << given_up.output;
  EXPECT_THAT(given_up.output, HasSubstr(counted(files, "file")));
  TW_EXPECT_OK(node().start());
  expect_content("KEP001", data_written);
}

}  // namespace
}  // namespace tapewarden::testing
