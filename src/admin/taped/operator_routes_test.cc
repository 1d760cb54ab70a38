// The routes of the engine behind the cache: pools, constructs, volumes, cartridges, messages.
#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admin/taped/routes_test_kit.h"
#include "admin/taped/taped_routes.h"
#include "engine/operator/operator_test_kit.h"
#include "tape/library/library_test_kit.h"

namespace tapewarden::admin {
namespace {

namespace json = boost::json;
using engine::testing::OperatorBench;
using people::Role;
using people::testing::PeopleFixture;
using test::Outcome;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class OperatorRoutes : public ::testing::Test {
 protected:
  OperatorRoutes() { start(true); }

  void start(bool with_engine) {
    router_ = std::make_unique<Router>(fixture_.people(), workers_, RouterOptions{.origin = "engine"});
    add_taped_routes(*router_, services(with_engine));
  }
  TapedServices services(bool with_engine) {
    TapedServices out{.env = library_.sim.env(),
                      .people = fixture_.people(),
                      .library = *library_.library,
                      .library_serial = "TWL0000001",
                      .units = {},
                      .sessions = [] { return std::vector<iscsi::SessionInfo>(); },
                      .record =
                          [this](const people::Event& event) {
                            records_.push_back(people::to_record(event));
                            return Status{};
                          },
                      .ready = [this] { return ready_; },
                      .version = "1"};
    if (with_engine) {
      out.engine = std::make_shared<EngineServices>(EngineServices{
          .parts = bench_.parts(),
          .recalls = recalls_,
          .traces =
              [](const std::string& name) {
                std::vector<MountRecord> mounts;
                if (name != "A00001") return mounts;
                mounts.push_back({"P00001L9",
                                  "1000000001",
                                  "read",
                                  "the robot is stuck",
                                  {{.step = "1", .from = "engine", .to = "library lib1", .text = "mount"}}});
                mounts.push_back({"P00001L9",
                                  "1000000002",
                                  "append",
                                  "",
                                  {{.step = "1", .from = "engine", .to = "library lib1", .text = "mount"}}});
                return mounts;
              },
          .statistics = with_book_ ? &book_ : nullptr,
          .drives = [this] { return drives_; },
          .take_offline = [this](const std::string& serial, const std::string& reason) -> Status {
            for (auto& drive : drives_) {
              if (drive.serial != serial) continue;
              if (drive.state == "at work") return fail(ErrorCode::kConflict, "it is at work", "serial");
              drive.state = "offline";
              drive.reason = reason;
              return {};
            }
            return fail(ErrorCode::kNotFound, "there is no such drive", "serial");
          },
          .bring_online = [this](const std::string& serial) -> Status {
            for (auto& drive : drives_)
              if (drive.serial == serial) drive.state = "idle";
            return {};
          },
          .cache =
              [] {
                return CacheView{
                    .limit_bytes = 1000, .used_bytes = 300, .promised_bytes = 100, .free_bytes = 600};
              }});
    }
    return out;
  }
  Outcome as(Role role, std::string method, std::string target, const json::value& body = nullptr) {
    auto answer = test::call_as(*router_, fixture_, role, std::move(method), std::move(target), body);
    type_ = answer.type;
    return answer;
  }
  Outcome call(std::string method, std::string target, const json::value& body = nullptr) {
    return as(Role::kOperator, std::move(method), std::move(target), body);
  }
  Outcome officer(std::string method, std::string target, const json::value& body = nullptr) {
    return as(Role::kSecurityOfficer, std::move(method), std::move(target), body);
  }

  PeopleFixture fixture_;
  tape::test::LibraryBench library_;
  OperatorBench bench_;
  engine::RecallOrders recalls_{bench_.box.clock(), bench_.desk};
  engine::StatisticsBook book_{bench_.box.now()};
  bool with_book_ = false;
  std::vector<PhysicalDriveView> drives_{
      {"1000000001", "lib1", "LTO", "TAPEWRDN", "idle", "", "identified", ""},
      {"1000000002", "lib1", "LTO", "TAPEWRDN", "at work", "P00001L9", "identified", ""}};
  std::vector<std::string> records_;
  bool ready_ = true;
  std::string type_;  // of the last answer
  ThreadPool workers_{1};
  std::unique_ptr<Router> router_;
};

// Every route of the engine that changes something, with arguments that fit nothing in particular.
std::vector<const Route*> engine_changes(const Router& router) {
  std::vector<const Route*> found;
  for (const auto& route : router.routes())
    for (const auto* start : {"/v1/pools", "/v1/storage-groups", "/v1/management-classes", "/v1/volumes",
                              "/v1/physical-volumes", "/v1/physical-drives"})
      if (route.pattern.starts_with(start) && route.method != "GET") found.push_back(&route);
  return found;
}
std::string target_of(const Route& route) {
  std::string target(route.pattern);
  for (const auto& [hole, text] :
       std::vector<std::pair<std::string, std::string>>{{"{pool}", "2"},
                                                        {"{name}", "X"},
                                                        {"{volser}", "A00001"},
                                                        {"{barcode}", "P00001L9"},
                                                        {"{serial}", "1000000001"}})
    if (const auto at = target.find(hole); at != std::string::npos) target.replace(at, hole.size(), text);
  return target;
}

TEST_F(OperatorRoutes, U3_AnAuditorChangesNothingOfTheEngine) {
  const auto changes = engine_changes(*router_);
  ASSERT_GT(changes.size(), 25U);
  for (const auto* route : changes)
    EXPECT_EQ(as(Role::kAuditor, std::string(route->method), target_of(*route), json::object{}).status, 403U)
        << route->pattern;
  for (const auto* target :
       {"/v1/pools", "/v1/pools/2", "/v1/pool-use", "/v1/storage-groups", "/v1/management-classes",
        "/v1/volumes", "/v1/recalls", "/v1/volume-copies", "/v1/physical-volumes", "/v1/interventions",
        "/v1/host-messages", "/v1/reports/cache-contents"})
    EXPECT_EQ(as(Role::kAuditor, "GET", target).status, 200U) << target;
  EXPECT_TRUE(records_.empty());
}

TEST_F(OperatorRoutes, U3_WithoutAnEngineEveryRouteSaysSo) {
  start(false);
  for (const auto* target : {"/v1/pools", "/v1/volumes", "/v1/physical-volumes", "/v1/interventions",
                             "/v1/traces/A00001", "/v1/reports/volume-map", "/v1/reports/volume-map/parts"})
    EXPECT_EQ(call("GET", target).error(), "501 engine") << target;
  EXPECT_EQ(call("POST", "/v1/volumes", {{"volsers", "A00001"}}).error(), "501 engine");
  EXPECT_EQ(call("GET", "/v1/status").status, 200U);
}

TEST_F(OperatorRoutes, T3_APoolIsSetByASecurityOfficerAndShown) {
  const json::object settings{{"encryption", "identified"},
                              {"key_group", "DAILY"},
                              {"borrow", "keep"},
                              {"threshold_percent", 20},
                              {"name", "daily"}};
  EXPECT_EQ(call("PATCH", "/v1/pools/2", settings).status, 403U) << "an operator settles no encryption";
  const auto done = officer("PATCH", "/v1/pools/2", settings);
  ASSERT_EQ(done.status, 200U) << json::serialize(done.body);
  EXPECT_THAT(json::serialize(done.body.at("notes")), HasSubstr("next written from its beginning"));
  const auto shown = call("GET", "/v1/pools/2");
  EXPECT_EQ(shown.text("encryption"), "identified");
  EXPECT_EQ(shown.text("key_group"), "DAILY");
  EXPECT_EQ(shown.text("borrow"), "keep");
  EXPECT_EQ(shown.number("threshold_percent"), 20);
  ASSERT_EQ(records_.size(), 1U);
  EXPECT_THAT(records_[0], HasSubstr("pool.set"));
  EXPECT_THAT(records_[0], HasSubstr("key_group = DAILY"));
  EXPECT_EQ(call("GET", "/v1/pools").items().size(), 33U);
  EXPECT_EQ(call("GET", "/v1/pools").each("keys").at(2), "DAILY");
}

TEST_F(OperatorRoutes, T3_WhatAPoolCannotTakeIsSaidWithItsField) {
  EXPECT_EQ(officer("PATCH", "/v1/pools/2", {{"encryption", "identified"}, {"key_group", "NOBODY"}}).error(),
            "404 key group");
  bench_.names.reachable = false;
  EXPECT_EQ(officer("PATCH", "/v1/pools/2", {{"encryption", "identified"}, {"key_group", "DAILY"}}).error(),
            "503 key server");
  EXPECT_EQ(officer("PATCH", "/v1/pools/33", json::object{}).error(), "400 pool");
  EXPECT_EQ(officer("PATCH", "/v1/pools/two", json::object{}).error(), "400 pool");
  EXPECT_EQ(officer("PATCH", "/v1/pools/2", {{"threshold_percent", 300}}).error(), "400 threshold_percent");
  EXPECT_EQ(officer("PATCH", "/v1/pools/2", {{"threshold", 30}}).error(), "400 threshold");
  EXPECT_EQ(officer("PATCH", "/v1/pools/2", {{"encryption", "maybe"}}).error(), "400 encryption");
  EXPECT_TRUE(records_.empty());
  EXPECT_EQ(officer("PATCH", "/v1/pools/2",
                    {{"encryption", "identified"}, {"key_group", "DAILY"}, {"unchecked", true}})
                .status,
            200U);
}

TEST_F(OperatorRoutes, T2_ConstructsAreAddedChangedListedAndRemoved) {
  ASSERT_EQ(officer("POST", "/v1/storage-groups", {{"name", "FINANCE"}, {"pool", 2}}).status, 200U);
  ASSERT_EQ(officer("POST", "/v1/management-classes", {{"name", "TWICE"}, {"pool", 12}}).status, 200U);
  EXPECT_EQ(officer("POST", "/v1/storage-groups", {{"name", "FINANCE"}, {"pool", 2}}).error(), "409 name");
  EXPECT_EQ(officer("POST", "/v1/storage-groups", {{"name", "OTHER"}, {"pool", 40}}).error(), "400 pool");
  const auto changed = officer("PATCH", "/v1/storage-groups/FINANCE", {{"pool", 3}});
  EXPECT_EQ(changed.number("pool"), 3);
  EXPECT_THAT(json::serialize(changed.body.at("notes")), HasSubstr("next unmounts"));
  EXPECT_THAT(call("GET", "/v1/storage-groups").each("name"), ElementsAre("--------", "FINANCE"));
  EXPECT_THAT(call("GET", "/v1/management-classes").each("pool"), ElementsAre("0", "12"));
  EXPECT_EQ(officer("DELETE", "/v1/storage-groups/FINANCE").status, 200U);
  EXPECT_EQ(officer("DELETE", "/v1/management-classes/--------").status, 409U);
  EXPECT_EQ(officer("PATCH", "/v1/storage-groups/default", {{"pool", 5}}).text("name"), "--------");
  EXPECT_EQ(call("GET", "/v1/volumes?storage_group=default").status, 200U);
  EXPECT_EQ(records_.size(), 5U);
}

TEST_F(OperatorRoutes, T1_VolumesAreInsertedListedInPagesAndShown) {
  const auto done = call("POST", "/v1/volumes", {{"volsers", "A00001-A00003"}, {"size_mib", 4000}});
  ASSERT_EQ(done.status, 200U) << json::serialize(done.body);
  EXPECT_EQ(done.number("inserted"), 3);
  const auto page = call("GET", "/v1/volumes?limit=2&category=scratch");
  EXPECT_THAT(page.each("volser"), ElementsAre("A00001", "A00002"));
  EXPECT_EQ(page.text("next"), "A00002");
  EXPECT_THAT(call("GET", "/v1/volumes?limit=2&after=A00002").each("volser"), ElementsAre("A00003"));
  EXPECT_TRUE(call("GET", "/v1/volumes?prefix=b").items().empty());
  const auto shown = call("GET", "/v1/volumes/a00002");
  EXPECT_EQ(shown.text("residence"), "empty");
  EXPECT_EQ(shown.number("size_mib"), 4000);
  EXPECT_EQ(shown.text("place"), "slot 2");
  EXPECT_EQ(shown.number("next_primary_pool"), 1);
  EXPECT_EQ(call("GET", "/v1/volumes/A00009").error(), "404 volser");
  EXPECT_EQ(call("POST", "/v1/volumes", {{"volsers", "A00001"}, {"size_mib", 1}}).error(), "400 size_mib");
  EXPECT_EQ(call("POST", "/v1/volumes", {{"volsers", "A1-B2"}}).error(), "400 volsers");
  EXPECT_EQ(call("POST", "/v1/volumes", {{"volsers", "A00001-A09999"}}).error(), "429 volsers");
  EXPECT_EQ(call("GET", "/v1/volumes?pool=1&category=scratch").error(), "400 pool");
  EXPECT_EQ(call("GET", "/v1/volumes?limit=1001").error(), "400 limit");
}

TEST_F(OperatorRoutes, T1_AVolumesWayFromPrivateToWithdrawn) {
  ASSERT_EQ(call("POST", "/v1/volumes", {{"volsers", "A00001-A00002"}}).status, 200U);
  bench_.put_premigrated("A00001", "P00001L9", 1);
  const auto shown = call("GET", "/v1/volumes/A00001");
  const auto& copy = shown.body.at("copies").at(0);
  EXPECT_EQ(copy.at("physical_volume").as_string(), "P00001L9");
  EXPECT_EQ(copy.at("encryption").as_string(), "unknown");
  EXPECT_TRUE(copy.at("readable").as_bool());
  EXPECT_EQ(call("DELETE", "/v1/volumes/A00001").error(), "409 volser");
  const auto scratch = call("POST", "/v1/volumes/A00001-A00002/scratch", {{"expire_hours", 1}});
  EXPECT_EQ(scratch.number("volumes"), 2);
  EXPECT_THAT(json::serialize(scratch.body.at("notes")), HasSubstr("deleted after 1 hour"));
  EXPECT_EQ(call("POST", "/v1/volumes/A00001/private").status, 200U);
  EXPECT_EQ(call("POST", "/v1/volumes/A00002/private").error(), "409 volser");
  ASSERT_EQ(call("POST", "/v1/volumes/A00001/scratch", {{"expire_hours", 0}}).status, 200U);
  EXPECT_EQ(call("POST", "/v1/volumes/delete-expired").number("volumes"), 1);
  EXPECT_EQ(call("PATCH", "/v1/volumes/A00001", {{"preference", 0}}).status, 200U);
  const auto gone = call("DELETE", "/v1/volumes/A00001-A00003");
  EXPECT_EQ(gone.number("done"), 2);
  EXPECT_EQ(gone.number("not_done"), 1);
  EXPECT_THAT(records_.back(), HasSubstr("volume.withdraw"));
}

TEST_F(OperatorRoutes, T7_RecallsAreAskedForAndTheirOutcomeShown) {
  bench_.put_migrated("A00001", "P00001L9", 1);
  bench_.put_migrated("A00002", "P00001L9", 2);
  EXPECT_EQ(call("POST", "/v1/volumes/A00001/recall").number("done"), 1);
  EXPECT_THAT(call("POST", "/v1/physical-volumes/P00001L9/recall").each("outcome"),
              ElementsAre("wanted already", "wanted"));
  EXPECT_EQ(call("POST", "/v1/volumes/A00009/recall").error(), "404 volser");
  ASSERT_TRUE(bench_.desk.begin_recall("A00001"));
  bench_.desk.finish_recall("A00001", fail(ErrorCode::kIo, "it cannot be read"));
  const auto recalls = call("GET", "/v1/recalls");
  EXPECT_THAT(recalls.each("state"), ElementsAre("wanted", "failed"));
  EXPECT_THAT(recalls.each("problem"), ElementsAre("", "it cannot be read"));
}

TEST_F(OperatorRoutes, T10_CopiesAndPoolsAreFoundByLabelAndEncryption) {
  auto sealed = engine::testing::cartridge("P00001L9", 2);
  sealed.encryption = engine::MediumEncryption::kWrapped;
  sealed.labels[0] = {"FINANCE", engine::LabelMode::kHash};
  auto clear = engine::testing::cartridge("P00002L9", 2);
  clear.encryption = engine::MediumEncryption::kClear;
  ASSERT_TRUE(bench_.box.put(sealed, clear));
  bench_.put_migrated("A00001", "P00001L9", 2);
  bench_.put_migrated("A00002", "P00001L9", 1);
  bench_.put_migrated("A00003", "P00002L9", 1);
  EXPECT_THAT(call("GET", "/v1/volume-copies?label=finance").each("volser"), ElementsAre("A00002", "A00001"));
  auto page = call("GET", "/v1/volume-copies?limit=1");
  EXPECT_THAT(page.each("volser"), ElementsAre("A00002"));
  page = call("GET", "/v1/volume-copies?limit=2&after=" + page.text("next"));
  EXPECT_THAT(page.each("volser"), ElementsAre("A00001", "A00003"));
  EXPECT_EQ(page.text("next"), "");
  EXPECT_EQ(call("GET", "/v1/volume-copies?after=nowhere").error(), "400 after");
  const auto use = call("GET", "/v1/pool-use?pool=2");
  EXPECT_THAT(use.each("encryption"), ElementsAre("clear", "wrapped"));
  EXPECT_THAT(use.each("labels"), ElementsAre("", "FINANCE (hash)"));
  EXPECT_THAT(use.each("active_volumes"), ElementsAre("1", "2"));
  EXPECT_THAT(call("GET", "/v1/physical-volumes?encryption=clear").each("barcode"), ElementsAre("P00002L9"));
  EXPECT_THAT(call("GET", "/v1/physical-volumes/P00001L9/volumes").each("volser"),
              ElementsAre("A00002", "A00001"));
  EXPECT_EQ(call("GET", "/v1/physical-volumes/P00001L9").number("only_copies"), 2);
}

TEST_F(OperatorRoutes, T10_AReportComesWholeInEachFormat) {
  ASSERT_TRUE(bench_.box.put(engine::testing::cartridge("P00001L9", 2)));
  bench_.put_migrated("A00001", "P00001L9", 2);
  bench_.put_migrated("B00001", "P00001L9", 1);
  const auto body = [&](const std::string& target) {
    const auto outcome = call("GET", "/v1/reports/" + target);
    EXPECT_EQ(outcome.status, 200U) << target;
    return outcome.body.is_string() ? std::string(outcome.body.as_string()) : json::serialize(outcome.body);
  };
  const auto map = body("volume-map");
  EXPECT_EQ(type_, "text/plain; charset=utf-8");
  EXPECT_LT(map.find("B00001"), map.find("A00001"));
  EXPECT_TRUE(map.ends_with("END, 2 ROWS\n")) << map;
  EXPECT_THAT(body("volume-map?format=csv"), HasSubstr("P00001L9,2,1,"));
  EXPECT_EQ(type_, "text/csv; charset=utf-8");
  EXPECT_THAT(body("volume-status?format=json&volume=b"), HasSubstr("\"count\":1"));
  EXPECT_EQ(type_, "application/json");
  EXPECT_THAT(body("physical-volume-status?barcode=p00001l9"), HasSubstr("END, 1 ROWS"));
  EXPECT_THAT(body("physical-volume-status?pool=3"), HasSubstr("END, 0 ROWS"));
  EXPECT_THAT(body("physical-media-pools?format=csv"), HasSubstr("pool,name"));
  const auto sums = body("point-in-time-statistics");
  EXPECT_THAT(sums, HasSubstr("volumes_migrated"));
  EXPECT_THAT(sums, ::testing::Not(HasSubstr("host_bytes_written"))) << "nobody counts it";
  EXPECT_TRUE(records_.empty());
}

TEST_F(OperatorRoutes, T10_ALongReportIsRefusedWholeAndGivenInParts) {
  ASSERT_TRUE(bench_.box.put(engine::testing::cartridge("P00001L9", 2)));
  constexpr std::uint32_t kVolumes = 30'000;
  constexpr std::uint32_t kAtOnce = 5'000;
  for (std::uint32_t begin = 0; begin < kVolumes; begin += kAtOnce)
    ASSERT_TRUE(bench_.box->change([&](engine::CatalogueChange& change) -> Status {
      for (auto i = begin; i < begin + kAtOnce; ++i) {
        auto volume = engine::testing::written_volume("V" + std::to_string(10'000 + i));
        volume.primary = engine::testing::copy_on("P00001L9", i + 1);
        TRY(change.put(volume));
      }
      return {};
    }));
  const auto refused = call("GET", "/v1/reports/volume-map?format=json");
  EXPECT_EQ(refused.error(), "429 name");
  EXPECT_THAT(json::serialize(refused.body), HasSubstr("reports/volume-map/parts"));
  for (const std::string name : {"volume-map", "volume-status"}) {
    std::string all;
    std::size_t parts = 0;
    std::string next;
    do {
      const auto part =
          call("GET", "/v1/reports/" + name + "/parts?format=json" + (next.empty() ? "" : "&after=" + next));
      ASSERT_EQ(part.status, 200U) << name;
      all += part.text("text");
      next = part.text("next");
      ++parts;
    } while (!next.empty());
    EXPECT_GT(parts, 5U) << name;
    const auto report = json::parse(all);
    EXPECT_EQ(report.at("count").to_number<std::size_t>(), kVolumes) << name;
    ASSERT_EQ(report.at("rows").as_array().size(), kVolumes) << name;
    EXPECT_EQ(report.at("rows").at(kVolumes - 1).at("volser"), "V39999") << name;
  }
}

TEST_F(OperatorRoutes, T10_WhatIsWrongWithAReportIsNamed) {
  const auto error = [&](const std::string& target) { return call("GET", "/v1/reports/" + target).error(); };
  EXPECT_EQ(error("tape-map"), "400 name");
  EXPECT_EQ(error("volume-map?format=xml"), "400 format");
  EXPECT_EQ(error("volume-map?volume=A"), "400 volume");
  EXPECT_EQ(error("volume-status?volume=A-B"), "400 volume");
  EXPECT_EQ(error("cache-contents?pool=1"), "400 pool");
  EXPECT_EQ(error("physical-volume-status?pool=33"), "400 pool");
  EXPECT_EQ(error("physical-volume-status?pool=3&barcode=P00001L9"), "400 pool");
  EXPECT_EQ(error("physical-volume-status?barcode=P00009L9"), "404 barcode");
  EXPECT_EQ(error("volume-map?days=2"), "400 days");
  EXPECT_EQ(error("historical-statistics?days=91"), "400 days");
  for (const auto* after : {"0", "x-A", "0-", "0-a b", "0-P00001L9.", "0-P00001L9.x", "-1-P00001L9"})
    EXPECT_EQ(error("volume-map/parts?after=" + std::string(after)), "400 after") << after;
  EXPECT_EQ(error("physical-media-pools/parts?after=0-1"), "400 after");
  EXPECT_EQ(error("historical-statistics"), "501 name");
  EXPECT_EQ(error("historical-pool-statistics/parts"), "501 name");
}

TEST_F(OperatorRoutes, T10_StatisticsAreOfNowOrOverATime) {
  EXPECT_EQ(call("GET", "/v1/statistics?by=pool").error(), "501 from") << "nobody keeps a book";
  with_book_ = true;
  start(true);
  const auto body = [&](const std::string& target) {
    const auto outcome = call("GET", "/v1/statistics" + target);
    EXPECT_EQ(outcome.status, 200U) << target;
    return outcome.body.is_string() ? std::string(outcome.body.as_string()) : json::serialize(outcome.body);
  };
  book_.volume_recalled(70);
  book_.image_written(3, true, 500, engine::ImageFrom::kCache);
  EXPECT_THAT(body("?format=csv"), HasSubstr("bytes_recalled,70,"));
  EXPECT_EQ(type_, "text/csv; charset=utf-8");
  const auto now = bench_.box.now();
  ASSERT_TRUE(book_.save(*bench_.box, now));
  const auto day = format_utc(now).substr(0, 10);
  const auto sums = json::parse(body("?format=json&interval=1d&from=" + day));
  ASSERT_EQ(sums.at("count").to_number<int>(), 1) << json::serialize(sums);
  EXPECT_EQ(json::value_to<std::string>(sums.at("rows").at(0).at("began")), day + "T00:00:00.000Z");
  EXPECT_EQ(sums.at("rows").at(0).at("bytes_recalled").to_number<int>(), 70);
  EXPECT_THAT(body("?by=pool&format=csv"), HasSubstr(",3,0,500"));
  const auto part = call("GET", "/v1/statistics/parts?format=csv&interval=1h");
  EXPECT_THAT(part.text("text"), HasSubstr("host_bytes_written"));
  EXPECT_EQ(part.text("next"), "");
  EXPECT_TRUE(records_.empty()) << "looking is no change";
}

TEST_F(OperatorRoutes, T10_WhatIsWrongWithATimeIsNamed) {
  with_book_ = true;
  start(true);
  const auto error = [&](const std::string& query) { return call("GET", "/v1/statistics?" + query).error(); };
  EXPECT_EQ(error("from=yesterday"), "400 from");
  EXPECT_EQ(error("to=2026-13-01"), "400 to");
  EXPECT_EQ(error("from=2026-03-02&to=2026-03-01"), "400 from");
  for (const auto* interval : {"5m", "20m", "0h", "2d", "1w", "15", "m", "-1h"})
    EXPECT_EQ(error("interval=" + std::string(interval)), "400 interval") << interval;
  EXPECT_EQ(error("by=drive"), "400 by");
  EXPECT_EQ(error("format=xml"), "400 format");
  EXPECT_EQ(call("GET", "/v1/statistics/parts?interval=1h&after=x").error(), "400 after");
}

TEST_F(OperatorRoutes, T9_DrivesBehindTheEngineGoOfflineAndOnline) {
  EXPECT_THAT(call("GET", "/v1/physical-drives").each("state"), ElementsAre("idle", "at work"));
  EXPECT_EQ(as(Role::kAuditor, "POST", "/v1/physical-drives/1000000001/offline", {{"reason", "x"}}).status,
            403U);
  EXPECT_EQ(call("POST", "/v1/physical-drives/1000000001/offline", json::object{}).error(), "400 reason");
  EXPECT_EQ(call("POST", "/v1/physical-drives/1000000001/offline", {{"reason", " "}}).error(), "400 reason");
  EXPECT_EQ(call("POST", "/v1/physical-drives/1000000002/offline", {{"reason", "x"}}).error(), "409 serial");
  EXPECT_EQ(call("POST", "/v1/physical-drives/1000000009/offline", {{"reason", "x"}}).error(), "404 serial");
  records_.clear();
  const auto off = call("POST", "/v1/physical-drives/1000000001/offline", {{"reason", "cleaning"}});
  EXPECT_EQ(off.text("state"), "offline");
  EXPECT_THAT(off.text("reason"), HasSubstr(": cleaning"));
  ASSERT_EQ(records_.size(), 1U);
  EXPECT_THAT(records_.back(), HasSubstr("physical-drive.offline"));
  EXPECT_THAT(records_.back(), HasSubstr("cleaning"));
  EXPECT_EQ(call("POST", "/v1/physical-drives/1000000001/online").text("state"), "idle");
  EXPECT_THAT(records_.back(), HasSubstr("physical-drive.online"));
}

TEST_F(OperatorRoutes, T13_WhatBecomesOfTheCopiesOnADamagedCartridgeIsTold) {
  bench_.put_premigrated("A00001", "P00001L9", 1);
  bench_.put_migrated("A00002", "P00001L9", 2);
  const auto marked = call("POST", "/v1/physical-volumes/P00001L9/mark-damaged", {{"force", true}});
  EXPECT_EQ(marked.number("copies_written_anew"), 1);
  EXPECT_EQ(marked.number("from_other_cartridges"), 0);
  EXPECT_EQ(marked.number("without_another_copy"), 1);
}

TEST_F(OperatorRoutes, T9_ADrivesSerialIsFoundInEitherCase) {
  drives_.front().serial = "10wt00abc1";
  for (const auto* serial : {"10wt00abc1", "10WT00ABC1"}) {
    const auto drive = "/v1/physical-drives/" + std::string(serial);
    EXPECT_EQ(call("POST", drive + "/offline", {{"reason", "cleaning"}}).text("state"), "offline");
    EXPECT_EQ(call("POST", drive + "/online").text("state"), "idle");
  }
}

TEST_F(OperatorRoutes, T5_TheCachesUseIsTold) {
  bench_.put_migrated("A00001", "P00001L9", 2);
  const auto use = call("GET", "/v1/cache");
  EXPECT_EQ(use.number("limit_bytes"), 1000);
  EXPECT_EQ(use.number("used_bytes"), 300);
  EXPECT_EQ(use.number("promised_bytes"), 100);
  EXPECT_EQ(use.number("free_bytes"), 600);
  EXPECT_EQ(use.number("copies_due"), 0);
}

TEST_F(OperatorRoutes, T13_ACartridgesWayInAndOut) {
  bench_.in_library("P00001L9");
  const auto in = call("POST", "/v1/physical-volumes", {{"barcodes", "P00001L9-P00002L9"}, {"pool", 2}});
  EXPECT_THAT(in.each("done"), ElementsAre("true", "false"));
  EXPECT_EQ(call("GET", "/v1/physical-volumes/P00001L9").text("state"), "scratch");
  EXPECT_EQ(call("POST", "/v1/physical-volumes/P00001L9/assign", {{"pool", 3}}).status, 200U);
  EXPECT_EQ(call("POST", "/v1/physical-volumes/P00001L9/move", {{"when", "now"}}).error(), "400 target_pool");
  EXPECT_EQ(call("POST", "/v1/physical-volumes/P00001L9/move", {{"when", "now"}, {"target_pool", 4}}).error(),
            "409 barcodes");
  EXPECT_EQ(call("POST", "/v1/physical-volumes/P00001L9/erase").error(), "409 barcode");
  EXPECT_EQ(call("POST", "/v1/physical-volumes/P00001L9/eject", json::object{}).text("place"),
            "import/export slot 1");
  EXPECT_EQ(call("DELETE", "/v1/physical-volumes/P00001L9").status, 200U);
  EXPECT_EQ(call("GET", "/v1/physical-volumes/P00001L9").error(), "404 barcode");
}

TEST_F(OperatorRoutes, T13_TheOnlyCopyLeavesByForceAlone) {
  bench_.in_library("P00001L9");
  bench_.put_migrated("A00001", "P00001L9", 1);
  const auto refused = call("POST", "/v1/physical-volumes/P00001L9/export", json::object{});
  EXPECT_EQ(refused.error(), "409 force");
  EXPECT_THAT(json::serialize(refused.body), HasSubstr("A00001"));
  EXPECT_EQ(call("POST", "/v1/physical-volumes/P00001L9/export", {{"force", true}}).status, 200U);
  EXPECT_EQ(call("GET", "/v1/physical-volumes/P00001L9").text("state"), "exported");
  EXPECT_THAT(records_.back(), HasSubstr("\"force\":\"yes\""));
}

TEST_F(OperatorRoutes, T11_MessagesInterventionsAndTracesAreShown) {
  bench_.notices.say(engine::NoticeKind::kDatabaseBackup, "P00001L9",
                     engine::database_backup_text("P00001L9", true));
  bench_.notices.raise(engine::NoticeKind::kNoScratchCartridge, "2", "Pool 2 has no scratch cartridge");
  EXPECT_THAT(call("GET", "/v1/interventions").each("code"), ElementsAre("TWE005A"));
  EXPECT_THAT(call("GET", "/v1/host-messages").each("text"),
              ElementsAre("Database Backup written to Encrypted Physical Tape P00001L9",
                          "Pool 2 has no scratch cartridge"));
  EXPECT_THAT(call("GET", "/v1/host-messages?since=1").each("number"), ElementsAre("2"));
  auto page = call("GET", "/v1/host-messages?limit=1");
  EXPECT_EQ(page.text("next"), "1");
  EXPECT_THAT(call("GET", "/v1/host-messages?limit=1&after=1").each("number"), ElementsAre("2"));
  bench_.notices.clear(engine::NoticeKind::kNoScratchCartridge, "2", "a cartridge came");
  EXPECT_TRUE(call("GET", "/v1/interventions").items().empty());
  EXPECT_THAT(call("GET", "/v1/traces/a00001?last=1").each("text"),
              ElementsAre("mount", "the robot is stuck"));
  EXPECT_THAT(call("GET", "/v1/traces/a00001").each("purpose"), ElementsAre("append", "read", "read"));
  EXPECT_EQ(call("GET", "/v1/traces/A00002").error(), "404 name");
}

TEST_F(OperatorRoutes, K9_OtherKeksAreAskedForAndTheOldOneIsSeenToBeNeeded) {
  auto written = engine::testing::cartridge("J00001", 2, engine::CartridgeState::kFull);
  written.encryption = engine::MediumEncryption::kWrapped;
  written.labels = {engine::KeyLabel{"FINANCE", engine::LabelMode::kClear}, engine::KeyLabel{}};
  ASSERT_TRUE(bench_.box.put(written));
  const auto needed = call("GET", "/v1/kek-retirement?label=finance");
  ASSERT_EQ(needed.status, 200U);
  EXPECT_TRUE(needed.body.at("needed").as_bool());
  EXPECT_THAT(needed.each("first"), ElementsAre("J00001"));
  const json::object order{{"label_1", "ARCHIVE"}, {"mode_1", "hash"}};
  EXPECT_EQ(call("POST", "/v1/pools/2/rekey", order).status, 403U);
  EXPECT_EQ(officer("POST", "/v1/pools/2/rekey", {{"label_1", "NOBODY"}}).error(), "404 label 1");
  EXPECT_EQ(officer("POST", "/v1/pools/2/rekey", json::object{}).error(), "400 label_1");
  EXPECT_EQ(officer("POST", "/v1/pools/2/rekey", {{"label_1", "ARCHIVE"}, {"cancel", true}}).error(),
            "400 label_1");
  const auto done = officer("POST", "/v1/pools/2/rekey", order);
  ASSERT_EQ(done.status, 200U) << json::serialize(done.body);
  EXPECT_THAT(done.each("outcome"), ElementsAre("asked for"));
  EXPECT_THAT(json::serialize(done.body.at("notes")), HasSubstr("revokes nothing"));
  EXPECT_EQ(bench_.box->cartridge("J00001")->rekey.labels[0],
            (engine::KeyLabel{"ARCHIVE", engine::LabelMode::kHash}));
  ASSERT_EQ(records_.size(), 1U);
  EXPECT_THAT(records_[0], HasSubstr("pool.rekey"));
  EXPECT_THAT(call("GET", "/v1/kek-retirement?label=FINANCE").each("asked"), ElementsAre("1"));
  EXPECT_THAT(call("GET", "/v1/pools/2/rekey").each("wanted"), ElementsAre("ARCHIVE (hash)"));
  EXPECT_EQ(call("GET", "/v1/pools/2").body.at("rekeys_asked"), 1);
  EXPECT_EQ(call("GET", "/v1/physical-volumes/J00001").body.at("rekey"), "ARCHIVE (hash)");
  EXPECT_EQ(officer("POST", "/v1/pools/2/rekey", {{"cancel", true}, {"barcodes", "J00001"}}).status, 200U);
  EXPECT_FALSE(bench_.box->cartridge("J00001")->rekey.wanted());
  EXPECT_EQ(call("GET", "/v1/kek-retirement").error(), "400 label");
}

TEST_F(OperatorRoutes, T10_ASearchForALabelThatNobodyKnowsSaysSo) {
  for (const auto* target : {"/v1/pool-use", "/v1/volume-copies", "/v1/physical-volumes"}) {
    const auto unknown = call("GET", std::string(target) + "?label=NOBODY");
    EXPECT_EQ(unknown.status, 200U);
    EXPECT_TRUE(unknown.items().empty());
    EXPECT_THAT(json::serialize(unknown.body), HasSubstr("there is no such key label")) << target;
    EXPECT_FALSE(call("GET", std::string(target) + "?label=ARCHIVE").body.as_object().contains("notes"))
        << "the key servers know it";
  }
}

TEST_F(OperatorRoutes, T10_AVolumeThatADriveWaitsForIsShownInThatDrive) {
  ASSERT_EQ(call("POST", "/v1/volumes", {{"volsers", "A00001-A00002"}}).status, 200U);
  bench_.shelf.places["A00001"] = "drive 2000000001";
  EXPECT_EQ(call("GET", "/v1/volumes/A00001").text("mounted"), "2000000001 (waits for it)");
  EXPECT_EQ(call("GET", "/v1/volumes/A00002").text("mounted"), "");
  EXPECT_THAT(call("GET", "/v1/volumes").each("mounted"), ElementsAre("2000000001 (waits for it)", ""));
}

TEST_F(OperatorRoutes, K13_WhatCannotBeRecordedIsNotDoneByTheEngine) {
  ready_ = false;
  EXPECT_EQ(call("POST", "/v1/volumes", {{"volsers", "A00001"}}).status, 503U);
  EXPECT_EQ(call("GET", "/v1/volumes/A00001").status, 404U);
}

TEST_F(OperatorRoutes, T3_OnlyAnOfficerSaysThatWhatAPoolEncryptsMayLieInClear) {
  bench_.in_library("P00001L9");
  bench_.put_premigrated("A00001", "P00001L9", 1);
  bench_.encrypt_pool(1);
  const json::object plain{{"when", "now"}, {"target_pool", 9}};
  json::object clear = plain;
  clear["allow_clear"] = true;
  for (const std::string target : {"/v1/physical-volumes/P00001L9/move", "/v1/pools/1/move"}) {
    EXPECT_EQ(call("POST", target, plain).error(), "409 target_pool");
    EXPECT_EQ(call("POST", target, clear).error(), "403 allow_clear");
    EXPECT_EQ(officer("POST", target, plain).error(), "409 target_pool") << "not without a word";
  }
  EXPECT_EQ(bench_.physical("P00001L9").move, engine::MoveRequest{});
  records_.clear();
  EXPECT_EQ(officer("POST", "/v1/physical-volumes/P00001L9/move", clear).status, 200U);
  EXPECT_TRUE(bench_.physical("P00001L9").move.to_clear);
  ASSERT_EQ(records_.size(), 1U);
  EXPECT_THAT(records_[0], HasSubstr("physical-volume.move"));
  EXPECT_THAT(records_[0], HasSubstr("\"allow_clear\":\"yes\""));
  EXPECT_EQ(call("PATCH", "/v1/volumes/A00001", {{"preference", 0}, {"allow_clear", true}}).error(),
            "403 allow_clear");
}

}  // namespace
}  // namespace tapewarden::admin
