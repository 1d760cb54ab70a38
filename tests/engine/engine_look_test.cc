// What operators and hosts learn of a running engine: requests that a host writes on a volume, statistics,
// the drives behind it (feature rows T9, T10). A host over iSCSI, one engine, key servers, each a process.
#include <gmock/gmock.h>

#include "base/text.h"
#include "engine/scenario_site.h"
#include "scsi/cdb.h"

namespace tapewarden::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::size_t kVolume = 3U << 20;
constexpr int kPool = 11;
const std::string kRequest = "VTS BULK VOLUME DATA REQUEST\n";

class EngineLook : public ScenarioSite {
 protected:
  static void SetUpTestSuite() {
    ScenarioSite::SetUpTestSuite();
    if (node_ == nullptr) return;
    TW_EXPECT_OK(make_group("LOOK", 8));
    TW_EXPECT_OK(add_cartridges("LTO001L9-LTO003L9", "LTO"));
    TW_EXPECT_OK(site().wait_in_step());
    TW_EXPECT_OK(node().start());
    TW_EXPECT_OK(node().set_pool(kPool, {{"encryption", "identified"}, {"key_group", "LOOK"}}));
    TW_EXPECT_OK(node().insert_cartridges("LTO001L9-LTO003L9", kPool));
    (void)node().as("officer-1").post("/v1/storage-groups", json::object{{"name", "LOOK"}, {"pool", kPool}});
  }
  static Status insert(const std::string& volser) {
    return node().insert_volumes(volser, {{"storage_group", "LOOK"}});
  }
  static Status ask(const std::string& volser, const std::string& text) {
    return node().save(volser, as_bytes(text));
  }
  // What stands in the volume's first record at its next mount.
  static std::string answer_on(const std::string& volser) {
    const auto data = node().restore(volser, 1);
    return data ? std::string(as_text(*data)) : data.error().text() + node().log();
  }
  // Of all records of the last day.
  static std::uint64_t counted(std::string_view measure) {
    const auto history = node().look("/v1/statistics?format=json&interval=1h");
    EXPECT_TRUE(history) << history.error().text();
    std::uint64_t sum = 0;
    if (history)
      for (const auto& row : history->at("rows").as_array())
        sum += row.at(measure).to_number<std::uint64_t>();
    return sum;
  }
};

TEST_F(EngineLook, T10_AHostReadsTheAnswerThatItAskedForOnAVolume) {
  TW_EXPECT_OK(insert("ASK001"));
  TW_EXPECT_OK(insert("ASK002"));
  TW_EXPECT_OK(node().save("ASK001", noise(kVolume, 1)));
  TW_EXPECT_OK(node().wait_until_copied("ASK001"));
  TW_EXPECT_OK(ask("ASK002", kRequest + "VOLUME MAP\nFORMAT CSV\n"));
  EXPECT_THAT(answer_on("ASK002"), AllOf(HasSubstr("LTO001L9"), HasSubstr("ASK001"), Not(HasSubstr("END"))));
  EXPECT_EQ(node().text("/v1/volumes/ASK002", "category"), "private");
  // The answer is content like any other.
  TW_EXPECT_OK(node().wait_until_copied("ASK002"));
  // Records of 80 characters, on the same volume again.
  std::string records = "VTS BULK VOLUME DATA REQUEST";
  records.resize(80, ' ');
  records += "VOLUME STATUS ASK*";
  records.resize(160, ' ');
  TW_EXPECT_OK(ask("ASK002", records));
  EXPECT_THAT(answer_on("ASK002"), AllOf(StartsWith("TAPEWARDEN BULK VOLUME DATA, LAYOUT"),
                                         HasSubstr("ASK001"), HasSubstr("END, 2 ROWS")));
  TW_EXPECT_OK(ask("ASK002", kRequest + "POINT IN TIME STATISTICS\n"));
  EXPECT_THAT(answer_on("ASK002"), HasSubstr("host_bytes_written"));
}

TEST_F(EngineLook, T10_WhatIsNoRequestStaysAndWhatIsWrongIsToldOnTheVolume) {
  TW_EXPECT_OK(insert("ASK003"));
  const auto data = "a letter about the\n" + kRequest + "VOLUME MAP\n";
  TW_EXPECT_OK(ask("ASK003", data));
  EXPECT_EQ(answer_on("ASK003"), data);
  TW_EXPECT_OK(ask("ASK003", kRequest + "VOLUME MAP\nFORMAT PUNCHED\n"));
  EXPECT_THAT(answer_on("ASK003"), StartsWith("TAPEWARDEN BULK VOLUME DATA, REFUSED\n"));
}

TEST_F(EngineLook, T10_AKillLeavesTheRequestOrTheAnswer) {
  TW_EXPECT_OK(insert("ASK004"));
  for (int i = 0; i < 3; ++i) {
    TW_EXPECT_OK(ask("ASK004", kRequest + "PHYSICAL MEDIA POOLS\n"));
    node().kill_hard();
    TW_EXPECT_OK(node().start());
    EXPECT_THAT(answer_on("ASK004"),
                AllOf(StartsWith("TAPEWARDEN BULK VOLUME DATA, LAYOUT"), HasSubstr("PHYSICAL MEDIA POOLS")));
  }
}

TEST_F(EngineLook, T10_EachMeasureTellsWhatHappened) {
  TW_EXPECT_OK(insert("CNT001"));
  TW_EXPECT_OK(node().save("CNT001", noise(kVolume, 2)));
  TW_EXPECT_OK(node().wait_until_copied("CNT001"));
  TW_EXPECT_OK(node().restore("CNT001", kVolume));
  TW_EXPECT_OK(node().evict({"CNT001"}));
  TW_EXPECT_OK(node().restore("CNT001", kVolume));
  TW_EXPECT_OK(node().stop());
  TW_EXPECT_OK(node().start());
  EXPECT_GE(counted("host_bytes_written"), kVolume);
  EXPECT_GE(counted("host_bytes_read"), 2 * kVolume);
  for (const auto* measure :
       {"fast_ready_mounts", "hit_mounts", "miss_mounts", "volumes_copied", "volumes_recalled",
        "volumes_evicted", "physical_mounts", "keys_fetched", "physical_mount_longest_ms"})
    EXPECT_GE(counted(measure), 1U) << measure;
  for (const auto* measure : {"encrypted_bytes_copied", "bytes_recalled", "bytes_evicted"})
    EXPECT_GE(counted(measure), kVolume) << measure;
  EXPECT_GE(counted("cache_bytes_highest"), kVolume);
  EXPECT_GE(counted("virtual_drives_in_use_highest"), 1U);
  EXPECT_EQ(counted("clear_bytes_copied"), 0U);
  EXPECT_EQ(counted("physical_mounts_failed"), 0U) << node().log();
  const auto pools = node().look("/v1/statistics?by=pool&format=json");
  TW_ASSERT_OK(pools);
  ASSERT_FALSE(pools->at("rows").as_array().empty());
  EXPECT_EQ(pools->at("rows").at(0).at("pool"), kPool);
  const auto told = tapewarden({"statistics", "--interval", "1d", "--from", "2020-01-01", "--format", "csv",
                                "--site", site().directory(), "--as", "operator"});
  TW_ASSERT_OK(told);
  EXPECT_THAT(*told, HasSubstr("began,host_bytes_written"));
  const auto now = tapewarden({"statistics", "--site", site().directory(), "--as", "operator"});
  TW_ASSERT_OK(now);
  EXPECT_THAT(*now, HasSubstr("cache_bytes"));
}

TEST_F(EngineLook, T9_ADriveThatIsTakenOfflineDoesNoWorkUntilItIsBack) {
  const auto command = [](std::vector<std::string> words) {
    words.insert(words.end(), {"--site", site().directory(), "--as", "operator"});
    const auto said = tapewarden(std::move(words));
    return said ? *said : said.error().text();
  };
  const auto kinds = node().column("/v1/physical-drives", "kind");
  const auto serials = node().column("/v1/physical-drives", "serial");
  ASSERT_EQ(kinds.size(), 2U);
  const auto lto = serials.at(kinds.at(0) == "LTO" ? 0 : 1);
  ASSERT_TRUE(eventually([&] {
    return command({"physical-drive", "offline", lto, "--reason", "cleaning"}).find("offline") !=
           std::string::npos;
  }));
  EXPECT_THAT(command({"physical-drive", "list"}), HasSubstr("cleaning"));
  EXPECT_THAT(node().column("/v1/interventions", "text"), Contains(HasSubstr("cleaning")));
  TW_EXPECT_OK(insert("OFF001"));
  TW_EXPECT_OK(node().save("OFF001", noise(kVolume, 3)));
  EXPECT_THAT(command({"engine", "cache"}), HasSubstr("due_bytes"));
  EXPECT_EQ(node().residence("OFF001"), "cached");
  EXPECT_THAT(command({"physical-drive", "online", lto}), HasSubstr(lto));
  TW_EXPECT_OK(node().wait_until_copied("OFF001"));
  EXPECT_TRUE(eventually([&] { return node().interventions().empty(); }));
}

}  // namespace
}  // namespace tapewarden::testing
