#include "apps/taped_config.h"

#include <gtest/gtest.h>

#include "base/testing/sim_env.h"
#include "config/new_taped_toml.h"

namespace tapewarden::apps {
namespace {

class TapedConfigFile : public ::testing::Test {
 protected:
  TapedConfigFile() : text_(config::text_of(config::draw_taped_toml(sim_.random))) {}
  void replace(const std::string& from, const std::string& to) {
    const auto at = text_.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text_.replace(at, from.size(), to);
  }
  Result<TapedConfig> read() {
    EXPECT_TRUE(write_file_atomically(sim_.disk, "/site/engine/taped.toml", as_bytes(text_)));
    return read_taped_config(sim_.disk, "/site/engine/taped.toml");
  }
  void expect_fault(const std::string& from, const std::string& to, const std::string& field) {
    const auto whole = text_;
    replace(from, to);
    const auto config = read();
    ASSERT_FALSE(config) << to;
    EXPECT_EQ(config.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(config.error().field, field);
    text_ = whole;
  }
  testing::SimEnv sim_{3};
  std::string text_;
};

TEST_F(TapedConfigFile, L1_WhatANewSiteGetsListensOnLoopbackWithChap) {
  const auto config = read();
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->iscsi.address, "127.0.0.1");
  EXPECT_EQ(config->iscsi.port, 3260);
  ASSERT_TRUE(config->iscsi.initiator);
  EXPECT_EQ(config->iscsi.initiator->user, "library");
  EXPECT_EQ(config->iscsi.initiator->secret_file, "/site/engine/iscsi-secret");
  EXPECT_FALSE(config->iscsi.engine);
  EXPECT_FALSE(config->iscsi.unprotected_network);
  EXPECT_TRUE(config->iscsi.target.starts_with("iqn.2026-11.internal.tapewarden:tw"));
  EXPECT_EQ(config->library.drives.size(), 2U);
  EXPECT_EQ(config->log_level, "info");
}

TEST_F(TapedConfigFile, L1_WhatIsWrongIsNamed) {
  expect_fault("port = 3260", "port = 65536", "iscsi.port");
  expect_fault("port = 3260", "prot = 3260", "iscsi.prot");
  expect_fault("user = \"library\"", "user = \"\"", "iscsi.user");
  expect_fault("secret_file = \"iscsi-secret\"", "", "iscsi.secret_file");
  expect_fault("# target_user = \"engine\"", "target_user = \"engine\"", "iscsi.target_secret_file");
  expect_fault("[log]", "[logs]", "logs");
  replace("user = \"library\"", "");
  replace("secret_file = \"iscsi-secret\"", "");
  replace("# target_user", "target_user");
  replace("# target_secret_file", "target_secret_file");
  EXPECT_EQ(read().error().field, "iscsi.target_user");
}

TEST_F(TapedConfigFile, L1_SecretsAreReadAndTheirLengthChecked) {
  const auto config = read();
  ASSERT_TRUE(config);
  EXPECT_EQ(read_authentication(sim_.disk, config->iscsi).error().code, ErrorCode::kNotFound);
  const auto with = [this, &config](std::string_view secret) {
    EXPECT_TRUE(write_file_atomically(sim_.disk, "/site/engine/iscsi-secret", as_bytes(secret)));
    return read_authentication(sim_.disk, config->iscsi);
  };
  EXPECT_EQ(with("elevenchars\n").error().field, "iscsi.secret_file");
  EXPECT_EQ(with(std::string(256, 'x')).error().field, "iscsi.secret_file");
  const auto read_in = with("twelve-chars\r\n");
  ASSERT_TRUE(read_in);
  ASSERT_EQ(read_in->initiators.size(), 1U);
  EXPECT_EQ(read_in->initiators[0].secret.size(), 12U);
  EXPECT_FALSE(read_in->target);
}

}  // namespace
}  // namespace tapewarden::apps
