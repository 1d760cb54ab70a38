// A catalogue that is lost, with the engine's programs as operators use them: put together again from
// encrypted cartridges and key servers alone, then in use (feature row T12).
#include <gmock/gmock.h>
#include <sstream>

#include "base/counted.h"
#include "engine/scenario_site.h"

namespace tapewarden::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
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
    TW_EXPECT_OK(make_kek("LATE KEY"));
    TW_EXPECT_OK(add_cartridges("ENT001-ENT003", "3592"));
    TW_EXPECT_OK(tapewarden({"engine", "add-cartridges", "SML001L9-SML008L9", "--kind", "LTO", "--capacity",
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
  // The report of `catalogue rebuild --json` among what it said.
  static json::object report_in(const CommandResult& result) {
    const auto at = result.output.rfind("\n{\"engine\"");
    if (at == std::string::npos) ADD_FAILURE() << result.output;
    return at == std::string::npos ? json::object() : json::parse(result.output.substr(at + 1)).as_object();
  }
  // Subjects of one kind of finding.
  static std::vector<std::string> found(const json::object& report, std::string_view kind) {
    std::vector<std::string> out;
    if (!report.contains("findings")) return out;
    for (const auto& finding : report.at("findings").as_array())
      if (finding.at("kind").as_string() == kind)
        for (const auto& item : finding.at("items").as_array())
          out.emplace_back(item.at("subject").as_string());
    return out;
  }
  // The first block of that tape file, which is the header of its image, cannot be read any more.
  static void damage_header(const std::string& barcode, std::uint8_t tape_file) {
    constexpr std::uint8_t kData = 2;
    constexpr std::size_t kTypeAt = 5;
    constexpr std::size_t kFileNumberAt = 24;  // u32
    constexpr std::size_t kHeader = 64;
    const auto path = file("engine/back-end/cartridges/" + barcode + ".twc");
    auto bytes = read_bytes(path);
    const std::string_view magic = "TWRC";
    for (auto at = bytes.begin();; ++at) {
      at = std::search(at, bytes.end(), magic.begin(), magic.end());
      ASSERT_GT(bytes.end() - at, static_cast<std::ptrdiff_t>(2 * kHeader)) << "no such tape file";
      if (at[kTypeAt] != kData || at[kFileNumberAt + 3] != tape_file) continue;
      at[kHeader + 1] ^= 0xffU;
      break;
    }
    std::ofstream(path, std::ios::binary)
        .write(as_text(bytes).data(), static_cast<std::streamsize>(bytes.size()));
  }
  static void expect_audited(const std::string& outcome, const std::string& field) {
    const auto bytes = read_bytes(file("engine/data/audit/audit.jsonl"));
    std::istringstream lines{std::string(as_text(bytes))};
    std::string last;
    for (std::string line; std::getline(lines, line);)
      if (line.find("\"catalogue.rebuild\"") != std::string::npos) last = line;
    EXPECT_THAT(last, AllOf(HasSubstr("\"outcome\":\"" + outcome + "\""), HasSubstr(field),
                            HasSubstr("catalogue-rebuild"), HasSubstr("\"at\":\"20")));
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
  expect_audited("failure", "no key server answers");
  TW_EXPECT_OK(site().start_both());

  const auto done = rebuild();
  EXPECT_EQ(done.end.exit_code, kDamaged) << done.output;
  expect_audited("success", "lost-volume 1");
  EXPECT_THAT(done.output, AllOf(HasSubstr("11 of 11 cartridges"), HasSubstr("lost-volume (1)"),
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

// Pools with keys of a group and with KEKs, second copies, volumes withdrawn and written anew on either side
// of the backup, settings changed behind it, a cartridge whose key is refused and one with a bad block.
TEST_F(CatalogueRebuild, T12_EveryVolumeOnACartridgeIsBackAndWhatCannotBeKnownIsListed) {
  TW_EXPECT_OK(
      node().set_pool(4, {{"name", "before"}, {"encryption", "identified"}, {"key_group", "REBUILD"}}));
  TW_EXPECT_OK(node().set_pool(
      5, {{"media", "3592"}, {"encryption", "wrapped"}, {"label_1", "REBUILD KEY"}, {"mode_1", "hash"}}));
  TW_EXPECT_OK(node().set_pool(
      6, {{"media", "3592"}, {"encryption", "wrapped"}, {"label_1", "LATE KEY"}, {"mode_1", "clear"}}));
  TW_EXPECT_OK(node().set_pool(7, {{"encryption", "identified"}, {"key_group", "REBUILD"}}));
  for (const auto& [barcodes, pool] :
       {std::pair{"SML005L9-SML007L9", 4}, {"ENT002", 5}, {"ENT003", 6}, {"SML008L9", 7}})
    TW_EXPECT_OK(node().insert_cartridges(barcodes, pool));
  auto& officer = node().as("officer-1");
  for (const auto& [name, pool] : {std::pair{"FOUR", 4}, {"SIX", 6}, {"SEVEN", 7}})
    TW_EXPECT_OK(officer.post("/v1/storage-groups", json::object{{"name", name}, {"pool", pool}}));
  TW_EXPECT_OK(officer.post("/v1/management-classes", json::object{{"name", "TWICE"}, {"pool", 5}}));
  const json::object once{{"storage_group", "FOUR"}};
  const json::object twice{{"storage_group", "FOUR"}, {"management_class", "TWICE"}};
  const json::object seven{{"storage_group", "SEVEN"}, {"management_class", "TWICE"}};

  // Before the backup.
  std::map<std::string, Bytes> contents;
  const auto save = [&](const std::string& volser, const json::object& constructs, std::size_t bytes) {
    contents[volser] = noise(bytes, 100 + contents.size());
    TW_EXPECT_OK(saved(volser, constructs, contents[volser]));
  };
  const auto withdraw = [&](const std::string& volser) {
    TW_EXPECT_OK(node().as("operator").post("/v1/volumes/" + volser + "/scratch"));
    TW_EXPECT_OK(node().as("operator").remove("/v1/volumes/" + volser));
    contents.erase(volser);
  };
  save("OVR001", twice, kSmall);
  for (const auto* volser : {"WDR001", "WDR002"}) save(volser, once, kSmall);
  withdraw("WDR001");
  save("GON001", {{"storage_group", "SIX"}}, kSmall);
  for (const auto* volser : {"BAD001", "BAD002", "BAD003"}) save(volser, seven, kSmall);
  for (const auto* volser : {"TWO001", "TWO002", "TWO003"}) save(volser, twice, kThird);
  ASSERT_EQ(node().column("/v1/physical-volumes?state=full&pool=4", "barcode").size(), 1U) << node().log();
  // Behind it.
  TW_EXPECT_OK(node().set_pool(4, {{"name", "behind"}}));
  withdraw("WDR002");
  contents["OVR001"] = noise(kSmall, 200);
  TW_EXPECT_OK(node().save("OVR001", contents["OVR001"]));
  TW_EXPECT_OK(node().wait_until_copied("OVR001"));
  save("LAT002", twice, kSmall);

  TW_EXPECT_OK(node().stop());
  damage_header("SML008L9", 2);  // BAD002
  std::filesystem::remove_all(data());
  std::filesystem::remove(file("engine/library/inventory"));
  TW_EXPECT_OK(rest().remove("/v1/keks/LATE%20KEY/labels/LATE%20KEY"));
  TW_EXPECT_OK(site().wait_in_step());
  const auto refused = rebuild({"--json"});
  EXPECT_NE(refused.end.exit_code, 0);
  EXPECT_FALSE(report_in(refused).at("in_place").as_bool());
  EXPECT_THAT(found(report_in(refused), "unread-cartridge"), ElementsAre("ENT003"));
  expect_audited("failure", "unread-cartridge 1");
  EXPECT_TRUE(catalogue_files().empty());

  const auto done = rebuild({"--incomplete", "--json"});
  EXPECT_EQ(done.end.exit_code, kDamaged) << done.output;
  const auto report = report_in(done);
  EXPECT_TRUE(report.at("in_place").as_bool());
  EXPECT_THAT(found(report, "needs-cartridge"), ElementsAre("GON001"));
  EXPECT_THAT(found(report, "damaged-image"), ElementsAre(HasSubstr("SML008L9")));
  EXPECT_THAT(found(report, "new-volume"), Contains("LAT002"));
  EXPECT_THAT(found(report, "deleted-since"), Contains("WDR002"));
  EXPECT_THAT(found(report, "settings-since"), Not(IsEmpty()));
  for (const auto& [volser, content] : contents)
    EXPECT_THAT(found(report, "lost-volume"), Not(Contains(volser)));
  expect_audited("success", "needs-cartridge 1");

  EXPECT_EQ(give_up_cache().end.exit_code, 0);
  TW_EXPECT_OK(node().start());
  EXPECT_EQ(node().text("/v1/pools/4", "name"), "before") << "as of the newest backup";
  EXPECT_EQ(node().text("/v1/pools/5", "label_1"), "REBUILD KEY");
  EXPECT_EQ(node().text("/v1/volumes/TWO001", "management_class"), "TWICE");
  EXPECT_FALSE(node().look("/v1/volumes/WDR001"));
  // Deleted is all that a tombstone tells: what was withdrawn behind the backup is there without its content.
  EXPECT_EQ(node().residence("WDR002"), "empty");
  for (const auto& [volser, content] : contents)
    if (volser != "GON001") expect_content(volser, content);
  // Its key is there again: what was known of the cartridge is enough to read it.
  const auto late = rest().get("/v1/keks");
  TW_ASSERT_OK(late);
  for (const auto& kek : late->at("items").as_array())
    if (kek.at("labels").as_array().empty())
      TW_EXPECT_OK(rest().post("/v1/keks/" + std::string(kek.at("id").as_string()) + "/labels",
                               json::object{{"label", "LATE KEY"}}));
  TW_EXPECT_OK(site().wait_in_step());
  expect_content("GON001", contents["GON001"]);
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
