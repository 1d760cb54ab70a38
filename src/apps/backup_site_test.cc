// What a backup holds of the site's files stands in a restored folder again.
#include "apps/backup_site.h"

#include <gtest/gtest.h>

#include "base/testing/sim_env.h"

namespace tapewarden::apps {
namespace {

TEST(BackupSite, K20_ARestoredServerStillAsksTheOldKeyServer) {
  tapewarden::testing::SimDisk disk;
  Env env;
  env.disk = &disk;
  const auto file = [&](const std::string& name) {
    const std::string path = "/site/" + name;
    EXPECT_TRUE(write_file_atomically(disk, path, as_bytes("content of " + name)));
    return path;
  };
  KeydConfig config;
  config.server_id = Uuid::parse("11111111-2222-4333-8444-555555555555").value();
  config.server_name = "primary";
  config.data_directory = "/site/data";
  config.tls_certificate = file("server.crt");
  config.tls_key = file("server.key");
  config.tls_authorities = file("authorities.crt");
  config.kmip.emplace().read_through.push_back({"library-1", "old-keys.example", 5697, file("old.crt"),
                                                file("old.key"), file("old-authority.crt"), "robot",
                                                file("old.password"), 20});
  auto files = backup_options(env, config).site_files();
  ASSERT_TRUE(files) << files.error().text();
  const auto written = write_restored_site(env, "/new", std::move(*files), "");
  ASSERT_TRUE(written) << written.error().text();
  const auto restored = read_keyd_config(disk, "/new/keyd.toml");
  ASSERT_TRUE(restored) << restored.error().text();
  ASSERT_EQ(restored->kmip->read_through.size(), 1U);
  const auto& old = restored->kmip->read_through.front();
  EXPECT_EQ(old.owner, "library-1");
  EXPECT_EQ(old.user, "robot");
  for (const auto& [path, name] :
       {std::pair(old.certificate, "old.crt"), std::pair(old.key, "old.key"),
        std::pair(old.authorities, "old-authority.crt"), std::pair(old.password_file, "old.password")}) {
    const auto content = read_file(disk, path, 100);
    ASSERT_TRUE(content) << path << ": " << content.error().text();
    EXPECT_EQ(std::string(as_text(*content)), "content of " + std::string(name));
  }
}

}  // namespace
}  // namespace tapewarden::apps
