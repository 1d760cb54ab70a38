// K10, K9, K27 by REST.
#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>

#include "admin/keyd/testing/keyd_client.h"

namespace tapewarden::admin {
namespace {

namespace json = boost::json;
using people::Role;
using ::testing::HasSubstr;
using testing::Outcome;

class LifeRoutes : public testing::KeydClient {
 protected:
  LifeRoutes() {
    add_officer("second");
    set_two_person(true);
    EXPECT_EQ(officer("POST", "/v1/keys", {{"range", "K1"}}).status, 201U);
    EXPECT_EQ(
        officer("POST", "/v1/keks", {{"common_name", "Finance"}, {"bits", 2048}, {"labels", {"FIN"}}}).status,
        201U);
  }
  void deactivate() {
    EXPECT_EQ(officer("PUT", "/v1/keys/K1/state", {{"state", "deactivated"}}).status, 200U);
  }
};

TEST_F(LifeRoutes, K10_DestroyingByRestTakesTwoAndAnswersTheTombstone) {
  EXPECT_EQ(officer("PUT", "/v1/keys/K1/state", {{"state", "destroyed"}}).status, 403U);
  EXPECT_EQ(as(Role::kOperator, "POST", "/v1/keys/K1/destroy").status, 403U);
  deactivate();
  EXPECT_EQ(officer("GET", "/v1/keys/K1/destruction-proof").status, 409U);
  EXPECT_EQ(officer("POST", "/v1/keys/K1/destroy").status, 202U);
  const auto done = both("POST", "/v1/keys/K1/destroy", json::object{});
  ASSERT_EQ(done.status, 200U) << done.body;
  EXPECT_EQ(done.text("state"), "destroyed");
  EXPECT_EQ(done.text("by"), "officer");
  EXPECT_EQ(done.text("approved_by"), "second");
  EXPECT_EQ(done.body.at("overwritten_in_files"), true);
  const auto proof = officer("GET", "/v1/keys/K1/destruction-proof");
  ASSERT_EQ(proof.status, 200U) << proof.body;
  EXPECT_THAT(proof.text("document"), ::testing::StartsWith("{\"tapewarden destruction 1\":"));
  EXPECT_EQ(officer("GET", "/v1/keys?state=destroyed").items(), 1U);
  EXPECT_EQ(officer("GET", "/v1/keys/K1").text("state"), "destroyed");
}

TEST_F(LifeRoutes, K10_TheProofListsTheBackupsMadeBeforeTheDestruction) {
  const json::value target{{"name", "vault"},
                           {"directory", fixture_.backup_directory()},
                           {"domain", "building-2"},
                           {"passphrase", "correct horse battery"}};
  ASSERT_EQ(officer("POST", "/v1/backups", target).status, 201U);
  const auto before = officer("POST", "/v1/backups/vault/run");
  ASSERT_EQ(before.status, 200U) << before.body;
  deactivate();
  ASSERT_EQ(both("POST", "/v1/keys/K1/destroy", json::object{}).status, 200U);
  fixture_.base().clock().advance(std::chrono::minutes(1));
  const auto after = officer("POST", "/v1/backups/vault/run", {{"new_base", true}});
  ASSERT_EQ(after.status, 200U) << after.body;
  const auto proof = officer("GET", "/v1/keys/K1/destruction-proof");
  ASSERT_EQ(proof.status, 200U) << proof.body;
  EXPECT_THAT(proof.text("document"), HasSubstr(before.text("file")));
  EXPECT_THAT(proof.text("document"), HasSubstr("vault (building-2)"));
  EXPECT_THAT(proof.text("document"), ::testing::Not(HasSubstr(after.text("file"))));
}

TEST_F(LifeRoutes, K10_WhatChangedBetweenAskingAndDoingIsAnotherRequest) {
  deactivate();
  const auto asked = officer("POST", "/v1/keys/K1/destroy", {{"cartridges_lost", 0}});
  ASSERT_EQ(asked.status, 202U);
  EXPECT_THAT(asked.text("summary"), HasSubstr("needed by 0 cartridges"));
  const std::string id = asked.text("approval");
  ASSERT_EQ(call("second", "POST", "/v1/approvals/" + id + "/approve").status, 200U);
  EXPECT_EQ(officer("POST", "/v1/keys/K1/destroy", {{"cartridges_lost", 1}}, id).status, 409U);
  EXPECT_EQ(officer("POST", "/v1/keks/FIN/destroy", {{"cartridges_lost", 0}}, id).status, 409U);
  EXPECT_EQ(officer("POST", "/v1/keys/K1/purge", {{"cartridges_lost", 0}}, id).status, 409U);
  EXPECT_EQ(officer("POST", "/v1/keys/K1/destroy", {{"cartridges_lost", 0}}, id).status, 200U);
}

TEST_F(LifeRoutes, K10_HoldsQuarantineAndCompromise) {
  for (const std::string key : {"/v1/keys/K1", "/v1/keks/FIN"}) {
    EXPECT_EQ(officer("POST", key + "/holds", json::object{}).error("field"), "reason");
    EXPECT_EQ(officer("POST", key + "/holds", {{"reason", "tax"}, {"until", "soon"}}).error("field"),
              "until");
    const auto hold = officer("POST", key + "/holds", {{"reason", "case 4711"}, {"until", "2999-01-01"}});
    ASSERT_EQ(hold.status, 201U) << hold.body;
    EXPECT_EQ(officer("GET", key + "/holds").items(), 1U);
    EXPECT_EQ(officer("POST", key + "/quarantine").status, 200U);
    EXPECT_FALSE(officer("GET", key).text("quarantined").empty());
    EXPECT_EQ(both("POST", key + "/purge", json::object{}).status, 409U) << "held";
    EXPECT_EQ(officer("DELETE", key + "/holds/" + hold.text("id")).status, 202U);
    EXPECT_EQ(both("DELETE", key + "/holds/" + hold.text("id")).status, 204U);
    EXPECT_EQ(officer("POST", key + "/release").status, 200U);
    const auto exposed = officer("POST", key + "/compromise");
    ASSERT_EQ(exposed.status, 200U) << exposed.body;
    EXPECT_EQ(exposed.text("state"), "compromised");
    EXPECT_THAT(exposed.text("advice"), HasSubstr("revokes no"));
    EXPECT_EQ(officer("GET", key + "/exposure").body.at("count"), 0);
    EXPECT_EQ(officer("GET", key + "/cartridges?limit=0").error("field"), "limit");
    EXPECT_EQ(officer("POST", key + "/quarantine").status, 200U);
    EXPECT_EQ(both("POST", key + "/purge", json::object{}).text("state"), "destroyed-compromised");
  }
  EXPECT_EQ(officer("GET", "/v1/keks?state=destroyed-compromised").items(), 1U);
  EXPECT_EQ(officer("GET", "/v1/keks?state=active").items(), 0U);
  EXPECT_EQ(officer("GET", "/v1/keks?state=maybe").error("field"), "state");
  EXPECT_EQ(officer("GET", "/v1/keys/NOSUCH/exposure").status, 404U);
}

TEST_F(LifeRoutes, K10_NobodyIsAskedForWhatCannotBeDone) {
  const auto refused = [&](const std::string& method, const std::string& target,
                           const json::object& body = {}) {
    const auto answer = officer(method, target, body);
    EXPECT_GE(answer.status, 400U) << target << answer.body;
    return answer.status >= 400 ? answer.error("message") : std::string();
  };
  ASSERT_EQ(officer("PUT", "/v1/keys/K1/state", {{"state", "active"}}).status, 200U);
  EXPECT_THAT(refused("POST", "/v1/keys/K1/destroy"), HasSubstr("is active and cannot be destroyed"));
  EXPECT_THAT(refused("POST", "/v1/keks/FIN/destroy"), HasSubstr("cannot be destroyed"));
  EXPECT_THAT(refused("POST", "/v1/keys/K1/purge"), HasSubstr("is not quarantined"));
  deactivate();
  EXPECT_THAT(refused("POST", "/v1/keys/K1/destroy", {{"cartridges_lost", 1}}),
              HasSubstr("0 cartridges in the ledger"));
  ASSERT_EQ(officer("POST", "/v1/keys/K1/holds", {{"reason", "tax"}, {"until", "2999-01-01"}}).status, 201U);
  EXPECT_THAT(refused("POST", "/v1/keys/K1/destroy"), HasSubstr("is held until 2999"));
  EXPECT_THAT(refused("DELETE", "/v1/keys/K1/holds/x"), HasSubstr("not the id of a hold"));
  EXPECT_THAT(refused("DELETE", "/v1/keys/K1/holds/2f1c0c9a-7d0e-4c66-9d5c-0a7b9be1f8aa"),
              HasSubstr("no such hold"));
  EXPECT_EQ(officer("GET", "/v1/approvals").items(), 0U);
}

TEST_F(LifeRoutes, K27_QuotasAreAddedListedAndRemoved) {
  EXPECT_EQ(officer("POST", "/v1/quotas", {{"subject_kind", "any"}, {"object_kind", "any"}}).error("field"),
            "writes_hour");
  EXPECT_EQ(
      as(Role::kOperator, "POST", "/v1/quotas", {{"subject_kind", "any"}, {"object_kind", "any"}}).status,
      403U);
  const auto added =
      officer("POST", "/v1/quotas", {{"subject_kind", "any"}, {"object_kind", "any"}, {"reads_day", 10}});
  ASSERT_EQ(added.status, 201U) << added.body;
  const auto listed = officer("GET", "/v1/quotas");
  ASSERT_EQ(listed.items(), 1U);
  EXPECT_EQ(listed.body.at("items").at(0).at("used").at("reads_day"), 0);
  EXPECT_EQ(officer("DELETE", "/v1/quotas/" + added.text("id")).status, 204U);
  EXPECT_EQ(officer("DELETE", "/v1/quotas/" + added.text("id")).status, 404U);
}

TEST_F(LifeRoutes, K9_AJobIsStartedWatchedAndListed) {
  ASSERT_EQ(
      officer("POST", "/v1/keks", {{"common_name", "Next"}, {"bits", 2048}, {"labels", {"NEXT"}}}).status,
      201U);
  EXPECT_EQ(officer("POST", "/v1/rewraps", {{"label_1", "NEXT"}}).error("field"), "from");
  EXPECT_EQ(officer("POST", "/v1/rewraps", {{"from", "FIN"}, {"label_1", "FIN"}}).error("field"), "label_1");
  const auto job = officer("POST", "/v1/rewraps", {{"from", "FIN"}, {"label_1", "NEXT"}, {"mode_1", "hash"}});
  ASSERT_EQ(job.status, 201U) << job.body;
  EXPECT_THAT(job.text("advice"), HasSubstr("revokes no old one"));
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  Outcome now = job;
  while (now.text("state") == "running" && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    now = officer("GET", "/v1/rewraps/" + job.text("id"));
  }
  EXPECT_EQ(now.text("state"), "done");
  EXPECT_EQ(now.body.at("total"), 0);
  EXPECT_EQ(officer("GET", "/v1/rewraps").items(), 1U);
  EXPECT_EQ(officer("DELETE", "/v1/rewraps/" + job.text("id")).status, 204U);
  EXPECT_EQ(officer("GET", "/v1/rewraps/x").status, 404U);
  const auto named =
      officer("POST", "/v1/rewraps", {{"text", "# list\nVOL001\n\n VOL002\n"}, {"label_1", "NEXT"}});
  ASSERT_EQ(named.status, 201U) << named.body;
  EXPECT_EQ(named.body.at("total"), 2);
}

}  // namespace
}  // namespace tapewarden::admin
