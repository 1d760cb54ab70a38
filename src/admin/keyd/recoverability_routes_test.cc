// K26: recoverability by REST.
#include "admin/keyd/testing/keyd_client.h"

namespace tapewarden::admin::testing {
namespace {

using people::Role;

TEST_F(KeydClient, K26_TheSiteItsPlacesPoolsAndCartridges) {
  const auto site = as(Role::kAuditor, "GET", "/v1/recoverability");
  ASSERT_EQ(site.status, 200U) << boost::json::serialize(site.body);
  EXPECT_EQ(site.body.at("wanted"), 2);
  EXPECT_EQ(site.body.at("site").at("cartridges"), 0);
  EXPECT_EQ(site.body.at("places").at(0).at("name"), "server:primary");
  const auto places = as(Role::kOperator, "GET", "/v1/recoverability/places");
  ASSERT_EQ(places.status, 200U);
  EXPECT_EQ(places.items(), 1U);
  EXPECT_EQ(as(Role::kOperator, "GET", "/v1/recoverability/pools").items(), 0U);
  const auto cartridges = as(Role::kOperator, "GET",
                             "/v1/recoverability/cartridges?without=server:primary&without=domain:primary");
  ASSERT_EQ(cartridges.status, 200U) << boost::json::serialize(cartridges.body);
  EXPECT_EQ(cartridges.body.at("total"), 0);
}

TEST_F(KeydClient, K26_TheStatusTellsOfTheSelfCheck) {
  const auto status = as(Role::kOperator, "GET", "/v1/status");
  ASSERT_EQ(status.status, 200U);
  EXPECT_EQ(status.body.at("recoverability").at("short"), 0);
  EXPECT_EQ(status.body.at("recoverability").at("self_check"), "");
}

TEST_F(KeydClient, K26_BadQuestionsNameTheField) {
  const auto words = as(Role::kOperator, "GET", "/v1/recoverability/cartridges?without=everything");
  EXPECT_EQ(words.status, 400U);
  EXPECT_EQ(words.error("field"), "without");
  const auto unknown = as(Role::kOperator, "GET", "/v1/recoverability/cartridges?without=target:none");
  EXPECT_EQ(unknown.status, 404U);
  const auto after = as(Role::kOperator, "GET", "/v1/recoverability/cartridges?after=x");
  EXPECT_EQ(after.status, 400U);
  EXPECT_EQ(after.error("field"), "after");
}

TEST_F(KeydClient, K26_ASelfCheckIsAskedForByThoseWhoBackUp) {
  EXPECT_EQ(as(Role::kAuditor, "POST", "/v1/recoverability/check").status, 403U);
  EXPECT_EQ(as(Role::kOperator, "POST", "/v1/recoverability/check").status, 200U);
}

}  // namespace
}  // namespace tapewarden::admin::testing
