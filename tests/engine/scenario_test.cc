// The overview "TS7700 encryption" as it runs, paragraph by paragraph: hosts over iSCSI, one tape engine, and
// two key servers, each a process (feature rows T2 to T5, T8, T10, T11).
#include <gmock/gmock.h>

#include "engine/scenario_site.h"
#include "scsi/sense_codes.h"

namespace tapewarden::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr std::size_t kVolume = 20U << 20;
constexpr std::size_t kSmall = 3U << 20;
constexpr std::size_t kThird = 8U << 20;  // of a small cartridge; a little less

class Overview : public ScenarioSite {
 protected:
  static void SetUpTestSuite() {
    ScenarioSite::SetUpTestSuite();
    if (node_ == nullptr) return;
    for (const auto* group : {"STORY", "DAILY"}) TW_EXPECT_OK(make_group(group, 8));
    for (const auto* label : {"June 2007 Key", "June 2007 DR Site Key", "KEK 1", "KEK 2"})
      TW_EXPECT_OK(make_kek(label));
    TW_EXPECT_OK(add_cartridges("LTO001L9-LTO012L9", "LTO"));
    TW_EXPECT_OK(add_cartridges("ENT001-ENT008", "3592"));
    TW_EXPECT_OK(tapewarden({"engine", "add-cartridges", "SML001L9-SML004L9", "--kind", "LTO", "--capacity",
                             "26M", "--site", site().directory()}));
    TW_EXPECT_OK(site().wait_in_step());
    TW_EXPECT_OK(node().start());
  }
  static Status pool_of_group(int pool, const std::string& group) {
    return node().set_pool(pool, {{"encryption", "identified"}, {"key_group", group}});
  }
  static Status pool_of_labels(int pool, const json::object& labels) {
    json::object settings{{"media", "3592"}, {"encryption", "wrapped"}};
    for (const auto& [name, value] : labels) settings[name] = value;
    return node().set_pool(pool, settings);
  }
  static Status storage_group(const std::string& name, int pool) {
    (void)TRY(
        node().as("officer-1").post("/v1/storage-groups", json::object{{"name", name}, {"pool", pool}}));
    return {};
  }
  // A volume of the storage group, written and copied.
  static Status saved(const std::string& volser, const std::string& group, ByteView data) {
    TRY(node().insert_volumes(volser, {{"storage_group", group}}));
    TRY(node().save(volser, data));
    return node().wait_until_copied(volser);
  }
  static std::vector<std::string> cartridges_of(const std::string& volser) {
    const auto volume = node().look("/v1/volumes/" + volser);
    if (!volume) return {volume.error().text()};
    std::vector<std::string> out;
    for (const auto& copy : volume->at("copies").as_array())
      out.emplace_back(copy.at("physical_volume").as_string());
    return out;
  }
  // In the last mount; it is remembered when it has ended.
  static void expect_giver(const std::string& name, const std::string& giver) {
    EXPECT_TRUE(eventually([&] { return key_giver(name).starts_with(giver); })) << key_giver(name);
  }
  static std::string field_of(const std::string& barcode, std::string_view field) {
    return node().text("/v1/physical-volumes/" + barcode, field);
  }
};

TEST_F(Overview, T5_WholeStoryWrittenOverIscsiEvictedAndRecalledThroughTheSecondary) {
  TW_EXPECT_OK(pool_of_group(11, "STORY"));
  TW_EXPECT_OK(pool_of_labels(12, {{"label_1", "June 2007 Key"},
                                   {"mode_1", "clear"},
                                   {"label_2", "June 2007 DR Site Key"},
                                   {"mode_2", "hash"}}));
  TW_EXPECT_OK(node().insert_cartridges("LTO001L9", 11));
  TW_EXPECT_OK(node().insert_cartridges("ENT001", 12));
  TW_EXPECT_OK(storage_group("STORYLTO", 11));
  TW_EXPECT_OK(storage_group("STORYENT", 12));
  const auto lto = noise(kVolume, 1);
  const auto enterprise = noise(kVolume, 2);
  TW_EXPECT_OK(saved("STO001", "STORYLTO", lto));
  TW_EXPECT_OK(saved("STO002", "STORYENT", enterprise));
  EXPECT_THAT(cartridges_of("STO001"), ElementsAre("LTO001L9"));
  EXPECT_THAT(cartridges_of("STO002"), ElementsAre("ENT001"));
  for (const auto* volser : {"STO001", "STO002"}) expect_giver(volser, "key server primary");
  for (const auto& data : {lto, enterprise})
    EXPECT_FALSE(lies_open_in({"engine/cache", "engine/back-end", "engine/tape", "engine/library"}, data));
  for (const auto* barcode : {"LTO001L9", "ENT001"})
    EXPECT_TRUE(eventually([&] { return state_of(barcode) == "confirmed"; })) << state_of(barcode);

  TW_EXPECT_OK(node().evict({"STO001", "STO002"}));
  TW_EXPECT_OK(site().wait_in_step());
  site().kill_hard(Which::kPrimary);
  EXPECT_TRUE(eventually([&] { return node().interventions().size() == 1; }));
  for (const auto& [volser, data] : {std::pair{"STO001", lto}, std::pair{"STO002", enterprise}}) {
    const auto back = node().restore(volser, data.size());
    TW_EXPECT_OK(back);
    EXPECT_TRUE(back && *back == data) << volser;
    expect_giver(volser, "key server secondary");
  }
  TW_EXPECT_OK(site().start(Which::kPrimary));
  EXPECT_TRUE(eventually([&] { return node().interventions().empty(); }));
}

TEST_F(Overview, T2_EncryptionByStoragePool) {
  TW_EXPECT_OK(pool_of_group(1, "DAILY"));
  TW_EXPECT_OK(pool_of_labels(2, {{"label_1", "June 2007 Key"}}));
  TW_EXPECT_OK(node().insert_cartridges("LTO002L9", 1));
  TW_EXPECT_OK(node().insert_cartridges("ENT002", 2));
  // Several groups may name one pool.
  TW_EXPECT_OK(storage_group("FINANCE", 1));
  TW_EXPECT_OK(storage_group("PAYROLL", 1));
  TW_EXPECT_OK(
      node().as("officer-1").post("/v1/management-classes", json::object{{"name", "BACKUP02"}, {"pool", 2}}));
  TW_EXPECT_OK(node().insert_volumes("DFS001", {{"storage_group", "FINANCE"}}));
  TW_EXPECT_OK(
      node().insert_volumes("DFS002", {{"storage_group", "PAYROLL"}, {"management_class", "BACKUP02"}}));
  const auto data = noise(kSmall, 3);
  for (const auto* volser : {"DFS001", "DFS002"}) {
    TW_EXPECT_OK(node().save(volser, data));
    TW_EXPECT_OK(node().wait_until_copied(volser));
  }
  EXPECT_THAT(cartridges_of("DFS001"), ElementsAre("LTO002L9"));
  EXPECT_THAT(cartridges_of("DFS002"), ElementsAre("LTO002L9", "ENT002"));
  EXPECT_EQ(field_of("LTO002L9", "encryption"), "identified");
  EXPECT_EQ(field_of("ENT002", "encryption"), "wrapped");
}

TEST_F(Overview, T2_NonDfsms) {
  TW_EXPECT_OK(pool_of_group(1, "DAILY"));
  TW_EXPECT_OK(node().insert_cartridges("LTO003L9", 1));
  TW_EXPECT_OK(node().insert_volumes("NON001"));
  EXPECT_EQ(node().text("/v1/volumes/NON001", "next_primary_pool"), "1");
  EXPECT_EQ(node().text("/v1/volumes/NON001", "next_secondary_pool"), "0");
  TW_EXPECT_OK(node().save("NON001", noise(kSmall, 4)));
  TW_EXPECT_OK(node().wait_until_copied("NON001"));
  ASSERT_EQ(cartridges_of("NON001").size(), 1U);
  EXPECT_EQ(field_of(cartridges_of("NON001").front(), "pool"), "1");
}

TEST_F(Overview, T3_PoolEncryptionSettings) {
  TW_EXPECT_OK(pool_of_labels(13, {{"label_1", "KEK 1"}, {"mode_1", "clear"}}));
  const auto unknown =
      node()
          .as("officer-1")
          .call("PATCH", "/v1/pools/13", json::object{{"label_2", "No such key"}, {"mode_2", "hash"}});
  TW_ASSERT_OK(unknown);
  EXPECT_EQ(unknown->status, 404U);
  EXPECT_THAT(json::serialize(unknown->body), AllOf(HasSubstr("No such key"), HasSubstr("label")));
  const auto group = node()
                         .as("officer-1")
                         .call("PATCH", "/v1/pools/14",
                               json::object{{"encryption", "identified"}, {"key_group", "NOBODYS"}});
  TW_ASSERT_OK(group);
  EXPECT_EQ(group->status, 404U);
  EXPECT_EQ(group->body.at("error").at("field"), "key_group");
  EXPECT_EQ(node().text("/v1/pools/13", "label_2"), "");
  EXPECT_EQ(node().text("/v1/pools/14", "encryption"), "off");
  // Labels do not tell small letters from capital ones.
  TW_EXPECT_OK(pool_of_labels(13, {{"label_2", "june 2007 KEY"}, {"mode_2", "hash"}}));

  TW_EXPECT_OK(site().stop(Which::kPrimary));
  TW_EXPECT_OK(site().stop(Which::kSecondary));
  EXPECT_TRUE(eventually([&] { return node().interventions().size() == 2; }));
  const auto nobody =
      node().as("officer-1").call("PATCH", "/v1/pools/13", json::object{{"label_1", "KEK 2"}});
  TW_ASSERT_OK(nobody);
  EXPECT_EQ(nobody->status, 503U);
  EXPECT_EQ(node().text("/v1/pools/13", "label_1"), "KEK 1");
  // What names no key is an operator's matter all the same.
  TW_EXPECT_OK(node().set_pool(13, {{"name", "both halves"}}));
  TW_EXPECT_OK(site().start_both());
  EXPECT_TRUE(eventually([&] { return node().interventions().empty(); }));
}

// Each mount is traced in the numbers of the overview, and its trace can be shown to anybody.
TEST_F(Overview, T4_WritingAppendingAndReadingPhysicalTapes) {
  TW_EXPECT_OK(pool_of_labels(15, {{"label_1", "KEK 1"}, {"label_2", "KEK 2"}, {"mode_2", "hash"}}));
  TW_EXPECT_OK(node().insert_cartridges("ENT003", 15));
  TW_EXPECT_OK(node().insert_cartridges("LTO004L9", 16));  // of a pool in clear
  TW_EXPECT_OK(storage_group("TRACED", 15));
  TW_EXPECT_OK(storage_group("CLEAR", 16));
  const auto data = noise(kVolume, 5);
  const auto expect_trace = [](const std::string& name, const std::vector<std::string>& steps) {
    EXPECT_TRUE(eventually([&] { return steps_of(name) == steps; }))
        << ::testing::PrintToString(steps_of(name));
  };
  // "when a physical volume is mounted to be written from BOT"
  TW_EXPECT_OK(saved("TRC001", "TRACED", data));
  expect_trace("ENT003", {"1", "2a", "2b", "2c", "2d", "2e", "4"});
  const auto trace =
      tapewarden({"trace", "mount", "TRC001", "--site", site().directory(), "--as", "operator"});
  TW_ASSERT_OK(trace);
  EXPECT_THAT(*trace, AllOf(HasSubstr("KEK 1"), HasSubstr("KEK 2"), HasSubstr("key server primary"),
                            HasSubstr("write from the beginning")));
  // "when appending a physical volume"
  TW_EXPECT_OK(saved("TRC002", "TRACED", data));
  expect_trace("ENT003", {"1", "2a", "2b", "2c", "2d", "2e", "2f", "4"});
  EXPECT_THAT(node().column("/v1/traces/ENT003", "purpose"), Contains("append"));
  // "Reading Physical Tapes"
  TW_EXPECT_OK(node().evict({"TRC001", "TRC002"}));
  const auto back = node().restore("TRC002", data.size());
  EXPECT_TRUE(back && *back == data);
  expect_trace("TRC002", {"1", "2a", "2b", "2c", "2d", "2e", "4"});
  EXPECT_THAT(node().column("/v1/traces/TRC002", "purpose"), Contains("read"));
  // In clear nobody is asked.
  TW_EXPECT_OK(saved("TRC003", "CLEAR", data));
  expect_trace("LTO004L9", {"1", "3a", "3b", "4"});
  EXPECT_EQ(key_giver("LTO004L9"), "nobody");
  EXPECT_TRUE(lies_open_in({"engine/back-end/cartridges"}, data)) << "so that looking for it means something";
  TW_EXPECT_OK(saved("TRC004", "CLEAR", noise(kSmall, 6)));
  expect_trace("LTO004L9", {"1", "3a", "3b", "4"});
  for (const auto* name : {"TRC001", "TRC002", "TRC003", "ENT003"}) {
    const auto all = node().look("/v1/traces/" + std::string(name) + "?last=100");
    TW_ASSERT_OK(all);
    EXPECT_THAT(json::serialize(*all), Not(::testing::ContainsRegex("[0-9A-Fa-f]{32}"))) << "a key's size";
  }
}

TEST_F(Overview, T3_ChangingStoragePoolEncryptionSettings) {
  TW_EXPECT_OK(node().set_pool(17, {{"media", "3592"}}));
  TW_EXPECT_OK(node().insert_cartridges("ENT004-ENT006", 17));
  TW_EXPECT_OK(storage_group("CHANGING", 17));
  const auto data = noise(kSmall, 7);
  TW_EXPECT_OK(saved("CHG001", "CHANGING", data));
  TW_EXPECT_OK(pool_of_labels(17, {{"label_1", "KEK 1"}}));
  TW_EXPECT_OK(saved("CHG002", "CHANGING", data));
  TW_EXPECT_OK(pool_of_labels(17, {{"label_1", "KEK 2"}}));
  TW_EXPECT_OK(saved("CHG003", "CHANGING", data));
  EXPECT_NE(cartridges_of("CHG001"), cartridges_of("CHG002")) << "a clear one takes no more";
  EXPECT_EQ(cartridges_of("CHG002"), cartridges_of("CHG003")) << "an append goes on with the key of before";
  const auto close = "/v1/physical-volumes/" + cartridges_of("CHG002")[0] + "/close";
  EXPECT_TRUE(eventually([&] { return node().as("operator").post(close).has_value(); }))
      << "out of its drive";
  TW_EXPECT_OK(saved("CHG004", "CHANGING", data));
  // "a mix of encryption usage and/or key use on physical volumes in a given storage pool"
  EXPECT_THAT(node().column("/v1/pool-use?pool=17", "encryption"),
              UnorderedElementsAre("clear", "wrapped", "wrapped"));
  EXPECT_THAT(node().column("/v1/pool-use?pool=17", "labels"),
              UnorderedElementsAre("", HasSubstr("KEK 1"), HasSubstr("KEK 2")));
  const auto search = tapewarden({"pool", "search", "--label", "KEK 2", "--pool", "17", "--site",
                                  site().directory(), "--as", "operator"});
  TW_ASSERT_OK(search);
  EXPECT_THAT(*search, AllOf(HasSubstr("KEK 2"), Not(HasSubstr("KEK 1"))));
  for (const auto* volser : {"CHG001", "CHG002", "CHG003", "CHG004"}) {
    const auto back = node().restore(volser, data.size());
    EXPECT_TRUE(back && *back == data) << volser;
  }
}

// A KEK retires while the engine runs: its cartridges get another one, by the engine's own work.
TEST_F(Overview, K9_APoolsCartridgesGetOtherKeksWhileHostsAreServed) {
  for (const auto* label : {"Retiring KEK", "Coming KEK"}) TW_EXPECT_OK(make_kek(label));
  TW_EXPECT_OK(site().wait_in_step());
  TW_EXPECT_OK(pool_of_labels(21, {{"label_1", "Retiring KEK"}}));
  TW_EXPECT_OK(node().insert_cartridges("ENT007-ENT008", 21));
  TW_EXPECT_OK(storage_group("REKEYED", 21));
  const auto data = noise(kSmall, 20);
  TW_EXPECT_OK(saved("REK001", "REKEYED", data));
  const auto barcode = cartridges_of("REK001").front();
  const auto cli = [](std::vector<std::string> words, const std::string& person) {
    words.insert(words.end(), {"--site", site().directory(), "--as", person});
    return tapewarden(words);
  };
  EXPECT_THAT(*cli({"pool", "kek-retirement", "Retiring KEK"}, "operator"),
              HasSubstr("can be read by the KEK"));
  TW_EXPECT_OK(pool_of_labels(21, {{"label_1", "Coming KEK"}}));
  const auto asked = cli({"pool", "rekey", "21", "--label1", "Coming KEK"}, "officer-1");
  TW_ASSERT_OK(asked);
  EXPECT_THAT(*asked, AllOf(HasSubstr(barcode), HasSubstr("revokes nothing")));
  EXPECT_TRUE(eventually([&] { return field_of(barcode, "labels") == "Coming KEK (clear)"; }))
      << node().log();
  EXPECT_TRUE(eventually([&] { return field_of(barcode, "rekey").empty(); }));
  EXPECT_TRUE(eventually([&] {
    return told("Key Labels of Physical Tape " + barcode +
                " changed from Retiring KEK (clear) to Coming KEK (clear)");
  }));
  EXPECT_THAT(node().column("/v1/traces/" + barcode, "purpose"), Contains("rekey"));
  const auto done = node().look("/v1/pools/21");
  TW_ASSERT_OK(done);
  EXPECT_EQ(done->at("rekeys_asked"), 0);
  EXPECT_THAT(*cli({"pool", "kek-retirement", "Retiring KEK"}, "operator"),
              HasSubstr("No cartridge of this engine needs the KEK Retiring KEK"));
  // What was written is read by the new KEK, and the cartridge goes on under it.
  TW_EXPECT_OK(node().evict({"REK001"}));
  const auto back = node().restore("REK001", data.size());
  TW_EXPECT_OK(back);
  EXPECT_TRUE(back && *back == data);
  EXPECT_THAT(node().column("/v1/traces/REK001?last=1", "text"), Contains(HasSubstr("Coming KEK")));
  TW_EXPECT_OK(saved("REK002", "REKEYED", data));
  EXPECT_THAT(cartridges_of("REK002"), ElementsAre(barcode));
}

// An order for several things that were not done does not end as if they were.
TEST_F(Overview, U2_ARangeOfWhichNothingWasDoneIsNoSuccess) {
  const auto evicted =
      tapewarden({"volume", "evict", "NOSUCH1-NOSUCH3", "--site", site().directory(), "--as", "operator"});
  EXPECT_FALSE(evicted);
  const auto unknown =
      tapewarden({"pool", "search", "--label", "Nobody's", "--site", site().directory(), "--as", "operator"});
  TW_EXPECT_OK(unknown);
}

TEST_F(Overview, T8_EkmConnections) {
  TW_EXPECT_OK(pool_of_group(18, "STORY"));
  TW_EXPECT_OK(node().insert_cartridges("LTO005L9", 18));
  TW_EXPECT_OK(storage_group("WAITING", 18));
  const auto data = noise(kVolume, 8);
  TW_EXPECT_OK(saved("EKM001", "WAITING", data));
  TW_EXPECT_OK(node().evict({"EKM001"}));
  TW_EXPECT_OK(site().wait_in_step());
  // "When contact is lost with a configured EKM, an operator intervention is raised … the host are notified"
  TW_EXPECT_OK(site().stop(Which::kSecondary));
  EXPECT_TRUE(eventually([&] { return node().interventions() == std::vector<std::string>{"TWE002A"}; }));
  EXPECT_THAT(node().column("/v1/interventions", "text"), ElementsAre(HasSubstr("secondary key server")));
  // "When contact is regained, the intervention is cleared and the hosts are notified"
  TW_EXPECT_OK(site().start(Which::kSecondary));
  EXPECT_TRUE(eventually([&] { return node().interventions().empty(); }));
  EXPECT_THAT(node().column("/v1/host-messages?limit=1000", "text").back(), HasSubstr("can be used again"));
  EXPECT_EQ(node().column("/v1/host-messages?limit=1000", "cleared").back(), "true");
  // "If communications with no EKMs are established when a key exchange is required … a call-home"
  TW_EXPECT_OK(site().stop(Which::kPrimary));
  TW_EXPECT_OK(site().stop(Which::kSecondary));
  EXPECT_TRUE(eventually([&] { return node().interventions().size() == 2; }));
  TW_EXPECT_OK(node().load("EKM001"));
  EXPECT_TRUE(eventually([&] { return node().interventions().size() == 3; })) << node().log();
  EXPECT_THAT(node().interventions(), Contains("TWE003S"));
  EXPECT_EQ(node().readiness(), scsi::sense_codes::kNotReadyLoading) << "02/04/01: the host's mount waits";
  // It goes on by itself, with either of them.
  TW_EXPECT_OK(site().start(Which::kSecondary));
  const auto back = node().read(data.size());
  TW_EXPECT_OK(back);
  EXPECT_TRUE(back && *back == data);
  expect_giver("EKM001", "key server secondary");
  TW_EXPECT_OK(node().unload("EKM001"));
  TW_EXPECT_OK(site().start(Which::kPrimary));
  EXPECT_TRUE(eventually([&] { return node().interventions().empty(); }));
}

TEST_F(Overview, T11_TrackingEncryptionUsage) {
  TW_EXPECT_OK(pool_of_group(19, "STORY"));
  TW_EXPECT_OK(node().insert_cartridges("SML001L9-SML002L9", 19));
  TW_EXPECT_OK(node().insert_cartridges("SML003L9-SML004L9", 20));
  TW_EXPECT_OK(storage_group("SECRETS", 19));
  TW_EXPECT_OK(storage_group("LEAFLETS", 20));
  for (int i = 1; i <= 3; ++i) {
    const auto number = std::to_string(i);
    const auto data = noise(kThird, 8 + static_cast<std::uint64_t>(i));
    TW_EXPECT_OK(saved("TRK00" + number, "SECRETS", data));
    TW_EXPECT_OK(saved("TRK10" + number, "LEAFLETS", data));
  }
  const auto full = [](int pool) {
    return node().column("/v1/physical-volumes?state=full&pool=" + std::to_string(pool), "barcode");
  };
  ASSERT_EQ(full(19).size(), 1U) << node().log();
  ASSERT_EQ(full(20).size(), 1U) << node().log();
  EXPECT_TRUE(told("Database Backup written to Encrypted Physical Tape " + full(19)[0])) << node().log();
  EXPECT_TRUE(told("Database Backup written to Physical Tape " + full(20)[0])) << node().log();
  // Searches.
  EXPECT_THAT(node().column("/v1/volume-copies?pool=20&encryption=clear", "volser"),
              UnorderedElementsAre("TRK101", "TRK102", "TRK103"));
  EXPECT_THAT(node().column("/v1/volume-copies?pool=19&encryption=clear", "volser"), IsEmpty());
  EXPECT_THAT(node().column("/v1/volume-copies?pool=19", "encryption"), Each("identified"));
  EXPECT_THAT(node().column("/v1/physical-volumes?encryption=identified&pool=19", "barcode"),
              UnorderedElementsAre("SML001L9", "SML002L9"));
}

}  // namespace
}  // namespace tapewarden::testing
