// [engine] of taped.toml: what is written wrong is named, with what to write instead.
#include "apps/engine_config.h"

#include <gtest/gtest.h>

#include "apps/taped_config.h"
#include "base/testing/sim_env.h"
#include "config/new_taped_toml.h"

namespace tapewarden::apps {
namespace {

constexpr std::string_view kEngine = R"(
[engine]
data = "tape"
cache = "cache"
cache_limit = "2T"
volume_size = 4000
key_servers = "engine.toml"
minimum_encrypting_drives = 2
no_reclaim = ["Mon-Fri 06:00-22:00", "Sat 22:00-04:00"]
webhook = "https://ops.example:8443/hooks/tape?site=1"
webhook_authorities = "hook-ca.pem"
syslog = "udp://192.0.2.7"

[[engine.back_end]]
kind = "virtual"
name = "VIRT"
folder = "back-end"
identities = "drives"
serial = "TWBACK0000"
drives = ["LTO TWBACK0001", "3592 TWBACK0002"]
slots = 20
cartridge_size = "500G"

[[engine.back_end]]
kind = "iscsi"
name = "REMOTE"
changer = "iscsi://robot@192.0.2.9/iqn.2026-11.example:lib/0"
drives = ["1310000001 iscsi://robot@192.0.2.9/iqn.2026-11.example:lib/1", "1310000002 iscsi://192.0.2.9/iqn.2026-11.example:lib/2 257"]
secret_file = "robot-secret"

[[engine.back_end]]
kind = "scsi"
name = "LOCAL"
media = "3592"
changer = "/dev/sg3"
drives = ["000078A01234 /dev/sg4 256"]

)";

class EngineConfigFile : public ::testing::Test {
 protected:
  EngineConfigFile() {
    auto values = config::draw_taped_toml(sim_.random);
    values.https = true;
    text_ = config::text_of(values);
    text_.insert(text_.find("[log]"), kEngine);
  }
  void replace(const std::string& from, const std::string& to) {
    const auto at = text_.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text_.replace(at, from.size(), to);
  }
  Result<TapedConfig> read() {
    EXPECT_TRUE(write_file_atomically(sim_.disk, "/site/engine/taped.toml", as_bytes(text_)));
    return read_taped_config(sim_.disk, "/site/engine/taped.toml");
  }
  void expect_fault(const std::string& from, const std::string& to, const std::string& field,
                    const std::string& remedy) {
    const auto whole = text_;
    replace(from, to);
    const auto config = read();
    ASSERT_FALSE(config) << to;
    EXPECT_EQ(config.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(config.error().field, field);
    EXPECT_NE(config.error().remedy.find(remedy), std::string::npos) << config.error().text();
    text_ = whole;
  }
  testing::SimEnv sim_{3};
  std::string text_;
};

TEST_F(EngineConfigFile, T5_EverythingIsReadAndPathsCountFromTheFile) {
  const auto config = read();
  ASSERT_TRUE(config) << config.error().text();
  ASSERT_TRUE(config->engine);
  const auto& engine = *config->engine;
  EXPECT_EQ(engine.catalogue_path(), "/site/engine/tape/catalogue.db");
  EXPECT_EQ(engine.cache, "/site/engine/cache");
  EXPECT_EQ(engine.cache_bytes, 2'000'000'000'000U);
  EXPECT_EQ(engine.volume_bytes, 4000ULL << 20);
  EXPECT_EQ(engine.reserve_bytes, 268'435'456U) << "unless given";
  EXPECT_EQ(engine.key_servers, "/site/engine/engine.toml");
  EXPECT_EQ(engine.minimum_encrypting_drives, 2U);
  EXPECT_EQ(engine.reclaim.inhibited.size(), 6U);
  EXPECT_EQ(engine.webhook,
            (WebhookConfig{"ops.example", 8443, "/hooks/tape?site=1", "/site/engine/hook-ca.pem"}));
  EXPECT_EQ(engine.syslog->host, "192.0.2.7");
}

TEST_F(EngineConfigFile, T4_LibrariesBehindTheEngineOfEachKind) {
  const auto config = read();
  ASSERT_TRUE(config) << config.error().text();
  const auto& ends = config->engine->back_ends;
  ASSERT_EQ(ends.size(), 3U);
  EXPECT_EQ(ends[0].kind, tape::BackEndKind::kVirtual);
  EXPECT_EQ(ends[0].library.folder, "/site/engine/back-end");
  EXPECT_EQ(ends[0].library.slots(), 20U);
  EXPECT_EQ(ends[0].cartridge_bytes, 500'000'000'000U);
  EXPECT_EQ(ends[0].serials(), (std::vector<std::string>{"TWBACK0001", "TWBACK0002"}));
  EXPECT_EQ(ends[1].changer, "iscsi://robot@192.0.2.9/iqn.2026-11.example:lib/0");
  EXPECT_EQ(ends[1].drives[1].element, 257);
  EXPECT_EQ(ends[1].secret_file, "/site/engine/robot-secret");
  EXPECT_EQ(ends[1].media, tape::MediumKind::kLto);
  EXPECT_EQ(ends[2].drives[0].serial, "000078A01234");
  EXPECT_EQ(ends[2].media, tape::MediumKind::k3592);
}

TEST_F(EngineConfigFile, T1_WithoutTheSectionTheLibraryIsAsItWas) {
  text_.erase(text_.find("[engine]"), text_.find("[log]") - text_.find("[engine]"));
  const auto config = read();
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_FALSE(config->engine);
}

TEST_F(EngineConfigFile, T4_TheRoomForTheCataloguesBackupIsASetting) {
  replace("volume_size = 4000", "volume_size = 4000\ncatalogue_reserve = \"3G\"");
  const auto config = read();
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->engine->reserve_bytes, 3'000'000'000U);
}

TEST_F(EngineConfigFile, U4_WhatIsWrongIsNamed) {
  expect_fault("data = \"tape\"", "", "engine.data", "must be set");
  expect_fault("\"2T\"", "\"2X\"", "engine.cache_limit", "500G");
  expect_fault("\"2T\"", "\"1G\"", "engine.cache_limit", "twice");
  expect_fault("\"2T\"", "true", "engine.cache_limit", "size");
  expect_fault("volume_size = 4000", "volume_size = 500", "engine.volume_size", "400, 800, 1000");
  expect_fault("volume_size = 4000", "volume_size = 4000\ncatalogue_reserve = \"1T\"",
               "engine.catalogue_reserve", "size");
  expect_fault("Mon-Fri", "Mon-Fry", "engine.no_reclaim", "UTC");
  expect_fault("https://ops", "http://ops", "engine.webhook", "https://host");
  expect_fault("webhook_authorities", "# webhook_authorities", "engine.webhook_authorities", "PEM");
  expect_fault("udp://", "ftp://", "engine.syslog", "udp://");
  expect_fault("cache = \"cache\"", "cache = \"tape\"", "engine.cache", "of its own");
  expect_fault("key_servers = \"engine.toml\"\nmin", "min", "engine.key_servers", "engine.toml");
  expect_fault("cache_limit", "cash_limit", "engine.cache_limit", "must be set");
}

TEST_F(EngineConfigFile, U4_WhatIsWrongInALibraryIsNamed) {
  expect_fault("kind = \"virtual\"", "kind = \"real\"", "engine.back_end[1].kind", "virtual, iscsi or scsi");
  expect_fault("name = \"VIRT\"", "", "engine.back_end[1].name", "must be set");
  expect_fault("name = \"VIRT\"", "name = \"REMOTE\"", "engine.back_end", "rename one");
  expect_fault("LTO TWBACK0001", "LTO TWBACK0001 library", "engine.back_end[1].drives", "the engine brings");
  expect_fault("slots = 20", "slots = 20\npartitions = [\"A, drives X, slots 1-2\"]",
               "engine.back_end[1].partitions", "for hosts");
  expect_fault("slots = 20", "slots = 20\nkey_servers = \"engine.toml\"", "engine.back_end[1].key_servers",
               "engine.key_servers");
  expect_fault("slots = 20", "slosts = 20", "engine.back_end[1].slosts", "spelling");
  expect_fault("\"500G\"", "\"5M\"", "engine.back_end[1].cartridge_size", "size");
  expect_fault("changer = \"/dev/sg3\"", "changer = \"iscsi://x/y/0\"", "engine.back_end[3].changer",
               "/dev/sg3");
  expect_fault("/dev/sg4 256", "/dev/sg4 70000", "engine.back_end[3].drives", "element");
  expect_fault("media = \"3592\"", "media = \"DLT\"", "engine.back_end[3].media", "LTO or 3592");
  expect_fault("example:lib/1\"", "example:lib/99999\"", "engine.back_end", "iscsi://");
  expect_fault("000078A01234", "1310000001", "engine.back_end", "serial 1310000001");
  expect_fault("folder = \"back-end\"", "folder = \"library\"", "engine.back_end", "a folder of its own");
  const auto host_drive = read()->library.drives[0].serial;
  expect_fault("000078A01234", host_drive, "engine.back_end", "[library]");
}

TEST_F(EngineConfigFile, T1_TheDrivesOfHostsAreOfOneKind) {
  expect_fault("drives = [\"LTO ", "drives = [\"3592 ", "engine.back_end", "all 3592");
}

TEST_F(EngineConfigFile, T5_TheCatalogueWantsAMasterKey) {
  const auto from = text_.find("[https]");
  text_.erase(from, text_.find("[engine]") - from);
  EXPECT_EQ(read().error().field, "https.master_key");
}

TEST(ReclaimSchedule, T6_WindowsCountInUtcAndGoOverMidnight) {
  const auto monday = std::chrono::sys_days{std::chrono::year{2026} / 11 / 23};
  const auto at = [&](int day, int hour, int minute) -> WallTime {
    return monday + std::chrono::days{day} + std::chrono::hours{hour} + std::chrono::minutes{minute};
  };
  const auto schedule = [](const std::vector<std::string>& texts) {
    engine::ReclaimSchedule made;
    for (const auto& text : texts) {
      const auto windows_of_text = parse_reclaim_windows(text).value();
      made.inhibited.insert(made.inhibited.end(), windows_of_text.begin(), windows_of_text.end());
    }
    return made;
  };
  const auto windows = schedule({"Mon-Fri 06:00-22:00", "sat 22:00-04:00"});
  EXPECT_FALSE(windows.inhibits(at(0, 5, 59)));
  EXPECT_TRUE(windows.inhibits(at(0, 6, 0)));
  EXPECT_TRUE(windows.inhibits(at(4, 21, 59)));
  EXPECT_FALSE(windows.inhibits(at(4, 22, 0)));
  EXPECT_FALSE(windows.inhibits(at(5, 12, 0)));
  EXPECT_TRUE(windows.inhibits(at(5, 22, 0)));
  EXPECT_TRUE(windows.inhibits(at(6, 3, 59))) << "the night belongs to the Saturday";
  EXPECT_FALSE(windows.inhibits(at(6, 4, 0)));
  EXPECT_FALSE(schedule({}).inhibits(at(0, 12, 0)));
  EXPECT_TRUE(schedule({"Sun-Mon 00:00-24:00"}).inhibits(at(0, 23, 59)));
  EXPECT_FALSE(schedule({"Sun-Mon 00:00-24:00"}).inhibits(at(1, 0, 0)));
}

TEST(ReclaimSchedule, T6_WhatIsNoWindowIsRefused) {
  for (const auto* text :
       {"", "Mon", "Mon 06:00", "Mon 6:00-22:00", "Mon 06:00-25:00", "Mon 06:00-06:00",
        "Mon-Tue-Wed 06:00-07:00", "Mon 24:00-06:00", "Mon 06:60-07:00", "Mon 06:00-24:01"})
    EXPECT_FALSE(parse_reclaim_windows(text)) << text;
}

TEST(Webhook, T11_AUrlIsTakenApart) {
  EXPECT_EQ(parse_webhook("https://h").value(), (WebhookConfig{"h", 443, "/", ""}));
  EXPECT_EQ(parse_webhook("https://[::1]:8/a").value(), (WebhookConfig{"::1", 8, "/a", ""}));
  EXPECT_EQ(parse_webhook("https://[::1]/a").value(), (WebhookConfig{"::1", 443, "/a", ""}));
  for (const auto* url : {"", "h", "http://h/", "https://", "https:///x", "https://u:p@h/", "https://h:0/",
                          "https://h:x/", "https://h/a b", "https://h/#f", "https://[::1/"})
    EXPECT_FALSE(parse_webhook(url)) << url;
}

}  // namespace
}  // namespace tapewarden::apps
