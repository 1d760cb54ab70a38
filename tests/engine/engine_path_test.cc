// The tape engine as its hosts and operators see it: a tapewarden-taped with a virtual library behind it and
// real key servers. What a host writes goes to encrypted cartridges and comes back (feature rows T1, T4, T5).
#include <algorithm>
#include <filesystem>
#include <gmock/gmock.h>
#include <set>

#include "engine/engine_site.h"
#include "harness/loopback.h"
#include "scsi/cdb.h"
#include "scsi/changer_cdb.h"
#include "taped/taped_process.h"

namespace tapewarden::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::uint16_t kSlot = 1000;
constexpr std::uint16_t kDrive = 500;
constexpr std::size_t kBlock = 64U << 10;
constexpr std::size_t kPiece = 16;  // bytes, found nowhere by chance

class EnginePath : public EngineSite {
 protected:
  static void SetUpTestSuite() {
    EngineSite::SetUpTestSuite();
    if (site_ == nullptr) return;
    auto made = TapedProcess::of_site(site().directory());
    ASSERT_TRUE(made) << made.error().text();
    taped_ = std::move(*made);
    const auto ports = free_ports(1);
    ASSERT_EQ(ports.size(), 1U);
    TW_EXPECT_OK(
        taped_->edit_config("port = 0\ncertificate", "port = " + std::to_string(ports[0]) + "\ncertificate"));
    TW_EXPECT_OK(make_group("PATHLTO", 8));
    TW_EXPECT_OK(make_kek("PATH KEY"));
    TW_EXPECT_OK(add_cartridges("PHY001L9-PHY004L9", "LTO"));
    TW_EXPECT_OK(add_cartridges("PHY101-PHY102", "3592"));
    TW_EXPECT_OK(site().wait_in_step());
    TW_EXPECT_OK(taped_->start());
    TW_EXPECT_OK(settle());
  }
  static void TearDownTestSuite() {
    taped_.reset();
    EngineSite::TearDownTestSuite();
  }
  void SetUp() override {
    EngineSite::SetUp();
    ASSERT_NE(taped_, nullptr);
    ASSERT_TRUE(taped_->running()) << taped_->log();
    connect();
  }

  // What an operator does once: pools, constructs, cartridges, volumes.
  static Status settle() {
    (void)TRY(ask("officer-1", {"pool", "set", "1", "--encryption", "identified", "--group", "PATHLTO"}));
    (void)TRY(ask("officer-1", {"pool", "set", "2", "--media", "3592", "--encryption", "wrapped", "--label1",
                                "PATH KEY", "--mode1", "clear"}));
    (void)TRY(ask("officer-1", {"storage-group", "add", "ENTERPRI", "--pool", "2"}));
    (void)TRY(ask("operator", {"physical-volume", "insert", "PHY001L9-PHY004L9", "--pool", "1"}));
    (void)TRY(ask("operator", {"physical-volume", "insert", "PHY101-PHY102", "--pool", "2"}));
    (void)TRY(ask("operator", {"volume", "insert", "VOL001-VOL004", "--size", "400"}));
    (void)TRY(ask("operator", {"volume", "set", "VOL002", "--storage-group", "ENTERPRI"}));
    return {};
  }
  // `tapewarden` at the engine.
  static Result<std::string> ask(const std::string& person, std::vector<std::string> words) {
    words.insert(words.end(), {"--site", site().directory(), "--as", person});
    return tapewarden(std::move(words));
  }
  static std::string told(std::vector<std::string> words) {
    const auto answer = ask("operator", std::move(words));
    return answer ? *answer : answer.error().text();
  }
  static bool is(const std::string& volser, const std::string& residence) {
    return told({"volume", "show", volser}).find(residence) != std::string::npos;
  }

  void connect() {
    auto host = Initiator::connect(taped_->login());
    ASSERT_TRUE(host) << host.error().text();
    host_ = std::move(*host);
  }
  scsi::Response run(unsigned lun, const Bytes& cdb, std::size_t room = 0, const Bytes& out = {}) {
    auto response = host_->run_past_attentions(lun, cdb, room, out);
    EXPECT_TRUE(response) << response.error().text() << taped_->log();
    return response.value_or(scsi::Response{});
  }
  bool move(std::uint16_t from, std::uint16_t to) {
    return run(0, scsi::MoveMedium{0, from, to, false}.encode()).good();
  }
  // TEST UNIT READY.
  bool ready() { return run(1, Bytes(6)).good(); }
  // One block that cannot be compressed and a filemark.
  Bytes write_block() {
    Bytes block(kBlock);
    site().random().fill(block);
    const auto wrote = run(1, scsi::Write6{.transfer_length = kBlock}.encode(), 0, block);
    EXPECT_TRUE(wrote.good()) << wrote.sense.text() << taped_->log();
    EXPECT_TRUE(run(1, scsi::WriteFilemarks{.count = 1}.encode()).good());
    return block;
  }
  Bytes read_block() {
    EXPECT_TRUE(run(1, scsi::Rewind{}.encode()).good());
    return run(1, scsi::Read6{.transfer_length = kBlock}.encode(), kBlock).data_in;
  }
  // Of the volume in the slot with that number, from 0.
  Bytes write_volume(std::uint16_t slot) {
    const auto element = static_cast<std::uint16_t>(kSlot + slot);
    EXPECT_TRUE(move(element, kDrive)) << taped_->log();
    EXPECT_TRUE(eventually([&] { return ready(); })) << taped_->log();
    auto block = write_block();
    EXPECT_TRUE(move(kDrive, element)) << taped_->log();
    return block;
  }
  void stop() {
    host_.reset();
    const auto stopped = taped_->stop();
    TW_ASSERT_OK(stopped);
    EXPECT_EQ(*stopped, 0) << taped_->log();
  }
  // The engine comes back without the files of its cache: what it has is on tape.
  void restart_without_cache() {
    stop();
    for (const auto& entry : std::filesystem::directory_iterator(file("engine/cache")))
      if (entry.path().extension() == ".twc") std::filesystem::remove(entry.path());
    TW_EXPECT_OK(taped_->start());
    connect();
  }
  // `tapewarden-taped accept-cache-loss`: exit status and all that it said.
  static CommandResult accept_cache_loss(std::vector<std::string> options = {}) {
    std::vector<std::string> words{program("tapewarden-taped"), "accept-cache-loss", "--config",
                                   file("engine/taped.toml")};
    words.insert(words.end(), options.begin(), options.end());
    const auto result = run_command(words, file("accept.log"), std::chrono::seconds{60});
    EXPECT_TRUE(result) << result.error().text();
    return result.value_or(CommandResult{});
  }
  static bool holds(const std::string& folder, const Bytes& data) {
    for (const auto& entry : std::filesystem::directory_iterator(file("engine/" + folder))) {
      if (!entry.is_regular_file()) continue;
      const auto content = read_bytes(entry.path().string());
      if (!std::ranges::search(content, ByteView(data).first(kPiece)).empty()) return true;
    }
    return false;
  }

  static inline std::unique_ptr<TapedProcess> taped_;
  std::unique_ptr<Initiator> host_;
};

TEST_F(EnginePath, T5_WhatAHostWritesGoesToAnEncryptedCartridgeAndComesBack) {
  const auto data = write_volume(0);
  EXPECT_TRUE(eventually([&] { return is("VOL001", "premigrated"); })) << taped_->log();
  EXPECT_FALSE(holds("cache", data)) << "the cache is sealed";
  EXPECT_FALSE(holds("back-end/cartridges", data)) << "the cartridge is encrypted";
  EXPECT_THAT(told({"trace", "mount", "VOL001"}),
              AllOf(HasSubstr("PATHLTO"), HasSubstr("key server primary")));
  EXPECT_TRUE(
      eventually([&] { return told({"volume", "show", "VOL001"}).find("PHY00") != std::string::npos; }));
  restart_without_cache();
  EXPECT_TRUE(is("VOL001", "migrated"));
  ASSERT_TRUE(move(kSlot, kDrive));
  EXPECT_TRUE(eventually([&] { return ready(); })) << taped_->log();
  EXPECT_EQ(read_block(), data);
  ASSERT_TRUE(move(kDrive, kSlot));
  EXPECT_TRUE(eventually([&] { return is("VOL001", "premigrated"); })) << taped_->log();
}

TEST_F(EnginePath, T2_TheStorageGroupSendsAVolumeToTheWrappedKeyPool) {
  const auto data = write_volume(1);
  EXPECT_TRUE(eventually([&] { return is("VOL002", "premigrated"); })) << taped_->log();
  EXPECT_FALSE(holds("back-end/cartridges", data));
  EXPECT_THAT(told({"volume", "show", "VOL002"}), HasSubstr("PHY10"));
  EXPECT_TRUE(eventually([&] { return state_of("PHY101") == "confirmed"; })) << state_of("PHY101");
  restart_without_cache();
  ASSERT_TRUE(move(kSlot + 1, kDrive));
  EXPECT_TRUE(eventually([&] { return ready(); })) << taped_->log();
  EXPECT_EQ(read_block(), data);
  ASSERT_TRUE(move(kDrive, kSlot + 1));
}

TEST_F(EnginePath, T8_AMountWaitsForTheKeyServersAndResumes) {
  const auto data = write_volume(2);
  EXPECT_TRUE(eventually([&] { return is("VOL003", "premigrated"); })) << taped_->log();
  TW_EXPECT_OK(site().wait_in_step());
  TW_EXPECT_OK(site().stop(Which::kPrimary));
  TW_EXPECT_OK(site().stop(Which::kSecondary));
  restart_without_cache();
  EXPECT_TRUE(eventually([&] {
    const auto open = told({"intervention", "list"});
    return open.find("TWE002A") != std::string::npos;
  })) << taped_->log();
  ASSERT_TRUE(move(kSlot + 2, kDrive));
  EXPECT_FALSE(ready());
  EXPECT_TRUE(eventually([&] { return told({"intervention", "list"}).find("TWE003S") != std::string::npos; }))
      << "call home: a key is needed" << taped_->log();
  EXPECT_FALSE(ready());
  TW_EXPECT_OK(site().start_both());
  EXPECT_TRUE(eventually([&] { return ready(); }, std::chrono::seconds{60})) << taped_->log();
  EXPECT_EQ(read_block(), data);
  ASSERT_TRUE(move(kDrive, kSlot + 2));
  EXPECT_TRUE(eventually([&] {
    const auto open = told({"intervention", "list"});
    return open.find("TWE00") == std::string::npos;
  })) << told({"intervention", "list"});
}

TEST_F(EnginePath, T5_WhatWasWrittenOutlivesAKilledEngine) {
  ASSERT_TRUE(move(kSlot + 3, kDrive));
  EXPECT_TRUE(eventually([&] { return ready(); }));
  const auto data = write_block();
  taped_->kill_hard();
  host_.reset();
  TW_EXPECT_OK(taped_->start());
  connect();
  EXPECT_TRUE(eventually([&] { return ready(); })) << taped_->log();
  EXPECT_EQ(read_block(), data) << "it is still in the drive";
  ASSERT_TRUE(move(kDrive, kSlot + 3));
  EXPECT_TRUE(eventually([&] { return is("VOL004", "premigrated"); })) << taped_->log();
  EXPECT_THAT(told({"volume", "show", "VOL004"}), HasSubstr("private"));
}

// As when the cache's disk is not mounted at the start: there is an empty folder.
TEST_F(EnginePath, T5_WithoutItsCachesDiskTheEngineDoesNotStartAndGivesNothingUp) {
  const auto data = write_volume(0);
  EXPECT_TRUE(eventually([&] { return is("VOL001", "premigrated"); })) << taped_->log();
  EXPECT_THAT(accept_cache_loss().output, HasSubstr("stop tapewarden-taped"));
  stop();
  const std::filesystem::path folder = file("engine/cache");
  const std::filesystem::path away = file("engine/cache-away");
  std::filesystem::rename(folder, away);
  std::filesystem::create_directory(folder);
  EXPECT_FALSE(taped_->start());
  EXPECT_THAT(taped_->log(), AllOf(HasSubstr(folder.string()), HasSubstr("mount the cache's disk there"),
                                   HasSubstr("accept-cache-loss")));
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  const auto told = accept_cache_loss();
  EXPECT_EQ(told.end.exit_code, 1);
  EXPECT_THAT(told.output, AllOf(HasSubstr("VOL001"), HasSubstr("nothing is lost"),
                                 HasSubstr("Nothing was changed"), HasSubstr("--folder " + folder.string())));
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  std::filesystem::remove(folder);
  std::filesystem::rename(away, folder);
  TW_EXPECT_OK(taped_->start());
  connect();
  EXPECT_TRUE(is("VOL001", "premigrated")) << "as if nothing had been";

  stop();
  std::filesystem::remove_all(folder);
  EXPECT_THAT(accept_cache_loss({"--folder", file("engine")}).output, HasSubstr("is not the cache"));
  const auto taken = accept_cache_loss({"--folder", folder.string()});
  EXPECT_EQ(taken.end.exit_code, 0) << taken.output;
  EXPECT_THAT(taken.output, HasSubstr("This is accepted"));
  TW_EXPECT_OK(taped_->start());
  connect();
  EXPECT_TRUE(is("VOL001", "migrated"));
  ASSERT_TRUE(move(kSlot, kDrive));
  EXPECT_TRUE(eventually([&] { return ready(); })) << taped_->log();
  EXPECT_EQ(read_block(), data);
  ASSERT_TRUE(move(kDrive, kSlot));
}

// As when the disk with the catalogue is not mounted at the start.
TEST_F(EnginePath, T5_WithoutItsCatalogueNothingInTheCacheIsTouched) {
  host_.reset();
  TW_ASSERT_OK(taped_->stop());
  const std::filesystem::path folder = file("engine/tape");
  const std::filesystem::path away = file("engine/tape-away");
  const auto files = [] {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(file("engine/cache")))
      names.insert(entry.path().filename().string());
    return names;
  };
  const auto before = files();
  ASSERT_TRUE(std::filesystem::exists(folder / "catalogue.db"));
  std::filesystem::rename(folder, away);
  std::filesystem::create_directory(folder);
  const auto refused = taped_->start();
  EXPECT_FALSE(refused);
  EXPECT_THAT(taped_->log(), HasSubstr("there is no catalogue"));
  EXPECT_EQ(files(), before);
  std::filesystem::remove_all(folder);
  std::filesystem::rename(away, folder);
  TW_EXPECT_OK(taped_->start());
}

}  // namespace
}  // namespace tapewarden::testing
