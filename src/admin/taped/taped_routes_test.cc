// The engine's routes over a library in a simulated system.
#include "admin/taped/taped_routes.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admin/taped/routes_test_kit.h"
#include "scsi/cdb.h"
#include "tape/library/library_test_kit.h"

namespace tapewarden::admin {
namespace {

namespace json = boost::json;
using people::Role;
using people::testing::PeopleFixture;
using test::Outcome;
using ::testing::HasSubstr;

const std::string kFirst = "1000000001";  // drives' serials
const std::string kEnterprise = "1000000003";
const scsi::NexusId kHost = tape::test::kHost;

class TapedRoutes : public ::testing::Test {
 protected:
  TapedRoutes() {
    session_.nexus = kHost;
    session_.initiator = "iqn.test:host";
    session_.target = "iqn.test:library";
    meter_ = std::make_shared<UnitMeter>(bench_.library->bays()[0]);
    add_taped_routes(router_, services());
  }
  TapedServices services() {
    return {.env = bench_.sim.env(),
            .people = fixture_.people(),
            .library = *bench_.library,
            .library_serial = "TWL0000001",
            .units = {{"iqn.test:library", 1, "drive " + kFirst, meter_}},
            .sessions = [this] { return std::vector{session_}; },
            .key_servers =
                [] { return std::vector<KeyServerView>{{"primary", "k1:3801", "down", "", "refused"}}; },
            .record =
                [this](const people::Event& event) {
                  records_.push_back(people::to_record(event));
                  return Status{};
                },
            .ready = [this] { return ready_; },
            .version = "1"};
  }
  Outcome as(Role role, std::string method, std::string target, const json::value& body = nullptr) {
    return test::call_as(router_, fixture_, role, std::move(method), std::move(target), body);
  }
  Outcome call(std::string method, std::string target, const json::value& body = nullptr) {
    return as(Role::kOperator, std::move(method), std::move(target), body);
  }
  std::string place(const std::string& barcode) {
    const auto answer = call("GET", "/v1/cartridges/" + barcode);
    return answer.status == 200 ? answer.text("place") : "status " + std::to_string(answer.status);
  }
  scsi::Response host(const Bytes& cdb, const Bytes& out = {}) {
    auto response = meter_->execute({.cdb = cdb, .nexus = kHost, .data_out = out});
    while (response.sense.code.key == scsi::SenseKey::kUnitAttention)
      response = meter_->execute({.cdb = cdb, .nexus = kHost, .data_out = out});
    return response;
  }

  PeopleFixture fixture_;
  tape::test::LibraryBench bench_;
  iscsi::SessionInfo session_;
  std::shared_ptr<UnitMeter> meter_;
  std::vector<std::string> records_;
  bool ready_ = true;
  ThreadPool workers_{1};
  Router router_{fixture_.people(), workers_, {.origin = "engine"}};
};

TEST_F(TapedRoutes, U3_AnAuditorSeesEverythingAndChangesNothing) {
  for (const auto& route : router_.routes()) {
    if (!route.permission || route.method == "GET") continue;
    if (*route.permission != people::Permission::kChangeLibrary) continue;
    std::string target(route.pattern);
    for (const std::string hole : {"{barcode}", "{serial}"})
      if (const auto at = target.find(hole); at != std::string::npos)
        target.replace(at, hole.size(), "A00001L9");
    EXPECT_EQ(as(Role::kAuditor, std::string(route.method), target, json::object{}).status, 403U) << target;
  }
  for (const auto* target : {"/v1/status", "/v1/sessions", "/v1/key-servers", "/v1/library", "/v1/cartridges",
                             "/v1/tape-drives", "/v1/tape-drives/1000000001"})
    EXPECT_EQ(as(Role::kAuditor, "GET", target).status, 200U) << target;
  EXPECT_EQ(place("A00001L9"), "slot 1");
  EXPECT_TRUE(records_.empty());
}

TEST_F(TapedRoutes, L2_AnOperatorLoadsMovesAndUnloadsWhileItIsServed) {
  const auto changes = bench_.library->outside_changes();
  EXPECT_EQ(call("POST", "/v1/cartridges/A00001L9/move", {{"drive", kFirst}}).text("place"),
            "drive " + kFirst);
  EXPECT_GT(bench_.library->outside_changes(), changes) << "hosts are told";
  const auto drive = call("GET", "/v1/tape-drives/" + kFirst);
  EXPECT_EQ(drive.text("state"), "loaded");
  EXPECT_EQ(drive.text("cartridge"), "A00001L9");
  EXPECT_EQ(call("POST", "/v1/tape-drives/" + kFirst + "/unload", json::object{}).text("place"), "slot 1");
  EXPECT_EQ(call("POST", "/v1/cartridges/A00001L9/move", {{"to", "PORT:2"}}).text("place"),
            "import/export slot 2");
  EXPECT_EQ(call("POST", "/v1/cartridges/A00001L9/move", json::object{}).text("place"), "slot 1");
  ASSERT_EQ(records_.size(), 4U);
  EXPECT_THAT(records_[0], HasSubstr("cartridge.move"));
  EXPECT_THAT(records_[0], HasSubstr("operator"));
  EXPECT_THAT(records_[1], HasSubstr("tape-drive.unload"));
}

TEST_F(TapedRoutes, L2_WhatCannotBeMovedIsSaidWithItsField) {
  const auto move = [this](const std::string& barcode, const json::object& body) {
    const auto answer = call("POST", "/v1/cartridges/" + barcode + "/move", body);
    return std::to_string(answer.status) + " " + answer.error("field");
  };
  EXPECT_EQ(move("A00001L9", {{"to", "slot 2"}}), "409 to");
  EXPECT_EQ(move("A00001L9", {{"to", "slot 9"}}), "400 to");
  EXPECT_EQ(move("A00001L9", {{"to", "slot 0"}}), "400 to");
  EXPECT_EQ(move("A00001L9", {{"to", "slot"}}), "400 to");
  EXPECT_EQ(move("A00001L9", {{"to", "drive:"}}), "400 to");
  EXPECT_EQ(move("A00001L9", {{"to", ":1"}}), "400 to");
  EXPECT_EQ(move("A00001L9", {{"to", "the shelf"}}), "400 to");
  EXPECT_EQ(move("A00001L9", {{"to", "slot 8"}, {"drive", kFirst}}), "400 to");
  EXPECT_EQ(move("A00001L9", {{"drive", "9999999999"}}), "404 drive");
  EXPECT_EQ(move("A00001L9", {{"drive", kEnterprise}}), "400 to");
  EXPECT_EQ(move("Z00001L9", {{"to", "slot 8"}}), "404 barcode");
  EXPECT_EQ(move("A00001L9", {{"too", "slot 8"}}), "400 too");
  EXPECT_EQ(place("A00001L9"), "slot 1");
  EXPECT_TRUE(records_.empty());
}

TEST_F(TapedRoutes, L2_AHostThatPreventsRemovalYieldsOnlyToForce) {
  ASSERT_EQ(call("POST", "/v1/cartridges/A00001L9/move", {{"drive", kFirst}}).status, 200U);
  const Bytes prevent{0x1e, 0, 0, 0, 1, 0};
  ASSERT_TRUE(host(prevent).good());
  const auto drive = call("GET", "/v1/tape-drives/" + kFirst);
  EXPECT_EQ(drive.body.at("removal_prevented_by").at(0).as_string(), "iqn.test:host");
  const auto refused = call("POST", "/v1/tape-drives/" + kFirst + "/unload", json::object{});
  EXPECT_EQ(refused.status, 409U);
  EXPECT_THAT(refused.error("remedy"), HasSubstr("force"));
  EXPECT_EQ(call("POST", "/v1/tape-drives/" + kFirst + "/unload", {{"force", true}}).text("place"), "slot 1");
  EXPECT_EQ(call("POST", "/v1/tape-drives/" + kFirst + "/unload", {{"force", true}}).status, 404U);
}

TEST_F(TapedRoutes, L2_ADriveThatIsOffAnswersNobodyAndGetsItsCartridgeBack) {
  ASSERT_EQ(call("POST", "/v1/cartridges/A00001L9/move", {{"drive", kFirst}}).status, 200U);
  EXPECT_EQ(call("POST", "/v1/tape-drives/" + kFirst + "/power", {{"power", "off"}}).text("state"), "off");
  EXPECT_EQ(host(Bytes(6, 0)).sense.code, scsi::sense_codes::kUnitOffline);
  const auto inquiry = host(scsi::Inquiry{.allocation_length = 96}.encode());
  ASSERT_TRUE(inquiry.good());
  EXPECT_EQ(inquiry.data_in.at(0), 0x21);
  EXPECT_EQ(place("A00001L9"), "drive " + kFirst);
  const auto status = call("GET", "/v1/status");
  EXPECT_THAT(json::serialize(status.body.at("warnings")), HasSubstr("drive " + kFirst + " is switched off"));
  EXPECT_EQ(call("POST", "/v1/tape-drives/" + kFirst + "/power", {{"power", "on"}}).text("state"), "loaded");
  EXPECT_TRUE(host(Bytes(6, 0)).good());
  EXPECT_EQ(call("POST", "/v1/tape-drives/" + kFirst + "/power", {{"power", "cycle"}}).text("state"),
            "loaded");
  EXPECT_EQ(call("POST", "/v1/tape-drives/" + kFirst + "/power", {{"power", "up"}}).error("field"), "power");
}

TEST_F(TapedRoutes, L2_CartridgesAreMadeImportedExportedAndForgotten) {
  const auto made =
      call("POST", "/v1/cartridges", {{"barcodes", "B00001L9-B00003L9"}, {"capacity_bytes", 64 << 20}});
  ASSERT_EQ(made.status, 200U) << json::serialize(made.body);
  EXPECT_EQ(made.body.at("made").as_int64(), 3);
  EXPECT_EQ(place("B00003L9"), "slot 8");
  EXPECT_EQ(call("POST", "/v1/cartridges", {{"barcodes", "C00001L9"}}).status, 429U);
  EXPECT_EQ(call("POST", "/v1/cartridges", {{"barcodes", "B00001L9"}}).status, 409U);
  EXPECT_EQ(call("POST", "/v1/cartridges", {{"barcodes", "../../etc"}}).error("field"), "barcode");
  EXPECT_EQ(call("POST", "/v1/cartridges", {{"barcodes", "C00001L9"}, {"kind", "DLT"}}).error("field"),
            "kind");
  EXPECT_EQ(call("POST", "/v1/cartridges", json::object{}).error("field"), "barcodes");
  ASSERT_EQ(call("POST", "/v1/cartridges/B00001L9/move", {{"to", "port 1"}}).status, 200U);
  EXPECT_EQ(call("POST", "/v1/cartridges/B00001L9/remove").status, 409U);
  EXPECT_EQ(call("POST", "/v1/cartridges/B00001L9/export").text("place"), "outside");
  EXPECT_EQ(call("POST", "/v1/cartridges/B00001L9/move", {{"to", "slot 6"}}).status, 409U);
  EXPECT_EQ(call("POST", "/v1/cartridges/B00001L9/import").text("place"), "import/export slot 1");
  EXPECT_EQ(call("POST", "/v1/cartridges/B00001L9/export").status, 200U);
  EXPECT_EQ(call("POST", "/v1/cartridges/B00001L9/remove").status, 200U);
  EXPECT_EQ(place("B00001L9"), "status 404");
}

TEST_F(TapedRoutes, L2_AHostThatLocksTheDoorKeepsTheOperatorOut) {
  ASSERT_EQ(call("POST", "/v1/cartridges/A00001L9/move", {{"to", "port 1"}}).status, 200U);
  bench_.library->prevent_removal(true);
  EXPECT_EQ(call("POST", "/v1/cartridges/A00001L9/export").status, 409U);
  EXPECT_TRUE(call("GET", "/v1/library").body.at("removal_prevented").as_bool());
  bench_.library->prevent_removal(false);
  EXPECT_EQ(call("POST", "/v1/cartridges/A00001L9/export").status, 200U);
}

TEST_F(TapedRoutes, U3_AListOfCartridgesComesInPages) {
  auto page = call("GET", "/v1/cartridges?limit=2");
  EXPECT_EQ(page.body.at("items").as_array().size(), 2U);
  EXPECT_EQ(page.text("next"), "A00002L9");
  page = call("GET", "/v1/cartridges?limit=3&after=A00002L9");
  EXPECT_EQ(page.body.at("items").as_array().size(), 3U);
  EXPECT_EQ(page.text("next"), "");
  EXPECT_EQ(call("GET", "/v1/cartridges?limit=0").error("field"), "limit");
}

TEST_F(TapedRoutes, U3_SessionsTellWhatMovedAndDrivesWhoHoldsThem) {
  ASSERT_EQ(call("POST", "/v1/cartridges/A00001L9/move", {{"drive", kFirst}}).status, 200U);
  const Bytes block(4096, 7);
  ASSERT_TRUE(host(scsi::Write6{.fixed = false, .transfer_length = 4096}.encode(), block).good());
  ASSERT_TRUE(host(Bytes{0x16, 0, 0, 0, 0, 0}).good());  // RESERVE(6)
  const auto sessions = call("GET", "/v1/sessions");
  const auto& first = sessions.body.at("items").at(0);
  EXPECT_EQ(first.at("initiator").as_string(), "iqn.test:host");
  EXPECT_EQ(first.at("bytes_from_host").to_number<int>(), 4096);
  EXPECT_EQ(first.at("units").at(0).at("lun").to_number<int>(), 1);
  const auto drive = call("GET", "/v1/tape-drives/" + kFirst);
  EXPECT_EQ(drive.text("reserved_by"), "iqn.test:host");
  EXPECT_EQ(drive.text("encryption"), "off");
  EXPECT_EQ(drive.body.at("mounted").at("block").to_number<int>(), 1);
  EXPECT_THAT(json::serialize(call("GET", "/v1/status").body.at("warnings")), HasSubstr("k1:3801"));
}

TEST_F(TapedRoutes, K13_WhatCannotBeRecordedIsNotDone) {
  ready_ = false;
  EXPECT_EQ(call("POST", "/v1/cartridges/A00001L9/move", {{"to", "port 1"}}).status, 503U);
  EXPECT_EQ(place("A00001L9"), "slot 1");
}

TEST_F(TapedRoutes, U3_TheDocumentDescribesEveryRoute) {
  const auto document = call("GET", "/v1/openapi.json");
  for (const auto& route : router_.routes())
    EXPECT_TRUE(document.body.at("paths").as_object().contains(route.pattern)) << route.pattern;
}

}  // namespace
}  // namespace tapewarden::admin
