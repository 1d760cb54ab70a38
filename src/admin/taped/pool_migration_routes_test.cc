// The routes of migrations over a catalogue, with the order of an operator's whole way.
#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admin/taped/routes_test_kit.h"
#include "admin/taped/taped_routes.h"
#include "engine/operator/migration_parts.h"
#include "engine/operator/operator_test_kit.h"
#include "tape/library/library_test_kit.h"

namespace tapewarden::admin {
namespace {

namespace json = boost::json;
using engine::CartridgeState;
using engine::MediumKind;
using engine::PoolEncryption;
using people::Role;
using test::Outcome;
using ::testing::HasSubstr;

class MigrationRoutes : public ::testing::Test {
 protected:
  MigrationRoutes() {
    TapedServices services{.env = library_.sim.env(),
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
    router_.add(pool_migration_routes(services));  // without an engine
    services.engine = std::make_shared<EngineServices>(
        EngineServices{.parts = bench_.parts(),
                       .recalls = recalls_,
                       .reclaim_inhibited = [] { return true; },
                       .rates = [] { return engine::TransferRates{.drives = 4}; }});
    with_engine_.add(pool_migration_routes(services));
    bench_.box.clock().advance(std::chrono::hours(24));
    engine::Pool target = bench_.pool(2);
    target.encryption = PoolEncryption::kIdentified;
    target.key_group = "DAILY";
    EXPECT_TRUE(bench_.box.put(target));
    bench_.put_migrated("A00001", "P00001", 1);
    bench_.put_migrated("A00002", "P00001", 2);
    EXPECT_TRUE(bench_.box.put(engine::testing::cartridge("P00009", 2, CartridgeState::kScratch)));
  }
  Outcome as(Role role, std::string method, std::string target, const json::value& body = nullptr) {
    return test::call_as(engine_there_ ? with_engine_ : router_, fixture_, role, std::move(method),
                         std::move(target), body);
  }
  Outcome officer(std::string method, std::string target, const json::value& body = nullptr) {
    return as(Role::kSecurityOfficer, std::move(method), std::move(target), body);
  }
  std::string plan_error(const std::string& query) {
    return officer("GET", "/v1/pool-migrations/plan?" + query).error();
  }

  people::testing::PeopleFixture fixture_;
  tape::test::LibraryBench library_;
  engine::testing::OperatorBench bench_;
  engine::RecallOrders recalls_{bench_.box.clock(), bench_.desk};
  std::vector<std::string> records_;
  bool ready_ = true;
  bool engine_there_ = true;
  ThreadPool workers_{1};
  Router router_{fixture_.people(), workers_, RouterOptions{.origin = "engine"}};
  Router with_engine_{fixture_.people(), workers_, RouterOptions{.origin = "engine"}};
};

TEST_F(MigrationRoutes, T7_APlanIsForEverybodyAndChangesNothing) {
  const auto plan =
      as(Role::kAuditor, "GET", "/v1/pool-migrations/plan?source=1&target=2&when=when-eligible");
  ASSERT_EQ(plan.status, 200U) << json::serialize(plan.body);
  EXPECT_TRUE(plan.body.at("may_begin").as_bool());
  EXPECT_EQ(plan.number("cartridges"), 1);
  EXPECT_EQ(plan.number("volumes"), 2);
  EXPECT_EQ(plan.number("bytes"), 2000);
  EXPECT_EQ(plan.number("drives"), 4) << "what the engine knows of its drives";
  EXPECT_EQ(plan.text("key_group"), "DAILY");
  EXPECT_EQ(plan.body.at("settings").at(0).at("name").as_string(), "--------");
  EXPECT_EQ(plan.body.at("conflicts").at(0).at("kind").as_string(), "reclaim-inhibited");
  EXPECT_EQ(officer("GET", "/v1/pool-migrations/plan?source=1&target=2&drives=1").number("drives"), 1);
  EXPECT_EQ(officer("GET", "/v1/pool-migrations").body.at("items").as_array().size(), 0U);
  EXPECT_TRUE(records_.empty());
}

TEST_F(MigrationRoutes, T7_WhatIsWrongIsSaidWithItsField) {
  EXPECT_EQ(plan_error("target=2"), "400 source");
  EXPECT_EQ(plan_error("source=99&target=2"), "400 source");
  EXPECT_EQ(plan_error("source=1&target=-1"), "400 target");
  EXPECT_EQ(plan_error("source=0&target=2"), "400 source");
  EXPECT_EQ(plan_error("source=1&target=2&when=soon"), "400 when");
  EXPECT_EQ(plan_error("source=1&target=2&label_1=KEK"), "400 label 1");
  EXPECT_EQ(plan_error("source=2&target=2&label_1=KEK"), "400 encryption") << "LTO takes keys of a group";
  EXPECT_EQ(plan_error("source=1&target=2&drives=-1"), "400 drives");
  EXPECT_EQ(plan_error("source=1&target=2&mount_seconds=4000"), "400 mount seconds");
  EXPECT_EQ(officer("GET", "/v1/pool-migrations/7").error(), "404 migration");
  EXPECT_EQ(officer("GET", "/v1/pool-migrations/x").error(), "400 number");
  EXPECT_EQ(officer("POST", "/v1/pool-migrations/7/cancel").error(), "404 migration");
  EXPECT_EQ(officer("POST", "/v1/pool-migrations", {{"source", 1}, {"target", 3}}).error(), "409 migration");
  EXPECT_EQ(
      officer("POST", "/v1/pool-migrations", {{"source", 2}, {"target", 2}, {"key_group", "NOBODY"}}).error(),
      "404 key group");
  EXPECT_TRUE(records_.empty());
  engine_there_ = false;
  EXPECT_THAT(officer("GET", "/v1/pool-migrations").error(), HasSubstr("engine"));
}

TEST_F(MigrationRoutes, T7_OnlyWhoChangesSettingsBeginsAndCancels) {
  EXPECT_EQ(as(Role::kOperator, "POST", "/v1/pool-migrations", {{"source", 1}, {"target", 2}}).status, 403U);
  EXPECT_EQ(as(Role::kAuditor, "POST", "/v1/pool-migrations/1/cancel").status, 403U);
  ready_ = false;
  EXPECT_EQ(officer("POST", "/v1/pool-migrations", {{"source", 1}, {"target", 2}}).status, 503U);
  EXPECT_EQ(officer("GET", "/v1/pool-migrations").body.at("items").as_array().size(), 0U);
}

TEST_F(MigrationRoutes, T7_AMigrationIsBegunWatchedAndCancelled) {
  const auto begun = officer("POST", "/v1/pool-migrations", {{"source", 1}, {"target", 2}});
  ASSERT_EQ(begun.status, 200U) << json::serialize(begun.body);
  EXPECT_EQ(begun.number("number"), 1);
  EXPECT_EQ(begun.text("state"), "moving");
  EXPECT_EQ(begun.number("volumes_left"), 2);
  EXPECT_NE(begun.text("requested_by"), "");
  EXPECT_EQ(bench_.physical("P00001").move.when, engine::MoveRequest::When::kNow);
  EXPECT_EQ(bench_.back_end.holds, 0);
  EXPECT_GE(bench_.woken, 1);
  ASSERT_EQ(records_.size(), 1U);
  EXPECT_THAT(records_[0], HasSubstr("pool.migrate"));
  EXPECT_EQ(officer("POST", "/v1/pool-migrations", {{"source", 1}, {"target", 3}}).error(), "409 migration");
  EXPECT_EQ(as(Role::kAuditor, "GET", "/v1/pool-migrations/1").number("percent"), 0);

  const auto cancelled = officer("POST", "/v1/pool-migrations/1/cancel", {{"keep_settings", true}});
  EXPECT_EQ(cancelled.text("state"), "cancelled");
  EXPECT_EQ(bench_.physical("P00001").move.when, engine::MoveRequest::When::kNone);
  EXPECT_EQ(bench_.pool(1).reclaim_pool, 2);
  EXPECT_EQ(officer("POST", "/v1/pool-migrations/1/cancel").error(), "409 migration");
  const auto list = officer("GET", "/v1/pool-migrations");
  EXPECT_EQ(list.body.at("items").at(0).at("state").as_string(), "cancelled");
}

TEST_F(MigrationRoutes, T7_NewKeysWithinAPoolAreAskedForAtTheKeyServers) {
  EXPECT_TRUE(bench_.box.put(engine::testing::cartridge("P00008", 2, CartridgeState::kScratch)));
  bench_.names.known.insert("WEEKLY");
  const json::object order{{"source", 2}, {"target", 2}, {"key_group", "WEEKLY"}};
  bench_.names.reachable = false;
  EXPECT_EQ(officer("POST", "/v1/pool-migrations", order).status, 503U);
  EXPECT_EQ(bench_.pool(2).key_group, "DAILY");
  bench_.names.reachable = true;
  const auto begun = officer("POST", "/v1/pool-migrations", order);
  ASSERT_EQ(begun.status, 200U) << json::serialize(begun.body);
  EXPECT_EQ(begun.text("key_group"), "WEEKLY");
  EXPECT_EQ(bench_.pool(2).key_group, "WEEKLY");
  EXPECT_EQ(bench_.names.asked.back(), "WEEKLY");
}

}  // namespace
}  // namespace tapewarden::admin
