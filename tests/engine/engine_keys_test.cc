// Keys for physical drives from real key servers (feature rows T4, T8), in the steps of the overview; labels
// checked before a pool uses them (T3).
#include "apps/engine_keys.h"

#include <gmock/gmock.h>
#include <mutex>

#include "apps/engine_back_end.h"
#include "apps/taped_config.h"
#include "engine/engine_site.h"
#include "engine/physical/physical_test_kit.h"

namespace tapewarden::testing {
namespace {

using engine::MountFault;
using engine::NoticeKind;
using engine::TapeEncryption;
using engine::test::label_of;
using engine::test::read_volume;
using engine::test::volume_content;
using engine::test::wanted_of;
using engine::test::write_volume;
using ::testing::AnyOf;
using ::testing::HasSubstr;

constexpr std::size_t kLto = 0;
constexpr std::size_t k3592 = 1;

class EngineKeysTest : public EngineSite {
 protected:
  void open() {
    const auto config = apps::read_taped_config(disk_, config_path());
    TW_ASSERT_OK(config);
    auto keys =
        apps::EngineKeys::connect(env(), config->engine->key_servers, notices_, [this] { ++regained_; });
    TW_ASSERT_OK(keys);
    keys_ = std::move(*keys);
    auto back_end = apps::EngineBackEnd::open(env(), config->engine->back_ends, parts());
    TW_ASSERT_OK(back_end);
    back_end_ = std::move(*back_end);
    ASSERT_TRUE(eventually([&] { return connected(0) && connected(1); }));
  }
  apps::BackEndParts parts() {
    return {.keys = *keys_,
            .exchange = &keys_->exchange(),
            .notices = notices_,
            .station = {.pause = [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }}};
  }
  void TearDown() override {
    if (back_end_) TW_EXPECT_OK(back_end_->power_off());
    back_end_.reset();
    keys_.reset();
  }
  Env env() { return {&clock_, &disk_, &random_, &pool_}; }
  bool connected(std::size_t server) const { return keys_->servers().at(server).connection == "up"; }
  engine::TapeStation& station(std::size_t drive) { return back_end_->seats().at(drive).station; }
  std::size_t lost() const {
    const auto open = notices_.open();
    return static_cast<std::size_t>(
        std::ranges::count(open, NoticeKind::kKeyServerLost, &engine::Notice::kind));
  }

  // A cartridge with one volume in tape file 1.
  void write(std::size_t drive, const std::string& barcode, const engine::TapeWritePolicy& policy,
             const Bytes& data) {
    engine::MountTrace trace(clock_);
    auto mounted = station(drive).mount_for_write_from_beginning(label_of(barcode), policy, trace);
    TW_ASSERT_OK(mounted);
    EXPECT_TRUE(write_volume(**mounted, data));
    steps_ = engine::test::steps_of(trace);
    const auto away = station(drive).demount(trace);
    TW_ASSERT_OK(away);
    EXPECT_FALSE(away->unconfirmed) << away->unconfirmed->text();
  }
  void append(std::size_t drive, const std::string& barcode, TapeEncryption encryption, const Bytes& data) {
    engine::MountTrace trace(clock_);
    auto mounted = station(drive).mount_for_append(wanted_of(barcode, encryption), 2, trace);
    TW_ASSERT_OK(mounted);
    EXPECT_TRUE(write_volume(**mounted, data));
    TW_EXPECT_OK(station(drive).demount(trace));
  }
  // Which server gave the key, by the trace.
  std::string read(std::size_t drive, const std::string& barcode, TapeEncryption encryption,
                   std::uint32_t tape_file, const Bytes& data) {
    engine::MountTrace trace(clock_);
    auto mounted = station(drive).mount_for_read(wanted_of(barcode, encryption), trace);
    EXPECT_TRUE(mounted) << mounted.error().text();
    if (!mounted) return {};
    EXPECT_EQ(read_volume(**mounted, tape_file), data);
    TW_EXPECT_OK(station(drive).demount(trace));
    for (const auto& step : trace.steps())
      if (step.from.starts_with("key server ") && step.to.starts_with("drive ")) return step.from;
    return "no key was brought";
  }
  bool in_clear(const std::string& barcode, const Bytes& data) {
    const auto content = read_bytes(file("engine/back-end/cartridges/" + barcode + ".twc"));
    EXPECT_GT(content.size(), data.size() / 2);
    return !std::ranges::search(content, ByteView(data).first(16)).empty();
  }

  RealClock clock_;
  RealDisk disk_;
  crypto::SystemRandom random_;
  ThreadPool pool_{2};
  engine::Notices notices_{clock_, nullptr};
  std::atomic<unsigned> regained_{0};
  std::unique_ptr<apps::EngineKeys> keys_;
  std::unique_ptr<apps::EngineBackEnd> back_end_;
  std::vector<std::string> steps_;
};

TEST_F(EngineKeysTest, T4_AWrappedKeyCartridgeIsWrittenAppendedToAndRead) {
  for (const auto* label : {"T4 JUNE KEY", "T4 DR SITE KEY"}) TW_EXPECT_OK(make_kek(label));
  TW_EXPECT_OK(add_cartridges("PHY001", "3592"));
  open();
  const auto first = volume_content(300'000, 1);
  const auto second = volume_content(200'000, 2);
  write(k3592, "PHY001",
        {.encryption = TapeEncryption::kWrapped,
         .labels = {{"T4 JUNE KEY", scsi::LabelModeCode::kClear},
                    {"T4 DR SITE KEY", scsi::LabelModeCode::kHash}}},
        first);
  EXPECT_EQ(state_of("PHY001"), "confirmed");
  EXPECT_FALSE(in_clear("PHY001", first));
  EXPECT_THAT(steps_,
              ::testing::IsSupersetOf({"2a engine>drive " + back_end_->seats()[k3592].drive.serial()}));
  append(k3592, "PHY001", TapeEncryption::kWrapped, second);
  EXPECT_THAT(read(k3592, "PHY001", TapeEncryption::kWrapped, 1, first), HasSubstr("primary"));
  EXPECT_THAT(read(k3592, "PHY001", TapeEncryption::kWrapped, 2, second), HasSubstr("127.0.0.1"));
  const auto rows = rest().get("/v1/ledger?volser=PHY001");
  TW_ASSERT_OK(rows);
  EXPECT_THAT(json::serialize(*rows), HasSubstr("T4 DR SITE KEY"));
}

TEST_F(EngineKeysTest, T4_AnIdentifiedKeyCartridgeIsWrittenAppendedToAndRead) {
  TW_EXPECT_OK(make_group("T4POOL", 2));
  TW_EXPECT_OK(add_cartridges("PHY101L9", "LTO"));
  open();
  const auto first = volume_content(300'000, 3);
  const auto second = volume_content(200'000, 4);
  write(kLto, "PHY101L9", {.encryption = TapeEncryption::kIdentified, .alias_or_group = "T4POOL"}, first);
  EXPECT_EQ(state_of("PHY101L9"), "confirmed");
  EXPECT_FALSE(in_clear("PHY101L9", first));
  append(kLto, "PHY101L9", TapeEncryption::kIdentified, second);
  (void)read(kLto, "PHY101L9", TapeEncryption::kIdentified, 1, first);
  (void)read(kLto, "PHY101L9", TapeEncryption::kIdentified, 2, second);
}

TEST_F(EngineKeysTest, T4_AClearCartridgeNeedsNobody) {
  TW_EXPECT_OK(add_cartridges("PHY201L9", "LTO"));
  open();
  const auto data = volume_content(100'000, 5);
  write(kLto, "PHY201L9", {}, data);
  EXPECT_TRUE(in_clear("PHY201L9", data));
  EXPECT_EQ(read(kLto, "PHY201L9", TapeEncryption::kClear, 1, data), "no key was brought");
}

TEST_F(EngineKeysTest, T8_TheSecondaryServesWhileThePrimaryIsGoneAndBothAreTold) {
  TW_EXPECT_OK(make_group("T8POOL", 1));
  TW_EXPECT_OK(add_cartridges("PHY301L9", "LTO"));
  TW_EXPECT_OK(site().wait_in_step());
  open();
  const auto data = volume_content(100'000, 6);
  write(kLto, "PHY301L9", {.encryption = TapeEncryption::kIdentified, .alias_or_group = "T8POOL"}, data);
  TW_EXPECT_OK(site().wait_in_step());
  EXPECT_EQ(lost(), 0U);
  site().kill_hard(Which::kPrimary);
  EXPECT_TRUE(eventually([&] { return lost() == 1; }));
  EXPECT_THAT(notices_.open().front().text, HasSubstr("primary key server 127.0.0.1"));
  EXPECT_THAT(read(kLto, "PHY301L9", TapeEncryption::kIdentified, 1, data), HasSubstr("secondary"));
  const unsigned before = regained_;
  TW_EXPECT_OK(site().start(Which::kPrimary));
  EXPECT_TRUE(eventually([&] { return lost() == 0; }));
  EXPECT_GT(regained_, before);
  EXPECT_TRUE(notices_.since(0).back().cleared);
  EXPECT_THAT(read(kLto, "PHY301L9", TapeEncryption::kIdentified, 1, data), HasSubstr("primary"));
}

TEST_F(EngineKeysTest, T8_WithNoServerTheMountFailsByTheKeysAndWorksAgainAfterwards) {
  TW_EXPECT_OK(make_group("T8NONE", 1));
  TW_EXPECT_OK(add_cartridges("PHY401L9", "LTO"));
  TW_EXPECT_OK(site().wait_in_step());
  open();
  const auto data = volume_content(100'000, 7);
  write(kLto, "PHY401L9", {.encryption = TapeEncryption::kIdentified, .alias_or_group = "T8NONE"}, data);
  TW_EXPECT_OK(site().wait_in_step());
  TW_EXPECT_OK(site().stop(Which::kPrimary));
  TW_EXPECT_OK(site().stop(Which::kSecondary));
  EXPECT_TRUE(eventually([&] { return lost() == 2; }));
  engine::MountTrace trace(clock_);
  const auto mounted =
      station(kLto).mount_for_read(wanted_of("PHY401L9", TapeEncryption::kIdentified), trace);
  ASSERT_FALSE(mounted);
  EXPECT_EQ(engine::fault_of(mounted.error()), MountFault::kKeys);
  EXPECT_THAT(mounted.error().code, AnyOf(ErrorCode::kUnavailable, ErrorCode::kTimeout));
  EXPECT_EQ(keys_->check_group("T8NONE").error().code, ErrorCode::kUnavailable);
  TW_EXPECT_OK(site().start_both());
  EXPECT_TRUE(eventually([&] { return lost() == 0; }));
  (void)read(kLto, "PHY401L9", TapeEncryption::kIdentified, 1, data);
}

TEST_F(EngineKeysTest, T3_LabelsAndGroupsThatNoServerKnowsAreNamed) {
  TW_EXPECT_OK(make_kek("T3 KNOWN"));
  TW_EXPECT_OK(make_group("T3GROUP", 1));
  TW_EXPECT_OK(site().wait_in_step());
  open();
  TW_EXPECT_OK(keys_->check_labels({"T3 Known", ""}));
  TW_EXPECT_OK(keys_->check_group("T3GROUP"));
  const auto label = keys_->check_labels({"T3 KNOWN", "T3 NOBODY"});
  ASSERT_FALSE(label);
  EXPECT_EQ(label.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(label.error().text(), HasSubstr("T3 NOBODY"));
  EXPECT_THAT(label.error().text(), HasSubstr("127.0.0.1"));
  const auto group = keys_->check_group("NOBODYS");
  ASSERT_FALSE(group);
  EXPECT_EQ(group.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(group.error().field, "key_group");
  TW_EXPECT_OK(keys_->check_labels({}));
}

TEST_F(EngineKeysTest, T9_ADriveThatWasTakenOfflineComesBackWhenAskedTo) {
  open();
  auto& drive = back_end_->seats()[kLto].drive;
  drive.take_offline("the test wants it");
  back_end_->retry([](engine::TapeStation&) { return std::make_shared<int>(); }, [] { return true; });
  EXPECT_EQ(drive.status().state, engine::PhysicalDriveStatus::State::kOffline)
      << "it had answered: only an operator brings it back";
  TW_EXPECT_OK(back_end_->bring_online(kLto));
  EXPECT_EQ(drive.status().state, engine::PhysicalDriveStatus::State::kIdle);
  EXPECT_TRUE(drive.can_encrypt());
  EXPECT_TRUE(notices_.open().empty());
}

}  // namespace
}  // namespace tapewarden::testing
