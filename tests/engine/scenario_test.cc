// The overview "TS7700 encryption" as it runs, section "Encryption by storage pool" and the whole story
// (docs/overview-scenarios.md; feature rows T2, T3, T5).
#include "engine/overview_site.h"
#include "scsi/cdb.h"
#include "scsi/medium_attribute.h"
#include "tape/medium/host_attributes.h"

namespace tapewarden::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

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

  TW_EXPECT_OK(out_of_cache({"STO001", "STO002"}));
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

TEST_F(Overview, T2_EncryptionByStoragePool_ConstructsNameThePools) {
  TW_EXPECT_OK(pool_of_group(1, "DAILY"));
  TW_EXPECT_OK(pool_of_labels(2, {{"label_1", "June 2007 Key"}}));
  TW_EXPECT_OK(node().insert_cartridges("LTO002L9", 1));
  TW_EXPECT_OK(node().insert_cartridges("ENT002", 2));
  TW_EXPECT_OK(storage_group("FINANCE", 1));
  TW_EXPECT_OK(management_class("BACKUP02", 2));
  const auto data = noise(kSmall, 3);
  TW_EXPECT_OK(node().insert_volumes("DFS001", {{"storage_group", "FINANCE"}}));
  TW_EXPECT_OK(
      node().insert_volumes("DFS002", {{"storage_group", "FINANCE"}, {"management_class", "BACKUP02"}}));
  for (const auto* volser : {"DFS001", "DFS002"}) {
    TW_EXPECT_OK(node().save(volser, data));
    TW_EXPECT_OK(node().wait_until_copied(volser));
  }
  EXPECT_THAT(cartridges_of("DFS001"), ElementsAre("LTO002L9"));
  EXPECT_THAT(cartridges_of("DFS002"), ElementsAre("LTO002L9", "ENT002"));
  EXPECT_EQ(field_of("LTO002L9", "encryption"), "identified") << "as its pool says";
  EXPECT_EQ(field_of("ENT002", "encryption"), "wrapped");
  EXPECT_FALSE(lies_open_in({"engine/back-end"}, data));
}

// What DFSMS does for z/OS: the host says at the scratch mount which constructs the volume has.
TEST_F(Overview, T2_EncryptionByStoragePool_ZosDfsms) {
  TW_EXPECT_OK(pool_of_group(21, "DAILY"));
  TW_EXPECT_OK(pool_of_labels(22, {{"label_1", "KEK 1"}}));
  TW_EXPECT_OK(node().insert_cartridges("LTO006L9", 21));
  TW_EXPECT_OK(node().insert_cartridges("ENT007", 22));
  TW_EXPECT_OK(storage_group("SGHOST", 21));
  TW_EXPECT_OK(management_class("MCHOST", 22));
  TW_EXPECT_OK(node().insert_volumes("ZOS001"));
  TW_EXPECT_OK(node().load("ZOS001"));
  TW_EXPECT_OK(node().wait_until_ready());
  const auto text = [](std::string_view name) { return Bytes(name.begin(), name.end()); };
  const auto named = scsi::encode_attributes({{tape::attribute::kStorageGroup, false, 1, text("SGHOST")},
                                              {tape::attribute::kManagementClass, false, 1, text("MCHOST")}});
  const scsi::WriteAttribute cdb{.parameter_length = static_cast<std::uint32_t>(named.size())};
  const auto taken = node().host().run_past_attentions(1, cdb.encode(), 0, named);
  TW_EXPECT_OK(taken);
  EXPECT_TRUE(taken && taken->good());
  const auto data = noise(kSmall, 31);
  TW_EXPECT_OK(node().write(data));
  TW_EXPECT_OK(node().unload("ZOS001"));
  TW_EXPECT_OK(node().wait_until_copied("ZOS001"));
  EXPECT_EQ(node().text("/v1/volumes/ZOS001", "storage_group"), "SGHOST");
  EXPECT_EQ(node().text("/v1/volumes/ZOS001", "management_class"), "MCHOST");
  EXPECT_THAT(cartridges_of("ZOS001"), ElementsAre("LTO006L9", "ENT007"));
}

TEST_F(Overview, T2_EncryptionByStoragePool_NonDfsms) {
  TW_EXPECT_OK(pool_of_group(1, "DAILY"));
  TW_EXPECT_OK(pool_of_group(23, "DAILY"));
  TW_EXPECT_OK(node().insert_cartridges("LTO003L9", 1));
  TW_EXPECT_OK(node().insert_cartridges("LTO007L9", 23));
  TW_EXPECT_OK(node().insert_volumes("NON001"));
  EXPECT_EQ(node().text("/v1/volumes/NON001", "next_primary_pool"), "1");
  EXPECT_EQ(node().text("/v1/volumes/NON001", "next_secondary_pool"), "0");
  TW_EXPECT_OK(node().save("NON001", noise(kSmall, 4)));
  TW_EXPECT_OK(node().wait_until_copied("NON001"));
  ASSERT_EQ(cartridges_of("NON001").size(), 1U);
  EXPECT_EQ(field_of(cartridges_of("NON001").front(), "pool"), "1");
  // The defaults themselves can be changed.
  auto& officer = node().as("officer-1");
  TW_EXPECT_OK(officer.patch("/v1/storage-groups/--------", json::object{{"pool", 23}}));
  TW_EXPECT_OK(officer.patch("/v1/management-classes/--------", json::object{{"pool", 1}}));
  TW_EXPECT_OK(node().insert_volumes("NON002"));
  TW_EXPECT_OK(node().save("NON002", noise(kSmall, 5)));
  TW_EXPECT_OK(node().wait_until_copied("NON002"));
  ASSERT_EQ(cartridges_of("NON002").size(), 2U);
  EXPECT_EQ(field_of(cartridges_of("NON002")[0], "pool"), "23");
  EXPECT_EQ(field_of(cartridges_of("NON002")[1], "pool"), "1");
  TW_EXPECT_OK(officer.patch("/v1/storage-groups/--------", json::object{{"pool", 1}}));
  TW_EXPECT_OK(officer.patch("/v1/management-classes/--------", json::object{{"pool", 0}}));
}

// Constructs are managed by people, in words of the command line.
TEST_F(Overview, T2_EncryptionByStoragePool_LibraryManager) {
  for (const std::string noun : {"storage-group", "management-class"}) {
    const auto as_officer = [&](std::vector<std::string> words) {
      words.insert(words.begin(), noun);
      words.insert(words.end(), {"--site", site().directory(), "--as", "officer-1"});
      return tapewarden(std::move(words));
    };
    TW_EXPECT_OK(as_officer({"add", "PANEL", "--pool", "24"}));
    EXPECT_THAT(shown({noun, "list"}), ::testing::ContainsRegex("PANEL +24"));
    TW_EXPECT_OK(as_officer({"modify", "PANEL", "--pool", "25"}));
    EXPECT_THAT(shown({noun, "list"}), ::testing::ContainsRegex("PANEL +25"));
    EXPECT_FALSE(as_officer({"add", "PANEL", "--pool", "24"})) << "it is there already";
    EXPECT_FALSE(as_officer({"modify", "PANEL", "--pool", "33"}));
    TW_EXPECT_OK(as_officer({"remove", "PANEL"}));
    EXPECT_THAT(shown({noun, "list"}), Not(HasSubstr("PANEL")));
  }
}

TEST_F(Overview, T2_EncryptionByStoragePool_SeveralStorageGroupsNameOnePool) {
  TW_EXPECT_OK(pool_of_group(26, "DAILY"));
  TW_EXPECT_OK(node().insert_cartridges("LTO008L9", 26));
  for (const auto* group : {"SALES", "PAYROLL"}) TW_EXPECT_OK(storage_group(group, 26));
  TW_EXPECT_OK(saved("SGS001", "SALES", noise(kSmall, 32)));
  TW_EXPECT_OK(saved("SGS002", "PAYROLL", noise(kSmall, 33)));
  EXPECT_THAT(cartridges_of("SGS001"), ElementsAre("LTO008L9"));
  EXPECT_THAT(cartridges_of("SGS002"), ElementsAre("LTO008L9"));
}

TEST_F(Overview, T2_EncryptionByStoragePool_ManagementClassesNameASecondPoolOrNone) {
  TW_EXPECT_OK(pool_of_group(27, "DAILY"));
  TW_EXPECT_OK(pool_of_labels(28, {{"label_1", "KEK 1"}}));
  TW_EXPECT_OK(node().insert_cartridges("LTO009L9", 27));
  TW_EXPECT_OK(node().insert_cartridges("ENT008", 28));
  TW_EXPECT_OK(storage_group("CLASSED", 27));
  for (const auto* name : {"BACKUP10", "BACKUP11"}) TW_EXPECT_OK(management_class(name, 28));
  TW_EXPECT_OK(management_class("NOCOPY", 0));
  int number = 0;
  for (const auto* name : {"BACKUP10", "BACKUP11", "NOCOPY"}) {
    const auto volser = "MCS00" + std::to_string(++number);
    TW_EXPECT_OK(node().insert_volumes(volser, {{"storage_group", "CLASSED"}, {"management_class", name}}));
    TW_EXPECT_OK(node().save(volser, noise(kSmall, 34)));
    TW_EXPECT_OK(node().wait_until_copied(volser));
  }
  for (const auto* volser : {"MCS001", "MCS002"})
    EXPECT_THAT(cartridges_of(volser), ElementsAre("LTO009L9", "ENT008"));
  EXPECT_THAT(cartridges_of("MCS003"), ElementsAre("LTO009L9"));
}

TEST_F(Overview, T3_EncryptionByStoragePool_PoolEncryptionSettings) {
  const auto set = tapewarden({"pool", "set", "13", "--media", "3592", "--encryption", "wrapped", "--label1",
                               "KEK 1", "--mode1", "clear", "--label2", "KEK 2", "--mode2", "hash", "--site",
                               site().directory(), "--as", "officer-1"});
  TW_EXPECT_OK(set);
  EXPECT_THAT(shown({"pool", "show", "13"}),
              AllOf(HasSubstr("wrapped"), HasSubstr("KEK 1"), HasSubstr("clear"), HasSubstr("KEK 2"),
                    HasSubstr("hash")));
  EXPECT_EQ(node().text("/v1/pools/14", "encryption"), "off") << "each pool for itself";
  // What names no key is a matter of no key server.
  TW_EXPECT_OK(node().set_pool(13, {{"name", "both halves"}}));
  EXPECT_EQ(node().text("/v1/pools/13", "label_1"), "KEK 1");
  EXPECT_FALSE(node().as("operator").patch("/v1/pools/13", json::object{{"encryption", "off"}}))
      << "a security officer's matter";
}

TEST_F(Overview, T3_EncryptionByStoragePool_LabelsAreKnownBeforeTheyAreUsed) {
  TW_EXPECT_OK(pool_of_labels(29, {{"label_1", "KEK 1"}, {"mode_1", "clear"}}));
  const auto refused = [](int pool, const json::object& settings) {
    return node().as("officer-1").call("PATCH", "/v1/pools/" + std::to_string(pool), settings);
  };
  const auto unknown = refused(29, {{"label_2", "No such key"}, {"mode_2", "hash"}});
  TW_ASSERT_OK(unknown);
  EXPECT_EQ(unknown->status, 404U);
  EXPECT_THAT(json::serialize(unknown->body), AllOf(HasSubstr("No such key"), HasSubstr("label")));
  const auto group = refused(14, {{"encryption", "identified"}, {"key_group", "NOBODYS"}});
  TW_ASSERT_OK(group);
  EXPECT_EQ(group->status, 404U);
  EXPECT_EQ(group->body.at("error").at("field"), "key_group");
  EXPECT_EQ(node().text("/v1/pools/29", "label_2"), "");
  EXPECT_EQ(node().text("/v1/pools/14", "encryption"), "off");
  // Made first, it is taken; labels do not tell small letters from capital ones.
  TW_EXPECT_OK(make_kek("Made just now"));
  TW_EXPECT_OK(pool_of_labels(29, {{"label_2", "made JUST now"}, {"mode_2", "hash"}}));

  TW_EXPECT_OK(site().wait_in_step());
  TW_EXPECT_OK(site().stop(Which::kPrimary));
  TW_EXPECT_OK(site().stop(Which::kSecondary));
  EXPECT_TRUE(eventually([&] { return node().interventions().size() == 2; }));
  const auto nobody = refused(29, {{"label_1", "KEK 2"}});
  TW_ASSERT_OK(nobody);
  EXPECT_EQ(nobody->status, 503U);
  EXPECT_EQ(node().text("/v1/pools/29", "label_1"), "KEK 1");
  TW_EXPECT_OK(site().start_both());
  EXPECT_TRUE(eventually([&] { return node().interventions().empty(); }));
}

// A label in clear stands on the cartridge as text, a hashed one does not; either opens it.
TEST_F(Overview, T3_EncryptionByStoragePool_KeyModes) {
  TW_EXPECT_OK(pool_of_labels(
      30, {{"label_1", "KEK 1"}, {"mode_1", "clear"}, {"label_2", "KEK 2"}, {"mode_2", "hash"}}));
  TW_EXPECT_OK(node().insert_cartridges("ENT009", 30));
  TW_EXPECT_OK(storage_group("MODES", 30));
  const auto data = noise(kSmall, 35);
  TW_EXPECT_OK(saved("MOD001", "MODES", data));
  TW_EXPECT_OK(closed("ENT009"));
  const auto bytes = read_bytes(file("engine/back-end/cartridges/ENT009.twc"));
  const std::string_view cartridge = as_text(bytes);
  EXPECT_NE(cartridge.find("KEK 1"), std::string_view::npos);
  EXPECT_EQ(cartridge.find("KEK 2"), std::string_view::npos);
  TW_EXPECT_OK(out_of_cache({"MOD001"}));
  expect_read_back("MOD001", data);
}

}  // namespace
}  // namespace tapewarden::testing
