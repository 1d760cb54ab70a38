// K22: two-person approval by REST.
#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admin/keyd/testing/keyd_client.h"

namespace tapewarden::admin {
namespace {

namespace json = boost::json;
using people::Role;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Outcome;

class TwoPeople : public testing::KeydClient {
 protected:
  TwoPeople() {
    add_officer("second");
    set_two_person(true);
    EXPECT_EQ(officer("POST", "/v1/keks",
                      {{"common_name", "Finance"}, {"bits", 2048}, {"labels", {"FIN", "MONEY"}}})
                  .status,
              201U);
  }
  Outcome export_kek(const std::string& approval = {}, std::string_view passphrase = "the file's passphrase",
                     const std::string& kek = "FIN") {
    return officer("POST", "/v1/keks/" + kek + "/export", {{"passphrase", passphrase}}, approval);
  }
  Outcome approve(const std::string& id) {
    return call("second", "POST", "/v1/approvals/" + id + "/approve");
  }
};

TEST_F(TwoPeople, K22_AnExportWaitsForTheSecondPersonAndRunsOnce) {
  const auto asked = export_kek();
  ASSERT_EQ(asked.status, 202U) << asked.body;
  const std::string id = asked.text("approval");
  EXPECT_EQ(asked.text("state"), "asked");
  EXPECT_THAT(asked.text("summary"), HasSubstr("Finance"));
  EXPECT_THAT(asked.text("remedy"), HasSubstr("tapewarden approval approve " + id));
  EXPECT_THAT(json::serialize(asked.body), Not(HasSubstr("the file's")));
  EXPECT_EQ(export_kek().text("approval"), id) << "asked again, it is the same request";
  EXPECT_EQ(export_kek(id).status, 409U);
  EXPECT_EQ(officer("POST", "/v1/approvals/" + id + "/approve").status, 403U);
  EXPECT_EQ(as(Role::kOperator, "POST", "/v1/approvals/" + id + "/approve").status, 403U);
  ASSERT_EQ(approve(id).status, 200U);
  const auto done = export_kek(id);
  ASSERT_EQ(done.status, 200U) << done.body;
  EXPECT_FALSE(done.text("file").empty());
  const auto again = export_kek(id);
  EXPECT_EQ(again.status, 409U);
  EXPECT_THAT(again.error("message"), HasSubstr("was used"));
  EXPECT_EQ(officer("GET", "/v1/approvals?state=used").items(), 1U);
  EXPECT_EQ(officer("GET", "/v1/approvals/" + id).text("decider"), "second");
  for (const auto& line : records()) EXPECT_THAT(line, Not(HasSubstr("the file's")));
}

TEST_F(TwoPeople, K22_ASecretIsNoPartOfWhatIsApprovedButEverythingElseIs) {
  const std::string id = export_kek().text("approval");
  ASSERT_EQ(approve(id).status, 200U);
  EXPECT_EQ(export_kek(id, "the file's passphrase", "MONEY").status, 409U) << "another argument";
  EXPECT_EQ(officer("PUT", "/v1/settings/approval.two_person", {{"value", "off"}}, id).status, 409U);
  EXPECT_EQ(export_kek(id, "short").status, 400U) << "a failed action leaves the approval as it is";
  EXPECT_EQ(export_kek(id, "another passphrase").status, 200U);
}

TEST_F(TwoPeople, K22_ALabelThatMovedInBetweenIsAnotherRequest) {
  const std::string id = export_kek().text("approval");
  ASSERT_EQ(approve(id).status, 200U);
  ASSERT_EQ(officer("DELETE", "/v1/keks/FIN/labels/FIN").status, 204U);
  ASSERT_EQ(
      officer("POST", "/v1/keks", {{"common_name", "Secret"}, {"bits", 2048}, {"labels", {"FIN"}}}).status,
      201U);
  const auto swapped = export_kek(id);
  EXPECT_EQ(swapped.status, 409U) << swapped.body;
  EXPECT_THAT(swapped.error("message"), HasSubstr("not what was approved"));
}

TEST_F(TwoPeople, K22_SwitchingItOffTakesTwo) {
  for (const char* path : {"/v1/settings/approval.two_person", "/v1/settings/approval%2Etwo_person",
                           "/v1/settings/%61pproval.two_person"}) {
    EXPECT_EQ(officer("PUT", path, {{"value", "off"}}).status, 202U) << path;
  }
  EXPECT_EQ(officer("GET", "/v1/settings/approval.two_person").text("value"), "on");
  const std::string id =
      officer("PUT", "/v1/settings/approval.two_person", {{"value", "off"}}).text("approval");
  ASSERT_EQ(approve(id).status, 200U);
  ASSERT_EQ(officer("PUT", "/v1/settings/approval.two_person", {{"value", "off"}}, id).status, 200U);
  EXPECT_EQ(export_kek().status, 200U);
  EXPECT_THAT(json::serialize(officer("GET", "/v1/status").body), HasSubstr("two-person approval is off"));
  EXPECT_EQ(officer("DELETE", "/v1/settings/approval.two_person").status, 200U);
  EXPECT_EQ(export_kek().status, 202U) << "put back to its default, it is on";
}

TEST_F(TwoPeople, K22_ALoneOfficerIsToldThatNobodyCanApprove) {
  ASSERT_EQ(officer("DELETE", "/v1/people/second").status, 204U);
  const auto status = officer("GET", "/v1/status");
  EXPECT_THAT(json::serialize(status.body), HasSubstr("only one security officer"));
  EXPECT_EQ(status.body.at("approvals").at("officers"), 1);
  EXPECT_EQ(export_kek().status, 202U);
}

TEST_F(TwoPeople, K22_RefusedAndWithdrawnAreTold) {
  const std::string refused = export_kek().text("approval");
  ASSERT_EQ(call("second", "POST", "/v1/approvals/" + refused + "/refuse", {{"reason", "why now?"}}).status,
            200U);
  EXPECT_THAT(export_kek(refused).error("message"), HasSubstr("why now?"));
  const std::string withdrawn = export_kek().text("approval");
  EXPECT_NE(withdrawn, refused);
  EXPECT_EQ(call("second", "POST", "/v1/approvals/" + withdrawn + "/withdraw").status, 403U);
  ASSERT_EQ(officer("POST", "/v1/approvals/" + withdrawn + "/withdraw").status, 200U);
  EXPECT_EQ(approve(withdrawn).status, 409U);
}

TEST_F(TwoPeople, K22_BadIdsAndNeedlessOnesAreRefused) {
  EXPECT_EQ(export_kek("0123456789abcdef").status, 404U);
  EXPECT_EQ(export_kek(std::string(5000, 'x')).status, 404U);
  EXPECT_EQ(officer("GET", "/v1/approvals/nonsense").status, 404U);
  EXPECT_EQ(officer("GET", "/v1/approvals?state=maybe").error("field"), "state");
  EXPECT_EQ(officer("GET", "/v1/approvals?limit=0").error("field"), "limit");
  const std::string id = export_kek().text("approval");
  EXPECT_EQ(officer("GET", "/v1/keks", nullptr, id).error("field"), "approval");
  EXPECT_EQ(export_kek("", "the file's passphrase", "NONE").status, 404U) << "nothing is asked about nothing";
}

TEST_F(TwoPeople, K22_EveryRouteThatNeedsTwoSaysSoInTheDocument) {
  const auto document = officer("GET", "/v1/openapi.json").body;
  std::size_t two = 0;
  for (const Route& route : fixture_.router().routes()) {
    std::string method(route.method);
    for (char& c : method) c = static_cast<char>(c | 0x20);
    const auto& operation = document.at("paths").at(route.pattern).at(method);
    EXPECT_EQ(operation.at("x-two-person"), route.two_person) << route.pattern;
    EXPECT_EQ(operation.at("responses").as_object().contains("202"), route.two_person) << route.pattern;
    two += route.two_person ? 1 : 0;
    EXPECT_TRUE(route.two_person || route.permission != people::Permission::kExportKeys) << route.pattern;
  }
  EXPECT_GE(two, 2U);
}

}  // namespace
}  // namespace tapewarden::admin
