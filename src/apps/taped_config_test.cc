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

TEST_F(TapedConfigFile, L1_SessionsHaveALimitThatCanBeSet) {
  EXPECT_EQ(read()->iscsi.max_sessions, iscsi::Limits{}.max_sessions);
  replace("port = 3260", "port = 3260\nmax_sessions = 4096");
  EXPECT_EQ(read()->iscsi.max_sessions, 4096U);
  expect_fault("max_sessions = 4096", "max_sessions = 4097", "iscsi.max_sessions");
  expect_fault("max_sessions = 4096", "max_sessions = 0", "iscsi.max_sessions");
}

// Two partitions, one of them with accounts and initiators of its own.
class PartitionLogins : public TapedConfigFile {
 protected:
  PartitionLogins() {
    const auto drives = read()->library.drives;
    replace("[library]",
            "[iscsi.archive]\nuser = \"archivist\"\nsecret_file = \"archive-secret\"\n"
            "initiators = [\"iqn.1993-08.org.debian:archive\"]\n\n[library]\npartitions = "
            "[\"ARCHIVE, drives " +
                drives[0].serial + ", slots 1-2\", \"DAILY, drives " + drives[1].serial + ", slots 3-4\"]");
  }
};

TEST_F(PartitionLogins, L1_APartitionHasItsOwnLoginOrTheSites) {
  const auto config = read();
  ASSERT_TRUE(config) << config.error().text();
  const auto archive = login_of(config->iscsi, "ARCHIVE");
  EXPECT_EQ(archive.initiator->user, "archivist");
  EXPECT_EQ(archive.initiator->secret_file, "/site/engine/archive-secret");
  EXPECT_EQ(archive.initiators, std::vector<std::string>{"iqn.1993-08.org.debian:archive"});
  const auto daily = login_of(config->iscsi, "DAILY");
  EXPECT_EQ(daily.initiator->user, "library");
  EXPECT_TRUE(daily.initiators.empty());
  EXPECT_EQ(target_name(config->iscsi, "ARCHIVE"), config->iscsi.target + ".archive");

  EXPECT_TRUE(write_file_atomically(sim_.disk, "/site/engine/iscsi-secret", as_bytes("secret of the site")));
  EXPECT_TRUE(read_authentication(sim_.disk, daily));
  EXPECT_TRUE(write_file_atomically(sim_.disk, "/site/engine/archive-secret", as_bytes("short")));
  EXPECT_EQ(read_authentication(sim_.disk, archive).error().field, "iscsi.archive.secret_file");
  EXPECT_TRUE(write_file_atomically(sim_.disk, "/site/engine/archive-secret", as_bytes("secret of archive")));
  const auto accounts = read_authentication(sim_.disk, archive);
  ASSERT_TRUE(accounts);
  ASSERT_EQ(accounts->initiators.size(), 1U) << "the site's account does not open it";
  EXPECT_EQ(accounts->initiators[0].name, "archivist");
}

TEST_F(PartitionLogins, L1_WhatIsWrongInOneIsNamed) {
  expect_fault("[iscsi.archive]", "[iscsi.archvie]", "iscsi.archvie");
  expect_fault("user = \"archivist\"", "", "iscsi.archive.user");
  expect_fault("secret_file = \"archive-secret\"", "", "iscsi.archive.secret_file");
  expect_fault("user = \"archivist\"", "usr = \"archivist\"", "iscsi.archive.user");
  expect_fault("user = \"archivist\"", "user = \"archivist\"\nport = 1", "iscsi.archive.port");
}

TEST_F(PartitionLogins, L1_ATargetsNameIsMeasuredWithItsPartitions) {
  const auto target = read()->iscsi.target;
  const auto as_long_as = [&](std::size_t size) {
    return "target = \"" + target + std::string(size - target.size(), 'x') + "\"";
  };
  const auto now = "target = \"" + target + "\"";
  const std::size_t room = 223 - std::string_view(".archive").size();
  expect_fault(now, as_long_as(room + 1), "iscsi.target");
  replace(now, as_long_as(room));
  const auto longest = read();
  ASSERT_TRUE(longest) << longest.error().text();
  EXPECT_EQ(target_name(longest->iscsi, "ARCHIVE").size(), 223U);
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

TEST_F(TapedConfigFile, L3_WhoDrivesAreIsSettableAndWrongValuesAreNamed) {
  const auto plain = read();
  ASSERT_TRUE(plain) << plain.error().text();
  EXPECT_EQ(plain->drives.vendor + plain->drives.product + plain->drives.revision, "");
  EXPECT_EQ(plain->drives.density, 0);
  const std::string section = "[drives]\nvendor = \"IBM\"\nproduct = \"ULT3580-TD8\"\nrevision = \"J4D0\"\n";
  replace("[log]", section + "density = \"lto-8\"\n[log]");
  const auto config = read();
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->drives.vendor, "IBM");
  EXPECT_EQ(config->drives.product, "ULT3580-TD8");
  EXPECT_EQ(config->drives.revision, "J4D0");
  EXPECT_EQ(config->drives.density, 0x5e);
  expect_fault("\"IBM\"", "\"TOO LONG A\"", "drives.vendor");
  expect_fault("\"IBM\"", "\"\u00e4\"", "drives.vendor");
  expect_fault("\"ULT3580-TD8\"", "\"SEVENTEEN LETTERS\"", "drives.product");
  expect_fault("\"J4D0\"", "\"J4D01\"", "drives.revision");
  expect_fault("\"lto-8\"", "\"LTO-4\"", "drives.density");
  expect_fault("\"lto-8\"", "\"LTO\"", "drives.density");
  expect_fault("density = \"lto-8\"", "densty = \"lto-8\"", "drives.densty");
  replace("drives = [\"LTO ", "drives = [\"3592 ");
  replace(", \"LTO ", ", \"3592 ");
  EXPECT_EQ(read().error().field, "drives.density");
}

TEST_F(TapedConfigFile, L1_TheRamDiskIsThereOnlyWhenAskedFor) {
  EXPECT_FALSE(read()->ram_disk);
  replace("[log]", "[ram_disk]\ntarget = \"iqn.2026-11.internal:ram\"\nsize_mib = 2\n[log]");
  const auto config = read();
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->ram_disk->blocks, 4096U);
  expect_fault("size_mib = 2", "size_mib = 0", "ram_disk.size_mib");
  expect_fault("size_mib = 2", "size_mib = 4097", "ram_disk.size_mib");
  expect_fault("iqn.2026-11.internal:ram", config->iscsi.target, "ram_disk.target");
  expect_fault("target = \"iqn.2026-11.internal:ram\"", "", "ram_disk.target");
}

TEST_F(TapedConfigFile, U3_ThePanelIsThereWhereTheSiteHasWhatItNeeds) {
  EXPECT_FALSE(read()->https);
  auto values = config::draw_taped_toml(sim_.random);
  values.https = true;
  text_ = config::text_of(values);
  const auto config = read();
  ASSERT_TRUE(config) << config.error().text();
  ASSERT_TRUE(config->https);
  EXPECT_EQ(config->https->address, "127.0.0.1");
  EXPECT_EQ(config->https->port, 2443);
  EXPECT_EQ(config->https->store.data, "/site/engine/data");
  EXPECT_EQ(config->https->store.passphrase_file, "/site/engine/master-passphrase");
  expect_fault("port = 2443", "port = 65536", "https.port");
  expect_fault("master_key = \"master.key\"", "", "https.master_key");
  expect_fault("data = ", "date = ", "https.data");
}

}  // namespace
}  // namespace tapewarden::apps
