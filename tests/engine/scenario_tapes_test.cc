// The overview "TS7700 encryption" as it runs, sections "Operations", "Changing storage pool encryption
// settings", "EKM connections" and "Tracking encryption usage" (docs/overview-scenarios.md; feature rows T3,
// T4, T8, T10, T11).
#include "engine/overview_site.h"
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

// A trace may be shown to anybody: nothing of the size of a key is in it.
void expect_no_key_in(const Result<json::value>& trace) {
  TW_ASSERT_OK(trace);
  EXPECT_THAT(json::serialize(*trace), Not(::testing::ContainsRegex("[0-9A-Fa-f]{32}")));
}
const std::vector<std::string> kWritten{"1", "2a", "2b", "2c", "2d", "2e", "4"};
const std::vector<std::string> kAppended{"1", "2a", "2b", "2c", "2d", "2e", "2f", "4"};
const std::vector<std::string> kRead{"1", "2a", "2b", "2c", "2d", "2e", "4"};

// Mounts are traced in the numbers of the overview.
TEST_F(Overview, T4_Operations_WritingAppendingAndReadingEncrypted) {
  TW_EXPECT_OK(pool_of_labels(15, {{"label_1", "KEK 1"}, {"label_2", "KEK 2"}, {"mode_2", "hash"}}));
  TW_EXPECT_OK(node().insert_cartridges("ENT003", 15));
  TW_EXPECT_OK(storage_group("TRACED", 15));
  const auto data = noise(kVolume, 5);
  // "when a physical volume is mounted to be written from BOT"
  TW_EXPECT_OK(saved("TRC001", "TRACED", data));
  expect_trace("ENT003", kWritten);
  EXPECT_THAT(shown({"trace", "mount", "TRC001"}),
              AllOf(HasSubstr("KEK 1"), HasSubstr("KEK 2"), HasSubstr("key server primary"),
                    HasSubstr("write from the beginning")));
  EXPECT_FALSE(lies_open_in({"engine/back-end"}, data));
  // "when appending a physical volume"
  TW_EXPECT_OK(saved("TRC002", "TRACED", data));
  expect_trace("ENT003", kAppended);
  EXPECT_TRUE(eventually(
      [] { return std::ranges::count(node().column("/v1/traces/ENT003", "purpose"), "append") > 0; }));
  // "Reading Physical Tapes"
  TW_EXPECT_OK(out_of_cache({"TRC001", "TRC002"}));
  expect_read_back("TRC002", data);
  expect_trace("TRC002", kRead);
  EXPECT_THAT(node().column("/v1/traces/TRC002", "purpose"), Contains("read"));
  for (const std::string name : {"TRC001", "TRC002", "ENT003"})
    expect_no_key_in(node().look("/v1/traces/" + name + "?last=100"));
}

TEST_F(Overview, T4_Operations_WritingAppendingAndReadingInClear) {
  TW_EXPECT_OK(node().insert_cartridges("LTO004L9", 16));
  TW_EXPECT_OK(storage_group("CLEAR", 16));
  const auto data = noise(kVolume, 6);
  TW_EXPECT_OK(saved("TRC003", "CLEAR", data));
  expect_trace("LTO004L9", {"1", "3a", "3b", "4"});
  EXPECT_EQ(key_giver("LTO004L9"), "nobody");
  EXPECT_TRUE(lies_open_in({"engine/back-end/cartridges"}, data)) << "so that looking for it means something";
  TW_EXPECT_OK(saved("TRC004", "CLEAR", noise(kSmall, 7)));
  expect_trace("LTO004L9", {"1", "3a", "3b", "4"});
  // A mount is remembered when it has ended.
  EXPECT_TRUE(eventually(
      [] { return std::ranges::count(node().column("/v1/traces/LTO004L9", "purpose"), "append") > 0; }));
  TW_EXPECT_OK(out_of_cache({"TRC003"}));
  expect_read_back("TRC003", data);
  expect_trace("TRC003", {"1", "3a", "4"});
  EXPECT_EQ(key_giver("TRC003"), "nobody");
}

TEST_F(Overview, T3_ChangingSettings_CountWhenATapeIsBegun) {
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
  TW_EXPECT_OK(closed(cartridges_of("CHG002")[0]));
  TW_EXPECT_OK(saved("CHG004", "CHANGING", data));
  // "a mix of encryption usage and/or key use on physical volumes in a given storage pool"
  EXPECT_THAT(node().column("/v1/pool-use?pool=17", "encryption"),
              UnorderedElementsAre("clear", "wrapped", "wrapped"));
  EXPECT_THAT(node().column("/v1/pool-use?pool=17", "labels"),
              UnorderedElementsAre("", HasSubstr("KEK 1"), HasSubstr("KEK 2")));
  TW_EXPECT_OK(out_of_cache({"CHG001", "CHG002", "CHG003", "CHG004"}));
  for (const auto* volser : {"CHG001", "CHG002", "CHG003", "CHG004"}) expect_read_back(volser, data);
}

// Which cartridges need the old KEK is told until none does any more; until then it reads them.
TEST_F(Overview, T3_ChangingSettings_TheOldKeyIsNeededUntilTheLastTapeIsRewritten) {
  TW_EXPECT_OK(make_kek("Old KEK"));
  TW_EXPECT_OK(make_kek("New KEK"));
  TW_EXPECT_OK(pool_of_labels(31, {{"label_1", "Old KEK"}}));
  TW_EXPECT_OK(node().insert_cartridges("ENT010-ENT011", 31));
  TW_EXPECT_OK(storage_group("RETIRING", 31));
  const auto data = noise(kSmall, 41);
  TW_EXPECT_OK(saved("OLD001", "RETIRING", data));
  ASSERT_EQ(cartridges_of("OLD001").size(), 1U);
  const auto old = cartridges_of("OLD001")[0];
  TW_EXPECT_OK(pool_of_labels(31, {{"label_1", "New KEK"}}));
  TW_EXPECT_OK(closed(old));
  TW_EXPECT_OK(saved("OLD002", "RETIRING", data));
  const auto needing = [] { return node().column("/v1/physical-volumes?label=Old%20KEK", "barcode"); };
  EXPECT_THAT(needing(), ElementsAre(old));
  EXPECT_THAT(shown({"pool", "search", "--label", "Old KEK", "--pool", "31"}),
              AllOf(HasSubstr("Old KEK"), Not(HasSubstr("New KEK"))));
  TW_EXPECT_OK(out_of_cache({"OLD001"}));
  expect_read_back("OLD001", data);
  expect_giver("OLD001", "key server");
  // Rewritten: what lay on it goes to another cartridge, and it is begun anew when it is used again.
  TW_EXPECT_OK(
      order_when_free("/v1/physical-volumes/" + old + "/move", {{"when", "now"}, {"target_pool", 31}}));
  EXPECT_TRUE(eventually([&] { return field_of(old, "state") == "scratch"; })) << field_of(old, "state");
  EXPECT_TRUE(
      eventually([&] { return node().column("/v1/volume-copies?label=Old%20KEK", "volser").empty(); }));
  TW_EXPECT_OK(closed(cartridges_of("OLD002")[0]));
  TW_EXPECT_OK(saved("OLD003", "RETIRING", data));
  EXPECT_THAT(cartridges_of("OLD003"), ElementsAre(old));
  EXPECT_THAT(needing(), IsEmpty());
  TW_EXPECT_OK(out_of_cache({"OLD001", "OLD003"}));
  for (const auto* volser : {"OLD001", "OLD003"}) expect_read_back(volser, data);
}

TEST_F(Overview, T3_ChangingSettings_ProgressIsSeenInTheOldPool) {
  TW_EXPECT_OK(node().insert_cartridges("LTO010L9", 3));
  TW_EXPECT_OK(storage_group("PROGRESS", 3));
  for (const auto* volser : {"PRG001", "PRG002"}) TW_EXPECT_OK(saved(volser, "PROGRESS", noise(kSmall, 42)));
  TW_EXPECT_OK(pool_of_group(4, "DAILY"));
  TW_EXPECT_OK(node().insert_cartridges("LTO011L9", 4));
  TW_EXPECT_OK(storage_group_to("PROGRESS", 4));
  const auto left = [] { return node().column("/v1/volume-copies?pool=3&encryption=clear", "volser"); };
  EXPECT_THAT(left(), ElementsAre("PRG001", "PRG002"));
  TW_EXPECT_OK(node().restore("PRG001", kSmall));  // and unmounted
  EXPECT_TRUE(eventually([&] { return left() == std::vector<std::string>{"PRG002"}; }));
  EXPECT_EQ(node().column("/v1/volumes?pool=3", "volser"), left());
  EXPECT_THAT(node().column("/v1/volume-copies?pool=4", "volser"), ElementsAre("PRG001"));
}

TEST_F(Overview, T8_EkmConnections_LostAndRegained) {
  TW_EXPECT_OK(site().wait_in_step());
  const auto told_since = [](const std::string& field) {
    return node().column("/v1/host-messages?limit=1000", field);
  };
  for (const auto which : {Which::kSecondary, Which::kPrimary}) {
    const std::string server = which == Which::kPrimary ? "primary key server" : "secondary key server";
    TW_EXPECT_OK(site().stop(which));
    EXPECT_TRUE(eventually([&] { return node().interventions() == std::vector<std::string>{"TWE002A"}; }));
    EXPECT_THAT(node().column("/v1/interventions", "text"), ElementsAre(HasSubstr(server)));
    EXPECT_THAT(shown({"intervention", "list"}), AllOf(HasSubstr("TWE002A"), HasSubstr(server)));
    EXPECT_THAT(told_since("text").back(), HasSubstr(server)) << "hosts are told";
    TW_EXPECT_OK(site().start(which));
    EXPECT_TRUE(eventually([&] { return node().interventions().empty(); }));
    EXPECT_THAT(told_since("text").back(), AllOf(HasSubstr(server), HasSubstr("can be used again")));
    EXPECT_EQ(told_since("cleared").back(), "true");
    TW_EXPECT_OK(site().wait_in_step());
  }
  // "tries to maintain TCP/IP connections with all configured EKMs at all times": nothing was asked for a
  // key.
  EXPECT_THAT(node().column("/v1/key-servers", "connection"), ElementsAre("up", "up"));
}

TEST_F(Overview, T8_EkmConnections_LossOfTheSecondIsLossOfAccessForATime) {
  TW_EXPECT_OK(pool_of_group(18, "STORY"));
  TW_EXPECT_OK(node().insert_cartridges("LTO005L9", 18));
  TW_EXPECT_OK(node().insert_cartridges("LTO012L9", 5));
  TW_EXPECT_OK(storage_group("WAITING", 18));
  TW_EXPECT_OK(storage_group("OPEN", 5));
  const auto data = noise(kVolume, 8);
  TW_EXPECT_OK(node().insert_volumes("EKM002", {{"storage_group", "OPEN"}}));
  TW_EXPECT_OK(saved("EKM001", "WAITING", data));
  TW_EXPECT_OK(out_of_cache({"EKM001"}));
  TW_EXPECT_OK(site().wait_in_step());
  for (const auto which : {Which::kPrimary, Which::kSecondary}) TW_EXPECT_OK(site().stop(which));
  EXPECT_TRUE(eventually([&] { return node().interventions().size() == 2; }));
  // "If communications with no EKMs are established when a key exchange is required … a call-home"
  TW_EXPECT_OK(node().load("EKM001"));
  EXPECT_TRUE(eventually([&] { return node().interventions().size() == 3; })) << node().log();
  EXPECT_THAT(node().interventions(), Contains("TWE003S"));
  EXPECT_EQ(node().readiness(), scsi::sense_codes::kNotReadyLoading) << "02/04/01: the host's mount waits";
  // What needs no key goes on: data in clear, and whatever is in the cache.
  TW_EXPECT_OK(node().load("EKM002", 2));
  TW_EXPECT_OK(node().write(data, 2));
  TW_EXPECT_OK(node().unload("EKM002", 2));
  TW_EXPECT_OK(node().wait_until_copied("EKM002"));
  // It goes on by itself, with either of them.
  TW_EXPECT_OK(site().start(Which::kSecondary));
  const auto back = node().read(data.size());
  TW_EXPECT_OK(back);
  EXPECT_TRUE(back && *back == data);
  expect_giver("EKM001", "key server secondary");
  TW_EXPECT_OK(node().unload("EKM001"));
  EXPECT_THAT(node().interventions(), Not(Contains("TWE003S")));
  TW_EXPECT_OK(site().start(Which::kPrimary));
  EXPECT_TRUE(eventually([&] { return node().interventions().empty(); }));
}

TEST_F(Overview, T8_EkmConnections_ThePrimaryIsPreferred) {
  TW_EXPECT_OK(pool_of_group(6, "STORY"));
  TW_EXPECT_OK(node().insert_cartridges("LTO013L9", 6));
  TW_EXPECT_OK(storage_group("PREFER", 6));
  const auto data = noise(kSmall, 43);
  TW_EXPECT_OK(saved("PRF001", "PREFER", data));
  const auto recalled_from = [&](const std::string& giver) {
    TW_EXPECT_OK(out_of_cache({"PRF001"}));
    expect_read_back("PRF001", data);
    expect_giver("PRF001", giver);
  };
  recalled_from("key server primary");
  TW_EXPECT_OK(site().wait_in_step());
  TW_EXPECT_OK(site().stop(Which::kPrimary));
  EXPECT_TRUE(eventually([&] { return node().interventions().size() == 1; }));
  recalled_from("key server secondary");
  TW_EXPECT_OK(site().start(Which::kPrimary));
  EXPECT_TRUE(eventually([&] { return node().interventions().empty(); }));
  recalled_from("key server primary");
}

TEST_F(Overview, T10_TrackingEncryptionUsage_QueriesTellHowMuchIsEncrypted) {
  TW_EXPECT_OK(pool_of_group(7, "STORY"));
  TW_EXPECT_OK(node().insert_cartridges("LTO014L9", 7));
  TW_EXPECT_OK(node().insert_cartridges("LTO015L9", 8));
  TW_EXPECT_OK(storage_group("HIDDEN", 7));
  TW_EXPECT_OK(storage_group("SHOWN", 8));
  for (const auto* volser : {"AMT001", "AMT002"}) TW_EXPECT_OK(saved(volser, "HIDDEN", noise(kSmall, 44)));
  TW_EXPECT_OK(saved("AMT003", "SHOWN", noise(kSmall, 45)));
  const auto use = [](int pool, std::string_view field) {
    return node().column("/v1/pool-use?pool=" + std::to_string(pool), field);
  };
  EXPECT_THAT(use(7, "encryption"), ElementsAre("identified"));
  EXPECT_THAT(use(7, "active_volumes"), ElementsAre("2"));
  EXPECT_THAT(use(8, "encryption"), ElementsAre("clear"));
  ASSERT_EQ(use(7, "active_bytes").size(), 1U);
  EXPECT_GT(std::stoull(use(7, "active_bytes")[0]), 2 * kSmall);
  // The report of the pools, which point-in-time statistics sum up.
  const auto pools = shown({"report", "physical-media-pools", "--format", "csv"});
  EXPECT_THAT(pools, AllOf(HasSubstr("clear_active_bytes"), HasSubstr("encrypted_active_bytes"),
                           HasSubstr("\n7,"), HasSubstr("\n8,")));
}

// Cartridges are borrowed from the common scratch pool and returned, so a pool's cartridges are those in use.
TEST_F(Overview, T10_TrackingEncryptionUsage_TheTapesOfAnEncryptionPool) {
  TW_EXPECT_OK(pool_of_group(9, "STORY"));
  TW_EXPECT_OK(node().set_pool(9, {{"borrow", "return"}}));
  TW_EXPECT_OK(node().insert_cartridges("LTO016L9-LTO017L9", 0));
  TW_EXPECT_OK(storage_group("BORROWER", 9));
  const auto of_pool = [] { return node().column("/v1/physical-volumes?pool=9", "barcode"); };
  EXPECT_THAT(of_pool(), IsEmpty());
  TW_EXPECT_OK(saved("BRW001", "BORROWER", noise(kSmall, 46)));
  ASSERT_EQ(of_pool().size(), 1U);
  const auto borrowed = of_pool()[0];
  EXPECT_THAT(shown({"physical-volume", "list", "--pool", "9"}),
              AllOf(HasSubstr(borrowed), HasSubstr("identified")));
  EXPECT_EQ(field_of(borrowed, "borrowed"), "true");
  TW_EXPECT_OK(
      order_when_free("/v1/physical-volumes/" + borrowed + "/move", {{"when", "now"}, {"target_pool", 9}}));
  EXPECT_TRUE(eventually([&] { return field_of(borrowed, "pool") == "0"; })) << field_of(borrowed, "state");
  EXPECT_EQ(field_of(borrowed, "state"), "scratch");
  EXPECT_EQ(of_pool().size(), 1U) << "the one to which it was moved";
}

TEST_F(Overview, T11_TrackingEncryptionUsage_DatabaseBackupsAreTold) {
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
