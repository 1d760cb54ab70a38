// K20 by REST.
#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admin/keyd/testing/keyd_client.h"
#include "base/base64.h"
#include "keymgr/migration/testing/jceks_writer.h"

namespace tapewarden::admin {
namespace {

namespace json = boost::json;
using keymgr::testing::JceksWriter;
using keymgr::testing::kStorePassword;
using people::Role;
using ::testing::HasSubstr;

class InstallationRoutes : public testing::KeydClient {
 protected:
  static json::object body() {
    const Bytes file = JceksWriter().data_key("aes00", Bytes(32, 1)).data_key("long", Bytes(16, 1)).file();
    return {{"keystore", to_base64(file)},
            {"password", kStorePassword},
            {"key_groups",
             to_base64(as_bytes("<g><KeyGroup id=\"old\"><KeyAlias>aes00</KeyAlias></KeyGroup></g>"))},
            {"drive_table", to_base64(as_bytes("SerialNumber = 1300000123\nSymRec = old\n"))},
            {"properties", to_base64(as_bytes("symmetricKeySet = old\n# \xE9\n"))}};
  }
};

TEST_F(InstallationRoutes, K20_AnOfficerTakesOverAnInstallation) {
  auto dry = body();
  dry["dry_run"] = true;
  const auto told = officer("POST", "/v1/migrations/ekm", dry);
  ASSERT_EQ(told.status, 200U) << told.body;
  EXPECT_EQ(told.body.at("dry_run"), true);
  EXPECT_EQ(officer("GET", "/v1/keys/AES00").status, 404U);
  const auto done = officer("POST", "/v1/migrations/ekm", body());
  ASSERT_EQ(done.status, 200U) << done.body;
  EXPECT_EQ(done.text("keystore_format"), "JCEKS");
  EXPECT_EQ(done.body.at("added"), 4);
  EXPECT_EQ(done.body.at("left_out"), 1);
  EXPECT_EQ(done.body.at("lines"), told.body.at("lines"));
  EXPECT_EQ(officer("GET", "/v1/keys/AES00").text("group"), "OLD");
  EXPECT_EQ(officer("GET", "/v1/drives/001300000123").text("default_group"), "OLD");
  const auto again = officer("POST", "/v1/migrations/ekm", body());
  EXPECT_EQ(again.body.at("added"), 0);
  EXPECT_EQ(again.body.at("same"), 4);
}

TEST_F(InstallationRoutes, K20_WhatCannotComeIsRefusedInWords) {
  EXPECT_EQ(as(Role::kOperator, "POST", "/v1/migrations/ekm", body()).status, 403U);
  EXPECT_EQ(as(Role::kAuditor, "POST", "/v1/migrations/ekm", body()).status, 403U);
  auto wrong = body();
  wrong["password"] = "another one";
  const auto refused = officer("POST", "/v1/migrations/ekm", wrong);
  EXPECT_EQ(refused.error("field"), "password");
  EXPECT_THAT(refused.error("remedy"), HasSubstr("keytool"));
  wrong.erase("password");
  EXPECT_EQ(officer("POST", "/v1/migrations/ekm", wrong).error("field"), "password");
  wrong = body();
  const std::string whole(wrong["keystore"].as_string());
  wrong["keystore"] = whole.substr(0, whole.size() / 8 * 4);
  const auto cut = officer("POST", "/v1/migrations/ekm", wrong);
  EXPECT_THAT(cut.error("message"), HasSubstr("cut short"));
  EXPECT_EQ(cut.error("field"), "keystore");
  EXPECT_EQ(officer("POST", "/v1/migrations/ekm", json::object{}).status, 400U);
  EXPECT_EQ(officer("GET", "/v1/keys").items(), 0U);
  for (const auto& record : records()) EXPECT_EQ(record.find("another one"), std::string::npos);
}

}  // namespace
}  // namespace tapewarden::admin
