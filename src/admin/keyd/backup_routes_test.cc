// K17 over REST: who may do what with backup targets, and what is told of them.
#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "admin/keyd/testing/keyd_fixture.h"

namespace tapewarden::admin {
namespace {

namespace json = boost::json;
using people::Role;

class BackupRoutes : public ::testing::Test {
 protected:
  unsigned call(Role role, std::string method, std::string path, const json::value& body = nullptr) {
    net::HttpRequest http;
    http.method = std::move(method);
    http.path = path;
    http.target = std::move(path);
    if (!body.is_null()) {
      http.body = to_bytes(json::serialize(body));
      http.headers.add("content-type", "application/json");
    }
    http.headers.add("authorization", "Bearer " + fixture_.base().log_in(role));
    const auto response = fixture_.router().respond(std::move(http));
    answer_ = response.body.empty() ? json::value() : json::parse(as_text(response.body));
    return response.status;
  }
  json::object target() const {
    return {{"name", "vault"},
            {"directory", fixture_.backup_directory()},
            {"domain", "building-2"},
            {"passphrase", "correct horse battery"}};
  }
  std::string error(const char* member) const {
    return json::value_to<std::string>(answer_.at("error").at(member));
  }

  testing::KeydFixture fixture_;
  json::value answer_;
};

TEST_F(BackupRoutes, K17_OfficersMakeTargetsAndOperatorsUseThem) {
  EXPECT_EQ(call(Role::kOperator, "POST", "/v1/backups", target()), 403U);
  EXPECT_EQ(call(Role::kAuditor, "POST", "/v1/backups", target()), 403U);
  ASSERT_EQ(call(Role::kSecurityOfficer, "POST", "/v1/backups", target()), 201U) << json::serialize(answer_);
  EXPECT_EQ(answer_.at("sealed_to").as_string(), "passphrase");
  EXPECT_FALSE(answer_.at("counts").as_bool()) << "the fixture's folders lie on one file system";
  EXPECT_EQ(call(Role::kSecurityOfficer, "POST", "/v1/backups", target()), 409U);

  EXPECT_EQ(call(Role::kAuditor, "POST", "/v1/backups/vault/run"), 403U);
  ASSERT_EQ(call(Role::kOperator, "POST", "/v1/backups/vault/run"), 200U) << json::serialize(answer_);
  EXPECT_TRUE(answer_.at("base").as_bool());
  ASSERT_EQ(call(Role::kOperator, "POST", "/v1/backups/vault/run"), 200U);
  EXPECT_TRUE(answer_.at("nothing_new").as_bool());
  ASSERT_EQ(call(Role::kOperator, "POST", "/v1/backups/vault/run", json::object{{"new_base", true}}), 200U);
  EXPECT_TRUE(answer_.at("base").as_bool());
  ASSERT_EQ(call(Role::kOperator, "POST", "/v1/backups/vault/verify"), 200U) << json::serialize(answer_);
  EXPECT_EQ(answer_.at("files").to_number<int>(), 1);

  ASSERT_EQ(call(Role::kOperator, "POST", "/v1/backups/vault/drill"), 200U) << json::serialize(answer_);
  EXPECT_EQ(answer_.at("cartridges").to_number<int>(), 0) << "no cartridge is in the ledger";

  EXPECT_EQ(call(Role::kOperator, "PATCH", "/v1/backups/vault", json::object{{"keep_bases", 5}}), 403U);
  ASSERT_EQ(call(Role::kSecurityOfficer, "PATCH", "/v1/backups/vault",
                 json::object{{"keep_bases", 5}, {"mode", "schedule"}}),
            200U);
  EXPECT_EQ(answer_.at("keep_bases").to_number<int>(), 5);
  ASSERT_EQ(call(Role::kAuditor, "GET", "/v1/backups"), 200U);
  const auto& item = answer_.at("items").as_array().at(0);
  EXPECT_EQ(item.at("mode").as_string(), "schedule");
  EXPECT_EQ(item.at("files").to_number<int>(), 2);
  EXPECT_FALSE(item.at("verified_at").as_string().empty());
  EXPECT_EQ(json::serialize(answer_).find("battery"), std::string::npos);
  EXPECT_EQ(call(Role::kOperator, "DELETE", "/v1/backups/vault"), 403U);
  EXPECT_EQ(call(Role::kSecurityOfficer, "DELETE", "/v1/backups/vault"), 204U);
  EXPECT_EQ(call(Role::kAuditor, "GET", "/v1/backups/vault"), 404U);
}

TEST_F(BackupRoutes, K17_BadTargetsNameTheField) {
  const auto refused = [&](const char* member, const json::value& value) {
    json::object body = target();
    body[member] = value;
    return call(Role::kSecurityOfficer, "POST", "/v1/backups", body) == 400U && error("field") == member;
  };
  EXPECT_TRUE(refused("directory", "vault"));
  EXPECT_TRUE(refused("passphrase", "short"));
  EXPECT_TRUE(refused("mode", "sometimes"));
  EXPECT_TRUE(refused("keep_bases", 0));
  EXPECT_TRUE(refused("recipients", "no certificate"));
  EXPECT_EQ(call(Role::kOperator, "POST", "/v1/backups/nowhere/run"), 404U);
  EXPECT_EQ(call(Role::kOperator, "POST", "/v1/backups/nowhere/verify"), 404U);
}

}  // namespace
}  // namespace tapewarden::admin
